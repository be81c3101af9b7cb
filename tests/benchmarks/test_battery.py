"""Batteries: one in PettingZoo and in Gymnasium with its mask, many at once, and their draw.

Processor time, for a step takes microseconds and other programs take their share of the clock.
"""

import time

import numpy as np
import pytest

import p2p_market
from p2p_market import battery
from p2p_market.battery.episode.episode import draw, keys
from p2p_market.registry import load_scenario

ID = "battery-146-v0"
STEPS = 160  # below those of an episode
ONE = pytest.mark.benchmark(group="one battery", timer=time.process_time)
GENERATOR = np.random.default_rng(0)


def choices(*shape):
    return GENERATOR.integers((5, 5, 21), size=(*shape, 3))


@ONE
def test_battery_step(benchmark, per):
    per("step", STEPS)
    env, actions = p2p_market.make(ID), [{"battery_0": one} for one in choices(STEPS)]

    def episode():
        for action in actions:
            env.step(action)

    benchmark.pedantic(episode, setup=lambda: env.reset(seed=0) and None, rounds=40)


@ONE
def test_battery_gymnasium(benchmark, per):
    """With the mask as learners ask for it."""
    per("step", STEPS)
    env, actions = battery.single(ID), list(choices(STEPS))

    def episode():
        for action in actions:
            env.step(action)
            env.action_masks()

    benchmark.pedantic(episode, setup=lambda: env.reset(seed=0) and None, rounds=40)


@ONE
def test_battery_draw(benchmark, per):
    """Weeks of the training split, in a process that has seen their start days before."""
    per("week", 13)
    scenario = load_scenario(ID)

    def weeks():
        for unit in keys(scenario, "train", 0):
            draw(scenario, unit[0])

    weeks()
    benchmark.pedantic(weeks, rounds=20)


@pytest.mark.parametrize("batch", [64, 1024])
@pytest.mark.benchmark(group="batteries at once", timer=time.process_time)
def test_battery_batch(benchmark, per, batch):
    per("step", 20 * batch)
    env, actions = p2p_market.make_batch(ID, batch), choices(batch, 1)
    env.reset(seed=0)

    def steps():
        for _ in range(20):
            env.step(actions)

    benchmark.pedantic(steps, rounds=7, warmup_rounds=1)  # within one episode


@ONE
def test_battery_plan(benchmark, per):
    """An hour of `mpc-battery`."""
    pytest.importorskip("highspy")
    from baselines.battery.mpc.policy import mpc_battery

    scenario = load_scenario(ID)
    env, policy = p2p_market.make(ID), mpc_battery(scenario)
    seen, _ = env.reset(seed=0)
    memory, asked = policy.start([0]), []
    for _ in range(24):
        rows = seen["battery_0"][None, None]
        asked.append((rows, memory))
        action, memory = policy.act(rows, memory)
        seen, *_ = env.step({"battery_0": action[0, 0]})
    per("plan", len(asked))

    def day():
        for rows, before in asked:
            policy.act(rows, before)

    benchmark.pedantic(day, rounds=5)
