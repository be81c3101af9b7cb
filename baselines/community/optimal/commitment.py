"""Least loads and starts in the program: whole numbers only for machines that need them."""

from dataclasses import dataclass
from typing import Any

import cvxpy as cp
import numpy as np

from baselines.community.optimal.blocks import rows_of
from p2p_market.assets.machine import MachineCoefficients
from p2p_market.assets.node import Coefficients
from p2p_market.records import BoolArray, IntArray


@dataclass(frozen=True, slots=True)
class Commitment:
    """When machines run: binaries of those with a least load, and their starts."""

    fixed: MachineCoefficients
    nodes: Coefficients
    own: BoolArray  # (agent, asset), which have a column
    places: IntArray  # columns with a least load
    charging: cp.Variable  # (step, place), whole
    discharging: cp.Variable  # (step, place), whole
    starts: cp.Variable  # (step, place), >= 0

    def constraints(self, charge_kw: cp.Variable, discharge_kw: cp.Variable) -> list[Any]:
        """Of all steps."""
        found: list[Any] = []
        ways = (
            (charge_kw, self.charging, self.fixed.charge_on_kw, self.nodes.power_max_kw),
            (discharge_kw, self.discharging, self.fixed.discharge_on_kw, -self.nodes.power_min_kw),
        )
        for power, running, least_kw, most_kw in ways:
            own = power[:, self.places]
            least, most = (rows_of(kw[self.own][self.places], own) for kw in (least_kw, most_kw))
            found += [own >= cp.multiply(least, running), own <= cp.multiply(most, running)]
            found.append(running <= (most > 0.0).astype(float))  # nothing runs at no power
        runs = self.charging + self.discharging
        before = cp.vstack([np.zeros((1, len(self.places))), runs[:-1]])
        return [*found, runs <= 1.0, self.starts >= runs - before]

    def cost_eur(self, count: int) -> cp.Expression:
        """Of starts, (asset,)."""
        start_eur = self.fixed.start_eur[self.own][self.places]
        column = np.zeros((len(self.places), count))
        column[np.arange(len(self.places)), self.places] = start_eur
        return cp.sum(self.starts, axis=0) @ column


def commitment_of(nodes: Coefficients, own: BoolArray, steps: int) -> Commitment | None:
    """Variables of the machines that need them; None where none does."""
    fixed = nodes.machines
    if fixed is None:
        return None
    least = (fixed.charge_on_kw > 0.0) | (fixed.discharge_on_kw > 0.0)
    if not least.any():
        return None
    places = np.flatnonzero(least[own])
    shape = (steps, len(places))
    up, down = (cp.Variable(shape, boolean=True) for _ in range(2))
    return Commitment(fixed, nodes, own, places, up, down, cp.Variable(shape, nonneg=True))
