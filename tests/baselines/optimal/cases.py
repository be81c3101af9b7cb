"""Shipped scenarios changed at random, for comparisons of the optimum."""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from p2p_market.community.episode.episode import Episode, choose_key, draw
from p2p_market.community.scenario.members import CLEARNESS_RANGE
from p2p_market.community.scenario.scenario import Scenario, build
from p2p_market.community.scenario.schema import Outages, ScenarioSpec
from p2p_market.registry import load_scenario
from tests.every_scenario import STORES

IDS = STORES
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
    Where load or PV may be cut, the connection carries load and storage without PV, as it must, and
    PV and storage without load.
    """
    if (scenario := build(spec)).cuts:
        drawn = (scenario.peak_load_kw + scenario.nodes.power_max_kw.sum(axis=1)).max()
        pv_kw = CLEARNESS_RANGE[1] * scenario.clear_sky_peak_kw
        given = pv_kw - scenario.nodes.power_min_kw.sum(axis=1)
        least = float(np.ceil(max(drawn, given.max())))
        return spec.model_copy(update={"connection_limit_kw": least})
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


def built_tight(spec: ScenarioSpec) -> Scenario:
    """A scenario whose connection may be too small for other weeks, which no file may say."""
    loose = build(spec.model_copy(update={"connection_limit_kw": 1e4}))
    return replace(loose, spec=spec)


def with_tight_feeder(spec: ScenarioSpec, episode: Episode) -> ScenarioSpec:
    """A feeder that load and PV alone overload in some steps.

    Where it is charged, overload costs less than any feed-in tariff brings: throwing stored energy
    away never pays. Where it binds, PV is cut, or load.
    """
    peak = np.abs((episode.load_kw - episode.pv_kw).sum(axis=2)).max()
    feeder = {"limit_kw": float(0.3 * peak), "overload_eur_per_kwh": 0.08}
    return spec.model_copy(update={"feeder": spec.feeder.model_copy(update=feeder)})


def with_long_outages(spec: ScenarioSpec, hours: tuple[float, float]) -> ScenarioSpec:
    """One window without the grid, longer than the batteries last."""
    if spec.outages is None:
        return spec
    return spec.model_copy(update={"outages": Outages(windows=1, hours=hours)})


def with_whole_numbers(spec: ScenarioSpec) -> ScenarioSpec:
    """The engine slows storage down before it cuts, which no linear program says."""
    return spec.model_copy(update={"optimum": "mixed_integer"})


def random_case(number: int) -> tuple[Scenario, Episode]:
    """One of the shipped scenarios with a random set of changes, and one of its episodes.

    The first of each are as shipped, and longer where no whole numbers are in the program.
    """
    generator = np.random.default_rng([17, number])
    as_shipped = number < len(IDS)
    spec = load_scenario(IDS[number % len(IDS)]).spec
    longer = as_shipped and spec.optimum == "linear"
    spec = spec.model_copy(update={"days": 2 if longer else 1})
    scenario = build(spec)
    split, week = SPLITS[generator.integers(3)], int(generator.integers(13))
    key = choose_key(scenario, int(generator.integers(1000)), split, week)
    episode = draw(scenario, key)
    changes = (
        (with_fees, generator),
        (with_losses, generator),
        (with_tight_connection, episode),
        (with_tight_feeder, episode),
        (with_long_outages, (6.0, 14.0)),
    )
    if not as_shipped and spec.feeder.mode == "binding":
        spec = with_whole_numbers(spec)
    for change, data in changes:
        if not as_shipped and generator.random() < 0.6:
            spec = change(spec, data)
    scenario = built_tight(spec)
    return scenario, draw(scenario, key)


@lru_cache(maxsize=4)
def one_day(scenario_id: str, split: str = "test", week: int = 7) -> tuple[Scenario, Episode]:
    scenario = build(load_scenario(scenario_id).spec.model_copy(update={"days": 1}))
    return scenario, draw(scenario, choose_key(scenario, 3, split, week))
