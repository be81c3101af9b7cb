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

SIGNED = ("buy", "sell", "day_ahead", "energy", "position_eur_per_h")
"""Data that may be negative."""


@dataclass(frozen=True, slots=True)
class Program:
    """The compiled problem with the parameters that an episode fills in."""

    problem: cp.Problem
    data: dict[str, cp.Parameter]
    offer_mw: cp.Variable  # (step, agent)
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


def compile_program(scenario: Scenario) -> Program:
    """The problem of a scenario; only data change from episode to episode."""
    fleet, rules, shape = scenario.fleet, scenario.rules, (scenario.steps, len(scenario.agents))
    data = _parameters(scenario)
    eta, dt, power = (
        np.tile(fleet.eta, (shape[0], 1)),
        rules.dt_h,
        np.tile(fleet.power_mw, (shape[0], 1)),
    )
    low, high = (np.tile(one, (shape[0] + 1, 1)) for one in (fleet.lowest_mwh, fleet.highest_mwh))
    span = high[1:] - low[1:]
    level = cp.Variable((shape[0] + 1, shape[1]), bounds=[low, high])
    after_dam, after_afrr = (cp.Variable(shape, bounds=[low[1:], high[1:]]) for _ in range(2))
    reserve, called, unserved = (cp.Variable(shape, nonneg=True) for _ in range(3))
    bought, sold = (cp.Variable(shape, bounds=[np.zeros(shape), power]) for _ in range(2))
    answers, buys, ends = (cp.Variable(shape, boolean=True) for _ in range(3))
    dam = _bid(scenario, data) if rules.bidding else _given(scenario, data)
    before, rest = level[:-1], power - dam.size_mw
    stored, room = cp.multiply(eta, before - low[1:]), cp.multiply(1.0 / eta, high[1:] - before)
    left = cp.multiply(data["up"], after_afrr - low[1:])
    left += cp.multiply(data["down"], high[1:] - after_afrr)
    constraints = [
        level[0] == fleet.start_mwh,
        after_dam
        == before
        + dt * cp.multiply(eta, dam.charge_mw)
        - dt * cp.multiply(1.0 / eta, dam.discharge_mw),
        after_afrr
        == after_dam
        + dt * cp.multiply(cp.multiply(data["down"], eta), called)
        - dt * cp.multiply(cp.multiply(data["up"], 1.0 / eta), called),
        level[1:] == after_afrr + dt * cp.multiply(eta, bought) - dt * cp.multiply(1.0 / eta, sold),
        rules.reserve_h * reserve <= stored,
        rules.reserve_h * reserve <= room,
        reserve <= data["ready_mw"] + cp.multiply(data["called_mw"], answers),
        bought + sold <= power - cp.multiply(data["called_mw"], answers),
        called == cp.multiply(data["up"] + data["down"], reserve) - unserved,
        unserved <= cp.multiply(data["partly_mw"], ends),
        unserved <= (1.0 - DELIVERED) * reserve,
        left <= cp.multiply(span, 1.0 - ends),
        bought <= power - cp.multiply(data["either_way_mw"], 1.0 - buys),
        sold <= power - cp.multiply(data["either_way_mw"], buys),
        *dam.constraints,
    ]
    if rules.withhold:
        constraints.append(bought + sold + reserve <= rest)
    else:
        constraints += [bought + sold <= rest, reserve <= rest]
    if np.isfinite(rules.afrr_demand_mw):
        constraints.append(cp.sum(reserve, axis=1) <= rules.afrr_demand_mw)
    legs = dam.charge_mw + dam.discharge_mw + called + bought + sold
    cost = dam.paid_eur_per_h + cp.sum(cp.multiply(np.tile(fleet.wear, (shape[0], 1)), legs))
    cost += cp.sum(
        cp.multiply(data["buy"], bought)
        - cp.multiply(data["sell"], sold)
        + cp.multiply(data["energy"], called)
        - cp.multiply(data["capacity"], reserve)
    )
    if rules.ladder > 0.0:
        moved, tranches = _ladder(scenario, data, bought, sold)
        cost, constraints = cost + cp.sum(moved), constraints + tranches
    missing, over = (cp.Variable((1, shape[1]), nonneg=True) for _ in range(2))
    constraints.append(level[-1:] - fleet.start_mwh[None] == over - missing)
    end = cp.multiply(data["missing"], missing) - cp.multiply(data["over"], over)
    problem = cp.Problem(cp.Minimize(dt * cost + cp.sum(end)), constraints)
    assert problem.is_dpp(), "the program must compile once"
    return Program(problem, data, reserve, bought - sold, dam.position_mw)


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
