"""The community's perfect-foresight problem as a linear program, compiled once per scenario.

It minimises the social cost of the ledger over set-points and trades with the coefficients and
limits of the engine. Importing and selling at once, or exporting and buying, is allowed here and
not in the engine; under the no-resale condition, which a scenario proves when it loads, it never
pays. A scenario that breaks the condition declares `optimum: mixed_integer`: then binary variables
forbid it where it would pay, and charging and discharging at once where that would, and cuts before
storage has slowed down.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import cvxpy as cp
import numpy as np

from baselines.community.optimal.blocks import Blocks, Series, blocks_of, series
from baselines.community.optimal.cuts import Cut, fill_cuts, possible_cuts
from baselines.community.optimal.outlook import Outlook
from baselines.community.optimal.ramps import Ramps, ramps_of
from baselines.community.optimal.storage import Storage, columns, storage_of
from baselines.community.optimal.trades import Trades, trades_of
from baselines.community.optimal.voltages import Voltages, voltages_of
from baselines.community.optimal.whole_numbers import burners
from p2p_market.community.episode.episode import Episode
from p2p_market.community.further import FUEL, SERVICE
from p2p_market.community.scenario.fuel import fuel_rules
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.community.scenario.service import service_rules
from p2p_market.records import FloatArray


@dataclass(frozen=True, slots=True)
class Pool:
    """What binds the members of a community: the market clears, the feeder has a limit."""

    clearing: cp.Constraint  # (step,), bought = sold
    outwards: cp.Constraint  # (step,), flow above the limit is overload
    inwards: cp.Constraint
    voltages: Voltages | None = None  # where they cost

    def prices(self, dt_h: float) -> tuple[FloatArray, FloatArray]:
        """What one more kWh is worth at the hub, and what it costs to carry it, (step,) [EUR/kWh].

        The duals of the solved program: at these prices no member would gain by acting differently.
        """
        hub, outwards, inwards = (
            np.asarray(constraint.dual_value, dtype=np.float64) / dt_h
            for constraint in (self.clearing, self.outwards, self.inwards)
        )
        return hub, outwards - inwards


@dataclass(frozen=True, slots=True)
class Part:
    """So much may be traded at these prices."""

    most_kw: Series
    buy_eur_per_kwh: Series
    sell_eur_per_kwh: Series


@dataclass(frozen=True, slots=True)
class Posted:
    """Prices at which each member may trade by itself, instead of a pool."""

    parts: tuple[Part, ...]
    line_eur_per_kwh: Series  # for each kW of net load


@dataclass(frozen=True, slots=True)
class Program:
    """The compiled problem with the parameters that an episode fills in."""

    problem: cp.Problem
    storage: Storage
    trades: Trades
    cuts: list[Cut]
    equations: list[cp.Constraint]  # of the power nodes, one per block
    meters: list[cp.Constraint]  # what makes up a net load, one per block
    tapers: list[cp.Constraint]  # charging near full, one per block; or none
    rooms: list[cp.Constraint]  # for fuel that is ordered, one per block; or none
    market: Pool | Posted
    cost_eur: cp.Expression  # of each member, trade itself left out, (agent,)
    ramps: Ramps | None  # where machines load slowly


def compile_program(scenario: Scenario, posted_parts: int = 0) -> Program:
    """The problem of a scenario; only data change from episode to episode.

    Args:
        posted_parts: each member for itself, with this many prices for more and more of its trade,
            each worse than the one before; 0: one community with its market.
    """
    blocks = blocks_of(scenario.steps, len(scenario.agents))
    storage = storage_of(scenario.nodes, blocks, fuel_rules(scenario), service_rules(scenario))
    trades = trades_of(scenario, blocks)
    cuts = possible_cuts(scenario, blocks)
    equations, meters, tapers, rooms, constraints = [], [], [], [], []
    for number, rows in enumerate(blocks):
        devices_kw = storage.net_load_kw(rows)
        for cut in cuts:
            devices_kw += cut.curtailed_kw(number, rows) - cut.shed_kw(number, rows)
            constraints += cut.constraints(number, rows)
        equations.append(storage.equation(number, rows))
        tapers += storage.tapers(rows)
        rooms += storage.rooms(rows)
        meters.append(trades.meter(number, rows, devices_kw))
        constraints += storage.constraints(number, rows) + trades.constraints(number, rows)
    powers = storage.charge_kw, storage.discharge_kw
    ramps = ramps_of(scenario.nodes, columns(scenario.nodes), *powers)
    if ramps is not None:
        constraints += ramps.constraints
    if scenario.spec.optimum == "mixed_integer":
        constraints += _whole_numbers(scenario, storage, trades, cuts, blocks)
    cost = trades.cost_eur(blocks) + storage.cost_eur(scenario.spec, blocks)
    for shed in _shed(cuts, blocks):
        cost += scenario.dt_h * scenario.spec.lost_load_eur_per_kwh * cp.sum(shed, axis=0)
    if posted_parts > 0:
        market, paid, coupling = _post(scenario, trades, blocks, posted_parts)
    else:
        market, paid, coupling = _pool(scenario, trades, blocks, storage)
    problem = cp.Problem(
        cp.Minimize(cp.sum(cost) + paid),
        [*equations, *meters, *tapers, *rooms, *constraints, *coupling],
    )
    assert problem.is_dpp(), "the program must compile once"
    parts = equations, meters, tapers, rooms
    return Program(problem, storage, trades, cuts, *parts, market, cost, ramps)


def further_of(program: Program) -> dict[str, FloatArray]:
    """What a solved program says in further columns, (step, agent) by name."""
    market, storage, agents = program.market, program.storage, program.cost_eur.shape[0]
    acts = {FUEL: storage.fuel, SERVICE: storage.service}
    said = [{name: act.by_member(agents)} for name, act in acts.items() if act is not None]
    said += [cut.further() for cut in program.cuts]
    if isinstance(market, Pool) and market.voltages is not None:
        said.append(market.voltages.further())
    return {name: series for one in said for name, series in one.items()}


def _shed(cuts: list[Cut], blocks: Blocks) -> Iterable[cp.Expression]:
    """Load not served, of each cut and block."""
    return (cut.shed_kw(number, rows) for cut in cuts for number, rows in enumerate(blocks))


def _pool(
    scenario: Scenario, trades: Trades, blocks: Blocks, storage: Storage
) -> tuple[Pool | Posted, cp.Expression, list[cp.Constraint]]:
    """The market clears and the feeder's overload is paid for, or forbidden."""
    feeder = scenario.spec.feeder
    overload = cp.Variable(scenario.steps, nonneg=True)
    flow = cp.sum(trades.net_load_kw, axis=1)
    voltages = voltages_of(scenario, blocks, trades.net_load_kw, storage)
    pool = Pool(
        clearing=cp.sum(trades.buy_kw - trades.sell_kw, axis=1) == 0,
        outwards=flow - overload <= feeder.limit_kw,
        inwards=-flow - overload <= feeder.limit_kw,
        voltages=voltages,
    )
    constraints = [pool.clearing, pool.outwards, pool.inwards]
    if feeder.mode == "binding":
        constraints.append(overload == 0.0)
    paid = scenario.dt_h * feeder.overload_eur_per_kwh * cp.sum(overload)
    if voltages is not None:
        constraints += voltages.constraints
        paid = paid + voltages.cost_eur
    return pool, paid, constraints


def _post(
    scenario: Scenario, trades: Trades, blocks: Blocks, count: int
) -> tuple[Pool | Posted, cp.Expression, list[cp.Constraint]]:
    """Everybody trades with prices, and pays another for what the line carries."""
    agents, shape = len(scenario.agents), trades.buy_kw.shape
    parts = tuple(
        Part(series(blocks, agents), *(series(blocks, agents, nonneg=False) for _ in range(2)))
        for _ in range(count)
    )
    bought, sold = ([cp.Variable(shape, nonneg=True) for _ in parts] for _ in range(2))
    line, paid = series(blocks, agents, nonneg=False), cp.Constant(0.0)
    constraints = [trades.buy_kw == sum(bought), trades.sell_kw == sum(sold)]
    for number, rows in enumerate(blocks):
        paid += cp.sum(cp.multiply(line[number], trades.net_load_kw[rows]))
        for part, buy, sell in zip(parts, bought, sold, strict=True):
            paid += cp.sum(cp.multiply(part.buy_eur_per_kwh[number], buy[rows]))
            paid -= cp.sum(cp.multiply(part.sell_eur_per_kwh[number], sell[rows]))
            most_kw = part.most_kw[number]
            constraints += [buy[rows] <= most_kw, sell[rows] <= most_kw]
    return Posted(parts, line), scenario.dt_h * paid, constraints


def _whole_numbers(
    scenario: Scenario, storage: Storage, trades: Trades, cuts: list[Cut], blocks: Blocks
) -> list[cp.Constraint]:
    """Binaries where it would pay to take and give, or charge and discharge, at once; cuts last."""
    constraints = storage.either_way(burners(scenario))
    if storage.commitment is not None:
        constraints += storage.commitment.constraints(storage.charge_kw, storage.discharge_kw)
    if storage.service is not None:
        constraints += storage.service.constraints(storage.charge_kw, storage.discharge_kw)
    for number, rows in enumerate(blocks):
        constraints += trades.either_way(number, rows)
    flow, limit = cp.sum(trades.net_load_kw, axis=1), scenario.spec.feeder.limit_kw
    for cut in cuts:
        constraints += cut.in_order(storage.charge_kw, storage.discharge_kw, flow, limit)
    return constraints


def fill(program: Program, scenario: Scenario, episode: Episode | Outlook) -> None:
    """Put the data of an episode (a batch of one) into the program."""
    program.trades.fill(episode)
    program.storage.fill(episode)
    if program.ramps is not None:
        program.ramps.fill(from_standstill=isinstance(episode, Episode))
    grid = np.tile(episode.grid, (1, len(scenario.agents)))
    fill_cuts(program.cuts, episode.load_kw[:, 0], episode.pv_kw[:, 0], grid)
    if isinstance(program.market, Pool) and program.market.voltages is not None:
        program.market.voltages.fill(episode)
