"""Machines in the program: what the world moves, what is bought and spilled, prices of running.

Missing and spilled energy are bounded by the drift of the step, so that nothing is bought to be
stored, as nothing is in the engine. Least loads and starts stand in `commitment`, ramps in `ramps`.
"""

from dataclasses import dataclass

import cvxpy as cp
import numpy as np

from baselines.community.optimal.blocks import Blocks, Series, rows_of, series
from baselines.community.optimal.outlook import Outlook
from p2p_market.assets.node import Coefficients
from p2p_market.community.episode.episode import Episode
from p2p_market.community.optimum.floors import kept_kwh
from p2p_market.records import BoolArray


@dataclass(frozen=True, slots=True)
class Machines:
    """Data and variables of all flexible assets where some are machines, one column each."""

    nodes: Coefficients
    own: BoolArray  # (agent, asset), which have a column
    missing_kwh: cp.Variable  # (step, asset), >= 0
    spilled_kwh: cp.Variable
    drift_kwh: Series
    missing_max_kwh: Series
    spilled_max_kwh: Series
    charge_gain_h: Series  # with the share of the step
    floor_kwh: Series  # where the filter forces
    top_kwh: Series

    def moved_kwh(self, number: int, rows: slice) -> cp.Expression:
        """What world, back-up and spilling do to the levels of one block."""
        return self.drift_kwh[number] + self.missing_kwh[rows] - self.spilled_kwh[rows]

    def constraints(
        self, number: int, rows: slice, arrived_kwh: cp.Variable
    ) -> list[cp.Constraint]:
        """Of one block: nothing is bought to be stored, and levels stay inside the tube."""
        return [
            self.missing_kwh[rows] <= self.missing_max_kwh[number],
            self.spilled_kwh[rows] <= self.spilled_max_kwh[number],
            arrived_kwh[rows] <= self.top_kwh[number],
            arrived_kwh[rows] >= self.floor_kwh[number],
        ]

    def cost_eur(
        self, charge_kw: cp.Variable, discharge_kw: cp.Variable, level_kwh: cp.Variable, dt_h: float
    ) -> cp.Expression:
        """Running, holding, back-up, spilling, and what levels are worth at the end, (asset,)."""
        fixed = self.nodes.machines
        assert fixed is not None

        def total(prices: np.ndarray, amount: cp.Expression) -> cp.Expression:
            return cp.sum(cp.multiply(rows_of(prices[self.own], amount), amount), axis=0)

        return (
            dt_h * total(fixed.charge_eur_per_kwh, charge_kw)
            + dt_h * total(fixed.discharge_eur_per_kwh, discharge_kw)
            + total(fixed.hold_eur_per_kwh, level_kwh[1:])
            + total(fixed.missing_eur_per_kwh, self.missing_kwh)
            + total(fixed.spilled_eur_per_kwh, self.spilled_kwh)
            - cp.multiply(fixed.terminal_eur_per_kwh[self.own], level_kwh[-1] - level_kwh[0])
        )

    def fill(self, episode: Episode | Outlook) -> None:
        """Put in the data of an episode (a batch of one)."""
        own, drift, fixed = self.own, episode.drift_kwh[:, 0][:, self.own], self.nodes.machines
        assert fixed is not None
        self.drift_kwh.fill(drift)
        self.missing_max_kwh.fill(np.maximum(-drift, 0.0))
        spilled = np.maximum(drift, 0.0)
        if isinstance(episode, Outlook) and len(episode.spilled_max_kwh):
            spilled = episode.spilled_max_kwh[:, 0][:, own]
        self.spilled_max_kwh.fill(spilled)
        share = episode.charge_share[:, 0][:, own]
        self.charge_gain_h.fill(share * self.nodes.charge_gain_h[own])
        free = fixed.charge_on_kw + fixed.discharge_on_kw == 0.0
        kept = kept_kwh(self.nodes, episode)
        floor = np.where(free, kept, self.nodes.energy_min_kwh)
        self.floor_kwh.fill(floor[:, own])
        self.top_kwh.fill(episode.top_kwh[:, 0][:, own])


def machines_of(nodes: Coefficients, own: BoolArray, blocks: Blocks) -> Machines | None:
    """Variables and data to be filled in; None where all devices are plain stores."""
    if nodes.machines is None:
        return None
    steps, count = blocks[-1].stop, int(own.sum())
    bought, spilled = (cp.Variable((steps, count), nonneg=True) for _ in range(2))
    data = (series(blocks, count, nonneg=place > 0) for place in range(6))
    return Machines(nodes, own, bought, spilled, *data)
