"""A scenario: everything that is fixed before an episode is drawn, validated and frozen."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from p2p_market.battery.schema import BatterySpec
from p2p_market.data import DataSet, load
from p2p_market.data.own.store import own_columns
from p2p_market.data.sources import SETS, content_digest
from p2p_market.errors import DataError, ScenarioError
from p2p_market.records import FloatArray, Record

REFERENCE_SPREAD_EUR_PER_MWH: Final = 111.0
"""Mean daily spread of day-ahead prices in Germany 2024, where the other series were measured."""
SCALES: Final = (0.25, 2.5)


class Rules(NamedTuple):
    """Numbers of the step, fixed by the scenario."""

    steps: int
    dt_h: float
    hold_steps: int
    choices: bool  # actions are indices; else numbers in [-1, 1]
    bidding: bool
    gate_hour: int
    publish_hour: int
    dam_penalty: float
    reserve_h: float
    afrr_demand_mw: float  # inf: no limit
    afrr_penalty: float
    withhold: bool
    ladder: float
    two_sided: bool


class Fleet(NamedTuple):
    """Numbers of each battery, (agent,)."""

    power_mw: FloatArray
    capacity_mwh: FloatArray
    lowest_mwh: FloatArray
    highest_mwh: FloatArray
    start_mwh: FloatArray
    eta: FloatArray  # of charging, and of discharging
    wear: FloatArray  # EUR/MWh of AC energy


@dataclass(frozen=True, slots=True, eq=False)
class Scenario(Record):
    """A validated scenario; batteries stand in the file's order."""

    spec: BatterySpec
    digest: str  # SHA-256 over the specification and the data digest
    data: DataSet
    agents: tuple[str, ...]
    day_ahead_eur_per_mwh: FloatArray  # (hour of the year,)
    own: Mapping[str, FloatArray]  # the user's columns beside it, (quarter-hour of the year,)
    scale: float  # of all other prices, over those of Germany 2024
    steps: int
    rules: Rules
    fleet: Fleet

    @property
    def dt_h(self) -> float:
        """Length of a step [h]."""
        return float(self.spec.dt_h)

    @property
    def per_hour(self) -> int:
        """Steps of an hour."""
        return int(1.0 / self.spec.dt_h)

    @property
    def bids(self) -> int:
        """Hours for which an agent bids day-ahead in an action: 24, or 0 where it does not."""
        return 24 if self.rules.bidding else 0


def build(spec: BatterySpec, source: str = "") -> Scenario:
    """A scenario with its prices.

    Args:
        source: the file, for errors.

    Raises:
        ScenarioError: if the prices are unknown or not fetched, or a rule is broken.
    """
    before = f"{source}: " if source.endswith((".yaml", ".yml")) else ""
    base = spec.prices in SETS
    try:
        data = load(spec.prices if base else f"de2018+{spec.prices}")
        own = own_columns(spec.prices)
    except DataError as error:
        raise ScenarioError(f"{before}{spec.id}: prices {spec.prices!r}: {error}") from error
    hourly = np.round(1000.0 * data.day_ahead_eur_per_kwh[::4], 2)
    spread = np.ptp(hourly.reshape(-1, 24), axis=1).mean()
    steps = round(24 * spec.days / spec.dt_h)
    told = [spec.model_dump(mode="json"), data.digest]
    told += [content_digest(name, values) for name, values in own.items()]
    text = json.dumps(told, sort_keys=True)
    return Scenario(
        spec=spec,
        digest=hashlib.sha256(text.encode()).hexdigest(),
        data=data,
        agents=tuple(f"battery_{number}" for number in range(len(spec.batteries))),
        day_ahead_eur_per_mwh=hourly,
        own=own,
        scale=float(np.clip(round(spread / REFERENCE_SPREAD_EUR_PER_MWH, 4), *SCALES)),
        steps=steps,
        rules=_rules(spec, steps),
        fleet=_fleet(spec),
    )


@lru_cache(maxsize=8)
def in_numbers(scenario: Scenario) -> Scenario:
    """The same scenario, whose actions are numbers in [-1, 1] instead of choices."""
    return replace(scenario, rules=scenario.rules._replace(choices=False))


def _rules(spec: BatterySpec, steps: int) -> Rules:
    return Rules(
        steps=steps,
        dt_h=float(spec.dt_h),
        hold_steps=math.ceil(spec.hold_h / spec.dt_h),
        choices=True,
        bidding=spec.commitments == "bid",
        gate_hour=spec.dam_gate_hour,
        publish_hour=spec.dam_publish_hour,
        dam_penalty=float(spec.dam_penalty_eur_per_mwh),
        reserve_h=float(spec.reserve_h),
        afrr_demand_mw=math.inf if spec.afrr_demand_mw is None else float(spec.afrr_demand_mw),
        afrr_penalty=float(spec.afrr_penalty_eur_per_mwh),
        withhold=spec.withhold_reserve,
        ladder=float(spec.ladder_eur_per_mw2),
        two_sided=spec.terminal == "two_sided",
    )


def _fleet(spec: BatterySpec) -> Fleet:
    capacity = np.array([float(one.capacity_mwh) for one in spec.batteries])

    def level(name: str) -> FloatArray:
        return np.asarray(capacity * np.array([getattr(one, name) for one in spec.batteries]))

    fleet = Fleet(
        power_mw=np.array([float(one.power_mw) for one in spec.batteries]),
        capacity_mwh=capacity,
        lowest_mwh=level("soc_min"),
        highest_mwh=level("soc_max"),
        start_mwh=level("soc_start"),
        eta=np.sqrt([one.round_trip_efficiency for one in spec.batteries]),
        wear=np.array([float(one.wear_eur_per_mwh) for one in spec.batteries]),
    )
    for array in fleet:
        array.setflags(write=False)
    return fleet
