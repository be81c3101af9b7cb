"""Learners among machines: what a row says, what outputs mean, what is earned; bots among them."""

import numpy as np
import pytest

from baselines.community.population.bots import FIRST
from baselines.learners.ppo.decision import AroundRule
from baselines.learners.ppo.machines import SEEN
from baselines.learners.ppo.train import run
from p2p_market.community.envs.batch import CommunityBatch
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.observation import features
from p2p_market.community.rules.policy import truthful
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.evaluation.rollout import rollout
from p2p_market.registry import load_scenario
from tests.baselines.ppo.test_parts import added
from tests.community.machines.zoo import community

pytestmark = pytest.mark.xdist_group("machines")  # one worker compiles for all

VILLAGE = load_scenario("assets-12-v0")


def limits(scenario, seen):
    at = {feature.name: place for place, feature in enumerate(features(scenario))}
    shape = (*seen.shape[:2], scenario.nodes.present.shape[1])
    low, high = np.zeros((2, *shape))
    for k in range(shape[-1]):
        low[..., k], high[..., k] = (
            seen[..., at[f"power_low_{k}"]],
            seen[..., at[f"power_high_{k}"]],
        )
    return low, high


def test_zero_is_the_rule_and_the_ends_are_the_limits():
    seen = CommunityBatch(VILLAGE, 3).reset(seed=3)
    meaning, rule = AroundRule(VILLAGE), truthful(VILLAGE)
    nothing = np.zeros((3, len(meaning.owners), 1))
    np.testing.assert_array_equal(meaning.actions(seen, nothing), rule.act(seen, None)[0])
    own = VILLAGE.nodes.present
    for outputs, limit in zip((-1.0, 1.0), limits(VILLAGE, seen), strict=True):
        action = rule.table.physical(meaning.actions(seen, np.full(nothing.shape, outputs)))
        np.testing.assert_allclose(action[:, own[:, 0], 0], limit[:, own[:, 0], 0], atol=1e-9)


def test_a_row_tells_of_its_own_machine():
    seen, meaning = CommunityBatch(VILLAGE, 2).reset(seed=3), AroundRule(VILLAGE)
    at = {feature.name: place for place, feature in enumerate(features(VILLAGE))}
    shown = dict(zip(meaning.names, np.moveaxis(meaning.rows(seen), -1, 0), strict=True))
    machines = VILLAGE.nodes.machines
    for row, (agent, k) in enumerate(zip(meaning.owners, meaning.asset, strict=True)):
        for name in SEEN:
            np.testing.assert_array_equal(shown[name][:, row], seen[:, agent, at[f"{name}_{k}"]])
        np.testing.assert_allclose(
            shown["missing_price"][:, row], machines.missing_eur_per_kwh[agent, k]
        )
    assert not any(name.endswith(("_0", "_1")) for name in meaning.names)


def test_what_is_added_to_rewards_does_not_depend_on_actions():
    np.testing.assert_allclose(added(VILLAGE, 0), added(VILLAGE, 1), atol=2e-3)


def test_what_is_imitated_is_what_would_be_done_again():
    seen, meaning = CommunityBatch(VILLAGE, 3).reset(seed=5), AroundRule(VILLAGE)
    outputs = np.random.default_rng(0).uniform(-1.0, 1.0, (3, len(meaning.owners), 1))
    actions = meaning.actions(seen, outputs)
    again = np.nan_to_num(meaning.outputs(seen, actions))
    np.testing.assert_allclose(meaning.actions(seen, again), actions, atol=1e-6)


def test_a_least_load_is_asked_whole_and_the_order_knows():
    scenario = community("hydrogen_least")
    seen, meaning = CommunityBatch(scenario, 2).reset(seed=5), AroundRule(scenario)
    table, rows = truthful(scenario).table, len(meaning.owners)
    for output in np.linspace(-1.0, 1.0, 21):
        asked = table.physical(meaning.actions(seen, np.full((2, rows, 1), output)))[:, 0]
        power = asked[:, 0]
        assert ((power == 0.0) | (power >= 3.0 - 1e-9) | (power <= -1.5 + 1e-9)).all(), output
        net = seen[:, 0, _column(scenario, "load")] - seen[:, 0, _column(scenario, "pv")]
        np.testing.assert_allclose(asked[:, -2], net + power, atol=1e-5)


def _column(scenario, name):
    return [feature.name for feature in features(scenario)].index(name)


def test_a_training_among_machines_leaves_a_policy_that_plays(tmp_path):
    settings = {
        "scenario": "assets-12-v0", "agent_steps": 2 * 2 * 12 * 168, "communities": 2,
        "imitate_weeks": 1, "imitate_epochs": 1,
    }  # fmt: skip
    run(settings, tmp_path)
    policy = load_policy(str(tmp_path / "policy.onnx"), VILLAGE)
    episode = draw(VILLAGE, choose_key(VILLAGE, 0, "test", 2))
    assert not rollout(VILLAGE, episode, policy).cause.any()


@pytest.mark.parametrize("bot", FIRST.bots)
def test_bots_play_among_machines(bot):
    episode = draw(VILLAGE, choose_key(VILLAGE, 0, "test", 2))
    played = rollout(VILLAGE, episode, load_policy(FIRST.bots[bot].target, VILLAGE))
    assert not played.cause.any()
    if bot not in ("erring", "zero-intelligence"):
        assert played.series["correction_kw"].max() < 1e-3
