"""The community's perfect-foresight problem as a linear program, compiled once per scenario.

It minimises the social cost of the ledger over set-points and trades with the coefficients and
limits of the engine. Importing and selling at once, or exporting and buying, is allowed here and
not in the engine; under the no-resale condition, which a scenario proves when it loads, it never
pays. A scenario that breaks the condition declares `optimum: mixed_integer`: then binary variables
forbid it, and charging and discharging at once as well, and cuts before storage has slowed down.
"""

from dataclasses import dataclass

import cvxpy as cp
import numpy as np

from baselines.optimal.cuts import Cut, fill_cuts, possible_cuts
from baselines.optimal.outlook import Outlook
from p2p_market.assets.node import Coefficients
from p2p_market.episode import Episode
from p2p_market.records import BoolArray, FloatArray
from p2p_market.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Stock:
    """What binds the levels of storage, (step, asset) each."""

    moves: cp.Constraint  # the power-node equation
    floor: cp.Constraint
    full: cp.Constraint
    due: cp.Constraint

    def value_eur_per_kwh(self) -> FloatArray:
        """What one more kWh in the device is worth before a departure, (step, asset) [EUR/kWh]."""
        moves, floor, full, due = (
            np.asarray(constraint.dual_value, dtype=np.float64)
            for constraint in (self.moves, self.floor, self.full, self.due)
        )
        return moves + floor - full + due


@dataclass(frozen=True, slots=True)
class Meter:
    """What binds a member's net load, (step, agent) each."""

    balance: cp.Constraint
    most: cp.Constraint
    least: cp.Constraint

    def price_eur_per_kwh(self, dt_h: float) -> FloatArray:
        """What one more kWh of net load costs, the line's price left out, (step, agent)."""
        balance, most, least = (
            np.asarray(constraint.dual_value, dtype=np.float64) / dt_h
            for constraint in (self.balance, self.most, self.least)
        )
        return balance + most - least


@dataclass(frozen=True, slots=True)
class Storage:
    """Set-points and levels of all flexible assets, one column each."""

    owner: FloatArray  # (asset, agent), 1 where the agent owns the asset
    charge_kw: cp.Variable  # (step, asset), >= 0
    discharge_kw: cp.Variable  # (step, asset), >= 0
    level_kwh: cp.Variable  # (step + 1, asset)
    missing_kwh: cp.Variable  # (step, asset), >= 0, shortfall at departures
    start_kwh: cp.Parameter  # (asset,)
    floor_kwh: cp.Parameter  # (step, asset), tube after the step, before a departure
    trip_kwh: cp.Parameter  # (step, asset)
    due_kwh: cp.Parameter  # (step, asset), level wanted after the shortfall is made up
    charge_max_kw: cp.Parameter  # (step, asset), 0 while away
    discharge_max_kw: cp.Parameter  # (step, asset), 0 while away

    def constraints(self, nodes: Coefficients) -> tuple[Stock, list[cp.Constraint]]:
        """The power-node equation, the tube, departures; levels are bounded as variables."""
        own = columns(nodes)
        before, after = self.level_kwh[:-1], self.level_kwh[1:]
        stored = self.charge_kw @ np.diag(nodes.charge_gain_h[own])
        taken = self.discharge_kw @ np.diag(nodes.discharge_gain_h[own])
        arrived = before @ np.diag(nodes.retention[own]) + stored - taken
        full = np.tile(nodes.energy_max_kwh[own], (self.charge_kw.shape[0], 1))
        stock = Stock(
            moves=after == arrived + self.missing_kwh - self.trip_kwh,
            floor=arrived >= self.floor_kwh,
            full=arrived <= full,
            due=arrived + self.missing_kwh >= self.due_kwh,
        )
        return stock, [
            *(stock.moves, stock.floor, stock.full, stock.due),
            self.level_kwh[0] == self.start_kwh,
            self.missing_kwh <= self.due_kwh,
            self.charge_kw <= self.charge_max_kw,
            self.discharge_kw <= self.discharge_max_kw,
        ]


@dataclass(frozen=True, slots=True)
class Trades:
    """Exchange with the grid and with each other, (step, agent) [kW], all >= 0."""

    import_kw: cp.Variable
    export_kw: cp.Variable
    buy_kw: cp.Variable
    sell_kw: cp.Variable
    buy_max_kw: cp.Parameter
    sell_max_kw: cp.Parameter
    grid_max_kw: cp.Parameter  # 0 in an outage
    taking_max_kw: cp.Parameter  # highest net load that storage and cuts allow
    giving_max_kw: cp.Parameter  # lowest, as a positive number
    loss: cp.Parameter  # kW lost per kW sold, 0 where the grid makes up for it

    def constraints(
        self, net_load_kw: cp.Expression, limit_kw: float
    ) -> tuple[Meter, list[cp.Constraint]]:
        """Every agent balances inside its limits; a seller bears what is lost."""
        exchange_kw = self.import_kw - self.export_kw + self.buy_kw - self.sell_kw
        meter = Meter(
            balance=net_load_kw == exchange_kw - cp.multiply(self.loss, self.sell_kw),
            most=net_load_kw <= limit_kw,
            least=net_load_kw >= -limit_kw,
        )
        return meter, [
            *(meter.balance, meter.most, meter.least),
            self.buy_kw <= self.buy_max_kw,
            self.sell_kw <= self.sell_max_kw,
            self.import_kw <= self.grid_max_kw,
            self.export_kw <= self.grid_max_kw,
        ]


@dataclass(frozen=True, slots=True)
class Pool:
    """What binds the members of a community: the market clears, the feeder has a limit."""

    clearing: cp.Constraint  # (step,), bought = sold
    outwards: cp.Constraint  # (step,), flow above the limit is overload
    inwards: cp.Constraint

    def prices(self, dt_h: float) -> tuple[FloatArray, FloatArray]:
        """What one more kWh is worth at the hub, and what it costs to carry it, (step,) [EUR/kWh].

        The duals of the solved program: at these prices nobody would do anything else by itself.
        """
        hub, outwards, inwards = (
            np.asarray(constraint.dual_value, dtype=np.float64) / dt_h
            for constraint in (self.clearing, self.outwards, self.inwards)
        )
        return hub, outwards - inwards


@dataclass(frozen=True, slots=True)
class Posted:
    """Prices at which each member may trade any amount, instead of a pool."""

    hub_eur_per_kwh: cp.Parameter  # (step, agent)
    congestion_eur_per_kwh: cp.Parameter  # (step, agent), for each kW of net load


@dataclass(frozen=True, slots=True)
class Program:
    """The compiled problem with the parameters that an episode fills in."""

    problem: cp.Problem
    storage: Storage
    trades: Trades
    cuts: list[Cut]
    net_load_kw: cp.Expression  # (step, agent), after cuts
    idle_net_load_kw: cp.Parameter  # (step, agent)
    import_cost_eur_per_kwh: cp.Parameter  # (step, agent), retail price + carbon cost
    stock: Stock
    meter: Meter
    market: Pool | Posted


def columns(nodes: Coefficients) -> BoolArray:
    """Which assets have a column; one absent asset stands in where nobody has any."""
    own = nodes.present.copy()
    own[0, 0] |= not own.any()
    return own


STEP_PARAMETERS = ("floor_kwh", "trip_kwh", "due_kwh", "charge_max_kw", "discharge_max_kw")


def _storage(nodes: Coefficients, steps: int) -> Storage:
    own = columns(nodes)
    count = int(own.sum())
    owner = np.zeros((count, len(own)))
    owner[np.arange(count), np.nonzero(own)[0]] = 1.0

    def between(rows: int, low: FloatArray, high: FloatArray) -> cp.Variable:
        shape = (rows, count)
        return cp.Variable(shape, bounds=[np.tile(low, (rows, 1)), np.tile(high, (rows, 1))])

    return Storage(
        owner,
        charge_kw=between(steps, np.zeros(count), nodes.power_max_kw[own]),
        discharge_kw=between(steps, np.zeros(count), -nodes.power_min_kw[own]),
        level_kwh=between(steps + 1, nodes.energy_min_kwh[own], nodes.energy_max_kwh[own]),
        missing_kwh=cp.Variable((steps, count), nonneg=True),
        start_kwh=cp.Parameter(count, nonneg=True),
        **{name: cp.Parameter((steps, count), nonneg=True) for name in STEP_PARAMETERS},
    )


def compile_program(scenario: Scenario, posted: bool = False) -> Program:
    """The problem of a scenario; only data change from episode to episode.

    Args:
        posted: each member for itself at posted prices, instead of one community.
    """
    steps, agents = scenario.steps, len(scenario.agents)
    shape, spec, nodes = (steps, agents), scenario.spec, scenario.nodes
    storage = _storage(nodes, steps)
    trades = Trades(
        *(cp.Variable(shape, nonneg=True) for _ in range(4)),
        *(cp.Parameter(shape, nonneg=True) for _ in range(6)),
    )
    cuts = possible_cuts(scenario)
    idle, import_cost = cp.Parameter(shape), cp.Parameter(shape, nonneg=True)
    net_load = idle + (storage.charge_kw - storage.discharge_kw) @ storage.owner
    for cut in cuts:
        net_load = net_load + cut.curtailed_kw - cut.shed_kw
    stock, devices = storage.constraints(nodes)
    meter, exchange = trades.constraints(net_load, spec.connection_limit_kw)
    limits = [constraint for cut in cuts for constraint in cut.constraints()]
    constraints = [*devices, *exchange, *limits]
    if spec.optimum == "mixed_integer":
        flow, limit = cp.sum(net_load, axis=1), spec.feeder.limit_kw
        constraints += _one_way(storage, trades, nodes)
        for cut in cuts:
            constraints += cut.in_order(storage.charge_kw, storage.discharge_kw, flow, limit)
    cost = _agent_cost(scenario, storage, trades, cuts, import_cost)
    bind = _post if posted else _pool
    market, total, coupling = bind(scenario, trades, net_load, cost)
    problem = cp.Problem(cp.Minimize(total), [*constraints, *coupling])
    assert problem.is_dpp(), "the program must compile once"
    return Program(
        problem, storage, trades, cuts, net_load, idle, import_cost, stock, meter, market
    )


def _agent_cost(
    scenario: Scenario, storage: Storage, trades: Trades, cuts: list[Cut], import_cost: cp.Parameter
) -> cp.Expression:
    """What each member costs, trade itself left out, (agent,) [EUR]."""
    spec, nodes = scenario.spec, scenario.nodes
    fee = _rows(scenario.network_fee_eur_per_kwh, trades.buy_kw)
    feed_in = _rows(scenario.feed_in_eur_per_kwh, trades.export_kw)
    wear = _rows(nodes.degradation_eur_per_kwh[columns(nodes)], storage.charge_kw)
    running = (
        cp.multiply(import_cost, trades.import_kw)
        - cp.multiply(feed_in, trades.export_kw)
        + cp.multiply(fee, trades.buy_kw + trades.sell_kw)
        + cp.multiply(wear, storage.charge_kw + storage.discharge_kw) @ storage.owner
    )
    for cut in cuts:
        running += spec.lost_load_eur_per_kwh * cut.shed_kw
    missing = spec.shortfall_eur_per_kwh * cp.sum(storage.missing_kwh, axis=0)
    gained = storage.level_kwh[-1] - storage.level_kwh[0]
    stored = (missing - spec.terminal_value_eur_per_kwh * gained) @ storage.owner
    return spec.dt_h * cp.sum(running, axis=0) + stored


def _pool(
    scenario: Scenario, trades: Trades, net_load: cp.Expression, cost: cp.Expression
) -> tuple[Pool | Posted, cp.Expression, list[cp.Constraint]]:
    """The market clears and the feeder's overload is paid for, or forbidden."""
    feeder = scenario.spec.feeder
    overload = cp.Variable(scenario.steps, nonneg=True)
    flow = cp.sum(net_load, axis=1)
    pool = Pool(
        clearing=cp.sum(trades.buy_kw - trades.sell_kw, axis=1) == 0,
        outwards=flow - overload <= feeder.limit_kw,
        inwards=-flow - overload <= feeder.limit_kw,
    )
    constraints = [pool.clearing, pool.outwards, pool.inwards]
    if feeder.mode == "binding":
        constraints.append(overload == 0.0)
    price = scenario.spec.dt_h * feeder.overload_eur_per_kwh
    return pool, cp.sum(cost) + price * cp.sum(overload), constraints


def _post(
    scenario: Scenario, trades: Trades, net_load: cp.Expression, cost: cp.Expression
) -> tuple[Pool | Posted, cp.Expression, list[cp.Constraint]]:
    """Everybody trades with a price and pays another for what the line carries."""
    posted = Posted(cp.Parameter(net_load.shape), cp.Parameter(net_load.shape))
    carried = cp.Variable(net_load.shape)  # data times data is more than a parameter may be
    traded = cp.multiply(posted.hub_eur_per_kwh, trades.buy_kw - trades.sell_kw)
    paid = cp.sum(traded + cp.multiply(posted.congestion_eur_per_kwh, carried))
    return posted, cp.sum(cost) + scenario.spec.dt_h * paid, [carried == net_load]


def _one_way(storage: Storage, trades: Trades, nodes: Coefficients) -> list[cp.Constraint]:
    """Binaries: a member either takes or gives, a storage either charges or discharges."""
    taking = cp.Variable(trades.buy_kw.shape, boolean=True)
    charging = cp.Variable(storage.charge_kw.shape, boolean=True)
    own = columns(nodes)
    return [
        trades.import_kw + trades.buy_kw <= cp.multiply(trades.taking_max_kw, taking),
        trades.export_kw + trades.sell_kw <= cp.multiply(trades.giving_max_kw, 1.0 - taking),
        storage.charge_kw <= charging @ np.diag(nodes.power_max_kw[own]),
        storage.discharge_kw <= (1.0 - charging) @ np.diag(-nodes.power_min_kw[own]),
    ]


def fill(program: Program, scenario: Scenario, episode: Episode | Outlook) -> None:
    """Put the data of an episode (a batch of one) into the program.

    An agent without storage can only buy its deficit and sell its surplus, which are data unless PV
    or load may be cut. An agent whose floor reaches its cap places no order in the engine, nor
    here.
    """
    nodes, limit, trades = scenario.nodes, scenario.spec.connection_limit_kw, program.trades
    idle = (episode.load_kw - episode.pv_kw)[:, 0]
    floor, cap = episode.ask_floor_eur_per_kwh[:, 0], episode.bid_cap_eur_per_kwh[:, 0]
    open_to_trade = (floor < cap).astype(np.float64)
    deficit, surplus = np.maximum(idle, 0.0), np.maximum(-idle, 0.0)
    free = scenario.has_storage | scenario.cuts
    grid = np.tile(episode.grid, (1, idle.shape[1]))
    share = scenario.spec.fees.loss_share
    program.idle_net_load_kw.value = idle
    program.import_cost_eur_per_kwh.value = (
        episode.retail_eur_per_kwh[: scenario.steps, 0] + episode.carbon_eur_per_kwh
    )
    trades.buy_max_kw.value = open_to_trade * np.where(free, limit, deficit)
    trades.sell_max_kw.value = open_to_trade * np.where(free, limit, surplus)
    trades.grid_max_kw.value = 2.0 * limit * grid
    pv, load = (scenario.cuts * series[:, 0] for series in (episode.pv_kw, episode.load_kw))
    highest = idle + pv + nodes.power_max_kw.sum(axis=1)
    lowest = idle - load + nodes.power_min_kw.sum(axis=1)
    trades.taking_max_kw.value = np.clip(highest, 0.0, limit)
    trades.giving_max_kw.value = np.clip(-lowest, 0.0, limit)
    trades.loss.value = (1.0 - grid) * share / (1.0 - share)
    fill_cuts(program.cuts, episode.load_kw[:, 0], episode.pv_kw[:, 0], grid)
    _fill_storage(program.storage, nodes, episode)


def _fill_storage(storage: Storage, nodes: Coefficients, episode: Episode | Outlook) -> None:
    own = columns(nodes)
    plugged, departs = episode.plugged[:, 0][:, own], episode.departs[:, 0][:, own]
    storage.start_kwh.value = episode.start_energy_kwh[0][own]
    storage.floor_kwh.value = episode.floor_kwh[:, 0][:, own]
    storage.trip_kwh.value = episode.trip_kwh[:, 0][:, own]
    storage.due_kwh.value = departs * nodes.target_kwh[own]
    storage.charge_max_kw.value = plugged * nodes.power_max_kw[own]
    storage.discharge_max_kw.value = plugged * -nodes.power_min_kw[own]


def _rows(values: FloatArray, like: cp.Variable) -> FloatArray:
    """The same row for every step."""
    return np.tile(values, (like.shape[0], 1))
