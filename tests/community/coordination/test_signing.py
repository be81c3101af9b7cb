"""Proposals, answers, signing: when, by whom, what is refused and why."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_market.community.coordination.proposals import propose
from p2p_market.community.coordination.records import (
    BUYER,
    END,
    FIELDS,
    KIND,
    OUTCOMES,
    PRICE,
    QUANTITY,
    SELLER,
    START,
)
from p2p_market.community.coordination.terms import packed_terms
from p2p_market.community.kernel_inputs import packed_rules
from tests.community.coordination.agreeing import Talk, agreeing, names

FORWARD = {"propose": 1.0, "peer": 2.0, "agreed_quantity": 2.0, "agreed_price": 0.2}
YES = {"answer_0": 1.0}


def reason(codes):
    return OUTCOMES[int(codes)]


def test_a_contract_is_signed_in_the_next_step_and_runs_from_the_one_after():
    talk = Talk(agreeing())
    talk.step((0, FORWARD))
    assert talk.agreed.inbox[0, 2, 0, KIND] == 1.0
    assert reason(talk.agreed.sending[0, 0]) == "sent"
    talk.step((2, YES))
    (row,) = talk.agreed.contracts[0][talk.agreed.contracts[0, :, KIND] > 0.0]
    assert row[[KIND, BUYER, SELLER, QUANTITY, PRICE, START, END]].tolist() == [
        1, 0, 2, 2.0, 0.2, 2, 3,
    ]  # fmt: skip
    assert not talk.agreed.money_eur.any()
    assert not talk.agreed.inbox[0, 2].any()
    talk.step()
    assert talk.agreed.money_eur[0, 0] == -talk.agreed.money_eur[0, 2] != 0.0
    assert not talk.agreed.contracts[0, :, KIND].any()
    talk.step()
    assert not talk.agreed.money_eur.any()


def test_who_does_not_answer_refuses():
    talk = Talk(agreeing())
    talk.step((0, FORWARD))
    talk.step()
    assert reason(talk.agreed.answered[0, 2, 0]) == "refused"
    talk.step((2, YES))
    assert not talk.agreed.contracts.any()


def test_no_more_than_fit_into_an_inbox_and_the_first_place_rotates():
    talk = Talk(agreeing())
    for step in range(2):
        talk.step(*((i, FORWARD) for i in (0, 1, 3, 4, 5)))
        full = [i for i in range(12) if reason(talk.agreed.sending[0, i]) == "inbox_full"]
        assert full == [[5], [0]][step]
        assert (talk.agreed.inbox[0, 2, :, KIND] == 1.0).all()


@pytest.mark.parametrize(
    ("settings", "words", "cause"),
    [
        ({}, {"agreed_quantity": 10.0, "lasts": 24.0}, "credit"),
        ({"credit_eur": 0.07}, {"agreed_quantity": 1.0}, "credit"),
        (
            {"capital_eur": 0.0},
            {"propose": 2.0, "agreed_quantity": 0.1, "premium": 0.5},
            "capital",
        ),
        ({"credit_eur": 1.0}, {"propose": 2.0, "agreed_quantity": 0.1, "premium": 5.0}, "credit"),
    ],
)
def test_what_could_cost_more_than_there_is_is_refused(settings, words, cause):
    talk = Talk(agreeing(**settings))
    talk.step((0, FORWARD | words))
    talk.step((2, YES))
    assert reason(talk.agreed.answered[0, 2, 0]) == cause
    assert not talk.agreed.contracts.any()


def test_nobody_has_more_open_contracts_than_it_may():
    talk = Talk(agreeing())
    small = FORWARD | {"agreed_quantity": 0.01, "starts_in": 24.0}
    for _ in range(9):
        talk.step((0, small))
        talk.step((2, YES))
    assert reason(talk.agreed.answered[0, 2, 0]) == "open"
    assert (talk.agreed.contracts[0, :, BUYER] == 0.0)[:8].all()
    assert np.count_nonzero(talk.agreed.contracts[0, :, KIND]) == 8


def test_who_is_held_signs_nothing_and_what_it_signed_goes_on():
    talk = Talk(agreeing())
    talk.step((0, FORWARD | {"lasts": 4.0}))
    talk.step((2, YES), held=[2])
    assert reason(talk.agreed.answered[0, 2, 0]) == "refused"  # its word is not heard
    talk = Talk(agreeing())
    talk.step((0, FORWARD | {"lasts": 4.0}))
    talk.step((2, YES), held=[0])
    assert reason(talk.agreed.answered[0, 2, 0]) == "held"
    talk = Talk(agreeing())
    talk.step((0, FORWARD | {"lasts": 4.0}))
    talk.step((2, YES))
    talk.step((0, FORWARD), held=[0])
    assert talk.agreed.money_eur[0, 0] != 0.0
    assert not talk.agreed.inbox.any()


def test_no_window_is_left_at_the_end():
    talk = Talk(agreeing())
    steps = talk.scenario.steps
    out, rules = np.zeros(FIELDS), packed_rules(talk.scenario)
    said = np.array([FORWARD.get(word, 0.0) for word in names(talk.scenario)])
    terms = packed_terms(talk.scenario)
    assert propose(rules, terms, steps - 3, said, 0, 12, out)
    assert out[[START, END]].tolist() == [steps - 1, steps]
    assert not propose(rules, terms, steps - 2, said, 0, 12, out)
    assert not out.any()


WORDS = names(agreeing())


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=len(WORDS), max_size=len(WORDS)),
    st.integers(0, 671),
    st.integers(0, 11),
)
def test_the_filter_moves_a_proposal_inside_and_leaves_what_is_inside(said, step, member):
    scenario = agreeing()
    rules, terms = packed_rules(scenario), packed_terms(scenario)
    once, twice = np.zeros((2, FIELDS))
    propose(rules, terms, step, np.array(said), member, 12, once)
    kind, peer, quantity, price, _, premium = once[
        [KIND, SELLER, QUANTITY, PRICE, END, -1]
    ].tolist()
    if not kind:
        assert not once.any()
        return
    assert peer != member
    assert abs(quantity) <= 10.0
    assert 0.0 <= price <= 0.5
    assert abs(price / 0.001 - round(price / 0.001)) < 1e-6
    assert 0.0 <= premium <= 5.0
    if kind < 3.0:
        assert step + 2 <= once[START] < once[END] <= 672
        assert once[END] - once[START] <= 96
    again = dict.fromkeys(WORDS, 0.0) | {"propose": kind, "peer": peer, "premium": premium}
    again |= {"agreed_quantity": quantity, "agreed_price": price}
    again["starts_in"] = (once[START] - step) * 0.25
    again["lasts"] = once[END] * 24.0 if kind == 3.0 else (once[END] - once[START]) * 0.25
    propose(rules, terms, step, np.array([again[word] for word in WORDS]), member, 12, twice)
    assert once.tolist() == twice.tolist()
