"""Ramps in the program: loading is slow, one step after the other; unloading is free."""

from collections.abc import Iterator
from dataclasses import dataclass

import cvxpy as cp
import numpy as np

from baselines.community.optimal.blocks import rows_of
from p2p_market.assets.node import Coefficients
from p2p_market.records import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Way:
    """One direction of power with the machines that load slowly in it."""

    slow: IntArray  # columns
    most_kw: FloatArray  # (slow,)
    before_kw: cp.Parameter  # (1, slow), >= 0, of the step before the first
    rows: cp.Constraint  # (step, slow), of all steps


@dataclass(frozen=True, slots=True)
class Ramps:
    """What a machine adds to its power from one step to the next is limited."""

    columns: int
    charging: Way
    discharging: Way

    @property
    def constraints(self) -> list[cp.Constraint]:
        """Of all steps, where there are slow machines at all."""
        return [way.rows for way in self._ways]

    @property
    def _ways(self) -> Iterator[Way]:
        return (way for way in (self.charging, self.discharging) if len(way.slow))

    def fill(self, from_standstill: bool) -> None:
        """Say where the first step comes from: standstill, or nobody knows and any power is near.

        Args:
            from_standstill: as at the start of an episode; a planner starts in the middle.
        """
        for way in self._ways:
            way.before_kw.value = way.most_kw[None] * (not from_standstill)

    def prices_eur_per_kw(self) -> tuple[FloatArray, FloatArray]:
        """What one more kW of loading is worth, charging and discharging, (step, column)."""
        charging, discharging = (self._prices(way) for way in (self.charging, self.discharging))
        return charging, discharging

    def _prices(self, way: Way) -> FloatArray:
        found = np.zeros((way.rows.shape[0], self.columns))
        if len(way.slow):
            found[:, way.slow] = way.rows.dual_value
        return found


def ramps_of(
    nodes: Coefficients, own: BoolArray, charge_kw: cp.Variable, discharge_kw: cp.Variable
) -> Ramps | None:
    """Rows of the machines that load slowly; None where none does.

    Args:
        own: which devices have a column, (agent, asset).
    """
    if nodes.machines is None or not np.isfinite(nodes.machines.ramp_kw[own]).any():
        return None
    ramp_kw = nodes.machines.ramp_kw[own]
    ways = (charge_kw, nodes.power_max_kw[own]), (discharge_kw, -nodes.power_min_kw[own])
    charging, discharging = (_way(power, ramp_kw, most) for power, most in ways)
    return Ramps(len(ramp_kw), charging, discharging)


def _way(power_kw: cp.Variable, ramp_kw: FloatArray, most_kw: FloatArray) -> Way:
    """One direction of those whose ramp is below their power."""
    slow = np.flatnonzero(ramp_kw < most_kw)
    own, first = power_kw[:, slow], cp.Parameter((1, len(slow)), nonneg=True)
    before = cp.vstack([first, own[:-1]])
    return Way(slow, most_kw[slow], first, own - before <= rows_of(ramp_kw[slow], own))
