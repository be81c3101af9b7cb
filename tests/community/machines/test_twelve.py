"""Twelve members with every kind of device in one market: both ends hold, and trade is worth it."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from baselines.community.optimal.policy import optimum
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.rules.policy import no_trade, truthful
from p2p_market.evaluation.ends.certificate import certify
from p2p_market.evaluation.rollout import rollout
from p2p_market.registry import load_scenario

pytestmark = pytest.mark.xdist_group("machines")  # one worker compiles for all

FILE = Path(__file__).with_name("twelve.yaml")


@lru_cache
def village():
    scenario = load_scenario(str(FILE))
    return scenario, optimum(scenario)


@pytest.mark.compiled
@pytest.mark.parametrize(
    "week", [0, *(pytest.param(w, marks=pytest.mark.slow) for w in range(1, 13))]
)
def test_a_village_with_everything_is_certified(week):
    scenario, planner = village()
    episode = draw(scenario, choose_key(scenario, 0, "test", week))
    certificate, _ = certify(scenario, episode, planner.plan(episode))
    assert certificate.holds, str(certificate)
    rule, bids = (rollout(scenario, episode, one(scenario), "") for one in (no_trade, truthful))
    assert not rule.cause.any()
    assert not bids.cause.any()
    worst, traded = rule.social_cost_eur.item(), bids.social_cost_eur.item()
    score = 100.0 * (worst - traded) / (worst - certificate.bound_eur)
    assert 50.0 < score < 85.0  # neither all nor nothing is trade
    often = (np.abs(bids.series["fill_kw"]).sum(axis=(1, 2)) > 1e-6).mean()
    assert often > 0.1
