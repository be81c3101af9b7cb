"""The one equation: every device is a power node with an energy level and a signed AC power.

    e' = retention * e + charge_gain_h * max(p, 0) - discharge_gain_h * max(-p, 0)

The coefficients are computed once, when a scenario loads, and consumed by the step kernels and by
the optimum alike. Source: Heussen, Koch, Ulbig and Andersson (2010), "Energy storage in power
system operation: the power nodes modeling framework", eq. (1), doi:10.1109/ISGTEUROPE.2010.5638865.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from p2p_market.compilation import kernel
from p2p_market.records import BoolArray, FloatArray, Record, for_kernels


@dataclass(frozen=True, slots=True)
class PowerNode(Record):
    """One device. Power is positive into the prosumer.

    A `setpoint` node is moved by its owner and has an energy level; a `demand` node follows a
    measured load shape; a `sun` node follows the sun and is curtailed by rule only.
    """

    driver: Literal["setpoint", "demand", "sun"]
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
    scale_kw: float = 0.0  # demand: mean power; sun: AC power of the clear-sky fraction one
    tilt_deg: float = 0.0  # sun
    azimuth_deg: float = 180.0  # sun, 180 = south


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


@for_kernels
@dataclass(frozen=True, slots=True)
class Presence(Record):
    """What flexible assets may do in one step, (batch, agent, asset)."""

    plugged: FloatArray  # 1 when the asset can move, 0 when it is away or absent
    floor_kwh: FloatArray  # viability tube: lowest level after the step, before a departure
    departs: FloatArray  # 1 where the asset leaves at the end of the step
    trip_kwh: FloatArray  # taken from the level by the trip that begins then


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


def coefficients(nodes: Sequence[Sequence[PowerNode]], dt_h: float) -> Coefficients:
    """Arrays of the flexible nodes of each agent, padded to the largest count (at least one).

    Args:
        nodes: flexible nodes per agent, in the order of the action's set-points.
        dt_h: step length [h].
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
    return Coefficients(present, *(column.copy() for column in columns))


Nodes = Coefficients | Any
At = Presence | Any
"""A record, or what kernels take for it (`Record.arrays`, `Packed`)."""


class Limits(NamedTuple):
    """Power that keeps the next level inside the tube, (batch, agent, asset), positive = charge."""

    low: FloatArray  # [kW]
    high: FloatArray  # [kW]


@kernel(forceinline=True)
def limits_kernel(nodes, presence, energy, out_limits):  # type: ignore[no-untyped-def]
    """See `power_limits`."""
    charge, discharge = nodes.charge_gain_h, nodes.discharge_gain_h
    out_low, out_high = out_limits.low, out_limits.high
    for b in range(energy.shape[0]):
        for i in range(energy.shape[1]):
            for k in range(energy.shape[2]):
                kept = nodes.retention[i, k] * energy[b, i, k]
                low, high = nodes.power_min_kw[i, k], nodes.power_max_kw[i, k]
                if presence.plugged[b, i, k] == 0.0 or low == high:
                    out_low[b, i, k] = 0.0
                    out_high[b, i, k] = 0.0
                    continue
                spare = kept - presence.floor_kwh[b, i, k]
                need = -spare / discharge[i, k] if spare >= 0.0 else -spare / charge[i, k]
                room = nodes.energy_max_kwh[i, k] - kept
                most = room / charge[i, k] if room >= 0.0 else room / discharge[i, k]
                out_low[b, i, k] = min(max(low, need), high)
                out_high[b, i, k] = max(min(high, most), out_low[b, i, k])


def power_limits(nodes: Nodes, presence: At, energy_kwh: FloatArray) -> Limits:
    """Lowest and highest power of the step that keep the next level inside the tube.

    Args:
        presence: who can move, and the tube's floor after the step.
        energy_kwh: levels before the step, (batch, agent, asset) [kWh].
    """
    limits = Limits(np.empty_like(energy_kwh), np.empty_like(energy_kwh))
    limits_kernel(_plain(nodes), _plain(presence), energy_kwh, limits)
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
                p = power[b, i, k]
                gain_h = nodes.charge_gain_h[i, k] if p > 0.0 else nodes.discharge_gain_h[i, k]
                gained = gain_h * p
                level = nodes.retention[i, k] * energy[b, i, k] + gained
                # A power at its limit may miss the bound by one rounding; the invariants see more.
                level = min(max(level, nodes.energy_min_kwh[i, k]), nodes.energy_max_kwh[i, k])
                out_shortfall[b, i, k] = 0.0
                if presence.departs[b, i, k] > 0.0:
                    out_shortfall[b, i, k] = max(nodes.target_kwh[i, k] - level, 0.0)
                    level = level + out_shortfall[b, i, k] - presence.trip_kwh[b, i, k]
                out_energy[b, i, k] = level


def advance(
    nodes: Nodes, presence: At, energy_kwh: FloatArray, power_kw: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Levels after one step of constant, feasible power, and what was missing at departures.

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
