"""Flexible assets in the program: the power-node equation, the tube, departures, wear."""

from dataclasses import dataclass

import cvxpy as cp
import numpy as np
from scipy import sparse

from baselines.community.optimal.blocks import Blocks, Series, rows_of, series
from baselines.community.optimal.commitment import Commitment, commitment_of
from baselines.community.optimal.fuel import Fuel, fuel_of
from baselines.community.optimal.machines import Machines, machines_of
from baselines.community.optimal.outlook import Outlook
from baselines.community.optimal.service import Service, service_of
from baselines.community.optimal.taper import Taper, taper_of
from p2p_market.assets.node import Coefficients
from p2p_market.community.episode.episode import Episode
from p2p_market.community.scenario.fuel import FuelRules
from p2p_market.community.scenario.schema import ScenarioSpec
from p2p_market.community.scenario.service import ServiceRules
from p2p_market.records import BoolArray, FloatArray, IntArray


def columns(nodes: Coefficients) -> BoolArray:
    """Which assets have a column; one absent asset is used where no member has any."""
    own = nodes.present.copy()
    own[0, 0] |= not own.any()
    return own


@dataclass(frozen=True, slots=True)
class Stays:
    """What is asked of assets that leave, one column each."""

    place: sparse.csr_array  # (leaving asset, asset)
    missing_kwh: cp.Variable  # (step, leaving asset), >= 0, shortfall at departures
    floor_kwh: Series  # tube after the step, before a departure
    trip_kwh: Series
    due_kwh: Series  # level wanted after the shortfall is made up


@dataclass(frozen=True, slots=True)
class Storage:
    """Set-points and levels of all flexible assets, one column each."""

    nodes: Coefficients
    owner: sparse.csr_array  # (asset, agent), 1 where the agent owns the asset
    charge_kw: cp.Variable  # (step, asset), >= 0
    discharge_kw: cp.Variable  # (step, asset), >= 0
    arrived_kwh: cp.Variable  # (step, asset), level after the step, before a departure
    level_kwh: cp.Variable  # (step + 1, asset)
    start_kwh: cp.Parameter  # (asset,)
    charge_max_kw: Series  # 0 while away
    discharge_max_kw: Series  # 0 while away
    stays: Stays | None
    machines: Machines | None
    commitment: Commitment | None
    taper: Taper | None
    fuel: Fuel | None
    service: Service | None

    def constraints(self, number: int, rows: slice) -> list[cp.Constraint]:
        """Of one block: power only while here, the start, departures."""
        return [
            *([self.level_kwh[0] == self.start_kwh] if number == 0 else []),
            self.charge_kw[rows] <= self.charge_max_kw[number],
            self.discharge_kw[rows] <= self.discharge_max_kw[number],
            *self._departures(number, rows),
            *self._tops(number, rows),
        ]

    def _tops(self, number: int, rows: slice) -> list[cp.Constraint]:
        machines = self.machines
        return [] if machines is None else machines.constraints(number, rows, self.arrived_kwh)

    def tapers(self, rows: slice) -> list[cp.Constraint]:
        """Of one block: charging slows down near full."""
        taper = self.taper
        return [] if taper is None else [taper.row(self.charge_kw[rows], self.level_kwh[rows])]

    def rooms(self, rows: slice) -> list[cp.Constraint]:
        """Of one block: what is ordered fits beside what is there and under way."""
        fuel = self.fuel
        return [] if fuel is None else [fuel.room(rows, self.level_kwh[rows])]

    def equation(self, number: int, rows: slice) -> cp.Constraint:
        """The power-node equation of one block."""
        own, before = columns(self.nodes), self.level_kwh[rows]
        charge, discharge = self.charge_kw[rows], self.discharge_kw[rows]
        kept = cp.multiply(rows_of(self.nodes.retention[own], before), before)
        taken = cp.multiply(rows_of(self.nodes.discharge_gain_h[own], discharge), discharge)
        if self.machines is None:
            stored = cp.multiply(rows_of(self.nodes.charge_gain_h[own], charge), charge)
            return self.arrived_kwh[rows] == kept + stored - taken
        stored = cp.multiply(self.machines.charge_gain_h[number], charge)
        moved = self.machines.moved_kwh(number, rows)
        return self.arrived_kwh[rows] == kept + stored - taken + moved

    def _departures(self, number: int, rows: slice) -> list[cp.Constraint]:
        after = self.level_kwh[rows.start + 1 : rows.stop + 1]
        arrived, stays = self.arrived_kwh[rows], self.stays
        if self.fuel is not None:
            after = after - self.fuel.delivered_kwh(rows)
        if stays is None:
            return [after == arrived]
        missing, leaving = stays.missing_kwh[rows], arrived @ stays.place.T
        return [
            after == arrived + (missing - stays.trip_kwh[number]) @ stays.place,
            leaving >= stays.floor_kwh[number],
            leaving + missing >= stays.due_kwh[number],
            missing <= stays.due_kwh[number],
        ]

    def net_load_kw(self, rows: slice) -> cp.Expression:
        """Power of the devices at each member's meter, (step, agent)."""
        return (self.charge_kw[rows] - self.discharge_kw[rows]) @ self.owner

    def cost_eur(self, spec: ScenarioSpec, blocks: Blocks) -> cp.Expression:
        """Wear, shortfalls and what levels are worth at the end, (agent,)."""
        used = self.charge_kw + self.discharge_kw
        wear = rows_of(self.nodes.degradation_eur_per_kwh[columns(self.nodes)], used)
        gained = self.level_kwh[-1] - self.level_kwh[0]
        cost = spec.dt_h * cp.sum(cp.multiply(wear, used), axis=0)
        if self.machines is None:
            cost = cost - spec.terminal_value_eur_per_kwh * gained
        else:
            powers = self.charge_kw, self.discharge_kw
            cost = cost + self.machines.cost_eur(*powers, self.level_kwh, spec.dt_h)
        if self.commitment is not None:
            cost = cost + self.commitment.cost_eur(self.charge_kw.shape[1])
        if self.stays is not None:
            missing = cp.sum(self.stays.missing_kwh, axis=0) @ self.stays.place
            cost = cost + spec.shortfall_eur_per_kwh * missing
        if self.fuel is not None:
            cost = cost + self.fuel.cost_eur(blocks)
        return cost @ self.owner

    def either_way(self, which: BoolArray) -> list[cp.Constraint]:
        """Binaries: a storage either charges or discharges.

        Args:
            which: of all storages, (agent, asset).
        """
        if not which.any():
            return []
        place = np.flatnonzero(which[columns(self.nodes)])
        charging = cp.Variable((self.charge_kw.shape[0], len(place)), boolean=True)
        most_kw = rows_of(self.nodes.power_max_kw[which], charging)
        least_kw = rows_of(-self.nodes.power_min_kw[which], charging)
        return [
            self.charge_kw[:, place] <= cp.multiply(most_kw, charging),
            self.discharge_kw[:, place] <= cp.multiply(least_kw, 1.0 - charging),
        ]

    def setpoint_kw(self) -> FloatArray:
        """Of the solved program, (step, agent, asset)."""
        assert self.charge_kw.value is not None
        assert self.discharge_kw.value is not None
        return self.by_asset(self.charge_kw.value - self.discharge_kw.value)

    def by_asset(self, by_column: FloatArray) -> FloatArray:
        """Columns back in their places, (step, agent, asset)."""
        own = columns(self.nodes)
        values = np.zeros((len(by_column), *own.shape))
        values[:, own] = by_column
        return values

    def fill(self, episode: Episode | Outlook) -> None:
        """Put in the data of an episode (a batch of one)."""
        nodes, own = self.nodes, columns(self.nodes)
        self.start_kwh.value = episode.start_energy_kwh[0][own]
        plugged = episode.plugged[:, 0][:, own]
        charge_max = plugged * nodes.power_max_kw[own]
        discharge_max = plugged * -nodes.power_min_kw[own]
        if self.machines is not None:
            self.machines.fill(episode)
            if self.fuel is not None:
                self.fuel.fill(episode)
            charge_max = charge_max * episode.high_share[:, 0][:, own]
            discharge_max = discharge_max * episode.low_share[:, 0][:, own]
        self.charge_max_kw.fill(charge_max)
        self.discharge_max_kw.fill(discharge_max)
        if self.stays is not None:
            leaves = own & (nodes.target_kwh > 0.0)
            self.stays.floor_kwh.fill(episode.floor_kwh[:, 0][:, leaves])
            self.stays.trip_kwh.fill(episode.trip_kwh[:, 0][:, leaves])
            self.stays.due_kwh.fill(episode.departs[:, 0][:, leaves] * nodes.target_kwh[leaves])


def storage_of(
    nodes: Coefficients,
    blocks: Blocks,
    fuel: FuelRules | None = None,
    service: ServiceRules | None = None,
) -> Storage:
    """Variables and data of all flexible assets."""
    own = columns(nodes)
    count, steps = int(own.sum()), blocks[-1].stop
    low, high = nodes.energy_min_kwh[own], nodes.energy_max_kwh[own]
    leaves = nodes.target_kwh[own] > 0.0

    def between(rows: int, least: FloatArray, most: FloatArray) -> cp.Variable:
        shape = (rows, count)
        return cp.Variable(shape, bounds=[np.tile(least, (rows, 1)), np.tile(most, (rows, 1))])

    return Storage(
        nodes,
        owner=_places(np.nonzero(own)[0], len(own)),
        charge_kw=between(steps, np.zeros(count), nodes.power_max_kw[own]),
        discharge_kw=between(steps, np.zeros(count), -nodes.power_min_kw[own]),
        arrived_kwh=between(steps, np.where(leaves, 0.0, low), high),
        level_kwh=between(steps + 1, low, high),
        start_kwh=cp.Parameter(count, nonneg=True),
        charge_max_kw=series(blocks, count),
        discharge_max_kw=series(blocks, count),
        stays=_stays(leaves, blocks) if leaves.any() else None,
        machines=machines_of(nodes, own, blocks),
        commitment=commitment_of(nodes, own, steps),
        taper=taper_of(nodes, own),
        fuel=fuel_of(fuel, nodes, own, blocks),
        service=service_of(service, nodes, own, steps),
    )


def _stays(leaves: BoolArray, blocks: Blocks) -> Stays:
    count = int(leaves.sum())
    return Stays(
        _places(np.nonzero(leaves)[0], len(leaves)),
        cp.Variable((blocks[-1].stop, count), nonneg=True),
        *(series(blocks, count) for _ in range(3)),
    )


def _places(column: IntArray, width: int) -> sparse.csr_array:
    """A 1 in each row, in its column."""
    count = len(column)
    return sparse.csr_array((np.ones(count), (np.arange(count), column)), shape=(count, width))
