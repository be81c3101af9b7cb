"""The optimum agrees with a second, independent formulation and a third solver."""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from baselines.optimal.policy import optimum
from p2p_market.episode import Episode, choose_key, draw
from p2p_market.errors import ScenarioError
from p2p_market.evaluation.certificate import certify
from p2p_market.evaluation.policy import Plan
from p2p_market.scenario import Scenario, build, load_scenario, scenario_ids
from p2p_market.schema import ScenarioSpec
from tests.optimal import linear_program

IDS = scenario_ids()
PLAIN = [
    name for name in IDS if not (one := load_scenario(name)).cuts and one.spec.optimum == "linear"
]  # what the program for scipy covers
SPLITS = ("train", "validation", "test")


def with_batteries(
    spec: ScenarioSpec, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> ScenarioSpec:
    """The same scenario with other parameters for every battery."""
    members = [
        member.model_copy(
            update={
                "assets": tuple(
                    {**device, **change(device)} if device["kind"] == "battery" else device
                    for device in member.assets
                )
            }
        )
        for member in spec.members
    ]
    return spec.model_copy(update={"members": tuple(members)})


def with_fees(spec: ScenarioSpec, generator: np.random.Generator) -> ScenarioSpec:
    """Another fee level; without fees all contracts are one, or reselling grid energy would pay."""
    level = str(generator.choice(["none", "low", "full"]))
    fee = round(generator.uniform(0.11, 0.35), 3)  # the dearest silence some members
    fees = spec.fees.model_copy(update={"level": level, "grid_fee_eur_per_kwh": fee})
    first = spec.members[0].contract
    members = [
        member.model_copy(update={"contract": first if level == "none" else member.contract})
        for member in spec.members
    ]
    return spec.model_copy(update={"fees": fees, "members": tuple(members)})


def with_losses(spec: ScenarioSpec, generator: np.random.Generator) -> ScenarioSpec:
    """Batteries that lose energy in every way."""
    return with_batteries(
        spec,
        lambda _: {
            "eta_charge": generator.uniform(0.85, 1.0),
            "eta_discharge": generator.uniform(0.85, 1.0),
            "leak_per_h": generator.uniform(0.0, 0.01),
            "degradation_eur_per_kwh": float(generator.choice([0.0, 0.005, 0.02])),
        },
    )


def with_tight_connection(spec: ScenarioSpec, episode: Episode) -> ScenarioSpec:
    """A connection that just carries load and PV, and one battery that could ask for far more.

    With several batteries the neighbours would share the work at no cost, and nothing would bind.
    """
    peak = np.abs(episode.load_kw - episode.pv_kw).max()
    sizes = ("power_kw", "capacity_kwh")
    strong = with_batteries(spec, lambda device: {size: 10.0 * device[size] for size in sizes})
    first, *others = strong.members
    without = [
        member.model_copy(
            update={"assets": tuple(one for one in member.assets if one["kind"] != "battery")}
        )
        for member in others
    ]
    limits = {"connection_limit_kw": float(np.ceil(peak)), "members": (first, *without)}
    return strong.model_copy(update=limits)


def with_tight_feeder(spec: ScenarioSpec, episode: Episode) -> ScenarioSpec:
    """A feeder that load and PV alone overload in some steps.

    Overload costs less than any feed-in tariff brings: throwing stored energy away never pays.
    """
    peak = np.abs((episode.load_kw - episode.pv_kw).sum(axis=2)).max()
    feeder = {"limit_kw": float(0.3 * peak), "overload_eur_per_kwh": 0.08}
    return spec.model_copy(update={"feeder": spec.feeder.model_copy(update=feeder)})


def random_case(number: int) -> tuple[Scenario, Episode]:
    """One of the shipped scenarios with a random set of changes, and one of its episodes.

    The first of each are as shipped, and longer.
    """
    generator = np.random.default_rng([17, number])
    as_shipped = number < len(PLAIN)
    spec = load_scenario(PLAIN[number % len(PLAIN)]).spec
    spec = spec.model_copy(update={"days": 2 if as_shipped else 1})
    scenario = build(spec)
    split, week = SPLITS[generator.integers(3)], int(generator.integers(13))
    key = choose_key(scenario, int(generator.integers(1000)), split, week)
    episode = draw(scenario, key)
    changes = (
        (with_fees, generator),
        (with_losses, generator),
        (with_tight_connection, episode),
        (with_tight_feeder, episode),
    )
    for change, data in changes:
        if not as_shipped and generator.random() < 0.6:
            spec = change(spec, data)
    scenario = build(spec)
    return scenario, draw(scenario, key)


@lru_cache(maxsize=4)
def one_day(scenario_id: str, split: str = "test", week: int = 7) -> tuple[Scenario, Episode]:
    scenario = build(load_scenario(scenario_id).spec.model_copy(update={"days": 1}))
    return scenario, draw(scenario, choose_key(scenario, 3, split, week))


def check_agreement(scenario: Scenario, episode: Episode) -> None:
    """Two programs, three solvers and the engine give one cost."""
    plan = optimum(scenario).plan(episode)
    certificate, _ = certify(scenario, episode, plan)
    own = linear_program.solve(scenario, episode)
    assert plan.objective_eur == pytest.approx(own.cost_eur, abs=certificate.tolerance_eur, rel=0.0)
    assert plan.bound_eur == pytest.approx(own.cost_eur, abs=certificate.tolerance_eur, rel=0.0)
    assert certificate.holds, certificate
    idle_kw = (episode.load_kw - episode.pv_kw)[:, 0]
    as_plan = Plan(
        own.setpoint_kw,
        idle_kw + own.setpoint_kw.sum(axis=-1),
        own.hub_kw,
        own.cost_eur,
        plan.bound_eur,
        ("scipy", "scipy"),
    )
    own_certificate, _ = certify(scenario, episode, as_plan)
    assert own_certificate.holds, own_certificate


def test_both_programs_agree_on_a_day():
    check_agreement(*one_day("classic-v0"))


@pytest.mark.compiled
@pytest.mark.parametrize("number", range(30))
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
    "feed-in": lambda s, _: replace(s, feed_in_eur_per_kwh=s.feed_in_eur_per_kwh - 0.001),
    "tight connection": lambda s, e: build(with_tight_connection(s.spec, e)),
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
