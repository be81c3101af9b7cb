"""The community's perfect-foresight optimum a second time, as one sparse program for scipy.

Written from the definition of the social cost, without sight of the cvxpy program, and different on
purpose: no import, export, buy, sell, charge or discharge variables. A bill lies above two lines, a
level below two lines, and each member has one signed flow at the hub:

| block | shape | meaning |
|---|---|---|
| `power` p | (step, agent, asset) | set-point [kW], positive = charge |
| `level` e | (step, agent, asset) | stored energy after the step, departures included [kWh] |
| `made_up` s | (step, agent, asset) | what was missing at a departure [kWh] |
| `cycled` c | (step, agent, asset) | >= abs(p), what wears the battery [kW] |
| `net` n | (step, agent) | load - shed - (pv - curtailed) + sum of p [kW] |
| `hub` h | (step, agent) | bought from neighbours, negative = sold, at the hub [kW] |
| `carried` f | (step, agent) | >= abs(h), what the network fee is paid on [kW] |
| `bill` g | (step, agent) | >= grid price * (n - h), in either direction [EUR/h] |
| `curtailed`, `shed` | (step, agent) | PV and load that are cut [kW] |
| `overload` o | (step,) | >= abs(sum of n) - limit [kW] |
| `pv_share`, `load_share` | (step,) | what a binding feeder cuts of everybody's PV and load [1] |

Minimise

    dt * (sum g + sum fee f + sum degradation c + overload price * sum o + lost load price * shed)
        + shortfall price * sum s - v * (e_end - e_start)

subject to

    e - s + trip  <= retention * e_before + charge gain * p
    e - s + trip  <= retention * e_before + discharge gain * p
    floor <= e - s + trip <= capacity,    e + trip >= target where a stay ends, else s = 0
    abs(n) and abs(load - pv + sum of p) <= connection limit,    sum over agents of h = 0
    with a grid      g >= (retail + carbon) * (n - h),  g >= feed-in * (n - h)
    without a grid   g = 0,  h >= n,  h >= (1 - loss share) * n
    cuts             without a grid up to all of it; with one, the shares of a binding feeder, whose
                     o is 0; nothing elsewhere

Below the two lines of the level lies energy thrown away. That cannot pay where overload costs no
more than the lowest feed-in tariff: compare only there, or with whole numbers. A member without
storage cannot buy and export, nor import and sell, so its h lies between 0 and n; for the others,
and wherever anything may be cut, the no-resale condition makes that the cheapest. A member whose
floor reaches its own cap has no order. `whole_numbers.py` beside this file needs none of these
conditions: it forbids what the engine never does.
"""

from dataclasses import dataclass

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

from p2p_market.community.episode.episode import Episode
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.records import FloatArray
from tests.baselines.optimal.rows import Blocks, Rows, blocks
from tests.baselines.optimal.whole_numbers import forbid


@dataclass(frozen=True)
class Optimum:
    """The cheapest schedule."""

    cost_eur: float
    bound_eur: float  # the cost itself, unless whole numbers left a gap
    setpoint_kw: FloatArray  # (step, agent, asset)
    net_load_kw: FloatArray  # (step, agent), after cuts
    hub_kw: FloatArray  # (step, agent), positive = bought
    curtailed_kw: FloatArray  # (step, agent)
    shed_kw: FloatArray  # (step, agent)


def solve(
    scenario: Scenario, episode: Episode, whole: bool | None = None, gap: float = 1e-6
) -> Optimum:
    """Optimum of a batch of one.

    Args:
        whole: forbid with whole numbers what the engine never does; by default where the scenario
            declares a mixed-integer optimum.
        gap: relative gap at which the search among whole numbers stops; the bound says what is
            proved.
    """
    if whole is None:
        whole = scenario.spec.optimum == "mixed_integer"
    columns = blocks(*episode.load_kw[:, 0].shape, scenario.nodes.present.shape[1])
    rows = Rows()
    _store(scenario, episode, columns, rows)
    _connect(scenario, episode, columns, rows)
    _cut(scenario, episode, columns, rows)
    _trade(scenario, episode, columns, rows)
    integral = np.zeros(columns.count)
    if whole:
        forbid(scenario, episode, columns, rows)
        integral[np.concatenate([block.ravel() for block in columns.whole])] = 1
    ranges = _ranges(scenario, episode, columns)
    limits = np.concatenate(rows.low), np.concatenate(rows.high)
    solved = scipy.optimize.milp(
        _prices(scenario, columns),
        integrality=integral,
        bounds=scipy.optimize.Bounds(ranges[:, 0], ranges[:, 1]),
        constraints=scipy.optimize.LinearConstraint(rows.matrix(columns.count), *limits),
        options={"mip_rel_gap": gap},
    )
    assert solved.status == 0, solved.message
    start = scenario.spec.terminal_value_eur_per_kwh * episode.start_energy_kwh.sum()
    bound = solved.mip_dual_bound if whole else solved.fun
    parts = columns.power, columns.net, columns.hub, columns.curtailed, columns.shed
    return Optimum(solved.fun + start, bound + start, *(solved.x[part] for part in parts))


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


def _connect(scenario: Scenario, episode: Episode, columns: Blocks, rows: Rows) -> None:
    """Net load inside the connection, cut or not; the sum beyond the feeder's limit is overload."""
    own = episode.load_kw[:, 0] - episode.pv_kw[:, 0]
    limit, feeder = scenario.spec.connection_limit_kw, scenario.spec.feeder.limit_kw
    rows.between(-limit - own, limit - own, (columns.power, 1.0))
    rows.equal(
        own,
        (columns.net, 1.0),
        (columns.power, -1.0),
        (columns.shed, 1.0),
        (columns.curtailed, -1.0),
    )
    for sign in (1.0, -1.0):
        most = np.full(len(own), feeder)
        rows.at_most(most, (columns.net, sign), (columns.overload, -1.0))


def _cut(scenario: Scenario, episode: Episode, columns: Blocks, rows: Rows) -> None:
    """With a grid, one share of everybody's PV, and one of everybody's load."""
    there = episode.grid[:, 0] > 0.0
    for cut, share, available in (
        (columns.curtailed, columns.pv_share, episode.pv_kw[there, 0]),
        (columns.shed, columns.load_share, episode.load_kw[there, 0]),
    ):
        every = np.broadcast_to(share[there, None], available.shape)
        rows.equal(np.zeros(available.shape), (cut[there], 1.0), (every, -available))


def _trade(scenario: Scenario, episode: Episode, columns: Blocks, rows: Rows) -> None:
    """Bought = sold; bills lie above both grid prices; in an outage sellers bear losses."""
    grid = episode.grid[:, 0, None]
    rows.equal(np.zeros(len(grid)), (columns.hub, 1.0))
    zero = np.zeros(columns.hub.shape)
    retail = episode.retail_eur_per_kwh[: len(grid), 0] + episode.carbon_eur_per_kwh[:, 0, None]
    for price in (grid * retail, grid * episode.feed_in_eur_per_kwh[: len(grid), 0]):
        rows.at_most(zero, (columns.net, price), (columns.hub, -price), (columns.bill, -1.0))
    dark = episode.grid[:, 0] == 0.0
    for arrives in (1.0, 1.0 - scenario.spec.fees.loss_share):
        rows.at_most(zero[dark], (columns.net[dark], arrives), (columns.hub[dark], -1.0))
    for sign in (1.0, -1.0):
        rows.at_most(zero, (columns.hub, sign), (columns.carried, -1.0))


def _prices(scenario: Scenario, columns: Blocks) -> FloatArray:
    """Objective per unit of each variable."""
    price = np.zeros(columns.count)
    price[columns.bill] = scenario.dt_h
    price[columns.carried] = scenario.dt_h * scenario.network_fee_eur_per_kwh
    price[columns.cycled] = scenario.dt_h * scenario.nodes.degradation_eur_per_kwh
    price[columns.shed] = scenario.dt_h * scenario.spec.lost_load_eur_per_kwh
    price[columns.overload] = scenario.dt_h * scenario.spec.feeder.overload_eur_per_kwh
    price[columns.made_up] = scenario.spec.shortfall_eur_per_kwh
    price[columns.level[-1]] = -scenario.spec.terminal_value_eur_per_kwh
    return price


def _ranges(scenario: Scenario, episode: Episode, columns: Blocks) -> NDArray[np.float64]:
    """Lowest and highest value of each variable, (variable, 2)."""
    nodes, limit = scenario.nodes, scenario.spec.connection_limit_kw
    ranges = np.tile([-np.inf, np.inf], (columns.count, 1))
    plugged = episode.plugged[:, 0, :, :, None]
    ranges[columns.power] = plugged * np.stack([nodes.power_min_kw, nodes.power_max_kw], axis=-1)
    due = episode.departs[:, 0] * nodes.target_kwh
    ranges[columns.made_up] = np.stack([np.zeros(due.shape), due], axis=-1)
    ranges[columns.level] = np.stack([nodes.energy_min_kwh, nodes.energy_max_kwh], axis=-1)
    ranges[columns.net] = -limit, limit
    for size in (columns.cycled, columns.carried, columns.overload):
        ranges[size, 0] = 0.0
    for share in (*columns.whole, columns.pv_share, columns.load_share):
        ranges[share] = 0.0, 1.0
    _range_of_cuts(scenario, episode, columns, ranges)
    if not scenario.cuts:
        idle = (episode.load_kw - episode.pv_kw)[:, 0, ~scenario.has_storage]
        hub = np.stack([np.minimum(idle, 0.0), np.maximum(idle, 0.0)], axis=-1)
        ranges[columns.hub[:, ~scenario.has_storage]] = hub
    silent = episode.ask_floor_eur_per_kwh[:, 0] >= episode.bid_cap_eur_per_kwh[:, 0]
    ranges[columns.hub[silent]] = 0.0
    return ranges


def _range_of_cuts(
    scenario: Scenario, episode: Episode, columns: Blocks, ranges: NDArray[np.float64]
) -> None:
    """All PV and all load may be cut where anything may, and nothing flows above a binding limit.

    In an outage the feeder's limit does not count, as nothing flows through it.
    """
    dark = episode.grid[:, 0] == 0.0
    for cut, available in (
        (columns.curtailed, episode.pv_kw[:, 0]),
        (columns.shed, episode.load_kw[:, 0]),
    ):
        ranges[cut] = np.stack([np.zeros(available.shape), available], axis=-1)
    if scenario.spec.feeder.mode == "binding":
        ranges[columns.overload[~dark]] = 0.0
    else:
        for share in (columns.pv_share, columns.load_share):
            ranges[share] = 0.0
