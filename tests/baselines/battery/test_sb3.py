"""Stable-Baselines3 steps batches of batteries, with masks."""

import numpy as np
import pytest

from p2p_market import make_batch
from p2p_market.battery.records import LEDGER_ENTRIES, SHAPING

pytest.importorskip("stable_baselines3")

from stable_baselines3.common.vec_env import VecMonitor, VecNormalize

from baselines.battery.sb3.vec_env import BatteryVecEnv

NAME = "battery-fleet-4-v0"
IDLE = np.tile([0, 2, 10], (8, 1))


def test_rows_play_what_the_batch_plays():
    rows, batch = BatteryVecEnv(make_batch(NAME, 2), seed=4), make_batch(NAME, 2)
    first = rows.reset()
    seen, masks = batch.reset(seed=4)
    for step in range(170):
        assert first.tobytes() == seen.tobytes()
        assert np.stack(rows.env_method("action_masks")).tobytes() == masks.tobytes()
        first, rewards, ends, infos = rows.step(IDLE)
        done = batch.step(IDLE.reshape(2, 4, 3))
        seen, masks = done.observations, done.masks
        assert rewards == pytest.approx(done.rewards.ravel(), abs=1e-12)
        assert ends.tolist() == [step == 167] * 8
        if step == 167:
            last = np.stack([info["terminal_observation"] for info in infos])
            assert last.tobytes() == done.final_observations.tobytes()
        else:
            assert infos == [{}] * 8


def test_weights_say_what_the_reward_counts():
    env = BatteryVecEnv(make_batch(NAME, 2))
    env.reset()
    env.set_attr("weights", np.array([entry not in SHAPING for entry in LEDGER_ENTRIES], float))
    _, rewards, *_ = env.step(IDLE)
    paid = env.entries_eur[:, : -len(SHAPING)].sum(axis=1)
    assert rewards == pytest.approx(-paid / 1000.0, abs=1e-12)


def test_the_seed_of_a_model_is_that_of_the_episodes():
    one, other = (BatteryVecEnv(make_batch(NAME, 2), seed=seed) for seed in (1, 2))
    assert one.reset().tobytes() != other.reset().tobytes()
    one.seed(7)
    other.seed(7)
    assert one.reset().tobytes() == other.reset().tobytes()
    assert one.reset().tobytes() == other.reset().tobytes()  # the next episodes of the sequences
    assert one.get_attr("render_mode", 0) == [None]
    assert one.env_is_wrapped(VecNormalize, [0, 1]) == [False, False]


def test_a_masked_learner_trains_through_wrappers():
    contrib = pytest.importorskip("sb3_contrib")
    env = VecNormalize(VecMonitor(BatteryVecEnv(make_batch("battery-146-v0", 8))))
    model = contrib.MaskablePPO("MlpPolicy", env, n_steps=32, n_epochs=1, device="cpu", seed=0)
    model.learn(1500)
    assert model.num_timesteps >= 1500
    seen = env.reset()
    masks = np.stack(env.env_method("action_masks"))
    action, _ = model.predict(seen, action_masks=masks)
    columns = np.split(masks, [5, 10], axis=1)
    rows = np.arange(8)
    assert all(mask[rows, action[:, place]].all() for place, mask in enumerate(columns))


def test_a_learner_of_numbers_trains():
    sb3 = pytest.importorskip("stable_baselines3")
    from p2p_market import battery

    env = battery.single("battery-146-v0", "numbers")
    sb3.SAC("MlpPolicy", env, learning_starts=16, device="cpu", seed=0).learn(32)
