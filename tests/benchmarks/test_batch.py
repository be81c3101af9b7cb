"""Many communities at once: agent-steps, observations written."""

import os

import numpy as np
import pytest

from p2p_market.community.envs.batch import CommunityBatch
from p2p_market.community.episode.episode import choose_key, draw, stack
from p2p_market.registry import load_scenario
from tools.large_communities import grown

from .reference import NumpyCommunities

THREADS = {"one core": 1, "all cores": os.cpu_count() or 1}


def rounds_of(batch, steps):
    return min(steps - 20, 600 if batch <= 64 else 200)


def time_steps(benchmark, per, scenario, batch, threads):
    communities = CommunityBatch(scenario, batch, threads)
    communities.reset(seed=0)
    shape = (batch, len(scenario.agents), communities.action_map.width)
    actions = np.random.default_rng(0).uniform(-1.0, 1.0, shape).astype(np.float32)
    per("agent-step", shape[0] * shape[1])
    rounds = rounds_of(batch, scenario.steps)
    benchmark.pedantic(communities.step, args=(actions,), rounds=rounds, warmup_rounds=5)


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("batch", [64, 1024])
@pytest.mark.benchmark(group="communities of 16 at once")
def test_batch(benchmark, per, batch, threads):
    time_steps(benchmark, per, load_scenario("community-16-v0"), batch, THREADS[threads])


@pytest.mark.parametrize("batch", [64, 1024])
@pytest.mark.benchmark(group="communities of 16 at once")
def test_batch_in_numpy(benchmark, per, batch):
    scenario = load_scenario("community-16-v0")
    one = draw(scenario, choose_key(scenario, 0))
    communities = NumpyCommunities(scenario, stack([one] * batch))
    actions = np.random.default_rng(0).uniform(-1.0, 1.0, (batch, 16, 3))
    per("agent-step", batch * 16)
    rounds = 100 if batch <= 64 else 20
    benchmark.pedantic(communities.step, args=(actions,), rounds=rounds, warmup_rounds=2)


@pytest.mark.parametrize(("prosumers", "batch"), [(16, 1000), (1000, 16)])
@pytest.mark.benchmark(group="16,000 prosumers in communities of 16 and of 1,000")
def test_size(benchmark, per, prosumers, batch):
    time_steps(benchmark, per, grown("community-64-v0", prosumers), batch, 1)


@pytest.mark.parametrize("scenario_id", ["community-16-v0", "assets-12-v0"])
@pytest.mark.benchmark(group="512 communities of stores alone, and of every kind of machine")
def test_machines(benchmark, per, scenario_id):
    time_steps(benchmark, per, load_scenario(scenario_id), 512, 1)


@pytest.mark.parametrize("scenario_id", ["few-sellers-v0", "contracts-12-v0"])
@pytest.mark.benchmark(group="512 communities of the same members, without agreements and with")
def test_agreements(benchmark, per, scenario_id):
    time_steps(benchmark, per, load_scenario(scenario_id), 512, 1)
