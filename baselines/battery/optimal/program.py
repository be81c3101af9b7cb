"""All batteries of a scenario with perfect foresight, as one program, compiled once.

It decides on reserve, energy and, in a bidding scenario, the day-ahead position, with the limits,
legs and prices of the engine. Everything is linear but for four choices, each a binary only where
it can matter: called reserve excludes energy; energy is bought or sold; reserve that is called
behind a day-ahead delivery is served in full or ends with the level; a bid buys or sells.
"""

from dataclasses import dataclass, fields
from typing import Any

import cvxpy as cp
import numpy as np

from baselines.battery.optimal.series import Data
from p2p_market.battery.scenario import Scenario
from p2p_market.battery.settlement import DELIVERED, TRANCHE_MW
from p2p_market.records import FloatArray

SIGNED = ("buy", "sell", "day_ahead", "energy", "position_eur_per_h")
"""Data that may be negative."""


@dataclass(frozen=True, slots=True)
class Program:
    """The compiled problem with the parameters that an episode fills in."""

    problem: cp.Problem
    data: dict[str, cp.Parameter]
    offer_mw: cp.Variable  # (step, agent)
    called_mw: cp.Variable  # (step, agent), delivered of it
    wish_mw: cp.Expression  # (step, agent)
    position_mw: cp.Expression  # (hour, agent), of a bidding scenario


@dataclass(frozen=True, slots=True)
class Delivery:
    """The day-ahead leg: position by the hour, and what is delivered of it in each step."""

    position_mw: cp.Expression  # (hour, agent)
    size_mw: cp.Expression  # (step, agent), its absolute value
    charge_mw: cp.Expression  # (step, agent), delivered
    discharge_mw: cp.Expression
    paid_eur_per_h: cp.Expression
    constraints: list[cp.Constraint]


@dataclass(frozen=True, slots=True)
class Tables:
    """Numbers of the fleet, (step, agent)."""

    eta: FloatArray
    power: FloatArray
    low: FloatArray
    high: FloatArray
    wear: FloatArray


@dataclass(frozen=True, slots=True)
class Decision:
    """What is decided, (step, agent), and the levels that follow."""

    dam: Delivery
    reserve: cp.Variable  # MW that are accepted
    called: cp.Variable  # MW that are delivered of it
    unserved: cp.Variable  # MW that are not
    bought: cp.Variable
    sold: cp.Variable
    level: cp.Variable  # (step + 1, agent)
    after_dam: cp.Variable
    after_afrr: cp.Variable


def compile_program(scenario: Scenario) -> Program:
    """The problem of a scenario; only data change from episode to episode."""
    data, tables = _parameters(scenario), _tables(scenario)
    made = _decision(scenario, data, tables)
    constraints = [
        *_legs(scenario, data, tables, made),
        *_limits(scenario, tables, made),
        *_whole_numbers(data, tables, made),
        *made.dam.constraints,
    ]
    legs = made.dam.charge_mw + made.dam.discharge_mw + made.called + made.bought + made.sold
    cost = made.dam.paid_eur_per_h + cp.sum(
        cp.multiply(tables.wear, legs)
        + cp.multiply(data["buy"], made.bought)
        - cp.multiply(data["sell"], made.sold)
        + cp.multiply(data["energy"], made.called)
        - cp.multiply(data["capacity"], made.reserve)
    )
    if scenario.rules.ladder > 0.0:
        moved, tranches = _ladder(scenario, data, made.bought, made.sold)
        cost, constraints = cost + cp.sum(moved), constraints + tranches
    missing, over = (cp.Variable((1, len(scenario.agents)), nonneg=True) for _ in range(2))
    constraints.append(made.level[-1:] - scenario.fleet.start_mwh[None] == over - missing)
    end = cp.multiply(data["missing"], missing) - cp.multiply(data["over"], over)
    problem = cp.Problem(cp.Minimize(scenario.dt_h * cost + cp.sum(end)), constraints)
    assert problem.is_dpp(), "the program must compile once"
    energy = made.bought - made.sold
    return Program(problem, data, made.reserve, made.called, energy, made.dam.position_mw)


def _tables(scenario: Scenario) -> Tables:
    fleet, shape = scenario.fleet, (scenario.steps, 1)
    numbers = fleet.eta, fleet.power_mw, fleet.lowest_mwh, fleet.highest_mwh, fleet.wear
    return Tables(*(np.tile(one, shape) for one in numbers))


def _decision(scenario: Scenario, data: dict[str, cp.Parameter], tables: Tables) -> Decision:
    """Variables inside their bounds."""
    shape, fleet = tables.power.shape, scenario.fleet
    ends = [np.tile(one, (shape[0] + 1, 1)) for one in (fleet.lowest_mwh, fleet.highest_mwh)]
    reserve, called, unserved = (cp.Variable(shape, nonneg=True) for _ in range(3))
    bought, sold = (cp.Variable(shape, bounds=[0.0 * tables.power, tables.power]) for _ in range(2))
    after_dam, after_afrr = (cp.Variable(shape, bounds=[tables.low, tables.high]) for _ in range(2))
    return Decision(
        dam=_bid(scenario, data) if scenario.rules.bidding else _given(scenario, data),
        reserve=reserve,
        called=called,
        unserved=unserved,
        bought=bought,
        sold=sold,
        level=cp.Variable((shape[0] + 1, shape[1]), bounds=ends),
        after_dam=after_dam,
        after_afrr=after_afrr,
    )


def _legs(
    scenario: Scenario, data: dict[str, cp.Parameter], tables: Tables, made: Decision
) -> list[cp.Constraint]:
    """Three legs move the level one after another: day-ahead, reserve, energy."""
    into, out = scenario.dt_h * tables.eta, scenario.dt_h / tables.eta
    dam, called = made.dam, made.called
    up, down = cp.multiply(data["up"], out), cp.multiply(data["down"], into)
    moved_dam = cp.multiply(into, dam.charge_mw) - cp.multiply(out, dam.discharge_mw)
    moved_afrr = cp.multiply(down, called) - cp.multiply(up, called)
    moved = cp.multiply(into, made.bought) - cp.multiply(out, made.sold)
    return [
        made.level[0] == scenario.fleet.start_mwh,
        made.after_dam == made.level[:-1] + moved_dam,
        made.after_afrr == made.after_dam + moved_afrr,
        made.level[1:] == made.after_afrr + moved,
    ]


def _limits(scenario: Scenario, tables: Tables, made: Decision) -> list[cp.Constraint]:
    """Reserve that the level before the step can serve, and power that the position leaves."""
    rules, before, rest = scenario.rules, made.level[:-1], tables.power - made.dam.size_mw
    limits = [
        rules.reserve_h * made.reserve <= cp.multiply(tables.eta, before - tables.low),
        rules.reserve_h * made.reserve <= cp.multiply(1.0 / tables.eta, tables.high - before),
    ]
    if np.isfinite(rules.afrr_demand_mw):
        limits.append(cp.sum(made.reserve, axis=1) <= rules.afrr_demand_mw)
    if rules.withhold:
        return [*limits, made.bought + made.sold + made.reserve <= rest]
    return [*limits, made.bought + made.sold <= rest, made.reserve <= rest]


def _whole_numbers(
    data: dict[str, cp.Parameter], tables: Tables, made: Decision
) -> list[cp.Constraint]:
    """Binaries; where the data leave them without effect, the solver removes them at once."""
    answers, buys, ends = (cp.Variable(tables.power.shape, boolean=True) for _ in range(3))
    power, either = tables.power, data["either_way_mw"]
    left = cp.multiply(data["up"], made.after_afrr - tables.low)
    left += cp.multiply(data["down"], tables.high - made.after_afrr)
    return [
        made.reserve <= data["ready_mw"] + cp.multiply(data["called_mw"], answers),
        made.bought + made.sold <= power - cp.multiply(data["called_mw"], answers),
        made.bought <= power - cp.multiply(either, 1.0 - buys),
        made.sold <= power - cp.multiply(either, buys),
        made.called == cp.multiply(data["up"] + data["down"], made.reserve) - made.unserved,
        made.unserved <= cp.multiply(data["partly_mw"], ends),
        made.unserved <= (1.0 - DELIVERED) * made.reserve,
        left <= cp.multiply(tables.high - tables.low, 1.0 - ends),
    ]


def fill(program: Program, data: Data) -> None:
    """Put the data of an episode into the program."""
    for name, parameter in program.data.items():
        parameter.value = getattr(data, name)


def _parameters(scenario: Scenario) -> dict[str, cp.Parameter]:
    steps, agents = scenario.steps, len(scenario.agents)
    shapes: dict[str, Any] = {field.name: (steps, agents) for field in fields(Data)}
    del shapes["tier"]
    shapes |= dict.fromkeys(("missing", "over"), (1, agents))
    shapes |= dict.fromkeys(("buys_intraday", "sells_intraday"), (steps, 1))
    shapes |= dict.fromkeys(("bought_mw", "sold_mw"), (24 * (scenario.spec.days + 1), agents))
    return {name: cp.Parameter(shape, nonneg=name not in SIGNED) for name, shape in shapes.items()}


def _hours(scenario: Scenario) -> Any:
    """Hours to their steps, (step, hour)."""
    hours = 24 * (scenario.spec.days + 1)
    chosen = np.repeat(np.eye(hours), scenario.per_hour, axis=0)
    return chosen[: scenario.steps]


def _given(scenario: Scenario, data: dict[str, cp.Parameter]) -> Delivery:
    """As much of the given position as the level allows; what is missing is paid for."""
    shape = scenario.steps, len(scenario.agents)
    hours = _hours(scenario)
    bought, sold = hours @ data["bought_mw"], hours @ data["sold_mw"]
    charge, discharge = (cp.Variable(shape, nonneg=True) for _ in range(2))
    size = bought + sold
    missing = cp.sum(size - charge - discharge)
    paid = cp.sum(data["position_eur_per_h"])
    return Delivery(
        position_mw=data["bought_mw"] - data["sold_mw"],
        size_mw=size,
        charge_mw=charge,
        discharge_mw=discharge,
        paid_eur_per_h=paid + scenario.rules.dam_penalty * missing,
        constraints=[charge <= bought, discharge <= sold],
    )


def _bid(scenario: Scenario, data: dict[str, cp.Parameter]) -> Delivery:
    """The position is chosen, but for that of the first day."""
    shape = scenario.steps, len(scenario.agents)
    hours, power = _hours(scenario), scenario.fleet.power_mw[None]
    buys, sells = (cp.Variable(data["bought_mw"].shape, nonneg=True) for _ in range(2))
    charge, discharge = (cp.Variable(shape, nonneg=True) for _ in range(2))
    buying = cp.Variable(shape, boolean=True)
    bought, sold = hours @ buys, hours @ sells
    wide = np.tile(power, (shape[0], 1))
    missing = cp.sum(bought + sold - charge - discharge)
    paid = cp.sum(cp.multiply(data["day_ahead"], bought - sold))
    return Delivery(
        position_mw=buys - sells,
        size_mw=bought + sold,
        charge_mw=charge,
        discharge_mw=discharge,
        paid_eur_per_h=paid + scenario.rules.dam_penalty * missing,
        constraints=[
            buys[:24] == data["bought_mw"][:24],
            sells[:24] == data["sold_mw"][:24],
            buys[-24:] + sells[-24:] == 0.0,
            buys + sells <= np.tile(power, (buys.shape[0], 1)),
            charge <= bought,
            discharge <= sold,
            bought <= wide - cp.multiply(data["both_ways_mw"], 1.0 - buying),
            sold <= wide - cp.multiply(data["both_ways_mw"], buying),
        ],
    )


def _ladder(
    scenario: Scenario, data: dict[str, cp.Parameter], bought: cp.Variable, sold: cp.Variable
) -> tuple[cp.Expression, list[cp.Constraint]]:
    """What the fleet pays for moving the intraday price, (step, 1) [EUR/h]: a line per tranche."""
    steepness, everyone = scenario.rules.ladder, np.ones((len(scenario.agents), 1))
    volume = cp.multiply(data["buys_intraday"], bought @ everyone)
    volume -= cp.multiply(data["sells_intraday"], sold @ everyone)
    paid = cp.Variable((scenario.steps, 1), nonneg=True)
    most_mw, lines = float(scenario.fleet.power_mw.sum()), []
    for j in range(int(most_mw // TRANCHE_MW) + 1):
        slope = steepness * TRANCHE_MW * (2 * j + 1)
        fixed = steepness * TRANCHE_MW**2 * j * j - slope * TRANCHE_MW * j
        lines += [paid >= fixed + slope * volume, paid >= fixed - slope * volume]
    return paid, lines
