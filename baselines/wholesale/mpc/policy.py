"""`mpc`: each role plans the day ahead in every hour, and orders at the prices of its plan.

A role has the public forecasts and what its own agents see: storages their levels, consumers their
backlogs. What it does not see counts as it was at the start. A storage buys below and sells above
what a stored MWh saves, a consumer is served below what a deferred MWh costs; between two plans the
market decides how much. Units bid their cost, which is what a plan of the whole system would have
them do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from baselines.wholesale.mpc.outlook import outlook, start_day
from baselines.wholesale.mpc.plan import Planned, as_bid, plan
from baselines.wholesale.mpc.reserve import operator as operator
from p2p_market.records import Float32Array, FloatArray
from p2p_market.wholesale.actions import RESPONSE_PRICES, STORAGE_PRICES, price_number
from p2p_market.wholesale.rules.default import generator as generator
from p2p_market.wholesale.rules.default import places
from p2p_market.wholesale.scenario import Scenario

LEAST_MW: Final = 0.5
"""A plan of less is none: then the last price says which side a storage takes."""

Memory = tuple[int, tuple[int, ...], tuple[Planned, ...]]
"""Steps played; per community the day on which it started, and the newest plan."""


@dataclass(frozen=True, slots=True)
class Replanner:
    """Plans of one role; what its agents do depends on what all of them see."""

    scenario: Scenario
    role: str  # "storage" or "consumer"

    def start(self, seeds: Sequence[int]) -> Memory:
        """Nothing has been seen."""
        return 0, (), ()

    def act(self, observation: Float32Array, memory: Memory) -> tuple[FloatArray, Memory]:
        """Orders at the prices of the newest plan, (batch, agent, column).

        Raises:
            OptimumError: if the solver does not report an optimal plan.
        """
        step, days, plans = memory
        seen = observation.astype(np.float64)
        if step == 0:
            days = tuple(start_day(self.scenario, self.role, one[0]) for one in seen)
        if step % round(1.0 / self.scenario.dt_h) == 0:
            plans = tuple(self._plan(*one, step) for one in zip(seen, days, strict=True))
        order = _stored if self.role == "storage" else _deferred
        return order(self.scenario, seen, plans), (step + 1, days, plans)

    def _plan(self, seen: FloatArray, day: int, step: int) -> Planned:
        at, fleet = places(self.scenario, self.role), self.scenario.fleet
        level, backlog = fleet.start_mwh, np.zeros(self.scenario.sizes[2])
        if self.role == "storage":
            level = np.clip(seen[:, at["level"]], 0.0, fleet.capacity_mwh)
        else:
            backlog = np.clip(seen[:, at["backlog"]], 0.0, fleet.most_backlog_mwh)
        expected = outlook(self.scenario, self.role, seen[0], day, step)
        return plan(self.scenario, expected, level, backlog)


def _stored(scenario: Scenario, seen: FloatArray, plans: Sequence[Planned]) -> FloatArray:
    """All the power, at the price that makes up for losses and wear."""
    fleet, at = scenario.fleet, places(scenario, "storage")
    each_way = np.sqrt(fleet.gain_charge / fleet.gain_discharge)
    value = np.stack([one.stored_eur_per_mwh for one in plans])
    power = np.stack([one.power_mw for one in plans])
    buy = as_bid(scenario, value * each_way - fleet.wear)
    sell = as_bid(scenario, value / each_way + fleet.wear)
    dear = seen[..., at["price_1_ago"]] >= (buy + sell) / 2.0
    sells = np.where(np.abs(power) > LEAST_MW, power < 0.0, dear)
    limit = np.clip(np.where(sells, sell, buy), *STORAGE_PRICES)
    return np.stack([np.where(sells, -1.0, 1.0), price_number(limit, STORAGE_PRICES)], axis=-1)


def _deferred(scenario: Scenario, seen: FloatArray, plans: Sequence[Planned]) -> FloatArray:
    """As much as the plan defers, at what it costs to serve it later."""
    at, fleet = places(scenario, "consumer"), scenario.fleet
    back = np.minimum(fleet.recovery_mw, seen[..., at["backlog"]] / scenario.dt_h)
    load = np.maximum(seen[..., at["flexible_forecast"]] + back, 1e-9)
    served = np.stack([one.flexible_mw for one in plans])
    adjustment = np.clip(1.0 - served / load, 0.0, 1.0)
    value = as_bid(scenario, np.stack([one.deferred_eur_per_mwh for one in plans]))
    limit = price_number(np.clip(value, *RESPONSE_PRICES), RESPONSE_PRICES)
    return np.stack([2.0 * adjustment - 1.0, limit], axis=-1)


def storage(scenario: Scenario) -> Replanner:
    """Buy below and sell above what a stored MWh saves."""
    return Replanner(scenario, "storage")


def consumer(scenario: Scenario) -> Replanner:
    """Be served below what a deferred MWh costs."""
    return Replanner(scenario, "consumer")
