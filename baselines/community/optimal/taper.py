"""Charging that slows down near full in the program: one linear row a step, by the level before."""

from dataclasses import dataclass

import cvxpy as cp
import numpy as np

from baselines.community.optimal.blocks import duals, rows_of
from p2p_market.assets.node import Coefficients
from p2p_market.records import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Taper:
    """Devices that charge the slower the fuller they are."""

    own: BoolArray  # (agent, asset), which have a column
    places: IntArray  # columns with a taper
    per_h: FloatArray  # (place,), power per kWh that is missing to full
    full_kwh: FloatArray  # (place,)

    def row(self, charge_kw: cp.Expression, level_kwh: cp.Expression) -> cp.Constraint:
        """Of the steps of a block; levels before each step."""
        own = charge_kw[:, self.places]
        room = rows_of(self.full_kwh, own) - level_kwh[:, self.places]
        return own <= cp.multiply(rows_of(self.per_h, own), room)

    def prices(self, rows: list[cp.Constraint], dt_h: float) -> FloatArray:
        """What one more kWh through the taper is worth, (step, agent, asset) [EUR/kWh]."""
        found = duals(rows) / dt_h
        columns = np.zeros((len(found), int(self.own.sum())))
        columns[:, self.places] = found
        values = np.zeros((len(found), *self.own.shape))
        values[:, self.own] = columns
        return values


def taper_of(nodes: Coefficients, own: BoolArray) -> Taper | None:
    """The devices with a taper; None where there are none."""
    if nodes.machines is None or not nodes.machines.taper_per_h.any():
        return None
    per_h = nodes.machines.taper_per_h[own]
    places = np.flatnonzero(per_h)
    return Taper(own, places, per_h[places], nodes.energy_max_kwh[own][places])
