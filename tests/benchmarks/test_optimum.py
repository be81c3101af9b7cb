"""The optimum: compiled, planned once it is, and bounded by its prices; how much is the solver."""

from dataclasses import replace

import numpy as np
import pytest

from p2p_market.assets.node import coefficients
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.scenario.scenario import build
from p2p_market.registry import load_scenario

pytest.importorskip("cvxpy")

BY_STEP = (
    "load_kw", "pv_kw", "retail_eur_per_kwh", "feed_in_eur_per_kwh", "carbon_eur_per_kwh",
    "ask_floor_eur_per_kwh", "bid_cap_eur_per_kwh", "grid", "plugged", "departs",
    "trip_kwh", "floor_kwh",
)  # fmt: skip


def week_of_16():
    return load_scenario("community-16-v0")


def week_of_256():
    """Hourly: the members of community-64-v0, four times."""
    spec = load_scenario("community-64-v0").spec
    return build(spec.model_copy(update={"id": "community-256", "members": spec.members * 4}))


def year_of_16():
    """Hourly: 52 weeks in a row."""
    scenario = build(load_scenario("community-16-v0").spec.model_copy(update={"dt_h": 1.0}))
    return replace(scenario, steps=52 * scenario.steps, nodes=coefficients(scenario.flexible, 1.0))


def data_of(scenario):
    from baselines.community.optimal.outlook import Outlook

    weeks = max(1, scenario.steps // round(7 * 24 / scenario.dt_h))
    one = replace(scenario, steps=scenario.steps // weeks)
    keys = [choose_key(one, k, ("test", "train")[k % 2], k % 13) for k in range(5, 5 + weeks)]
    drawn = [draw(one, key) for key in keys]
    series = {
        name: np.concatenate([getattr(episode, name)[: one.steps] for episode in drawn])
        for name in BY_STEP
    }
    return Outlook(**series, start_energy_kwh=drawn[0].start_energy_kwh)


CASES = {"16 for a week": week_of_16, "256 for a week": week_of_256, "16 for a year": year_of_16}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.benchmark(group="optimum: fill and solve")
def test_optimum(benchmark, per, case):
    import cvxpy as cp

    from baselines.community.optimal.program import compile_program, fill

    per("optimum")
    scenario = CASES[case]()
    program, data = compile_program(scenario), data_of(scenario)
    solver_s = []

    def plan():
        fill(program, scenario, data)
        program.problem.solve(solver=cp.HIGHS, warm_start=False)
        solver_s.append(program.problem.solver_stats.solve_time)

    fill(program, scenario, data)
    program.problem.get_problem_data(cp.HIGHS)  # compiled once
    benchmark.pedantic(plan, rounds=3 if case == "16 for a week" else 1)
    assert program.problem.status == cp.OPTIMAL
    benchmark.extra_info["solver_s"] = float(np.median(solver_s))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.benchmark(group="optimum: compile")
def test_compiling_the_optimum(benchmark, per, case):
    import cvxpy as cp

    from baselines.community.optimal.program import compile_program, fill

    per("program")
    scenario = CASES[case]()
    data = data_of(scenario)

    def compiled():
        program = compile_program(scenario)
        fill(program, scenario, data)
        program.problem.get_problem_data(cp.HIGHS)

    benchmark.pedantic(compiled, rounds=1)


@pytest.mark.benchmark(group="bound of an optimum by its prices")
def test_bound(benchmark, per):
    from p2p_market.community.optimum.duality import bound_eur
    from p2p_market.community.optimum.plan import Prices
    from p2p_market.evaluation.ends.reference import published

    per("bound")
    scenario = week_of_16()
    episode = draw(scenario, choose_key(scenario, 0, "test", 5))
    prices = Prices(**published(scenario, episode).prices)
    benchmark(bound_eur, scenario, episode, prices)
