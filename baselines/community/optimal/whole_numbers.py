"""Where a program needs integer variables: where the linear one gains by what the engine forbids.

A member passes energy on where it imports and sells at once, or buys and exports. Without a gain
from that, and without one from charging and discharging at once, the linear program is exact, so
integer variables are needed only at members and devices where the condition is broken.
"""

from dataclasses import dataclass

import cvxpy as cp
import numpy as np

from baselines.community.optimal.blocks import Blocks, Series, series
from baselines.community.optimal.outlook import Outlook
from p2p_market.community.episode.episode import Episode
from p2p_market.community.scenario.checks import NOTHING_EUR_PER_KWH, resale_gain_eur_per_kwh
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.community.scenario.voltage import dearest_eur_per_kwh
from p2p_market.records import BoolArray, FloatArray, IntArray


def resellers(scenario: Scenario) -> IntArray:
    """Members that could gain by passing energy on; those whose net load is data cannot."""
    gains = resale_gain_eur_per_kwh(scenario) > NOTHING_EUR_PER_KWH
    return np.flatnonzero(gains & (scenario.has_storage | scenario.cuts))


def burners(scenario: Scenario) -> BoolArray:
    """Devices that could gain by charging and discharging at once, (agent, asset).

    With losses that burns energy, which pays where exporting it costs as much overload and voltage
    as it earns, or where it spares a cut.
    """
    nodes = scenario.nodes
    overload = scenario.spec.feeder.overload_eur_per_kwh + dearest_eur_per_kwh(scenario)
    lossy = nodes.charge_gain_h < nodes.discharge_gain_h * (1.0 - 1e-12)
    worthless = (scenario.lowest_feed_in_eur_per_kwh <= overload)[:, None]
    return np.asarray(nodes.present & lossy & (worthless | scenario.cuts))


@dataclass(frozen=True, slots=True)
class Sides:
    """Members that either take or give in each step, and how much they can."""

    members: IntArray
    taking_max_kw: Series  # highest net load that storage and cuts allow, (step, member)
    giving_max_kw: Series  # lowest, as a positive number

    def constraints(
        self, number: int, taken_kw: cp.Expression, given_kw: cp.Expression
    ) -> list[cp.Constraint]:
        """Binaries of one block, for all that is taken and given, (step, agent)."""
        most_kw, least_kw = self.taking_max_kw[number], self.giving_max_kw[number]
        taking = cp.Variable(most_kw.shape, boolean=True)
        return [
            taken_kw[:, self.members] <= cp.multiply(most_kw, taking),
            given_kw[:, self.members] <= cp.multiply(least_kw, 1.0 - taking),
        ]

    def fill(self, scenario: Scenario, episode: Episode | Outlook) -> None:
        """Put in the data of an episode (a batch of one)."""
        load, pv = episode.load_kw[:, 0], episode.pv_kw[:, 0]
        cut, limit = float(scenario.cuts), scenario.spec.connection_limit_kw
        charge, discharge = _powers_kw(scenario, episode)
        highest = np.clip(load - pv + cut * pv + charge, 0.0, limit)
        lowest = np.clip(load - pv - cut * load - discharge, -limit, 0.0)
        self.taking_max_kw.fill(highest[:, self.members])
        self.giving_max_kw.fill(-lowest[:, self.members])


def sides_of(scenario: Scenario, blocks: Blocks) -> Sides | None:
    """Data to be filled in; None where no member needs an integer variable."""
    members = resellers(scenario)
    if len(members) == 0:
        return None
    return Sides(members, *(series(blocks, len(members)) for _ in range(2)))


def _powers_kw(scenario: Scenario, episode: Episode | Outlook) -> tuple[FloatArray, FloatArray]:
    """What all devices of a member can charge and discharge in a step, (step, agent).

    No more than their power, and no more than what fits between empty and full; how much that is
    for machines, which the world moves as well, is left open.
    """
    nodes, plugged = scenario.nodes, episode.plugged[:, 0]
    empty = np.where(nodes.target_kwh > 0.0, 0.0, nodes.energy_min_kwh)
    room = nodes.energy_max_kwh - nodes.retention * empty
    stock = nodes.retention * nodes.energy_max_kwh - empty
    found = []
    for most_kw, kwh, gain_h in (
        (nodes.power_max_kw, room, nodes.charge_gain_h),
        (-nodes.power_min_kw, stock, nodes.discharge_gain_h),
    ):
        fitting = np.divide(kwh, gain_h, out=np.zeros_like(kwh), where=nodes.present)
        if nodes.machines is not None:
            fitting = most_kw
        found.append((plugged * np.minimum(most_kw, fitting)).sum(axis=2))
    return found[0], found[1]
