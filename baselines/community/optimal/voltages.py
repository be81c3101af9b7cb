"""Voltages in the program: their violation as a slack at its price, reactive power as a choice.

    u_i >= (v_lo^2 - w_i) / 2,  u_i >= (w_i - v_hi^2) / 2,  u_i >= 0

Squared voltages w are affine in net loads and reactive powers, so it stays a linear program. Rows
are in thousandths, so that a solver's tolerance is far below a price's.
"""

from dataclasses import dataclass

import cvxpy as cp
import numpy as np

from baselines.community.optimal.blocks import Blocks, Series, rows_of, series
from baselines.community.optimal.outlook import Outlook
from baselines.community.optimal.storage import Storage, columns
from p2p_market.community.episode.episode import Episode
from p2p_market.community.further import REACTIVE
from p2p_market.community.optimum.voltage import chooses, roof_room_kvar
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.community.scenario.voltage import lines_of, priced_eur_per_pu_h
from p2p_market.grid.feeder import LinearFlow
from p2p_market.grid.reactive import LARGEST_SHARE, SLOPE, by_rule
from p2p_market.records import FloatArray

PER_PU = 1000.0


@dataclass(frozen=True, slots=True)
class Voltages:
    """Slacks and rows of a community, (step, agent)."""

    scenario: Scenario
    flow: LinearFlow
    beyond: cp.Variable  # violation, in thousandths
    fixed_kvar: Series | None  # by rule; None where there is none
    chosen: "Chosen | None"  # where it is a choice
    low: list[cp.Constraint]  # one per block
    high: list[cp.Constraint]

    @property
    def cost_eur(self) -> cp.Expression:
        """Of all violations."""
        price = priced_eur_per_pu_h(self.scenario) * self.scenario.dt_h / PER_PU
        return price * cp.sum(self.beyond)

    def prices(self, dt_h: float) -> FloatArray:
        """What a higher squared voltage is worth, (step, agent) [EUR/(pu^2 h)]."""
        low, high = (
            np.concatenate([np.asarray(row.dual_value, dtype=np.float64) for row in rows])
            for rows in (self.low, self.high)
        )
        return np.asarray((low - high) * (0.5 * PER_PU / dt_h))

    def fill(self, episode: Episode | Outlook) -> None:
        """Put in the data of an episode (a batch of one)."""
        if self.fixed_kvar is not None:
            rated = lines_of(self.scenario).inverters.pv_kw
            self.fixed_kvar.fill(by_rule(episode.pv_kw[:, 0], rated))
        if self.chosen is not None:
            self.chosen.fill(self.scenario, episode)

    @property
    def constraints(self) -> list[cp.Constraint]:
        """All rows."""
        inside = [] if self.chosen is None else self.chosen.constraints
        return [*self.low, *self.high, *inside]

    def further(self) -> dict[str, FloatArray]:
        """What a plan says in further columns, (step, agent) by name."""
        if self.chosen is None:
            return {}
        return {REACTIVE: np.asarray(self.chosen.kvar.value, dtype=np.float64)}


@dataclass(frozen=True, slots=True)
class Chosen:
    """Reactive power at choice: what roofs leave, and what is left beside power at devices."""

    kvar: cp.Variable  # (step, agent)
    roof_kvar: Series  # (step, agent)
    device_kvar: Series  # (step, asset), 0 while away
    constraints: list[cp.Constraint]

    def fill(self, scenario: Scenario, episode: Episode | Outlook) -> None:
        """Put in the data of an episode (a batch of one)."""
        own = columns(scenario.nodes)
        rated = LARGEST_SHARE * lines_of(scenario).inverters.asset_kw[own]
        self.roof_kvar.fill(roof_room_kvar(scenario, episode.pv_kw[:, 0]))
        self.device_kvar.fill(episode.plugged[:, 0][:, own] * rated)


def chosen_of(scenario: Scenario, blocks: Blocks, storage: Storage) -> Chosen | None:
    """Variables and rows; None where nobody chooses.

    An inverter's reactive power q beside its power p: |p| + SLOPE |q| <= apparent power, and |q| at
    most a share of the rated power. One q of a member is enough, as either sign has the same room.
    """
    if not chooses(scenario):
        return None
    own, steps, agents = columns(scenario.nodes), scenario.steps, len(scenario.agents)
    kva = lines_of(scenario).inverters.asset_kva[own]
    kvar = cp.Variable((steps, agents))
    beside = cp.Variable((steps, int(own.sum())), nonneg=True)
    roof, device = series(blocks, agents), series(blocks, int(own.sum()))
    with_one = np.flatnonzero(kva > 0.0)
    rows = []
    for number, part in enumerate(blocks):
        power = (storage.charge_kw[part] + storage.discharge_kw[part])[:, with_one]
        room = roof[number] + beside[part] @ storage.owner
        rows += [
            beside[part] <= device[number],
            power + SLOPE * beside[part][:, with_one] <= rows_of(kva[with_one], power),
            kvar[part] <= room,
            -kvar[part] <= room,
        ]
    return Chosen(kvar, roof, device, rows)


def voltages_of(
    scenario: Scenario, blocks: Blocks, net_load_kw: cp.Variable, storage: Storage
) -> Voltages | None:
    """Variables and rows; None where voltages cost nothing.

    Args:
        net_load_kw: (step, agent).
        storage: whose devices leave room for reactive power.
    """
    given = scenario.spec.voltage
    if given is None or given.mode == "report":
        return None
    flow = lines_of(scenario).flow
    beyond = cp.Variable(net_load_kw.shape, nonneg=True)
    ruled = given.reactive == "cos_phi"
    fixed = series(blocks, net_load_kw.shape[1]) if ruled else None
    chosen = chosen_of(scenario, blocks, storage)
    low, high = [], []
    half = 0.5 * PER_PU
    for number, rows in enumerate(blocks):
        fall = net_load_kw[rows] @ (half * flow.drop_per_active.T)
        if fixed is not None:
            fall = fall + fixed[number] @ (half * flow.drop_per_reactive.T)
        if chosen is not None:
            fall = fall + chosen.kvar[rows] @ (half * flow.drop_per_reactive.T)
        spare = half * (flow.source_pu2 - flow.lowest_pu2)
        low.append(fall - beyond[rows] <= spare)
        high.append(-fall - beyond[rows] <= half * (flow.highest_pu2 - flow.source_pu2))
    return Voltages(scenario, flow, beyond, fixed, chosen, low, high)
