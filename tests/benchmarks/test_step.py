"""One environment of sixteen prosumers, as PettingZoo steps it."""

import numpy as np
import pytest

import p2p_market
from p2p_market.community import engine
from p2p_market.community.actions import action_map, to_proposal
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.observation import observe
from p2p_market.registry import load_scenario

from .reference import NumpyCommunities

ID = "community-16-v0"
ROUNDS = 600  # below the steps of an episode


def ready_env(info="lean"):
    env = p2p_market.make(ID, info=info)
    env.reset(seed=0)
    generator = np.random.default_rng(0)
    actions = {agent: generator.uniform(-1, 1, 3).astype(np.float32) for agent in env.agents}
    env.step(actions)
    return env, actions


@pytest.mark.parametrize("info", ["lean", "full"])
@pytest.mark.benchmark(group="one environment, 16 prosumers")
def test_step(benchmark, per, info):
    per("step")
    env, actions = ready_env(info)
    benchmark.pedantic(env.step, args=(actions,), rounds=ROUNDS, warmup_rounds=20)


@pytest.mark.benchmark(group="one environment, 16 prosumers")
def test_step_in_numpy(benchmark, per):
    """Without PettingZoo's dictionaries."""
    per("step")
    scenario = load_scenario(ID)
    communities = NumpyCommunities(scenario, draw(scenario, choose_key(scenario, 0)))
    actions = np.random.default_rng(0).uniform(-1.0, 1.0, (1, 16, 3))
    benchmark.pedantic(communities.step, args=(actions,), rounds=ROUNDS, warmup_rounds=20)


@pytest.mark.benchmark(group="one environment, 16 prosumers")
def test_step_of_the_pure_engine(benchmark, per):
    """The readable form of the step, with observations and without dictionaries."""
    per("step")
    scenario = load_scenario(ID)
    episode = draw(scenario, choose_key(scenario, 0))
    state = engine.start(scenario, episode)
    actions = np.random.default_rng(0).uniform(-1.0, 1.0, (1, 16, 3))
    everyone = np.ones((1, 16), dtype=np.bool_)
    proposal = to_proposal(action_map(scenario).physical(actions), everyone)

    def step():
        after, _ = engine.step(scenario, episode, state, proposal)
        return observe(scenario, episode, after)

    benchmark.pedantic(step, rounds=ROUNDS, warmup_rounds=20)


@pytest.mark.benchmark(group="one environment, 16 prosumers")
def test_reset(benchmark, per):
    per("week")
    env, _ = ready_env()
    benchmark.pedantic(env.reset, kwargs={"seed": 1}, rounds=100, warmup_rounds=3)
