"""Speed of the power system: the environment's step, a batch, a draw, the optimum of a day."""

import time

import numpy as np
import pytest

import p2p_market
from p2p_market.registry import load_scenario
from p2p_market.wholesale.episode.episode import draw, keys
from p2p_market.wholesale.optimum.program import horizon_of, program_of
from p2p_market.wholesale.scenario import build
from p2p_market.wholesale.schema import read

ID = "wholesale-12-v0"
STEPS = 288
SYSTEM = pytest.mark.benchmark(group="power system", timer=time.process_time)


def joint(roles, generator, batch):
    return {
        role.name: generator.integers(25, size=(batch, 1, 1)).astype(float)
        if role.choices
        else generator.uniform(-1.0, 1.0, (batch, len(role.agents), len(role.columns)))
        for role in roles
    }


@SYSTEM
def test_wholesale_step(benchmark, per):
    """A PettingZoo step with dictionaries."""
    per("step", STEPS)
    env, generator = p2p_market.make(ID), np.random.default_rng(0)
    actions = [
        {
            agent: int(row[0]) if role.choices else row.astype(np.float32)
            for role in env.roles
            for agent, row in zip(role.agents, drawn[role.name][0], strict=True)
        }
        for drawn in (joint(env.roles, generator, 1) for _ in range(STEPS))
    ]

    def play():
        for action in actions:
            env.step(action)

    benchmark.pedantic(play, setup=lambda: env.reset(seed=0) and None, rounds=10, warmup_rounds=1)


@SYSTEM
@pytest.mark.parametrize("batch", [64, 512])
def test_wholesale_batch(benchmark, per, batch):
    """Steps of one system, observations included."""
    per("step", STEPS * batch)
    systems, generator = p2p_market.make_batch(ID, batch), np.random.default_rng(0)
    actions = [joint(systems.roles.values(), generator, batch) for _ in range(STEPS)]

    def play():
        for action in actions:
            systems.step(action)

    benchmark.pedantic(
        play, setup=lambda: systems.reset(seed=0) and None, rounds=5, warmup_rounds=1
    )


@SYSTEM
def test_wholesale_draw(benchmark, per):
    """A week with its forecasts."""
    per("week")
    scenario = load_scenario(ID)
    (key, *_), *_ = keys(scenario, "train", 0)
    benchmark.pedantic(draw, args=(scenario, key), rounds=20, warmup_rounds=2)


@SYSTEM
def test_wholesale_optimum(benchmark, per):
    """The program of a day, written down and solved."""
    pytest.importorskip("cvxpy")
    from baselines.wholesale.optimal.solve import solve

    per("day")
    day = build(read({**load_scenario(ID).spec.model_dump(), "id": "day-v0", "days": 1}))
    episode = draw(day, keys(day, "test", 0)[0][0])
    benchmark.pedantic(lambda: solve(program_of(day, horizon_of(day, episode))), rounds=3)
