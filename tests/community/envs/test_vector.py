"""The Gymnasium face of a batch."""

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers.vector import NormalizeObservation, RecordEpisodeStatistics

import p2p_market
from p2p_market.community.envs.vector import ProsumerVectorEnv
from p2p_market.errors import ActionError


@pytest.fixture
def vector():
    return ProsumerVectorEnv(p2p_market.make_batch("resale-6-v0", 3))


@pytest.mark.parametrize("mode", [AutoresetMode.SAME_STEP, AutoresetMode.NEXT_STEP])
def test_rows_are_the_prosumers_of_the_batch(mode):
    vector = ProsumerVectorEnv(p2p_market.make_batch("resale-6-v0", 3), mode)
    batch = p2p_market.make_batch("resale-6-v0", 3)
    seen, infos = vector.reset(seed=2)
    assert seen.tobytes() == batch.reset(seed=2).tobytes()
    assert infos == {}
    vector.action_space.seed(0)
    ends = 0
    for _ in range(2 * batch.scenario.steps):
        actions = vector.action_space.sample()
        seen, rewards, terminated, truncated, infos = vector.step(actions)
        step = batch.step(actions.reshape(3, 6, -1))
        assert rewards.tobytes() == step.rewards.tobytes()
        assert terminated.tolist() == [step.ended] * vector.num_envs
        assert not truncated.any()
        assert ("final_obs" in infos) == (step.ended and mode is AutoresetMode.SAME_STEP)
        if step.ended and mode is AutoresetMode.SAME_STEP:
            assert infos["final_obs"].tobytes() == step.final_observations.tobytes()
            assert infos["_final_obs"].all()
        elif step.ended:
            assert seen.tobytes() == step.final_observations.tobytes()
            seen, rewards, terminated, _, _ = vector.step(actions)
            assert not rewards.any()
            assert not terminated.any()
        assert seen.tobytes() == step.observations.tobytes()
        ends += step.ended
    assert ends == 2


def test_a_batch_always_begins_anew():
    with pytest.raises(ValueError, match="NEXT_STEP or SAME_STEP"):
        ProsumerVectorEnv(p2p_market.make_batch("resale-6-v0", 3), AutoresetMode.DISABLED)


def test_spaces_hold_what_is_seen_and_done(vector):
    assert vector.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    assert isinstance(vector, gymnasium.vector.VectorEnv)
    seen, _ = vector.reset(seed=0, options={"week": 1})
    assert vector.num_envs == 18
    assert vector.observation_space.contains(seen)
    assert vector.single_observation_space.contains(seen[0])
    later, *_ = vector.step(np.zeros(vector.action_space.shape, dtype=np.float32))
    assert vector.observation_space.contains(later)
    assert not np.shares_memory(seen, later)


def test_gymnasium_wrappers_take_it(vector):
    wrapped = RecordEpisodeStatistics(NormalizeObservation(vector))
    wrapped.reset(seed=0)
    total = np.zeros(18)
    for _ in range(72):
        idle = np.zeros(wrapped.action_space.shape, dtype=np.float32)
        _, rewards, ended, _, infos = wrapped.step(idle)
        total += rewards
    assert ended.all()
    np.testing.assert_allclose(infos["episode"]["r"], total, rtol=1e-6)
    assert (infos["episode"]["l"] == 72).all()


def test_a_wrong_shape_is_named(vector):
    vector.reset(seed=0)
    with pytest.raises(ActionError, match="shape"):
        vector.step(np.zeros((17, 3), dtype=np.float32))
