"""B communities at once are B single environments, bit for bit, whoever steps them."""

import pickle

import numpy as np
import pytest

import p2p_market
from p2p_market.community.envs.batch import CommunityBatch
from p2p_market.community.envs.env import CommunityEnv
from p2p_market.community.scenario.scenario import build
from p2p_market.community.scenario.schema import Faults
from p2p_market.data.calendar import start_days
from p2p_market.errors import ActionError, ResetNeededError, ScenarioError
from p2p_market.market import MECHANISMS
from p2p_market.registry import load_scenario
from tests.every_scenario import EVERY_SCENARIO

BATCH = 5


def joint(rows):
    """What a dictionary per community says, as one array."""
    return np.array([list(row.values()) for row in rows])


def faulty(scenario_id):
    spec = load_scenario(scenario_id).spec
    faults = Faults(per_agent_day=3.0, hours=(0.5, 3.0))
    return build(spec.model_copy(update={"id": "faulty-v0", "faults": faults}))


def assert_equals_singles(scenario, steps, threads=1):
    """Over resets; in actions, a few numbers that are none."""
    many = CommunityBatch(scenario, BATCH, threads=threads)
    singles = [CommunityEnv(scenario) for _ in range(BATCH)]
    seen = joint([env.reset(seed=11 + b)[0] for b, env in enumerate(singles)])
    assert many.reset(seed=11).tobytes() == seen.tobytes()
    generator, resets = np.random.default_rng(0), 0
    for _ in range(steps):
        assert many.state().tobytes() == np.array([env.state() for env in singles]).tobytes()
        actions = generator.uniform(-1.0, 1.0, (*seen.shape[:2], many.action_map.width))
        actions[generator.random(actions.shape) < 0.002] = np.nan
        played = [
            env.step(dict(zip(env.agents, own, strict=True)))
            for env, own in zip(singles, actions, strict=True)
        ]
        step = many.step(actions)
        assert step.rewards.tobytes() == joint([one[1] for one in played]).tobytes()
        seen = joint([one[0] for one in played])
        if step.ended:
            resets += 1
            assert not singles[0].agents
            assert step.final_observations.tobytes() == seen.tobytes()
            seen = joint([env.reset()[0] for env in singles])
        assert step.observations.tobytes() == seen.tobytes()
        assert many.keys == tuple(env.episode_key for env in singles)
    return resets


def test_two_episodes_and_the_automatic_resets_between():
    scenario = load_scenario("resale-6-v0")
    assert assert_equals_singles(scenario, 2 * scenario.steps + 5) == 2


@pytest.mark.parametrize("name", EVERY_SCENARIO)
def test_every_scenario(name):
    assert_equals_singles(load_scenario(name), 12)


def test_faults_and_threads():
    assert_equals_singles(faulty("outage-v0"), 60, threads=2)


def test_an_outage_of_one_community_is_none_of_another_that_starts_on_its_day():
    scenario, count = load_scenario("outage-v0"), 8
    many = CommunityBatch(scenario, count)
    singles = [CommunityEnv(scenario) for _ in range(count)]
    many.reset(seed=0, week=3)
    for seed, env in enumerate(singles):
        env.reset(seed=seed, options={"week": 3})
    generator = np.random.default_rng(0)
    for _ in range(scenario.steps):
        actions = generator.uniform(-1.0, 1.0, many._actions.shape)
        rewards = [
            env.step(dict(zip(env.agents, own, strict=True)))[1]
            for env, own in zip(singles, actions, strict=True)
        ]
        assert many.step(actions).rewards.tobytes() == joint(rewards).tobytes()


@pytest.mark.compiled
@pytest.mark.parametrize("threads", [2, 3])
def test_the_number_of_threads_changes_nothing(threads):
    scenario, generator = load_scenario("ev-12-v0"), np.random.default_rng(0)
    one, several = (CommunityBatch(scenario, 66, threads=n) for n in (1, threads))
    assert one.reset(seed=0).tobytes() == several.reset(seed=0).tobytes()
    for _ in range(20):
        actions = generator.uniform(-1.0, 1.0, (66, 12, one.action_map.width))
        left, right = one.step(actions), several.step(actions)
        assert left.observations.tobytes() == right.observations.tobytes()
        assert left.rewards.tobytes() == right.rewards.tobytes()


def test_communities_on_one_day_share_a_window_and_nothing_else():
    scenario = load_scenario("community-16-v0")
    batch = CommunityBatch(scenario, 40)
    first = batch.reset(seed=0, week=3)
    assert {key.start_day for key in batch.keys} == {batch.keys[0].start_day}
    names = [feature.name for feature in batch.feature_table]
    retail, load = first[..., names.index("retail")], first[..., names.index("load")]
    assert np.all(retail == retail[0])
    assert len(np.unique(load[:, 0])) > 10
    windows, _ = batch._shelf.tables()
    assert windows.retail.shape[1] == len(start_days("train", scenario.spec.days)) < 40


def test_what_a_step_returned_stays_until_the_step_after_the_next():
    """At the end of an episode as well, where observations are written twice."""
    batch = CommunityBatch(load_scenario("resale-6-v0"), 3)
    before, reward = batch.reset(seed=0), None
    actions = np.random.default_rng(0).uniform(-1.0, 1.0, (3, 6, 3)).astype(np.float32)
    for _ in range(batch.scenario.steps + 2):
        kept, kept_reward = before.copy(), None if reward is None else reward.copy()
        step = batch.step(actions)
        assert before.tobytes() == kept.tobytes()
        assert reward is None or reward.tobytes() == kept_reward.tobytes()
        assert not np.shares_memory(before, step.observations)
        before, reward = step.observations, step.rewards


def test_a_copied_batch_goes_on_alike_into_the_next_episode():
    batch = CommunityBatch(load_scenario("resale-6-v0"), 2, threads=2)
    batch.reset(seed=0)
    actions = np.random.default_rng(0).uniform(-1.0, 1.0, (2, 6, 3))
    batch.step(actions)
    copy = pickle.loads(pickle.dumps(batch))
    for _ in range(batch.scenario.steps + 2):
        own, other = batch.step(actions), copy.step(actions)
        assert own.observations.tobytes() == other.observations.tobytes()
        assert own.rewards.tobytes() == other.rewards.tobytes()


def test_without_a_seed_the_sequences_go_on():
    batch = CommunityBatch(load_scenario("classic-v0"), 2)
    batch.reset(seed=4)
    first = batch.keys
    batch.reset()
    assert batch.keys != first
    batch.reset(seed=4)
    assert batch.keys == first


def test_play_goes_on_with_any_episode_of_a_seed():
    scenario = load_scenario("classic-v0")
    one, other = CommunityBatch(scenario, 3), CommunityBatch(scenario, 3)
    one.reset(seed=5)
    one.reset()
    assert one.reset().tobytes() == other.reset(seed=5, first=2).tobytes()
    assert one.reset().tobytes() == other.reset().tobytes()
    assert one.keys == other.keys


def test_mistakes_are_named():
    batch = p2p_market.make_batch("classic-v0", 2)
    actions = np.zeros((2, 6, 3))
    with pytest.raises(ResetNeededError, match="reset"):
        batch.step(actions)
    with pytest.raises(ResetNeededError, match="reset"):
        batch.state()
    batch.reset(seed=0)
    with pytest.raises(ActionError, match=r"\(2, 6, 3\).*got \(2, 6, 2\)"):
        batch.step(actions[..., :2])
    with pytest.raises(ActionError, match="int64"):
        batch.step(actions.astype(np.int64))
    with pytest.raises(ValueError, match="1 to 100000, got 0"):
        p2p_market.make_batch("classic-v0", 0)
    with pytest.raises(ScenarioError, match="no week 13"):
        batch.reset(week=13)


def test_a_mechanism_without_a_kernel_is_refused(monkeypatch):
    from dataclasses import replace

    plain = replace(MECHANISMS["k_double_auction"], kernel=None)
    monkeypatch.setattr("p2p_market.community.envs.batch.MECHANISMS", {"k_double_auction": plain})
    with pytest.raises(ScenarioError, match="no kernel"):
        CommunityBatch(load_scenario("classic-v0"), 2)
