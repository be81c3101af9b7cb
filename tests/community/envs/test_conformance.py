"""Conformance of the environment, over every shipped scenario."""

import pickle
from functools import partial

import numpy as np
import pytest
from pettingzoo.test import api_test
from pettingzoo.utils.conversions import parallel_to_aec

import p2p_market
from p2p_market.community.envs.batch import CommunityBatch
from p2p_market.community.envs.env import INFO_KEYS, CommunityEnv
from p2p_market.community.envs.wrappers import PhysicalUnits
from p2p_market.errors import ActionError, ResetNeededError, ScenarioError
from p2p_market.testing import check_environment, check_features_vary
from tests.every_scenario import COMMUNITY, EVERY_SCENARIO

IDS = COMMUNITY


def random_actions(env: CommunityEnv, generator: np.random.Generator) -> dict[str, np.ndarray]:
    return {
        agent: generator.uniform(-1.0, 1.0, env.action_space(agent).shape).astype(np.float32)
        for agent in env.agents
    }


def play(env: CommunityEnv, seed: int, steps: int) -> None:
    """The first steps under seeded random actions."""
    generator = np.random.default_rng(seed)
    env.reset(seed=seed)
    for _ in range(steps):
        env.step(random_actions(env, generator))


@pytest.mark.compiled
@pytest.mark.parametrize("scenario_id", IDS)
def test_the_conformance_battery(scenario_id):
    """A hundred steps; whole episodes of every scenario are compared in `tests/determinism`."""
    check_environment(partial(p2p_market.make, scenario_id), steps=100)


def test_the_conformance_battery_over_a_few_steps():
    check_environment(partial(p2p_market.make, "ev-12-v0"), steps=12)


@pytest.mark.compiled
def test_the_conformance_battery_over_whole_episodes():
    check_environment(partial(p2p_market.make, "classic-v0"))


@pytest.mark.compiled
def test_pettingzoo_aec_api():
    api_test(parallel_to_aec(p2p_market.make("classic-v0")), num_cycles=50)


@pytest.mark.compiled
@pytest.mark.parametrize("scenario_id", IDS)
def test_a_whole_year_of_observations_lies_in_its_space(scenario_id):
    """Of a batch, which shows what the environment shows (`tests/batch`) in a third of the time."""
    env = p2p_market.make(scenario_id)
    spaces = [env.observation_space(agent) for agent in env.possible_agents]
    low, high = (np.stack([getattr(space, end) for space in spaces]) for end in ("low", "high"))
    generator = np.random.default_rng(0)
    for split in ("train", "validation", "test"):
        batch = CommunityBatch(env.scenario, 1, split=split)
        shape = (1, len(spaces), batch.action_map.width)
        for week in range(13):
            seen, ended = batch.reset(seed=week, week=week), False
            while not ended:
                outside = np.argwhere(~((seen >= low) & (seen <= high)))
                assert outside.size == 0, (split, week, outside)
                seen, _, ended, _ = batch.step(generator.uniform(-1.0, 1.0, shape))


@pytest.mark.compiled
def test_no_feature_is_constant_over_all_scenarios_and_agents():
    makes = [partial(p2p_market.make, name) for name in IDS]
    check_features_vary(makes, steps=170, missing=0.1)  # the first outage comes at 158


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


@pytest.mark.parametrize("scenario_id", EVERY_SCENARIO)
def test_a_snapshot_continues_alike(scenario_id):
    env = p2p_market.make(scenario_id)
    play(env, 2, 10)
    snapshot = env.snapshot()
    actions = [random_actions(env, np.random.default_rng(n)) for n in range(5)]
    first = [env.step(action)[1] for action in actions]
    env.restore(snapshot)
    assert [env.step(action)[1] for action in actions] == first


def test_unseeded_copies_of_a_new_environment_draw_apart():
    env = p2p_market.make("classic-v0")
    keys = []
    for copy in (env, pickle.loads(pickle.dumps(env))):
        copy.reset()
        keys.append(copy.episode_key)
    assert keys[0] != keys[1]


@pytest.mark.parametrize("scenario_id", EVERY_SCENARIO)
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


@pytest.mark.parametrize(("info", "keys"), [("lean", ("supervisor",)), ("full", INFO_KEYS)])
def test_infos_have_their_keys(info, keys):
    env = p2p_market.make("classic-v0", info=info)
    env.reset(seed=0)
    *_, infos = env.step(random_actions(env, np.random.default_rng(0)))
    for agent in env.agents:
        assert tuple(infos[agent]) == keys
        assert infos[agent]["supervisor"] == "none"


def test_there_are_two_kinds_of_infos():
    with pytest.raises(ValueError, match="lean"):
        p2p_market.make("classic-v0", info="rich")


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


def test_unknown_parts_of_the_year_are_told():
    env = p2p_market.make("classic-v0")
    with pytest.raises(ScenarioError, match="split"):
        env.reset(seed=0, options={"split": "tomorrow"})
    with pytest.raises(ScenarioError, match="week"):
        env.reset(seed=0, options={"split": "test", "week": 13})


@pytest.mark.parametrize("scenario_id", EVERY_SCENARIO)
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
