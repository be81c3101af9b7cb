"""Communities whose machines stand still or run, not shipped yet: some weeks take minutes to prove.

What is asked of them is asked of every shipped one; a table of all test weeks is what is missing.
"""

from pathlib import Path

import pytest

from baselines.community.optimal.policy import optimum
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.rules.policy import no_trade, truthful
from p2p_market.evaluation.ends.certificate import certify
from p2p_market.evaluation.rollout import rollout
from p2p_market.registry import load_scenario

FOLDER = Path(__file__).with_name("drafts")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "week"), [("farm-6", 0), ("farm-6", 8), ("assets-12-commit", 0)])
def test_a_draft_leaves_something_to_win_and_is_nearly_proved(name, week):
    scenario = load_scenario(str(FOLDER / f"{name}.yaml"))
    episode = draw(scenario, choose_key(scenario, 0, "test", week))
    certificate, _ = certify(scenario, episode, optimum(scenario).plan(episode))
    assert certificate.holds, str(certificate)
    rule, bids = (
        rollout(scenario, episode, one(scenario), "").social_cost_eur.item()
        for one in (no_trade, truthful)
    )
    won_eur = rule - certificate.bound_eur
    assert certificate.plan_eur - certificate.bound_eur <= 0.02 * won_eur
    assert 0.0 < rule - bids <= 0.85 * won_eur
