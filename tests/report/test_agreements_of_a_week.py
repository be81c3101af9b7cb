"""The picture of agreements: contracts that run, money that sums to zero, who is shown."""

from types import SimpleNamespace

import numpy as np
import pytest

from p2p_market.community.coordination.records import (
    BACKUP,
    END,
    FIELDS,
    FORWARD,
    KIND,
    QUANTITY,
    START,
)
from p2p_market.evaluation.benchmark import evaluate
from p2p_market.registry import load_scenario
from report.community.agreements import agreement_pictures, contracted_kw, received_eur
from report.community.week import telling_week


def test_a_contract_counts_from_its_first_step_to_its_last():
    open_ones = np.zeros((6, 1, 3, FIELDS))  # as they are after each step
    for place, (kind, kw, start, end) in enumerate([(FORWARD, 2.0, 2, 4), (BACKUP, 0.5, 3, 6)]):
        one = open_ones[1 : end - 1, 0, place]
        one[:, [KIND, QUANTITY, START, END]] = kind, kw, start, end
    played = SimpleNamespace(series={"agreed_contracts": open_ones})
    assert contracted_kw(played, 0).tolist() == [0.0, 0.0, 2.0, 2.5, 0.5, 0.5]


def test_who_pays_has_received_less_than_nothing():
    paid = np.array([[[1.0, -1.0]], [[0.5, -0.5]]])
    received = received_eur(SimpleNamespace(series={"agreed_eur": paid}), 0)
    assert received.tolist() == [[-1.0, 1.0], [-1.5, 1.5]]


@pytest.mark.slow
def test_a_week_shows_who_signs():
    found = evaluate(load_scenario("contracts-12-v0"), ["truthful", "contracting"], weeks=[6])
    (picture,) = agreement_pictures(telling_week(found))
    assert "under contracting" in picture.alt
    assert "prosumer_0 " in picture.alt  # a roof
    silent = evaluate(load_scenario("contracts-12-v0"), ["truthful"], weeks=[6])
    assert agreement_pictures(telling_week(silent)) == []
    plain = evaluate(load_scenario("classic-v0"), ["truthful"], weeks=[6])
    assert agreement_pictures(telling_week(plain)) == []
