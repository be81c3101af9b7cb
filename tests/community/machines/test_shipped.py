"""Shipped communities of machines: something to win by trade, and more by running devices well."""

import pytest

from p2p_market.community.episode.episode import draw
from p2p_market.community.rules.policy import no_trade, truthful
from p2p_market.evaluation.ends.reference import entries
from p2p_market.evaluation.rollout import rollout
from p2p_market.registry import load_scenario
from tests.every_scenario import MACHINES

pytestmark = pytest.mark.xdist_group("machines")  # one worker compiles for all


@pytest.mark.parametrize("name", MACHINES)
def test_every_week_leaves_something_to_win_and_its_optimum_is_nearly_proved(name):
    for entry in entries(load_scenario(name)):
        won_eur = entry.rule_eur - entry.bound_eur
        assert won_eur >= 1.0
        assert entry.plan_eur - entry.bound_eur <= 0.02 * won_eur


@pytest.mark.compiled
@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize(
    "week", [5, *(pytest.param(w, marks=pytest.mark.slow) for w in range(13) if w != 5)]
)
def test_bids_at_the_price_of_the_grid_win_some_of_it(name, week):
    scenario = load_scenario(name)
    entry = entries(scenario)[week]
    episode = draw(scenario, entry.key)
    rule, bids = (rollout(scenario, episode, one(scenario), "") for one in (no_trade, truthful))
    assert not rule.cause.any()
    assert not bids.cause.any()
    won_eur = entry.rule_eur - entry.bound_eur
    assert won_eur >= 0.02 * rule.gross_money_eur.item()
    assert entry.rule_eur - bids.social_cost_eur.item() <= 0.85 * won_eur
