"""The duals of the optimum are prices at which every member, for itself, would do as planned."""

import numpy as np
import pytest

from baselines.mpc.policy import solve
from baselines.optimal.policy import optimum
from baselines.optimal.program import Pool, Posted, compile_program, fill
from p2p_market.episode import choose_key, draw
from p2p_market.evaluation.certificate import certificate_tolerance_eur
from p2p_market.scenario import load_scenario, scenario_ids

QUICK = ("classic-v0", "outage-v0", "binding-feeder-v0")
LINEAR = [
    pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)
    for name in scenario_ids()
    if load_scenario(name).spec.optimum == "linear"
]


def solved_alone(scenario, episode, hub, congestion, trade=True):
    """Sum of the members' own optima at posted prices [EUR]."""
    own = compile_program(scenario, posted=True)
    fill(own, scenario, episode)
    assert isinstance(own.market, Posted)
    shape = (scenario.steps, len(scenario.agents))
    own.market.hub_eur_per_kwh.fill(np.broadcast_to(hub[:, None], shape))
    own.market.congestion_eur_per_kwh.fill(np.broadcast_to(congestion[:, None], shape))
    if not trade:
        own.trades.buy_max_kw.fill(np.zeros(shape))
        own.trades.sell_max_kw.fill(np.zeros(shape))
    solve(own, scenario.spec.id)
    return own.problem.value


@pytest.mark.parametrize("name", LINEAR)
def test_private_optima_at_the_duals_sum_to_the_optimum(name):
    """Less what the line earns: the congestion price times what it can carry."""
    scenario = load_scenario(name)
    episode = draw(scenario, choose_key(scenario, 0, "test", 5))
    planner = optimum(scenario)
    plan = planner.plan(episode)
    assert isinstance(planner.program.market, Pool)
    fill(planner.program, scenario, episode)
    solve(planner.program, name)
    hub, congestion = planner.program.market.prices(scenario.dt_h)
    alone = solved_alone(scenario, episode, hub, congestion)
    rent = scenario.dt_h * scenario.spec.feeder.limit_kw * np.abs(congestion).sum()
    traded = np.maximum(plan.trade_kw, 0.0).sum() * scenario.dt_h
    tolerance = certificate_tolerance_eur(abs(plan.objective_eur) + traded)
    assert alone - rent == pytest.approx(plan.objective_eur, abs=10.0 * tolerance)
    wrong = solved_alone(scenario, episode, hub + 0.02, congestion)
    assert wrong - rent < plan.objective_eur - 10.0 * tolerance  # other prices promise too much


def test_without_a_market_everybody_pays_more():
    scenario = load_scenario("community-16-v0")
    episode = draw(scenario, choose_key(scenario, 0, "test", 5))
    nothing = np.zeros(scenario.steps)
    alone = solved_alone(scenario, episode, nothing, nothing, trade=False)
    assert alone > optimum(scenario).plan(episode).objective_eur + 1.0
