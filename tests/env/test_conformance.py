"""Conformance of the environment, over every shipped scenario."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test
from pettingzoo.utils.conversions import parallel_to_aec

import p2p_market
from p2p_market.env import INFO_KEYS, CommunityEnv
from p2p_market.errors import ActionError, ResetNeededError, ScenarioError
from p2p_market.wrappers import PhysicalUnits

IDS = p2p_market.scenario_ids()


def random_actions(env: CommunityEnv, generator: np.random.Generator) -> dict[str, np.ndarray]:
    return {
        agent: generator.uniform(-1.0, 1.0, env.action_space(agent).shape).astype(np.float32)
        for agent in env.agents
    }


def play(env: CommunityEnv, seed: int, steps: int) -> list[tuple]:
    """Observations and rewards of the first steps under seeded random actions."""
    generator = np.random.default_rng(seed)
    observations, _ = env.reset(seed=seed)
    seen = [(observations, None)]
    for _ in range(steps):
        observations, rewards, *_ = env.step(random_actions(env, generator))
        seen.append((observations, rewards))
    return seen


@pytest.mark.parametrize("scenario_id", IDS)
def test_pettingzoo_parallel_api(scenario_id):
    parallel_api_test(p2p_market.make(scenario_id), num_cycles=200)


@pytest.mark.parametrize("scenario_id", IDS)
def test_pettingzoo_seed(scenario_id):
    parallel_seed_test(lambda: p2p_market.make(scenario_id))


@pytest.mark.compiled
def test_pettingzoo_aec_api():
    api_test(parallel_to_aec(p2p_market.make("classic-v0")), num_cycles=50)


@pytest.mark.parametrize("scenario_id", IDS)
def test_observations_lie_in_their_space_and_share_no_memory(scenario_id):
    env = p2p_market.make(scenario_id)
    before, _ = env.reset(seed=1)
    generator = np.random.default_rng(1)
    for _ in range(60):
        copies = {agent: row.copy() for agent, row in before.items()}
        after, rewards, *_ = env.step(random_actions(env, generator))
        for agent in env.agents:
            assert env.observation_space(agent).contains(after[agent])
            assert np.isfinite(rewards[agent])
            assert not np.shares_memory(before[agent], after[agent])
            assert_array_equal(before[agent], copies[agent])
        assert env.state_space.contains(env.state())
        before = after


@pytest.mark.compiled
@pytest.mark.parametrize("scenario_id", IDS)
def test_a_whole_year_of_observations_lies_in_its_space(scenario_id):
    env = p2p_market.make(scenario_id)
    for split in ("train", "validation", "test"):
        for week in range(13):
            observations, _ = env.reset(seed=week, options={"split": split, "week": week})
            generator = np.random.default_rng(week)
            while env.agents:
                for agent, row in observations.items():
                    assert env.observation_space(agent).contains(row), (split, week, agent)
                observations, *_ = env.step(random_actions(env, generator))


def test_no_feature_is_constant_over_all_scenarios_and_agents():
    seen: dict[str, set[float]] = {}
    for scenario_id in IDS:
        env = p2p_market.make(scenario_id)
        names = [feature.name for feature in env.feature_table]
        generator = np.random.default_rng(0)
        observations, _ = env.reset(seed=5)
        for _ in range(min(100, env.scenario.steps)):
            for column in zip(names, *observations.values(), strict=True):
                seen.setdefault(column[0], set()).update(float(value) for value in column[1:])
            actions = random_actions(env, generator)
            if generator.random() < 0.1:
                actions.pop(env.agents[0])
            observations, *_ = env.step(actions)
    assert not [name for name, values in seen.items() if len(values) == 1]


@pytest.mark.parametrize("scenario_id", IDS)
def test_same_seed_same_episode_and_other_seed_another(scenario_id):
    first, again = (play(p2p_market.make(scenario_id), 3, 40) for _ in range(2))
    other = play(p2p_market.make(scenario_id), 4, 40)
    for (rows, rewards), (rows_again, rewards_again) in zip(first, again, strict=True):
        assert rewards == rewards_again
        for agent, row in rows.items():
            assert_array_equal(row, rows_again[agent])
    assert any(a[1] != b[1] for a, b in zip(first, other, strict=True))


def test_reset_without_a_seed_goes_on_with_the_sequence():
    first, again = p2p_market.make("classic-v0"), p2p_market.make("classic-v0")
    keys = []
    for env in (first, again):
        env.reset(seed=5)
        start = env.episode_key
        env.reset()
        keys.append((start, env.episode_key))
    assert keys[0] == keys[1]
    assert keys[0][0] != keys[0][1]


@pytest.mark.parametrize("scenario_id", IDS)
def test_pickle_and_snapshot_continue_alike(scenario_id):
    env = p2p_market.make(scenario_id)
    play(env, 2, 10)
    copy, snapshot = pickle.loads(pickle.dumps(env)), env.snapshot()
    actions = [random_actions(env, np.random.default_rng(n)) for n in range(5)]
    ways = []
    for start in ("go on", "pickled", "restored"):
        one = copy if start == "pickled" else env
        if start == "restored":
            env.restore(snapshot)
        ways.append([one.step(action)[1] for action in actions])
    assert ways[0] == ways[1] == ways[2]


@pytest.mark.parametrize("scenario_id", IDS)
def test_the_end_is_a_termination_after_the_whole_horizon(scenario_id):
    env = p2p_market.make(scenario_id)
    env.reset(seed=0)
    count = 0
    while env.agents:
        _, _, terminations, truncations, _ = env.step(
            {a: np.zeros(env.action_map.width, np.float32) for a in env.agents}
        )
        count += 1
    assert count == env.scenario.steps
    assert all(terminations.values())
    assert not any(truncations.values())


def test_actions_are_left_untouched_and_infos_have_their_keys():
    env = p2p_market.make("classic-v0")
    env.reset(seed=0)
    actions = random_actions(env, np.random.default_rng(0))
    copies = {agent: action.copy() for agent, action in actions.items()}
    *_, infos = env.step(actions)
    for agent in env.agents:
        assert_array_equal(actions[agent], copies[agent])
        assert tuple(infos[agent]) == INFO_KEYS


def test_step_before_reset_and_after_the_end_says_what_to_do():
    env = p2p_market.make("classic-v0")
    with pytest.raises(ResetNeededError, match="reset"):
        env.step({})
    with pytest.raises(ResetNeededError, match="reset"):
        env.state()
    env.reset(seed=0)
    while env.agents:
        env.step({})
    with pytest.raises(ResetNeededError, match="ended"):
        env.step({})


@pytest.mark.parametrize(
    ("action", "agent"),
    [
        (np.zeros(2, np.float32), "prosumer_0"),
        (np.zeros((1, 3), np.float32), "prosumer_0"),
        (np.zeros(3, np.int64), "prosumer_0"),
        (np.array(["a", "b", "c"]), "prosumer_0"),
        (np.zeros(3, np.float32), "prosumer_99"),
    ],
)
def test_malformed_actions_raise_and_name_the_agent(action, agent):
    env = p2p_market.make("classic-v0")
    env.reset(seed=0)
    with pytest.raises(ActionError, match=agent):
        env.step({agent: action})


def test_unknown_reset_options_are_ignored_and_unknown_parts_of_the_year_are_not():
    env = p2p_market.make("classic-v0")
    env.reset(seed=0, options={"colour": "blue"})
    with pytest.raises(ScenarioError, match="split"):
        env.reset(seed=0, options={"split": "tomorrow"})
    with pytest.raises(ScenarioError, match="week"):
        env.reset(seed=0, options={"split": "test", "week": 13})


@pytest.mark.parametrize("scenario_id", IDS)
def test_physical_units_play_the_same_game(scenario_id):
    plain, physical = p2p_market.make(scenario_id), PhysicalUnits(p2p_market.make(scenario_id))
    plain.reset(seed=6)
    physical.reset(seed=6)
    generator = np.random.default_rng(6)
    table = plain.action_map
    for _ in range(10):
        joint = generator.uniform(-1.0, 1.0, (len(plain.agents), table.width))
        in_units = table.physical(joint)
        first = plain.step({a: joint[i] for i, a in enumerate(plain.agents)})
        second = physical.step({a: in_units[i] for i, a in enumerate(physical.agents)})
        assert list(first[1].values()) == pytest.approx(list(second[1].values()), abs=1e-9)
        for i, agent in enumerate(physical.agents):
            assert physical.action_space(agent).contains(in_units[i])
    with pytest.raises(ActionError, match="prosumer_0"):
        physical.step({"prosumer_0": np.zeros(7)})


def test_rendering_and_closing_do_nothing():
    env = p2p_market.make("classic-v0")
    env.render()
    env.close()
