"""What may be cut of PV and load where the grid or the feeder cannot carry it.

At a binding feeder the engine cuts one share of everybody's PV or load, so one variable per step
says it all. In an outage each member curtails and sheds for itself.
"""

from dataclasses import dataclass

import cvxpy as cp
import numpy as np

from baselines.community.optimal.blocks import Blocks, Series, series
from p2p_market.community.safety.offers import AMOUNT
from p2p_market.community.scenario.machine_checks import line_carries_load
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.records import FloatArray


@dataclass(frozen=True, slots=True)
class FeederCut:
    """Shares of PV and load that a binding feeder cuts, the same for all members."""

    pv_share: cp.Variable  # (step, 1), 0 to 1; (step, agent) where members offer to be cut
    load_share: cp.Variable  # (step, 1), 0 to 1
    pv_kw: Series  # 0 in an outage
    load_kw: Series  # 0 in an outage
    load_is_carried: bool  # then no load is ever cut
    is_offered: bool  # by members, each its own share of PV

    def curtailed_kw(self, number: int, rows: slice) -> cp.Expression:
        """PV not used, of one block, (step, agent) [kW]."""
        return _shared(self.pv_kw[number], self.pv_share[rows])

    def shed_kw(self, number: int, rows: slice) -> cp.Expression:
        """Load not served, of one block, (step, agent) [kW]."""
        return _shared(self.load_kw[number], self.load_share[rows])

    def constraints(self, number: int, rows: slice) -> list[cp.Constraint]:
        """Shares are shares: their bounds stand at the variables."""
        return []

    def in_order(
        self,
        charge_kw: cp.Variable,
        discharge_kw: cp.Variable,
        flow_kw: cp.Expression,
        limit_kw: float,
    ) -> list[cp.Constraint]:
        """Binaries: a cut begins when no storage adds to the flow, and ends at the limit.

        Without them the program may cut PV while a battery discharges, or load while one charges;
        the engine would slow the battery down first.
        """
        constraints: list[cp.Constraint] = []
        for share, adding_kw, outwards_kw in (
            (self.pv_share, discharge_kw, -flow_kw),
            (self.load_share, charge_kw, flow_kw),
        ):
            if self.load_is_carried and share is self.load_share:
                constraints.append(share == 0.0)
                continue
            cutting = cp.Variable((share.shape[0], 1), boolean=True)
            most_kw = adding_kw.attributes["bounds"][1]
            free_kw = cp.multiply(most_kw, (1.0 - cutting) @ np.ones((1, adding_kw.shape[1])))
            constraints += [
                share <= cutting @ np.ones((1, share.shape[1])),
                adding_kw <= free_kw,
                outwards_kw >= limit_kw * (2.0 * cutting[:, 0] - 1.0),
            ]
        return constraints

    def further(self) -> dict[str, FloatArray]:
        """What members offer, for nothing: what a plan cuts of each, (step, agent) by name."""
        if not self.is_offered:
            return {}
        pv_kw = np.concatenate([part.value for part in self.pv_kw.parts])
        return {AMOUNT: pv_kw * np.asarray(self.pv_share.value)}

    def fill(self, pv_kw: FloatArray, load_kw: FloatArray, grid: FloatArray) -> None:
        """Data of an episode, (step, agent); `grid` is 1 where the grid is there."""
        self.pv_kw.fill(pv_kw * grid)
        self.load_kw.fill(load_kw * grid)


@dataclass(frozen=True, slots=True)
class OutageCut:
    """What each member curtails and sheds without the grid."""

    all_curtailed_kw: cp.Variable  # (step, agent), >= 0
    all_shed_kw: cp.Variable  # (step, agent), >= 0
    pv_kw: Series  # 0 where the grid is there
    load_kw: Series  # 0 where the grid is there

    def curtailed_kw(self, number: int, rows: slice) -> cp.Expression:
        """PV not used, of one block, (step, agent) [kW]."""
        return self.all_curtailed_kw[rows]

    def shed_kw(self, number: int, rows: slice) -> cp.Expression:
        """Load not served, of one block, (step, agent) [kW]."""
        return self.all_shed_kw[rows]

    def constraints(self, number: int, rows: slice) -> list[cp.Constraint]:
        """No more than there is."""
        return [
            self.all_curtailed_kw[rows] <= self.pv_kw[number],
            self.all_shed_kw[rows] <= self.load_kw[number],
        ]

    def further(self) -> dict[str, FloatArray]:
        """Nothing is said of it."""
        return {}

    def in_order(self, *_: object) -> list[cp.Constraint]:
        """No order to keep: each member weighs its own storage against its own cuts."""
        return []

    def fill(self, pv_kw: FloatArray, load_kw: FloatArray, grid: FloatArray) -> None:
        """Data of an episode, (step, agent); `grid` is 1 where the grid is there."""
        self.pv_kw.fill(pv_kw * (1.0 - grid))
        self.load_kw.fill(load_kw * (1.0 - grid))


Cut = FeederCut | OutageCut


def _shared(of_kw: cp.Parameter, share: cp.Expression) -> cp.Expression:
    """One share of everybody's power, or each its own."""
    if share.shape == of_kw.shape:
        return cp.multiply(of_kw, share)
    return cp.multiply(of_kw, share @ np.ones((1, of_kw.shape[1])))


def possible_cuts(scenario: Scenario, blocks: Blocks) -> list[Cut]:
    """The cuts that the rules of a scenario may make."""
    steps, agents = scenario.steps, len(scenario.agents)
    cuts: list[Cut] = []
    if scenario.spec.feeder.mode == "binding":
        offered = scenario.spec.curtailment == "offers"
        widths = agents if offered else 1, 1
        pv_share, load_share = (cp.Variable((steps, one), bounds=[0.0, 1.0]) for one in widths)
        pv_kw, load_kw = (series(blocks, agents) for _ in range(2))
        carried = line_carries_load(scenario)
        cuts.append(FeederCut(pv_share, load_share, pv_kw, load_kw, carried, offered))
    if scenario.spec.outages is not None:
        cut_kw = (cp.Variable((steps, agents), nonneg=True) for _ in range(2))
        cuts.append(OutageCut(*cut_kw, *(series(blocks, agents) for _ in range(2))))
    return cuts


def fill_cuts(cuts: list[Cut], load_kw: FloatArray, pv_kw: FloatArray, grid: FloatArray) -> None:
    """Put the data of an episode into the cuts, (step, agent); `grid` is 1 where the grid is."""
    for cut in cuts:
        cut.fill(pv_kw, load_kw, grid)
