"""The one equation: every device is a power node with an energy level and a signed AC power.

    e' = retention * e + charge_gain_h * max(p, 0) - discharge_gain_h * max(-p, 0)

What the world adds to it stands in `machine`. The coefficients are computed once, when a scenario
loads, and consumed by the step kernels and by the optimum alike. Source: Heussen, Koch, Ulbig and
Andersson (2010), "Energy storage in power system operation: the power nodes modeling framework",
eq. (1), doi:10.1109/ISGTEUROPE.2010.5638865.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, NamedTuple

import numpy as np

from p2p_market.assets.machine import (
    ALMOST,
    MachineCoefficients,
    World,
    after_step,
    device,
    machine_coefficients,
)
from p2p_market.compilation import inner, kernel
from p2p_market.records import BoolArray, FloatArray, Record, for_kernels


@dataclass(frozen=True, slots=True)
class PowerNode(Record):
    """One device. Power is positive into the prosumer.

    A `setpoint` node is moved by its owner and has an energy level; a `demand` node follows a
    measured load shape; a `sun` node follows the sun and a `weather` node its law, and both are
    curtailed by rule only.
    """

    driver: Literal["setpoint", "demand", "sun", "weather"]
    power_min_kw: float = 0.0  # <= 0
    power_max_kw: float = 0.0  # >= 0
    energy_min_kwh: float = 0.0
    energy_max_kwh: float = 0.0
    eta_charge: float = 1.0
    eta_discharge: float = 1.0
    leak_per_h: float = 0.0
    degradation_eur_per_kwh: float = 0.0  # per kWh of AC energy in either direction
    target_kwh: float = 0.0  # setpoint: level wanted at each departure; 0 = never leaves
    stays_per_day: float = 0.0  # setpoint: chance to plug in on a day; 0 = never leaves
    profile: str = ""  # demand: name of its donor, `any <kind>` or `column <name>`; sun: the last
    scale_kw: float = 0.0  # demand: mean power; sun: AC power of the clear-sky fraction one;
    # weather: highest power
    tilt_deg: float = 0.0  # sun
    azimuth_deg: float = 180.0  # sun, 180 = south
    law: str = ""  # setpoint: what fills and drains it, a name in LAWS; none = nothing does;
    # weather: what it gives, a name in GENERATION
    law_data: tuple[tuple[str, float | str], ...] = ()  # what the law needs to know of the device
    charge_on_kw: float = 0.0  # setpoint: least load while it charges; 0 = any power
    discharge_on_kw: float = 0.0  # the same while it discharges
    ramp_kw_per_h: float = math.inf  # setpoint: fastest loading; unloading is free
    start_eur: float = 0.0  # setpoint: for each start from standstill
    charge_eur_per_kwh: float = 0.0  # setpoint: beside the wear, per kWh of AC energy drawn
    discharge_eur_per_kwh: float = 0.0  # the same per kWh delivered: fuel; negative: heat sold
    hold_eur_per_kwh_h: float = 0.0  # setpoint: calendar ageing, by the level
    missing_eur_per_kwh: float = 0.0  # setpoint: what the level lacks is bought
    spilled_eur_per_kwh: float = 0.0  # setpoint: what does not fit is got rid of
    terminal_eur_per_kwh: float | None = None  # setpoint: own value of a stored kWh
    taper_per_h: float = 0.0  # setpoint: charging power per kWh missing to full; 0 = no taper
    lead_h: float = 0.0  # setpoint: from an order of fuel to its arrival; 0 = nothing is ordered
    fuel_eur_per_kwh: float = 0.0  # setpoint: mean price of fuel that is ordered
    fuel_spread_eur_per_kwh: float = 0.0
    maintenance_h: float = 0.0  # setpoint: it must stand still so long once; 0 = never
    maintenance_by_day: int = 0  # setpoint: by the end of this day of the episode, the first is 1
    soh: float = 1.0  # setpoint: state of health, already in the capacity
    ageing: tuple[float, float] | None = None  # setpoint: full cycles and years that it lasts

    @property
    def is_machine(self) -> bool:
        """Whether it is more than a store: the world moves it, or running has rules and prices."""
        ordinary = PowerNode(self.driver)
        return any(getattr(self, name) != getattr(ordinary, name) for name in _MACHINE)


_MACHINE: Final = (
    "law", "charge_on_kw", "discharge_on_kw", "ramp_kw_per_h", "start_eur", "charge_eur_per_kwh",
    "discharge_eur_per_kwh", "hold_eur_per_kwh_h", "missing_eur_per_kwh", "spilled_eur_per_kwh",
    "terminal_eur_per_kwh", "taper_per_h", "lead_h",
    "maintenance_h",
)  # fmt: skip


@for_kernels
@dataclass(frozen=True, slots=True)
class Coefficients(Record):
    """Power nodes of all agents, (agent, asset), padded with absent nodes of zero power."""

    present: BoolArray
    retention: FloatArray  # share of the level kept over one step
    charge_gain_h: FloatArray  # kWh stored per kW charged for one step
    discharge_gain_h: FloatArray  # kWh taken from the level per kW discharged for one step
    energy_min_kwh: FloatArray
    energy_max_kwh: FloatArray
    power_min_kw: FloatArray
    power_max_kw: FloatArray
    degradation_eur_per_kwh: FloatArray
    target_kwh: FloatArray  # level wanted at departure, 0 = never leaves
    machines: MachineCoefficients | None = None  # None: all are plain stores


@for_kernels
@dataclass(frozen=True, slots=True)
class Presence(Record):
    """What flexible assets may do in one step, (batch, agent, asset)."""

    plugged: FloatArray  # 1 when the asset can move, 0 when it is away or absent
    floor_kwh: FloatArray  # viability tube: lowest level after the step, before a departure
    departs: FloatArray  # 1 where the asset leaves at the end of the step
    trip_kwh: FloatArray  # taken from the level by the trip that begins then
    world: World | None = None  # where there are machines


def retention_and_gains(node: PowerNode, dt_h: float) -> tuple[float, float, float]:
    """Retention [1], charge gain [h] and discharge gain [h] of a step; Heussen et al. (2010).

    With a leak the level decays exponentially within the step while power is constant, so the step
    counts for `(1 - retention) / leak` hours instead of `dt_h`. Math libraries differ in the last
    bit of an exponential, so it counts with twelve digits.
    """
    exact = -math.expm1(-node.leak_per_h * dt_h)  # 1 - retention, also for small leaks
    lost = float(f"{exact:.12g}")
    hours = dt_h if lost == 0.0 else lost / node.leak_per_h
    return 1.0 - lost, hours * node.eta_charge, hours / node.eta_discharge


def coefficients(
    nodes: Sequence[Sequence[PowerNode]], dt_h: float, terminal_eur_per_kwh: float = 0.0
) -> Coefficients:
    """Arrays of the flexible nodes of each agent, padded to the largest count (at least one).

    Args:
        nodes: flexible nodes per agent, in the order of the action's set-points.
        dt_h: step length [h].
        terminal_eur_per_kwh: value of a stored kWh at the end where a machine has none of its own.
    """
    width = max(1, max(len(own) for own in nodes))
    columns = np.zeros((9, len(nodes), width))
    columns[0] = 1.0
    present = np.zeros((len(nodes), width), dtype=np.bool_)
    for agent, own in enumerate(nodes):
        for asset, node in enumerate(own):
            present[agent, asset] = True
            columns[:, agent, asset] = (
                *retention_and_gains(node, dt_h),
                node.energy_min_kwh,
                node.energy_max_kwh,
                node.power_min_kw,
                node.power_max_kw,
                node.degradation_eur_per_kwh,
                node.target_kwh,
            )
    plain: list[Any] = [column.copy() for column in columns]
    if not any(node.is_machine for own in nodes for node in own):
        return Coefficients(present, *plain)
    machines = machine_coefficients(nodes, present.shape, dt_h, terminal_eur_per_kwh)
    return replace(Coefficients(present, *plain), machines=machines)


Nodes = Coefficients | Any
At = Presence | Any
"""A record, or what kernels take for it (`Record.arrays`, `Packed`)."""


class Limits(NamedTuple):
    """Power that keeps the next level inside the tube, (batch, agent, asset), positive = charge."""

    low: FloatArray  # [kW]
    high: FloatArray  # [kW]


@kernel(forceinline=True)
def limits_kernel(nodes, presence, energy, before, out_limits):  # type: ignore[no-untyped-def]
    """See `power_limits`."""
    for b in range(energy.shape[0]):
        for i in range(energy.shape[1]):
            for k in range(energy.shape[2]):
                level, last = energy[b, i, k], before[b, i, k]
                low, high = limits_of_one(nodes, presence, level, last, b, i, k)
                out_limits.low[b, i, k] = low
                out_limits.high[b, i, k] = high


@inner(forceinline=True)
def limits_of_one(nodes, presence, energy, before, b, i, k):  # type: ignore[no-untyped-def]
    """Lowest and highest power of one device [kW]."""
    own = device(nodes, nodes.machines, presence.world, b, i, k)
    low = max(own.low_kw, min(before, 0.0) - own.ramp_kw)
    high = min(own.high_kw, max(before, 0.0) + own.ramp_kw)
    if own.taper_per_h > 0.0:
        high = min(high, own.taper_per_h * max(nodes.energy_max_kwh[i, k] - energy, 0.0))
    if presence.plugged[b, i, k] == 0.0 or low == high:
        return 0.0, 0.0
    kept = nodes.retention[i, k] * energy + own.drift_kwh
    spare = kept - presence.floor_kwh[b, i, k]
    need = -spare / (nodes.discharge_gain_h[i, k] if spare >= 0.0 else own.charge_gain_h)
    room = own.top_kwh - kept
    most = _fitting(nodes.machines, room, own.charge_gain_h, nodes.discharge_gain_h[i, k])
    lowest = min(max(low, need), high)
    highest = max(min(high, most), lowest)
    if own.charge_on_kw > 0.0 or own.discharge_on_kw > 0.0:
        lowest = _reach(-min(lowest, 0.0), own.discharge_on_kw, -1.0)
        highest = _reach(max(highest, 0.0), own.charge_on_kw, 1.0)
    return lowest, highest


@inner(forceinline=True)
def _fitting(machines, room, charge_gain_h, discharge_gain_h):  # type: ignore[no-untyped-def]
    """Power that leads to the top; a machine above it is not forced to run, it spills."""
    if room >= 0.0:
        return room / charge_gain_h
    if machines is None:
        return room / discharge_gain_h
    return 0.0


@inner(forceinline=True)
def _reach(most, least, sign):  # type: ignore[no-untyped-def]
    """The end of what a machine with a least load can do: nothing, or at least that."""
    if most < least * (1.0 - ALMOST):
        return 0.0
    return sign * max(most, least)


def power_limits(
    nodes: Nodes, presence: At, energy_kwh: FloatArray, before_kw: FloatArray
) -> Limits:
    """Lowest and highest power of the step that keep the next level inside the tube.

    Where a machine has a least load, powers between standstill and it are left out: see `snapped`.

    Args:
        presence: who can move, and the tube's floor after the step.
        energy_kwh: levels before the step, (batch, agent, asset) [kWh].
        before_kw: power of the step before, (batch, agent, asset) [kW], for ramps.
    """
    limits = Limits(np.empty_like(energy_kwh), np.empty_like(energy_kwh))
    limits_kernel(_plain(nodes), _plain(presence), energy_kwh, before_kw, limits)
    return limits


def _plain(record: Any) -> Any:
    """What kernels take for a record; what they take already stays as it is."""
    return record.arrays() if isinstance(record, Record) else record


@kernel(forceinline=True)
def advance_kernel(nodes, presence, energy, power, out_energy, out_shortfall):  # type: ignore[no-untyped-def]
    """See `advance`."""
    for b in range(energy.shape[0]):
        for i in range(energy.shape[1]):
            for k in range(energy.shape[2]):
                own = device(nodes, nodes.machines, presence.world, b, i, k)
                level = after_step(nodes, own, i, k, energy[b, i, k], power[b, i, k])
                # A power at its limit may miss the bound by one rounding; the invariants see more.
                level = min(max(level, nodes.energy_min_kwh[i, k]), own.top_kwh)
                out_shortfall[b, i, k] = 0.0
                if presence.departs[b, i, k] > 0.0:
                    out_shortfall[b, i, k] = max(nodes.target_kwh[i, k] - level, 0.0)
                    level = level + out_shortfall[b, i, k] - presence.trip_kwh[b, i, k]
                out_energy[b, i, k] = level


def advance(
    nodes: Nodes, presence: At, energy_kwh: FloatArray, power_kw: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Levels after one step of constant, feasible power, and what was missing at departures.

    Where the world moves a level, what would take it below empty is bought, what does not fit is
    spilled: `machine.unmet` tells how much.

    Args:
        presence: who departs at the end of the step, and what the trip takes.
        energy_kwh: levels before the step, (batch, agent, asset) [kWh].
        power_kw: power inside `power_limits`, (batch, agent, asset) [kW], positive = charge.

    Returns:
        Levels after departure and trip, and shortfalls, both (batch, agent, asset) [kWh].
    """
    out, shortfall = np.empty_like(energy_kwh), np.empty_like(energy_kwh)
    advance_kernel(_plain(nodes), _plain(presence), energy_kwh, power_kw, out, shortfall)
    return out, shortfall
