"""What machines add to the value of stored energy: the world, prices of running, least loads.

What a level lacks is bought, one more way to replace stored energy; what the world puts in and does
not fit is spilled, one more use of it. Both stand in the merit order of `value`.
"""

from dataclasses import dataclass

import numpy as np

from baselines.community.mpc.worlds import LEAST_SHARE, RUN_H
from p2p_market.assets.machine import MachineCoefficients
from p2p_market.records import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Running:
    """Prices and least loads of one machine for each of some members, (member,) each."""

    charge_eur_per_kwh: FloatArray  # beside the wear, AC
    discharge_eur_per_kwh: FloatArray
    hold_eur_per_kwh: FloatArray  # per step, by the level after it
    missing_eur_per_kwh: FloatArray
    spilled_eur_per_kwh: FloatArray
    charge_on_kw: FloatArray
    discharge_on_kw: FloatArray
    start_eur: FloatArray

    def start_eur_per_h(self) -> FloatArray:
        """What an hour of running bears of the start that it needs."""
        return self.start_eur / RUN_H


def running_of(machines: MachineCoefficients, own: IntArray, asset: int) -> Running:
    """Of the members who have it."""
    return Running(*(getattr(machines, name)[own, asset] for name in Running.__slots__))


@dataclass(frozen=True, slots=True)
class World:
    """What the world does to each machine in a step, (..., member) each."""

    drift_kwh: FloatArray
    charge_share: FloatArray
    top_kwh: FloatArray  # highest level after the step
    spilled_max_kwh: FloatArray  # what may be got rid of

    @property
    def share(self) -> FloatArray:
        """Of the charge gain; never nothing."""
        return np.maximum(self.charge_share, LEAST_SHARE)

    def bought_max_kwh(self) -> FloatArray:
        """What may be bought: nothing is bought to be stored."""
        return np.maximum(-self.drift_kwh, 0.0)


def below_top(edges: FloatArray, later: FloatArray, world: World, running: Running) -> FloatArray:
    """Value of cells, (..., member, cell); above the top energy is spilled."""
    top = world.top_kwh[..., None]
    above = np.clip((edges[:, 1:] - top) / np.diff(edges), 0.0, 1.0)
    lost = -running.spilled_eur_per_kwh[:, None]
    return later - running.hold_eur_per_kwh[:, None] + above * np.minimum(lost - later, 0.0)


def pieces(world: World, running: Running, shape: tuple[int, ...]) -> tuple[FloatArray, FloatArray]:
    """Width [kWh] and worth [EUR/kWh] of what may be bought and spilled, (..., member, 2)."""
    width = np.stack([world.bought_max_kwh(), world.spilled_max_kwh], axis=-1)
    worth = np.stack([running.missing_eur_per_kwh, -running.spilled_eur_per_kwh], axis=-1)
    return np.broadcast_to(width, (*shape, 2)), np.broadcast_to(worth, (*shape, 2))


def cost_of_power(
    running: Running, power_kw: FloatArray, stood_still: FloatArray, dt_h: float
) -> FloatArray:
    """Prices of running in a step [EUR], (..., member, choice); infinite where it cannot run so."""
    up, down = running.charge_on_kw[:, None], running.discharge_on_kw[:, None]
    cost = dt_h * (
        running.charge_eur_per_kwh[:, None] * np.maximum(power_kw, 0.0)
        - running.discharge_eur_per_kwh[:, None] * np.minimum(power_kw, 0.0)
    )
    starts = stood_still[..., None] * (power_kw != 0.0)
    cost = cost + starts * (dt_h * running.start_eur_per_h()[:, None])
    # A power at its least load may miss it by one rounding of what was observed.
    slack = 1.0 - 1e-6
    between = ((power_kw > 0.0) & (power_kw < up * slack)) | (
        (power_kw < 0.0) & (-power_kw < down * slack)
    )
    return np.where(between, np.inf, cost)
