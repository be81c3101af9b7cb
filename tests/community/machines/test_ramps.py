"""Ramps in a linear optimum: rows, their prices, and a bound by arithmetic that counts them."""

from dataclasses import replace

import numpy as np
import pytest

from baselines.community.optimal.policy import optimum
from baselines.community.optimal.program import compile_program, fill
from p2p_market.assets.hydrogen import hydrogen
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.optimum.duality import bound_eur, losses
from p2p_market.community.optimum.plan import Prices
from p2p_market.community.rules.policy import truthful
from p2p_market.community.scenario.scenario import build, validated
from p2p_market.evaluation.ends.certificate import certify
from p2p_market.evaluation.rollout import rollout
from tests.community.machines.zoo import community, content

pytestmark = pytest.mark.xdist_group("machines")  # one worker compiles for all


def slow_hydrogen(limit_kw):
    """An electrolyser that loads in ten hours, a fuel cell that does in five."""
    feeder = {"limit_kw": limit_kw, "overload_eur_per_kwh": 0.1}
    values = content("hydrogen", feeder=feeder)
    values["members"][0]["assets"][-1]["ramp_kw_per_h"] = 3.0
    return build(validated(values, "zoo.yaml"))


def solved(name, limit_kw):
    slow = name == "hydrogen_slow"
    scenario = slow_hydrogen(limit_kw) if slow else community(name, limit_kw=limit_kw)
    episode = draw(scenario, choose_key(scenario, 0, "test", 11))
    return scenario, episode, optimum(scenario).plan(episode)


@pytest.mark.compiled
@pytest.mark.parametrize(
    ("name", "free", "limit_kw"),
    [
        ("biogas_slow", "biogas_chp", 5),
        ("heat_chp_slow", "heat_chp", 500),
        ("hydrogen_slow", "hydrogen", 500),
    ],
)
def test_both_ends_hold_and_a_ramp_costs_something(name, free, limit_kw):
    scenario, episode, plan = solved(name, limit_kw)
    certificate, played = certify(scenario, episode, plan)
    assert certificate.holds, str(certificate)
    loading = np.diff(np.abs(played.series["setpoint_kw"][:, 0, 0, 0]), prepend=0.0)
    assert loading.max() == pytest.approx(scenario.nodes.machines.ramp_kw[0, 0])
    assert plan.objective_eur > solved(free, limit_kw)[2].objective_eur + 0.01
    prices = Prices(**plan.prices)
    assert prices.ramp_eur_per_kw.max() > 0.01

    rule = rollout(scenario, episode, truthful(scenario), "truthful")
    lost = losses(scenario, episode, prices, rule)
    parts = [getattr(lost, field) for field in lost.__slots__]
    assert min(part.min() for part in parts) > -1e-9
    cost = float(rule.social_cost_eur[0])
    assert sum(part.sum() for part in parts) == pytest.approx(cost - certificate.bound_eur)


def test_any_prices_of_ramps_give_a_bound_and_those_of_the_optimum_the_best():
    scenario, episode, plan = solved("heat_chp_slow", 500)
    prices, generator = Prices(**plan.prices), np.random.default_rng(0)
    wild = generator.normal(0.0, 0.2, prices.ramp_eur_per_kw.shape)
    for ramp in (wild, np.zeros_like(wild), None):
        bound = bound_eur(scenario, episode, replace(prices, ramp_eur_per_kw=ramp))
        assert bound < plan.objective_eur - 0.01


def test_a_slow_electrolyser_and_a_truck_are_refused():
    with pytest.raises(ValueError, match="would have to begin before the truck's floor"):
        hydrogen(power_kw=30.0, tank_kg=10.0, pick_up_kg=5.0, ramp_kw_per_h=3.0)


def test_without_ramps_there_is_no_such_price():
    assert "ramp_eur_per_kw" not in solved("heat_pump", 500)[2].prices


def test_an_episode_starts_at_standstill_and_a_planner_anywhere():
    scenario = community("heat_chp_slow")
    episode = draw(scenario, choose_key(scenario, 0, "test", 11))
    program = compile_program(scenario)
    for known, before_kw in ((True, 0.0), (False, 10.0)):
        fill(program, scenario, episode)
        program.ramps.fill(from_standstill=known)
        program.problem.solve(solver="HIGHS")
        way = program.ramps.discharging
        assert way.before_kw.value.item() == before_kw
        most = before_kw + scenario.nodes.machines.ramp_kw[0, 0]
        power = program.storage.discharge_kw.value[:, way.slow]
        assert power[0] <= most + 1e-6
        assert np.diff(power, axis=0).max() <= scenario.nodes.machines.ramp_kw[0, 0] + 1e-6
