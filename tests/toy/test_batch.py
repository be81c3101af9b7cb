"""Batches and rows for Gymnasium of a track that wrote neither."""

import numpy as np
import pytest
from gymnasium.spaces import Discrete
from gymnasium.vector import AutoresetMode

from p2p_market.environment import TrackEnv
from p2p_market.errors import ActionError, ResetNeededError, ScenarioError
from p2p_market.kit.batch import TrackBatch
from p2p_market.kit.vector import BatchVectorEnv

NEXT, SAME = AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP


@pytest.mark.parametrize("role", ["storage", "plant"])
@pytest.mark.parametrize("mode", [NEXT, SAME])
def test_rows_play_what_single_environments_play(scenario, role, mode):
    rows = BatchVectorEnv(TrackBatch(scenario, 2, role=role), mode)
    envs = [TrackEnv(scenario) for _ in range(2)]
    agents = rows.batch.agents
    seen, infos = rows.reset(seed=4)
    alone = [env.reset(seed=4 + number) for number, env in enumerate(envs)]
    rows.action_space.seed(0)
    for step in range(1, 2 * scenario.steps + 1):
        assert rows.observation_space.contains(seen)
        assert ("action_mask" in infos) == (role == "plant")
        if role == "plant":
            told = [one[1][agent]["action_mask"] for one in alone for agent in agents]
            assert np.array_equal(infos["action_mask"], told)
        actions = rows.action_space.sample()
        seen, rewards, ended, cut, infos = rows.step(actions)
        own = actions.reshape(2, len(agents), -1)
        played = [
            env.step(dict(zip(agents, one, strict=True)))
            for env, one in zip(envs, own, strict=True)
        ]
        assert rewards.tolist() == [one[1][agent] for one in played for agent in agents]
        assert ended.all() == (step % scenario.steps == 0)
        assert not cut.any()
        last = np.stack([one[0][agent] for one in played for agent in agents])
        alone = [(one[0], one[4]) for one in played]
        if ended.all():
            alone = [env.reset() for env in envs]
            assert np.array_equal(infos["final_obs"] if mode is SAME else seen, last)
            if mode is NEXT:
                seen, rewards, ended, _, infos = rows.step(actions)
                assert not rewards.any()
                assert not ended.any()
        expected = np.stack([one[0][agent] for one in alone for agent in agents])
        assert np.array_equal(seen, expected)


def test_one_choice_is_a_discrete_space(scenario):
    assert TrackBatch(scenario, 1, role="plant").action_space == Discrete(3)


def test_a_batch_says_what_it_needs(scenario):
    for asked in ({}, {"role": "nobody"}):
        with pytest.raises(ScenarioError, match="one role; give one of storage, plant"):
            TrackBatch(scenario, 2, **asked)
    batch = TrackBatch(scenario, 2, role="storage")
    with pytest.raises(ResetNeededError):
        batch.step(np.zeros((2, 2, 2)))
    batch.reset(seed=0, options={"week": 1, "split": "test"})
    assert [(key.split, key.start_day) for key in batch.keys] == [("test", 242)] * 2
    with pytest.raises(ActionError, match="a joint action needs shape"):
        batch.step(np.zeros((2, 3, 2)))


def test_a_refused_reset_changes_nothing(scenario):
    env, twin = TrackEnv(scenario), TrackEnv(scenario)
    for one in (env, twin):
        one.reset(seed=3)
    with pytest.raises(ScenarioError):
        env.reset(seed=9, options={"week": 99})
    env.reset()
    twin.reset()
    assert env._episode.keys == twin._episode.keys
