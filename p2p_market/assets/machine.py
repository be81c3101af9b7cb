"""What makes a device more than a store: a world that moves its level, least loads, ramps, prices.

    e~      = retention e + drift + share charge_gain_h max(p, 0) - discharge_gain_h max(-p, 0)
    missing = max(e_min - e~, 0)        bought, as from a boiler
    spilled = max(e~ - top, 0)          got rid of, as over a weir
    e'      = min(max(e~, e_min), top)

Drift, shares and top are drawn at reset. One text treats every device: a plain store has no drift,
shares of one and no least load, and its `machines` and `world` are None, which the compiler knows,
so it pays nothing for what it does not have.

Source of the form: Heussen, Koch, Ulbig and Andersson (2010), doi:10.1109/ISGTEUROPE.2010.5638865.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from p2p_market.compilation import inner
from p2p_market.records import FloatArray, Record, for_kernels

ALMOST: Final = 1e-6
"""A power this close to the least load, as a share of it, is the least load: a solver's 4.9999999
is no stop."""


@for_kernels
@dataclass(frozen=True, slots=True)
class MachineCoefficients(Record):
    """What is fixed of machines, (agent, asset); plain stores among them have neutral values."""

    charge_on_kw: FloatArray  # least load, 0 = none
    discharge_on_kw: FloatArray
    ramp_kw: FloatArray  # largest rise of the load from one step to the next, inf = any
    start_eur: FloatArray  # for each start from standstill
    charge_eur_per_kwh: FloatArray  # beside the wear, AC
    discharge_eur_per_kwh: FloatArray
    hold_eur_per_kwh: FloatArray  # per step, by the level after it
    missing_eur_per_kwh: FloatArray
    spilled_eur_per_kwh: FloatArray
    terminal_eur_per_kwh: FloatArray  # value of a stored kWh at the end
    taper_per_h: FloatArray  # charging power per kWh that is missing to full; 0 = no taper
    soh: FloatArray  # what is left of the capacity, for who looks; 0 = no device


@for_kernels
@dataclass(frozen=True, slots=True)
class World(Record):
    """What the world does to machines in a step, (batch, agent, asset).

    In series `step` comes first.
    """

    drift_kwh: FloatArray  # inflow less drain, over the step
    charge_share: FloatArray  # factor of the charge gain, > 0: a heat pump's COP moves
    low_share: FloatArray  # of the lowest power that can be had, 0 to 1
    high_share: FloatArray  # of the highest power
    top_kwh: FloatArray  # highest level after the step


class Device(NamedTuple):
    """One device in one step, numbers only."""

    low_kw: float
    high_kw: float
    drift_kwh: float
    charge_gain_h: float
    top_kwh: float
    charge_on_kw: float
    discharge_on_kw: float
    ramp_kw: float
    taper_per_h: float


@inner(forceinline=True)
def device(nodes, machines, world, b, i, k):  # type: ignore[no-untyped-def]
    """One device in one step; `machines` and `world` are None where all are plain stores."""
    low, high = nodes.power_min_kw[i, k], nodes.power_max_kw[i, k]
    gain_h, top = nodes.charge_gain_h[i, k], nodes.energy_max_kwh[i, k]
    if machines is None:
        return Device(low, high, 0.0, gain_h, top, 0.0, 0.0, np.inf, 0.0)
    return Device(
        low * world.low_share[b, i, k],
        high * world.high_share[b, i, k],
        world.drift_kwh[b, i, k],
        gain_h * world.charge_share[b, i, k],
        world.top_kwh[b, i, k],
        machines.charge_on_kw[i, k],
        machines.discharge_on_kw[i, k],
        machines.ramp_kw[i, k],
        machines.taper_per_h[i, k],
    )


@inner(forceinline=True)
def after_step(nodes, own, i, k, energy, power):  # type: ignore[no-untyped-def]
    """The level that a power and the world lead to, before anything is bought or spilled [kWh].

    Args:
        own: the `Device`.
    """
    gain_h = own.charge_gain_h if power > 0.0 else nodes.discharge_gain_h[i, k]
    return nodes.retention[i, k] * energy + own.drift_kwh + gain_h * power


@inner(forceinline=True)
def least_loads(machines, i, k):  # type: ignore[no-untyped-def]
    """Least load of charging and of discharging [kW], 0 = none."""
    if machines is None:
        return 0.0, 0.0
    return machines.charge_on_kw[i, k], machines.discharge_on_kw[i, k]


@inner(forceinline=True)
def snapped(power, charge_on, discharge_on, share):  # type: ignore[no-untyped-def]
    """The power itself, standstill, or the least load, when it lies between the two.

    Args:
        power: inside its limits [kW].
        share: of the least load from which on it runs: 0.5 = the nearest of the two, halfway runs;
            1 - `ALMOST` = towards standstill.
    """
    if 0.0 < power < charge_on:
        return charge_on if power >= share * charge_on else 0.0
    if -discharge_on < power < 0.0:
        return -discharge_on if -power >= share * discharge_on else 0.0
    return power


@inner(forceinline=True)
def keeping(nodes, presence, energy, b, i, k):  # type: ignore[no-untyped-def]
    """The power nearest 0 that keeps the level inside the tube, least load and ramp left out."""
    own = device(nodes, nodes.machines, presence.world, b, i, k)
    kept = nodes.retention[i, k] * energy + own.drift_kwh
    power = 0.0
    if kept < presence.floor_kwh[b, i, k]:
        power = (presence.floor_kwh[b, i, k] - kept) / own.charge_gain_h
    elif kept > own.top_kwh:
        power = (own.top_kwh - kept) / nodes.discharge_gain_h[i, k]
    return presence.plugged[b, i, k] * min(max(power, own.low_kw), own.high_kw)


@inner(forceinline=True)
def unmet(nodes, presence, energy, power, b, i, k):  # type: ignore[no-untyped-def]
    """What a machine's level lacked, and what did not fit, (missing, spilled) [kWh]."""
    own = device(nodes, nodes.machines, presence.world, b, i, k)
    level = after_step(nodes, own, i, k, energy, power)
    return max(nodes.energy_min_kwh[i, k] - level, 0.0), max(level - own.top_kwh, 0.0)


def machine_coefficients(
    nodes: Sequence[Sequence[Any]],
    shape: tuple[int, ...],
    dt_h: float,
    terminal_eur_per_kwh: float,
) -> MachineCoefficients:
    """Arrays of the machines of each agent.

    Args:
        nodes: flexible power nodes per agent.
        shape: agents and most assets of an agent.
        terminal_eur_per_kwh: where a node has no value of its own.
    """
    columns = np.zeros((12, *shape))
    columns[2] = np.inf
    columns[9] = terminal_eur_per_kwh
    for agent, own in enumerate(nodes):
        for asset, node in enumerate(own):
            value = node.terminal_eur_per_kwh
            columns[:, agent, asset] = (
                node.charge_on_kw,
                node.discharge_on_kw,
                node.ramp_kw_per_h * dt_h,
                node.start_eur,
                node.charge_eur_per_kwh,
                node.discharge_eur_per_kwh,
                node.hold_eur_per_kwh_h * dt_h,
                node.missing_eur_per_kwh,
                node.spilled_eur_per_kwh,
                terminal_eur_per_kwh if value is None else value,
                node.taper_per_h,
                node.soh,
            )
    return MachineCoefficients(*(column.copy() for column in columns))
