"""The optimum agrees with a second, independent formulation and a third solver."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from baselines.community.optimal.policy import optimum
from p2p_market.community.episode.episode import Episode, choose_key, draw
from p2p_market.community.optimum.plan import plan_of
from p2p_market.community.scenario.scenario import Scenario, build
from p2p_market.errors import ScenarioError
from p2p_market.evaluation.ends.certificate import certify
from p2p_market.registry import load_scenario
from p2p_market.track import Plan
from tests.baselines.optimal import linear_program
from tests.baselines.optimal.cases import (
    built_tight,
    one_day,
    random_case,
    with_tight_connection,
    with_tight_feeder,
)
from tests.baselines.optimal.linear_program import Optimum


def check_agreement(scenario: Scenario, episode: Episode, gap: float = 1e-3) -> Optimum:
    """Two programs, three solvers and the engine give one cost, or proved intervals that meet.

    Args:
        gap: relative gap of the second program, where whole numbers are in it.
    """
    plan = optimum(scenario).plan(episode)
    certificate, _ = certify(scenario, episode, plan)
    own = linear_program.solve(scenario, episode, gap=gap)
    tolerance = certificate.tolerance_eur
    if scenario.spec.optimum == "linear":
        assert plan.objective_eur == pytest.approx(own.cost_eur, abs=tolerance, rel=0.0)
        assert plan.bound_eur == pytest.approx(own.cost_eur, abs=tolerance, rel=0.0)
    assert plan.bound_eur <= own.cost_eur + tolerance
    assert own.bound_eur <= plan.objective_eur + tolerance
    assert certificate.holds, certificate
    own_certificate, _ = certify(scenario, episode, as_plan(own, episode))
    assert own_certificate.holds, own_certificate
    return own


def as_plan(own: Optimum, episode: Episode) -> Plan:
    """The second program's schedule, so that the engine can play it."""
    return plan_of(
        own.setpoint_kw,
        np.where(episode.grid > 0.0, own.net_load_kw, own.hub_kw),
        own.cost_eur,
        own.bound_eur,
        None,
        "scipy",
    )


def test_both_programs_agree_on_a_day():
    check_agreement(*one_day("classic-v0"))


SLOW = 13
"""Its whole numbers take ten seconds."""


@pytest.mark.parametrize(
    "number",
    [pytest.param(n, marks=pytest.mark.slow if n == SLOW else ()) for n in range(30)],
)
def test_both_programs_agree_on_random_episodes(number):
    check_agreement(*random_case(number))


def _with_nodes(scenario: Scenario, **change: Any) -> Scenario:
    return replace(scenario, nodes=replace(scenario.nodes, **change))


def _with_spec(scenario: Scenario, **change: Any) -> Scenario:
    return replace(scenario, spec=scenario.spec.model_copy(update=change))


DEARER: dict[str, Callable[[Scenario, Episode], Scenario]] = {
    "less is stored": lambda s, _: _with_nodes(s, charge_gain_h=0.99 * s.nodes.charge_gain_h),
    "more is taken": lambda s, _: _with_nodes(s, discharge_gain_h=1.01 * s.nodes.discharge_gain_h),
    "storage leaks": lambda s, _: _with_nodes(s, retention=0.999 * s.nodes.retention),
    "less capacity": lambda s, _: _with_nodes(s, energy_max_kwh=0.95 * s.nodes.energy_max_kwh),
    "wear": lambda s, _: _with_nodes(
        s, degradation_eur_per_kwh=0.002 + s.nodes.degradation_eur_per_kwh
    ),
    "fees": lambda s, _: replace(s, network_fee_eur_per_kwh=0.001 + s.network_fee_eur_per_kwh),
    "tight connection": lambda s, e: built_tight(with_tight_connection(s.spec, e)),
    "tight feeder": lambda s, e: build(with_tight_feeder(s.spec, e)),
}


@pytest.mark.parametrize("change", DEARER)
def test_the_comparison_would_notice(change):
    """A check that cannot fail guards nothing: each part of the program moves the optimum."""
    scenario, episode = one_day("community-16-v0")
    changed = DEARER[change](scenario, episode)
    if change == "tight connection":  # larger batteries alone make it cheaper
        scenario = _with_spec(changed, connection_limit_kw=1000.0)
    costs = [linear_program.solve(s, episode).cost_eur for s in (scenario, changed)]
    assert costs[1] > costs[0] + 1e-3


def test_the_comparison_would_notice_another_feed_in_tariff():
    scenario, episode = one_day("community-16-v0")
    less = replace(episode, feed_in_eur_per_kwh=episode.feed_in_eur_per_kwh - 0.001)
    costs = [linear_program.solve(scenario, one).cost_eur for one in (episode, less)]
    assert costs[1] > costs[0] + 1e-3


def test_no_scenario_loads_whose_optimum_would_throw_energy_away():
    """Overload dearer than feed-in: charging and discharging at once would burn what overloads.

    The linear program may do both, the engine may not: such a scenario is refused, or its
    certificate holds all the same.
    """
    spec = load_scenario("equal-tariffs-v0").spec.model_copy(update={"days": 1})
    feeder = {"limit_kw": 5.0, "overload_eur_per_kwh": 0.5}
    spec = spec.model_copy(update={"feeder": spec.feeder.model_copy(update=feeder)})
    try:
        scenario = build(spec)
    except ScenarioError:
        return
    episode = draw(scenario, choose_key(scenario, 3, "test", 6))
    certificate, _ = certify(scenario, episode, optimum(scenario).plan(episode))
    assert certificate.holds, certificate


def test_known_optimum_of_a_lossless_battery():
    """Two hours of 1 kW at night, 2 kWh stored, lossless.

    At the end a stored kWh is worth 0.20 EUR, less than the 0.26 EUR of the grid: the battery
    empties, nothing is imported, and 2 kWh are missing at the end: 0.40 EUR.
    """
    scenario, episode = one_day("classic-v0")
    alone = np.zeros(episode.load_kw.shape)
    alone[:2, 0, 0] = 1.0
    start = np.zeros(episode.start_energy_kwh.shape)
    start[0, 0, 0] = 2.0
    quiet = replace(episode, load_kw=alone, pv_kw=np.zeros_like(alone), start_energy_kwh=start)
    assert linear_program.solve(scenario, quiet).cost_eur == pytest.approx(0.40)
    assert optimum(scenario).plan(quiet).objective_eur == pytest.approx(0.40)
