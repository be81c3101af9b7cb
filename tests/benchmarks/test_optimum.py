"""The perfect-foresight optimum of one week."""

import pytest

from p2p_market.episode import choose_key, draw
from p2p_market.scenario import load_scenario


@pytest.mark.benchmark(group="optimum, one week of 16 prosumers")
def test_optimum(benchmark, per):
    pytest.importorskip("cvxpy")
    from baselines.optimal.policy import optimum

    per("week")
    scenario = load_scenario("community-16-v0")
    planner = optimum(scenario)
    episode = draw(scenario, choose_key(scenario, 0, "test", 5))
    benchmark.pedantic(planner.plan, args=(episode,), rounds=3, warmup_rounds=1)
