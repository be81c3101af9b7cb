"""The libraries that researchers train with step the environment: one short run each."""

import warnings

import numpy as np
import pytest
from pettingzoo.test import api_test
from pettingzoo.utils.conversions import aec_to_parallel, parallel_to_aec

import p2p_market

SCENARIO = "classic-v0"
AGENTS = 6


def vector_of(copies: int, base_class: str = "gymnasium"):
    """Copies of the environment as one vector, a row per agent, by SuperSuit."""
    supersuit = pytest.importorskip("supersuit")
    rows = supersuit.pettingzoo_env_to_vec_env_v1(p2p_market.make(SCENARIO))
    return supersuit.concat_vec_envs_v1(rows, copies, base_class=base_class)


def idle(vector) -> np.ndarray:
    return np.zeros((vector.num_envs, *vector.action_space.shape), np.float32)


def test_pettingzoo_turns_it_into_turns_and_back():
    turns = parallel_to_aec(p2p_market.make(SCENARIO))
    api_test(turns, num_cycles=20)
    back, plain = aec_to_parallel(turns), p2p_market.make(SCENARIO)
    first, _ = back.reset(seed=4)
    second, _ = plain.reset(seed=4)
    generator = np.random.default_rng(4)
    while plain.agents:
        for agent in plain.agents:
            np.testing.assert_array_equal(first[agent], second[agent])
        width = plain.action_map.width
        actions = {a: generator.uniform(-1.0, 1.0, width).astype(np.float32) for a in plain.agents}
        first, rewards, *_ = back.step(actions)
        second, expected, *_ = plain.step(actions)
        assert rewards == expected
    assert not back.agents


def test_supersuit_steps_two_copies_through_the_end_of_an_episode():
    vector = vector_of(2)
    first, _ = vector.reset(seed=1)
    assert first.shape == (2 * AGENTS, *vector.observation_space.shape)
    alone = p2p_market.make(SCENARIO)
    expected, _ = alone.reset(seed=1)
    for _ in range(alone.scenario.steps):
        np.testing.assert_array_equal(first[:AGENTS], np.stack(list(expected.values())))
        first, rewards, ends, cuts, infos = vector.step(idle(vector))
        actions = dict(zip(alone.agents, idle(vector), strict=False))
        expected, own_rewards, *_ = alone.step(actions)
        assert rewards[:AGENTS] == pytest.approx(list(own_rewards.values()), rel=1e-6)
    assert ends.all()
    assert not cuts.any()
    np.testing.assert_array_equal(infos[0]["terminal_observation"], expected["prosumer_0"])
    assert not np.array_equal(first[:AGENTS], first[AGENTS:])


def test_copies_that_nobody_seeded_meet_different_episodes():
    observations = vector_of(2, "stable_baselines3").reset()
    assert not np.array_equal(observations[:AGENTS], observations[AGENTS:])


def test_stable_baselines_learns_a_few_steps():
    pytest.importorskip("supersuit")
    sb3 = pytest.importorskip("stable_baselines3")
    vector = vector_of(2, "stable_baselines3")
    # SuperSuit's vector has no seed(), so the model gets none: it is seeded by its first reset.
    vector.venv.reset(seed=0)
    model = sb3.PPO("MlpPolicy", vector, n_steps=16, batch_size=32, n_epochs=1, device="cpu")
    before = [weights.detach().clone() for weights in model.policy.parameters()]
    model.learn(200)
    assert model.num_timesteps >= 200
    assert any((a != b).any() for a, b in zip(before, model.policy.parameters(), strict=True))


def test_torchrl_rolls_out_a_whole_episode():
    pytest.importorskip("torchrl")
    from torchrl.envs.libs.pettingzoo import PettingZooWrapper
    from torchrl.envs.utils import check_env_specs

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PettingZoo in TorchRL is tested using version")
        env = PettingZooWrapper(p2p_market.make(SCENARIO), return_state=True, seed=0)
    check_env_specs(env)
    played = env.rollout(1000)
    plain = p2p_market.make(SCENARIO)
    assert played.batch_size == (plain.scenario.steps,)
    assert played["prosumer", "observation"].shape[1:] == (AGENTS, len(plain.feature_table))
    assert played["state"].shape[1:] == plain.state_space.shape
    assert played["next", "prosumer", "reward"].isfinite().all()
    assert played["next", "terminated"][-1].all()
    assert not played["next", "truncated"].any()
