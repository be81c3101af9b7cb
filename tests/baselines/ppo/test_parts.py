"""The parts of the trainer: what is earned, what outputs mean, advantages by hand."""

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from baselines.learners.ppo.args import Args
from baselines.learners.ppo.collect import first_seed
from baselines.learners.ppo.decision import AroundRule, Full
from baselines.learners.ppo.earned import Yield
from baselines.learners.ppo.learn import advantages
from baselines.learners.ppo.network import Inputs, moments
from p2p_market.community.envs.batch import CommunityBatch
from p2p_market.community.rules.policy import truthful
from p2p_market.registry import load_scenario

SCENARIOS = ["classic-v0", "ev-12-v0"]


def test_trainings_with_other_seeds_share_no_episode():
    """Community b draws as the first seed + b does."""
    first, second = (first_seed(Args(seed=seed)) for seed in (0, 1))
    assert second - first >= Args().communities


def test_advantages_by_hand():
    rewards, values = torch.tensor([1.0, 2.0]), torch.tensor([0.5, 1.0, 4.0])
    last = 2.0 + 0.5 * 4.0 - 1.0
    first = 1.0 + 0.5 * 1.0 - 0.5 + 0.5 * 0.8 * last
    assert advantages(rewards, values, False, 0.5, 0.8).tolist() == pytest.approx([first, last])
    first = 1.0 + 0.5 * 1.0 - 0.5 + 0.5 * 0.8 * (2.0 - 1.0)
    assert advantages(rewards, values, True, 0.5, 0.8).tolist() == pytest.approx([first, 1.0])


def played(scenario, share, seed=0):
    """An episode at random: rewards, what the trainer makes of them, what was seen."""
    batch = CommunityBatch(scenario, 2)
    earned = Yield(scenario, Args(community_share=share, reward_scale=2.0))
    meaning, generator = AroundRule(scenario), np.random.default_rng(seed)
    seen = batch.reset(seed=1).copy()
    earned.begin(seen, 0)
    rewards, made, before = [], [], []
    for _ in range(scenario.steps):
        outputs = generator.uniform(-1.0, 1.0, (2, len(meaning.owners), 1))
        actions = meaning.actions(seen, outputs)
        step = batch.step(actions)
        after = None if step.ended else step.observations
        rewards.append(step.rewards.copy())
        made.append(earned.of(seen, actions, step.rewards, after))
        before.append(seen)
        seen = step.observations.copy()
    return np.array(rewards), np.array(made), np.array(before)


def added(scenario, seed):
    """What an episode's sum has beside rewards and the bill of load and PV, (batch, agent)."""
    rewards, made, seen = played(scenario, 0.0, seed)
    at = truthful(scenario).columns
    net = seen[..., at["load"]].astype(float) - seen[..., at["pv"]]
    retail = seen[..., at["retail"]] + seen[..., at["carbon_cost"]]
    alone = scenario.dt_h * net * np.where(net > 0.0, retail, seen[..., at["feed_in"]])
    assert np.abs(made - 2.0 * (rewards + alone)).max() > 0.1
    return (made - 2.0 * (rewards + alone)).sum(axis=0) / 2.0


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_is_added_to_rewards_does_not_depend_on_actions(name):
    scenario = load_scenario(name)
    np.testing.assert_allclose(added(scenario, 0), added(scenario, 1), atol=2e-3)


def test_without_vehicles_what_is_credited_early_is_taken_back_at_the_end():
    np.testing.assert_allclose(added(load_scenario("classic-v0"), 0), 0.0, atol=1e-3)


def test_a_share_of_the_community_moves_money_between_members_only():
    scenario = load_scenario("classic-v0")
    _, own, _ = played(scenario, 0.0)
    _, mixed, _ = played(scenario, 0.25)
    mean = own.mean(axis=2, keepdims=True)
    np.testing.assert_allclose(mixed, 0.75 * own + 0.25 * mean, atol=1e-12)


@pytest.mark.parametrize("name", SCENARIOS)
def test_zero_is_the_rule_and_the_ends_are_the_limits(name):
    scenario = load_scenario(name)
    seen = CommunityBatch(scenario, 3).reset(seed=3)
    meaning, rule = AroundRule(scenario), truthful(scenario)
    shape = (3, len(meaning.owners), 1)
    expected, _ = rule.act(seen, None)
    np.testing.assert_array_equal(meaning.actions(seen, np.zeros(shape)), expected)
    low, high = rule.limits(seen.astype(float), 0)
    table = rule.table
    for outputs, limit in ((1.0, high), (5.0, high), (-1.0, low), (-5.0, low)):
        action = table.physical(meaning.actions(seen, np.full(shape, outputs)))
        own = scenario.nodes.present[:, 0]
        np.testing.assert_allclose(action[:, own, 0], limit[:, own], atol=1e-9)
    shown = dict(zip(meaning.names, np.moveaxis(meaning.rows(seen), -1, 0), strict=True))
    first = meaning.asset == 0
    for column, limit in (("lowest", low), ("highest", high)):
        expected = limit[:, meaning.owners[first]]
        np.testing.assert_allclose(shown[column][:, first], expected, rtol=1e-6)
    assert len(meaning.owners) == scenario.nodes.present.sum()


def test_a_row_is_about_one_device_of_one_agent():
    scenario = load_scenario("ev-12-v0")
    batch = CommunityBatch(scenario, 3)
    seen, meaning = batch.reset(seed=3), AroundRule(scenario)
    column = {feature.name: place for place, feature in enumerate(batch.feature_table)}
    shown = dict(zip(meaning.names, np.moveaxis(meaning.rows(seen), -1, 0), strict=True))
    for row, (agent, asset) in enumerate(zip(meaning.owners, meaning.asset, strict=True)):
        own = {name: seen[:, agent, place] for name, place in column.items()}
        other = 1 - asset
        np.testing.assert_array_equal(shown["soc"][:, row], own[f"soc_{asset}"])
        np.testing.assert_array_equal(shown["hours_left"][:, row], own[f"hours_left_{asset}"])
        np.testing.assert_array_equal(shown["load"][:, row], own["load"])
        np.testing.assert_array_equal(shown["other_capacity"][:, row], own[f"capacity_{other}"])
        stored = own[f"soc_{other}"] * own[f"capacity_{other}"]
        np.testing.assert_allclose(shown["other_stored"][:, row], stored, rtol=1e-6)


def test_a_row_says_what_its_agent_sees_and_nothing_of_others():
    scenario = load_scenario("ev-12-v0")
    seen = CommunityBatch(scenario, 1).reset(seed=3)
    for meaning in (AroundRule(scenario), Full(scenario)):
        before, changed = meaning.rows(seen), seen.copy()
        changed[:, 4] *= 1.5
        others = meaning.owners != 4
        np.testing.assert_array_equal(meaning.rows(changed)[:, others], before[:, others])
        assert not np.array_equal(meaning.rows(changed)[:, ~others], before[:, ~others])


def test_the_full_action_is_passed_on_inside_its_box():
    scenario = load_scenario("classic-v0")
    seen = CommunityBatch(scenario, 2).reset(seed=3)
    meaning = Full(scenario)
    outputs = np.random.default_rng(0).normal(size=(*seen.shape[:2], meaning.width))
    assert meaning.owners.tolist() == [*range(len(scenario.agents))]
    np.testing.assert_array_equal(meaning.actions(seen, outputs), np.clip(outputs, -1.0, 1.0))


@pytest.mark.parametrize("name", SCENARIOS)
def test_inputs_of_equal_homes_of_other_size_are_equal(name):
    """What is derived counts in the agent's own size: twice everything is the same situation."""
    scenario = load_scenario(name)
    batch, meaning = CommunityBatch(scenario, 3), AroundRule(scenario)
    inputs = Inputs(meaning.names)
    seen = torch.from_numpy(meaning.rows(batch.reset(seed=3)))
    seen = seen[seen[..., meaning.names.index("capacity")] > 1.0]
    units = {feature.name: feature.unit for feature in batch.feature_table}
    own = {"capacity": "kWh", "power_max": "kW", **dict.fromkeys(AroundRule.extra, "kW")}
    powers = [{**units, **own}.get(name) in ("kW", "kWh") for name in meaning.names]
    larger = torch.where(torch.tensor(powers), 2.0 * seen, seen)
    torch.testing.assert_close(inputs.derived(larger), inputs.derived(seen))


def test_what_never_changes_is_left_out_of_the_normalisation():
    rows = torch.tensor([[1.0, 7.0], [3.0, 7.0]])
    mean, spread = moments(rows)
    assert mean.tolist() == [2.0, 7.0]
    assert spread.tolist() == pytest.approx([2.0**0.5, 1.0])


def test_settings_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        Args().epochs = 3
