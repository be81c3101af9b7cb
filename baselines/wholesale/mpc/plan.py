"""The program of the day ahead, and what its prices say to storages and consumers."""

from dataclasses import dataclass
from typing import Final

import cvxpy as cp
import numpy as np

from baselines.wholesale.mpc.outlook import BLOCK_H, Outlook, day_ahead
from baselines.wholesale.optimal.solve import solve
from p2p_market.errors import OptimumError
from p2p_market.records import FloatArray, Record
from p2p_market.wholesale.optimum.program import Horizon, program_of
from p2p_market.wholesale.records import LEVELS_EUR_PER_MWH
from p2p_market.wholesale.scenario import Scenario

FIRST: Final = round(1.0 / BLOCK_H)
"""Steps of a plan until the next one is made."""


@dataclass(frozen=True, slots=True)
class Planned(Record):
    """What a plan says about its first hour, as means of it."""

    power_mw: FloatArray  # (storage,), positive = charge
    flexible_mw: FloatArray  # (consumer,), served
    stored_eur_per_mwh: FloatArray  # (storage,), what one more stored MWh would save
    deferred_eur_per_mwh: FloatArray  # (consumer,), what one more deferred MWh would cost
    objective_eur: float  # of the whole plan


def horizon_ahead(
    scenario: Scenario, expected: Outlook, level_mwh: FloatArray, backlog_mwh: FloatArray
) -> Horizon:
    """The day ahead as a horizon of the program.

    Thermal units count as available and none trips. What is stored at the end of the plan has the
    terminal value of the scenario.

    Args:
        level_mwh: now, (storage,).
        backlog_mwh: now, (consumer,).
    """
    fleet, steps = scenario.fleet, len(expected.wind_mw)
    available = np.tile(fleet.max_mw, (steps, 1))
    fluctuation = scenario.spec.draws.fluctuation_demand * (
        expected.firm_mw.sum(axis=1) + expected.flexible_mw.sum(axis=1)
    )
    for source in ("wind", "solar"):
        own = [unit.source == source for unit in scenario.spec.generators]
        output = getattr(expected, f"{source}_mw")
        whole = max(float(fleet.max_mw[own].sum()), 1e-9)
        available[:, own] = output[:, None] * fleet.max_mw[own] / whole
        fluctuation = fluctuation + getattr(scenario.spec.draws, f"fluctuation_{source}") * output
    load = expected.firm_mw.sum(axis=1) + expected.flexible_mw.sum(axis=1)
    return Horizon(
        available_mw=available,
        must_mw=np.minimum(fleet.least_mw, available),
        trips=np.zeros_like(available),
        firm_mw=expected.firm_mw,
        flexible_mw=expected.flexible_mw,
        fluctuation_mw=fluctuation,
        damping_mw_per_hz=scenario.rules.damping * load,
        level_mwh=level_mwh,
        backlog_mwh=backlog_mwh,
        output_mw=None,
        ends=True,
    )


def plan(
    scenario: Scenario, expected: Outlook, level_mwh: FloatArray, backlog_mwh: FloatArray
) -> Planned:
    """The cheapest plan of the day ahead, solved from nothing.

    Raises:
        OptimumError: if the solver does not report an optimal plan.
    """
    ahead = day_ahead(scenario)
    program = program_of(ahead, horizon_ahead(ahead, expected, level_mwh, backlog_mwh))
    found = solve(program)
    if found.status != cp.OPTIMAL:
        raise OptimumError(f"{scenario.spec.id}: HiGHS reports {found.status!r} for a day ahead")
    power = found.of(program, "charge") - found.of(program, "discharge")
    level = found.prices["level"].reshape(program.places["level"].shape)
    backlog = found.prices["backlog"].reshape(program.places["backlog"].shape)
    return Planned(
        power_mw=power[:FIRST].mean(axis=0),
        flexible_mw=found.of(program, "flexible")[:FIRST].mean(axis=0),
        stored_eur_per_mwh=-level[:FIRST].mean(axis=0),
        deferred_eur_per_mwh=backlog[:FIRST].mean(axis=0),
        objective_eur=found.objective_eur,
    )


def as_bid(scenario: Scenario, cost_eur_per_mwh: FloatArray) -> FloatArray:
    """The market price at which a MWh costs the system so much, if units bid their cost.

    Bids are levels above the cost, so wind that costs nothing is sold at the lowest of them.
    """
    cost, bid = _ladder(scenario)
    inside = np.interp(cost_eur_per_mwh, cost, bid)
    below = np.minimum(cost_eur_per_mwh - cost[0], 0.0)
    above = np.maximum(cost_eur_per_mwh - cost[-1], 0.0)
    return np.asarray(inside + below + above)


def _ladder(scenario: Scenario) -> tuple[FloatArray, FloatArray]:
    """Costs of units in rising order, and the levels that they bid."""
    order = np.argsort(scenario.fleet.cost, kind="stable")
    bids = np.array(LEVELS_EUR_PER_MWH)[scenario.fleet.truthful]
    return scenario.fleet.cost[order], bids[order]
