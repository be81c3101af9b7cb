"""The community's perfect-foresight optimum a second time, as one sparse linear program for scipy.

Written from the definition of the social cost, without sight of the cvxpy program, and different on
purpose: no import, export, buy, sell, charge or discharge variables. A bill lies above two lines, a
level below two lines, and each member has one signed flow at the hub:

| block | shape | meaning |
|---|---|---|
| `power` p | (step, agent, asset) | set-point [kW], positive = charge |
| `level` e | (step, agent, asset) | stored energy after the step, departures included [kWh] |
| `made_up` s | (step, agent, asset) | what was missing at a departure [kWh] |
| `cycled` c | (step, agent, asset) | >= abs(p), what wears the battery [kW] |
| `hub` h | (step, agent) | bought from neighbours, negative = sold [kW] |
| `carried` f | (step, agent) | >= abs(h), what the network fee is paid on [kW] |
| `bill` g | (step, agent) | >= grid price * (net load - h), in either direction [EUR/h] |
| `overload` o | (step,) | >= abs(sum of net loads) - limit [kW] |

With the net load n = load - pv + sum of p, minimise

    dt * (sum g + sum fee f + sum degradation c + overload price * sum o)
        + shortfall price * sum s - v * (e_end - e_start)

subject to

    e - s + trip  <= retention * e_before + charge gain * p
    e - s + trip  <= retention * e_before + discharge gain * p
    floor <= e - s + trip <= capacity,    e + trip >= target where a stay ends, else s = 0
    g  >= (retail + carbon) * (n - h)
    g  >= feed-in * (n - h)
    abs(n) <= connection limit,    sum over agents of h = 0

Below the two lines of the level lies energy thrown away. That cannot pay where overload costs no
more than the lowest feed-in tariff: compare only there. A member without storage cannot buy and
export, nor import and sell, so its h lies between 0 and n; for the others the no-resale condition
makes that the cheapest. A member whose floor reaches its own cap has no order.
"""

from dataclasses import dataclass

import numpy as np
import scipy.optimize
import scipy.sparse
from numpy.typing import NDArray

from p2p_market.episode import Episode
from p2p_market.records import FloatArray, IntArray
from p2p_market.scenario import Scenario


@dataclass(frozen=True)
class Blocks:
    """Column numbers of each variable block, in the shape of the block."""

    power: IntArray
    level: IntArray
    made_up: IntArray
    cycled: IntArray
    hub: IntArray
    carried: IntArray
    bill: IntArray
    overload: IntArray
    count: int


@dataclass(frozen=True)
class Optimum:
    """The cheapest schedule."""

    cost_eur: float
    setpoint_kw: FloatArray  # (step, agent, asset)
    hub_kw: FloatArray  # (step, agent), positive = bought


class Rows:
    """Inequalities `sum of coefficient * column <= bound`, collected as triplets."""

    def __init__(self) -> None:
        self.bounds: list[FloatArray] = []
        self.entries: list[tuple[IntArray, IntArray, FloatArray]] = []
        self.count = 0

    def at_most(self, bound: FloatArray, *terms: tuple[IntArray, NDArray | float]) -> None:
        """One row per element of `bound`; a term with one more axis is summed over its last."""
        rows = self.count + np.arange(bound.size).reshape(bound.shape)
        for columns, coefficient in terms:
            own = rows if columns.ndim == rows.ndim else rows[..., None]
            triplet = np.broadcast_arrays(own, columns, np.asarray(coefficient, float))
            self.entries.append(tuple(part.ravel() for part in triplet))
        self.bounds.append(bound.ravel())
        self.count += bound.size

    def matrix(self, columns: int) -> scipy.sparse.csr_array:
        """The left-hand side."""
        row, column, value = (np.concatenate(part) for part in zip(*self.entries, strict=True))
        return scipy.sparse.coo_array((value, (row, column)), (self.count, columns)).tocsr()


def blocks(steps: int, agents: int, assets: int) -> Blocks:
    """Number the variables block by block."""
    shapes = 4 * [(steps, agents, assets)] + 3 * [(steps, agents)] + [(steps,)]
    ends = np.cumsum([np.prod(shape) for shape in shapes])
    numbers = [
        np.arange(end - np.prod(shape), end).reshape(shape)
        for shape, end in zip(shapes, ends, strict=True)
    ]
    return Blocks(*numbers, count=int(ends[-1]))


def solve(scenario: Scenario, episode: Episode) -> Optimum:
    """Optimum of a batch of one."""
    own = episode.load_kw[:, 0] - episode.pv_kw[:, 0]
    columns = blocks(*own.shape, scenario.nodes.present.shape[1])
    rows = Rows()
    _store(scenario, episode, columns, rows)
    _connect(scenario, own, columns, rows)
    _charge_at_the_grid(scenario, episode, own, columns, rows)
    balance = Rows()
    balance.at_most(np.zeros(len(own)), (columns.hub, 1.0))
    solved = scipy.optimize.linprog(
        _prices(scenario, columns),
        A_ub=rows.matrix(columns.count),
        b_ub=np.concatenate(rows.bounds),
        A_eq=balance.matrix(columns.count),
        b_eq=np.concatenate(balance.bounds),
        bounds=_ranges(scenario, episode, own, columns),
        method="highs",
    )
    assert solved.status == 0, solved.message
    start = scenario.spec.terminal_value_eur_per_kwh * episode.start_energy_kwh.sum()
    return Optimum(solved.fun + start, solved.x[columns.power], solved.x[columns.hub])


def _store(scenario: Scenario, episode: Episode, columns: Blocks, rows: Rows) -> None:
    """Levels follow powers; cycled power is their size."""
    nodes = scenario.nodes
    kept_from_start = np.zeros(columns.level.shape)
    kept_from_start[0] = nodes.retention * episode.start_energy_kwh[0]
    before = np.roll(columns.level, 1, axis=0)
    kept = np.broadcast_to(nodes.retention, columns.level.shape).copy()
    kept[0] = 0.0
    trip, floor = episode.trip_kwh[:, 0], episode.floor_kwh[:, 0]
    arrived = (columns.level, 1.0), (columns.made_up, -1.0)  # less the trip
    for gain in (nodes.charge_gain_h, nodes.discharge_gain_h):
        rows.at_most(kept_from_start - trip, *arrived, (before, -kept), (columns.power, -gain))
    rows.at_most(nodes.energy_max_kwh - trip, *arrived)
    rows.at_most(trip - floor, *((column, -factor) for column, factor in arrived))
    rows.at_most(trip - episode.departs[:, 0] * nodes.target_kwh, (columns.level, -1.0))
    for sign in (1.0, -1.0):
        rows.at_most(np.zeros(columns.power.shape), (columns.power, sign), (columns.cycled, -1.0))


def _connect(scenario: Scenario, own: FloatArray, columns: Blocks, rows: Rows) -> None:
    """Net load inside the connection; the sum beyond the feeder's limit is overload."""
    everything = columns.power.reshape(len(own), -1)
    for sign in (1.0, -1.0):
        rows.at_most(scenario.spec.connection_limit_kw - sign * own, (columns.power, sign))
        rows.at_most(
            scenario.spec.feeder.limit_kw - sign * own.sum(axis=1),
            (everything, sign),
            (columns.overload, -1.0),
        )


def _charge_at_the_grid(
    scenario: Scenario, episode: Episode, own: FloatArray, columns: Blocks, rows: Rows
) -> None:
    """Bills lie above both grid prices; carried power is the size of the flow at the hub."""
    retail = episode.retail_eur_per_kwh[: len(own), 0] + episode.carbon_eur_per_kwh[:, 0, None]
    feed_in = np.broadcast_to(scenario.feed_in_eur_per_kwh, own.shape)
    for price in (retail, feed_in):
        rows.at_most(
            -price * own,
            (columns.power, price[..., None]),
            (columns.hub, -price),
            (columns.bill, -1.0),
        )
    for sign in (1.0, -1.0):
        rows.at_most(np.zeros(own.shape), (columns.hub, sign), (columns.carried, -1.0))


def _prices(scenario: Scenario, columns: Blocks) -> FloatArray:
    """Objective per unit of each variable."""
    price = np.zeros(columns.count)
    price[columns.bill] = scenario.dt_h
    price[columns.carried] = scenario.dt_h * scenario.network_fee_eur_per_kwh
    price[columns.cycled] = scenario.dt_h * scenario.nodes.degradation_eur_per_kwh
    price[columns.overload] = scenario.dt_h * scenario.spec.feeder.overload_eur_per_kwh
    price[columns.made_up] = scenario.spec.shortfall_eur_per_kwh
    price[columns.level[-1]] = -scenario.spec.terminal_value_eur_per_kwh
    return price


def _ranges(
    scenario: Scenario, episode: Episode, own: FloatArray, columns: Blocks
) -> NDArray[np.float64]:
    """Lowest and highest value of each variable, (variable, 2)."""
    nodes = scenario.nodes
    ranges = np.tile([-np.inf, np.inf], (columns.count, 1))
    plugged = episode.plugged[:, 0, :, :, None]
    ranges[columns.power] = plugged * np.stack([nodes.power_min_kw, nodes.power_max_kw], axis=-1)
    due = episode.departs[:, 0] * nodes.target_kwh
    ranges[columns.made_up] = np.stack([np.zeros(due.shape), due], axis=-1)
    ranges[columns.level] = np.stack([nodes.energy_min_kwh, nodes.energy_max_kwh], axis=-1)
    for size in (columns.cycled, columns.carried, columns.overload):
        ranges[size, 0] = 0.0
    without = ~scenario.has_storage
    hub = np.stack([np.minimum(own, 0.0), np.maximum(own, 0.0)], axis=-1)
    ranges[columns.hub[:, without]] = hub[:, without]
    silent = episode.ask_floor_eur_per_kwh[:, 0] >= episode.bid_cap_eur_per_kwh[:, 0]
    ranges[columns.hub[silent]] = 0.0
    return ranges
