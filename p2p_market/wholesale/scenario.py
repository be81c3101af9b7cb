"""A scenario: everything that is fixed before an episode is drawn, validated and frozen."""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from p2p_market.data import system
from p2p_market.errors import ScenarioError
from p2p_market.grid.feeder import LinearFlow, per_unit_flow
from p2p_market.grid.frequency import DELIVERED_BY_NADIR, NOMINAL_HZ
from p2p_market.kit.episodes import Source
from p2p_market.records import BoolArray, FloatArray, IntArray, Record
from p2p_market.wholesale.records import LEVELS_EUR_PER_MWH
from p2p_market.wholesale.schema import BUSES, KINDS, WholesaleSpec

BASE_MVA: Final = 100.0
BAND_PU: Final = (0.95, 1.05)
REACTIVE: Final = 0.25  # of the active power of loads; units and storages supply none
INVERTER: Final = KINDS.index("inverter")
LOWEST_DEMAND: Final = 0.375
"""Share of the highest national demand below which none is drawn; in the data it is 0.40."""


class Rules(NamedTuple):
    """Numbers of the step, fixed by the scenario."""

    steps: int
    dt_h: float
    hold_steps: int
    cap: float  # EUR/MWh, as the prices below
    floor: float
    lost_load: float
    dumped: float
    backlog: float
    frequency: float  # EUR per Hz and hour
    voltage: float  # EUR per pu and hour
    response: float  # EUR per MW and hour
    band_hz: float
    relay_hz: float
    damping: float  # share of the load per Hz
    reserve_mw: float
    tap_pu: float
    stability_weight: float
    environment_weight: float
    carbon: float  # EUR/t


class Fleet(NamedTuple):
    """Numbers of units, one row each; providers are generators, storages and consumers."""

    max_mw: FloatArray  # (generator,)
    least_mw: FloatArray  # (generator,), while it is available
    ramp_mw: FloatArray  # (generator,), inf: as fast as it likes
    cost: FloatArray  # (generator,), fuel and carbon [EUR/MWh]
    emissions: FloatArray  # (generator,) [t/MWh]
    thermal: BoolArray  # (generator,)
    kind: IntArray  # (generator,), index into KINDS
    solar: BoolArray  # (generator,)
    thermal_share: FloatArray  # (generator,), of the thermal capacity, 0 for others
    truthful: IntArray  # (generator,), lowest bid level that covers the cost
    owner: IntArray  # (generator,), first unit of the same owner
    power_mw: FloatArray  # (storage,)
    capacity_mwh: FloatArray  # (storage,)
    gain_charge: FloatArray  # (storage,), MWh stored per MW and step
    gain_discharge: FloatArray  # (storage,), MWh taken per MW and step
    wear: FloatArray  # (storage,) [EUR/MWh]
    start_mwh: FloatArray  # (storage,)
    terminal: FloatArray  # (storage,) [EUR/MWh]
    flexible_mw: FloatArray  # (consumer,), highest
    recovery_mw: FloatArray  # (consumer,)
    most_backlog_mwh: FloatArray  # (consumer,)
    discomfort: FloatArray  # (consumer,) [EUR/MWh/h]
    gain_mw_per_hz: FloatArray  # (provider,)
    delivered: FloatArray  # (provider,), in a step in which a unit trips
    generator_bus: IntArray
    storage_bus: IntArray
    consumer_bus: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Scenario(Record):
    """A validated scenario; units stand in the file's order."""

    spec: WholesaleSpec
    digest: str  # SHA-256 over the specification and the data digest
    data: Source
    agents: tuple[str, ...]  # generators, storages, consumers, the operator
    steps: int
    rules: Rules
    fleet: Fleet
    flow: LinearFlow

    @property
    def dt_h(self) -> float:
        """Length of a step [h]."""
        return float(self.spec.dt_h)

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Number of generators, storages and consumers."""
        return len(self.fleet.max_mw), len(self.fleet.power_mw), len(self.fleet.flexible_mw)


def build(spec: WholesaleSpec, source: str = "") -> Scenario:
    """A scenario with its arrays.

    Args:
        source: the file, for errors.

    Raises:
        ScenarioError: if what the file says is impossible, or breaks what the optimum rests on.
    """
    before = f"{source}: " if source.endswith((".yaml", ".yml")) else ""
    names = [one.name for one in spec.generators] + [one.name for one in spec.storages]
    names += [one.name for one in spec.consumers]
    _insist(len(set(names)) == len(names), spec, before, "two units have the same name")
    data = Source()
    if spec.data != "constant":
        year = system.load()
        data = Source(year.name, year.digest)
    steps = spec.steps or round(24 * spec.days / spec.dt_h)
    text = json.dumps([spec.model_dump(mode="json"), data.digest], sort_keys=True)
    scenario = Scenario(
        spec=spec,
        digest=hashlib.sha256(text.encode()).hexdigest(),
        data=data,
        agents=(*names, "operator_0"),
        steps=steps,
        rules=_rules(spec, steps),
        fleet=_fleet(spec),
        flow=per_unit_flow(*_net(spec, before), BASE_MVA, BAND_PU),
    )
    _check(scenario, before)
    return scenario


def _insist(holds: bool, spec: WholesaleSpec, before: str, told: str) -> None:
    if not holds:
        raise ScenarioError(f"{before}{spec.id}: {told}")


def _rules(spec: WholesaleSpec, steps: int) -> Rules:
    return Rules(
        steps=steps,
        dt_h=float(spec.dt_h),
        hold_steps=math.ceil(spec.hold_h / spec.dt_h),
        cap=float(spec.price_cap_eur_per_mwh),
        floor=float(spec.price_floor_eur_per_mwh),
        lost_load=float(spec.lost_load_eur_per_mwh),
        dumped=float(spec.dumped_eur_per_mwh),
        backlog=float(spec.backlog_eur_per_mwh),
        frequency=float(spec.frequency_eur_per_hz_h),
        voltage=float(spec.voltage_eur_per_pu_h),
        response=float(spec.response_eur_per_mw_h),
        band_hz=float(spec.frequency_band_hz),
        relay_hz=float(spec.relay_hz),
        damping=float(spec.damping_per_hz),
        reserve_mw=float(spec.reserve_level_mw),
        tap_pu=float(spec.tap_pu),
        stability_weight=float(spec.stability_weight),
        environment_weight=float(spec.environment_weight),
        carbon=float(spec.carbon_eur_per_t),
    )


def _column(units: Sequence[Any], name: str) -> FloatArray:
    return np.array([float(getattr(unit, name)) for unit in units])


def _fleet(spec: WholesaleSpec) -> Fleet:
    units, storages, consumers = spec.generators, spec.storages, spec.consumers
    dt, most = float(spec.dt_h), _column(units, "max_mw")
    thermal = np.array([unit.kind != "inverter" for unit in units])
    emissions = _column(units, "emissions_kg_per_mwh") / 1000.0
    fuel = _column(units, "fuel_eur_per_mwh_thermal") / _column(units, "efficiency")
    cost = np.round(fuel + float(spec.carbon_eur_per_t) * emissions, 6)
    burning = float(most[thermal].sum())
    power, each_way = (
        _column(storages, "power_mw"),
        np.sqrt(_column(storages, "round_trip_efficiency")),
    )
    capacity, flexible = _column(storages, "capacity_mwh"), _column(consumers, "flexible_mw")
    owners = [unit.owner or unit.name for unit in units]
    gains = [
        most / (spec.droop * NOMINAL_HZ),
        power / spec.storage_full_hz,
        flexible / spec.load_full_hz,
    ]
    delivered = [
        [DELIVERED_BY_NADIR[unit.kind] for unit in units],
        [DELIVERED_BY_NADIR["storage"]] * len(storages),
        [DELIVERED_BY_NADIR["load"]] * len(consumers),
    ]
    fleet = Fleet(
        max_mw=most,
        least_mw=_column(units, "min_mw"),
        ramp_mw=np.array(
            [math.inf if unit.ramp_mw_per_step is None else unit.ramp_mw_per_step for unit in units]
        ),
        cost=cost,
        emissions=emissions,
        thermal=thermal,
        kind=np.array([KINDS.index(unit.kind) for unit in units], dtype=np.int64),
        solar=np.array([unit.source == "solar" for unit in units]),
        thermal_share=np.where(thermal, most / burning, 0.0) if burning else np.zeros(len(units)),
        truthful=np.minimum(
            np.searchsorted(LEVELS_EUR_PER_MWH, cost), len(LEVELS_EUR_PER_MWH) - 1
        ).astype(np.int64),
        owner=np.array([owners.index(owner) for owner in owners], dtype=np.int64),
        power_mw=power,
        capacity_mwh=capacity,
        gain_charge=dt * each_way,
        gain_discharge=dt / each_way,
        wear=_column(storages, "wear_eur_per_mwh"),
        start_mwh=capacity * _column(storages, "start"),
        terminal=_column(storages, "terminal_eur_per_mwh"),
        flexible_mw=flexible,
        recovery_mw=flexible * _column(consumers, "recovery"),
        most_backlog_mwh=flexible * _column(consumers, "backlog_h"),
        discomfort=_column(consumers, "comfort") / 100.0 * 5.0,
        gain_mw_per_hz=np.concatenate(gains),
        delivered=np.concatenate(delivered),
        generator_bus=np.array([unit.bus for unit in units], dtype=np.int64),
        storage_bus=np.array([unit.bus for unit in storages], dtype=np.int64),
        consumer_bus=np.array([unit.bus for unit in consumers], dtype=np.int64),
    )
    for array in fleet:
        array.setflags(write=False)
    return fleet


def _net(spec: WholesaleSpec, before: str) -> tuple[IntArray, FloatArray, FloatArray]:
    """Parent of each bus, resistance and reactance of the line to it; bus 0 is the substation."""
    parent = np.full(BUSES, -1, dtype=np.int64)
    r_pu, x_pu = np.zeros((2, BUSES))
    for line in spec.lines:
        near, far = line.buses
        _insist(near < far, spec, before, f"line {near}-{far}: the first bus has the lower number")
        _insist(parent[far] < 0, spec, before, f"two lines end at bus {far}; the net is a tree")
        parent[far], r_pu[far], x_pu[far] = near, line.r_pu, line.x_pu
    loose = [bus for bus in range(1, BUSES) if parent[bus] < 0]
    _insist(not loose, spec, before, f"buses {loose} have no line")
    return parent, r_pu, x_pu


def _check(scenario: Scenario, before: str) -> None:
    """What the optimum rests on: then it is a linear program of the same physics."""
    spec, rules, fleet = scenario.spec, scenario.rules, scenario.fleet
    lowest = LOWEST_DEMAND if spec.data != "constant" else 1.0
    least_mw = lowest * sum(
        min(1.0, 1.0 + one.working_hours) * one.firm_mw for one in spec.consumers
    )
    shed = rules.lost_load * rules.damping * least_mw
    _insist(
        rules.frequency <= shed or not least_mw,
        spec,
        before,
        f"frequency_eur_per_hz_h {rules.frequency:g} is above lost_load_eur_per_mwh * "
        f"damping_per_hz * lowest firm load = {shed:.0f}: the optimum would shed load where relays "
        "do not; lower it",
    )
    for unit in spec.storages:
        loss = 1.0 - unit.round_trip_efficiency
        burn = math.inf if loss == 0.0 else unit.wear_eur_per_mwh * (2.0 - loss) / loss
        _insist(
            rules.dumped <= burn,
            spec,
            before,
            f"dumped_eur_per_mwh {rules.dumped:g} is above {burn:.2f}: {unit.name} would charge "
            "and discharge at once to burn energy; lower it or raise wear_eur_per_mwh",
        )
    dearest = float(fleet.cost.max())
    _insist(
        dearest <= LEVELS_EUR_PER_MWH[-1],
        spec,
        before,
        f"a unit costs {dearest:.2f} EUR/MWh, above the highest bid {LEVELS_EUR_PER_MWH[-1]:g}",
    )
    _insist_voltage(scenario, before)


def _insist_voltage(scenario: Scenario, before: str) -> None:
    """The transformer can hold every bus, at the largest load and at the largest injection.

    The source lies within 3 % of 1; a tap of two steps mends 4 % of it.
    """
    spec, flow = scenario.spec, scenario.flow
    load, injection = np.zeros((2, BUSES))
    for unit in spec.consumers:
        factor = max(1.0, 1.0 + unit.working_hours)
        load[unit.bus] += factor * unit.firm_mw + (1.0 + unit.recovery) * unit.flexible_mw
    reactive = REACTIVE * load
    for storage in spec.storages:
        load[storage.bus] += storage.power_mw
        injection[storage.bus] += storage.power_mw
    for generator in spec.generators:
        injection[generator.bus] += generator.max_mw
    drop = flow.drop_per_active @ load + flow.drop_per_reactive @ reactive
    rise = flow.drop_per_active @ injection
    reach = 2.0 * float(spec.tap_pu)
    most_drop = (0.97 + reach) ** 2 - BAND_PU[0] ** 2
    most_rise = BAND_PU[1] ** 2 - (1.03 - reach) ** 2
    for name, moved, most in (("drop", drop, most_drop), ("rise", rise, most_rise)):
        bus = int(moved.argmax())
        _insist(
            moved[bus] <= most,
            spec,
            before,
            f"the squared voltage of bus {bus} can {name} by {moved[bus]:.4f}, above {most:.4f}: "
            "no tap would hold it; move units to bus 0 or use better lines",
        )
