"""Fuel that members order: who may, how far ahead, and what it costs in a year."""

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from p2p_market.community.scenario.record import Scenario
from p2p_market.data.calendar import DAYS_PER_YEAR
from p2p_market.data.synthetic import autoregression
from p2p_market.errors import ScenarioError
from p2p_market.records import FloatArray, IntArray

PERSISTENCE: Final = 0.9
"""Of the price from one day to the next."""
_STREAM: Final = int.from_bytes(b"fuel")


class FuelRules(NamedTuple):
    """Whose device burns what it orders."""

    asset: IntArray  # (agent,), its place among the member's devices; -1 = none
    lead_steps: IntArray  # (agent,), from an order to the step that can burn it
    most_kwh: FloatArray  # (agent,), of one order: a whole bunker


def _places(scenario: Scenario) -> list[int]:
    found = []
    for agent, own in enumerate(scenario.flexible):
        places = [k for k, node in enumerate(own) if node.lead_h > 0.0]
        if len(places) > 1:
            raise ScenarioError(
                f"{scenario.spec.id}: {scenario.agents[agent]} has {len(places)} devices that "
                "order fuel; it has one column for orders, so give the second to another member"
            )
        found.append(places[0] if places else -1)
    return found


@lru_cache(maxsize=16)
def fuel_rules(scenario: Scenario) -> FuelRules | None:
    """Who orders fuel; None where nobody does.

    Raises:
        ScenarioError: if a member has several such devices, or fuel would arrive at once.
    """
    places = _places(scenario)
    if max(places) < 0:
        return None
    lead, most = np.ones(len(places), dtype=np.int64), np.zeros(len(places))
    for agent, place in enumerate(places):
        if place >= 0:
            node = scenario.flexible[agent][place]
            lead[agent] = round(node.lead_h / scenario.dt_h)
            most[agent] = node.energy_max_kwh
            if lead[agent] < 2:
                raise ScenarioError(
                    f"{scenario.spec.id}: {scenario.agents[agent]}: lead_h {node.lead_h:g} is less "
                    f"than two steps of {scenario.dt_h:g} h; raise it"
                )
    return FuelRules(np.array(places), lead, most)


@lru_cache(maxsize=8)
def fuel_year_eur_per_kwh(scenario: Scenario) -> FloatArray:
    """Price of fuel on each day of the year, (day, agent) [EUR/kWh]; 0 for who orders none.

    One market for all: its mean and spread are those of each device. A first-order autoregression,
    synthetic, the same in every episode of a day, as day-ahead prices are; to 0.01 EUR/MWh.
    """
    rules = fuel_rules(scenario)
    year = np.zeros((DAYS_PER_YEAR, len(scenario.agents)))
    if rules is None:
        return year
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence(_STREAM)))
    market = autoregression(generator.standard_normal(DAYS_PER_YEAR), PERSISTENCE)
    for agent, place in enumerate(rules.asset.tolist()):
        if place >= 0:
            node = scenario.flexible[agent][place]
            year[:, agent] = node.fuel_eur_per_kwh + node.fuel_spread_eur_per_kwh * market
    return np.asarray(np.round(year, 5) + 0.0)


def fuel_prices(scenario: Scenario, start_day: int) -> FloatArray:
    """Price of fuel in an episode, (step, agent) [EUR/kWh]; no rows where nobody orders any."""
    if fuel_rules(scenario) is None:
        return np.zeros((0, len(scenario.agents)))
    days = fuel_year_eur_per_kwh(scenario)[start_day : start_day + scenario.spec.days]
    return np.repeat(days, scenario.steps_per_day, axis=0)
