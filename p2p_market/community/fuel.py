"""Fuel in the step: orders, lorries under way, and what members see and pay.

`State.fuel`, (batch, agent, place) [kWh]: what has just arrived, then what arrives at the end of
the next step, of the one after it, and so on. An order of step t can be burnt from step t + lead
on; the filter keeps level + under way + order inside the bunker, so nothing ever overflows. All of
it is None, by type, where nobody orders fuel.
"""

from typing import Any, Final

import numpy as np

from p2p_market.community.scenario.fuel import fuel_rules, fuel_year_eur_per_kwh
from p2p_market.community.scenario.record import Scenario
from p2p_market.compilation import inner
from p2p_market.records import FloatArray
from p2p_market.track import Feature

PER_FUEL: Final = 2
"""Features: price, and what is under way."""


def begin(scenario: Scenario, batch: int) -> FloatArray | None:
    """Nothing is under way at the start, (batch, agent, place); None where nobody orders."""
    rules = fuel_rules(scenario)
    if rules is None:
        return None
    return np.zeros((batch, len(rules.asset), int(rules.lead_steps.max())))


def no_order(scenario: Scenario, batch: int) -> FloatArray | None:
    """Room for orders or deliveries, (batch, agent); None where nobody orders."""
    return None if fuel_rules(scenario) is None else np.zeros((batch, len(scenario.agents)))


def fuel_features(scenario: Scenario) -> list[Feature]:
    """Price of today, and what is under way."""
    rules = fuel_rules(scenario)
    if rules is None:
        return []
    year = fuel_year_eur_per_kwh(scenario)
    low = min(0.0, float(year.min()))
    return [
        Feature("fuel_price", "EUR/kWh", low, float(year.max())),
        Feature("fuel_under_way", "kWh", 0.0, float(rules.most_kwh.max())),
    ]


@inner(forceinline=True)
def order_fuel(fuel, nodes, column, further, energy, under_way, out_order):  # type: ignore[no-untyped-def]
    """The nearest order that fits beside what is there and under way [kWh]."""
    if fuel is None:
        return
    for b in range(out_order.shape[0]):
        for i in range(out_order.shape[1]):
            out_order[b, i] = 0.0
            k = fuel.asset[i]
            if k >= 0:
                room = nodes.energy_max_kwh[i, k] - energy[b, i, k] - coming(under_way, b, i)
                out_order[b, i] = min(max(further[b, i, column], 0.0), max(room, 0.0))


@inner(forceinline=True)
def coming(under_way, b, i):  # type: ignore[no-untyped-def]
    """What is under way to a member [kWh]."""
    total = 0.0
    for j in range(1, under_way.shape[2]):
        total += under_way[b, i, j]
    return total


@inner(forceinline=True)
def deliver_fuel(fuel, nodes, under_way, out_energy, out_delivered):  # type: ignore[no-untyped-def]
    """Add to levels after the step what arrives at its end."""
    if fuel is None:
        return
    for b in range(out_delivered.shape[0]):
        for i in range(out_delivered.shape[1]):
            k = fuel.asset[i]
            out_delivered[b, i] = under_way[b, i, 1]
            if k >= 0:
                level = out_energy[b, i, k] + under_way[b, i, 1]
                out_energy[b, i, k] = min(level, nodes.energy_max_kwh[i, k])  # for one rounding


@inner(forceinline=True)
def keep_fuel(fuel, order, out_under_way):  # type: ignore[no-untyped-def]
    """Move lorries one step on, and send off what was ordered."""
    if fuel is None:
        return
    last = out_under_way.shape[2] - 1
    for b in range(order.shape[0]):
        for i in range(order.shape[1]):
            for j in range(last):
                out_under_way[b, i, j] = out_under_way[b, i, j + 1]
            out_under_way[b, i, last] = 0.0
            out_under_way[b, i, fuel.lead_steps[i] - 1] += order[b, i]


@inner(forceinline=True)
def delivered_to(fuel, delivered, b, i, k):  # type: ignore[no-untyped-def]
    """What arrived at a device at the end of a step [kWh]."""
    if fuel is None:
        return 0.0
    return delivered[b, i] if fuel.asset[i] == k else 0.0


@inner(forceinline=True)
def just_arrived(fuel, under_way, b, i, k):  # type: ignore[no-untyped-def]
    """What arrived at a device at the end of the step before [kWh]."""
    if fuel is None:
        return 0.0
    return under_way[b, i, 0] if fuel.asset[i] == k else 0.0


@inner(forceinline=True)
def paid_for_fuel(fuel, price, order, b, i):  # type: ignore[no-untyped-def]
    """What a member pays for its order [EUR]."""
    if fuel is None:
        return 0.0
    return price[b, i] * order[b, i]


@inner(forceinline=True)
def show_fuel(fuel, price, under_way, slot, t, b, i, place, out):  # type: ignore[no-untyped-def]
    """Write the features of fuel from a place on; returns the place after them."""
    if fuel is None:
        return place
    mine = 1.0 if fuel.asset[i] >= 0 else 0.0
    out[b, i, place] = mine * price[t, slot, i]
    out[b, i, place + 1] = coming(under_way, b, i)
    return place + PER_FUEL


@inner(forceinline=True)
def look_at_prices(price, t, slot, r, out_price):  # type: ignore[no-untyped-def]
    """Write the prices of step t for one community."""
    if price is None:
        return
    for i in range(out_price.shape[1]):
        out_price[r, i] = price[t, slot, i]


@inner(forceinline=True)
def rows_of_fuel(under_way, span):  # type: ignore[no-untyped-def]
    """A part of a batch."""
    if under_way is None:
        return None
    return under_way[span]


def after_step(scenario: Scenario, under_way: Any, order: Any) -> FloatArray | None:
    """`State.fuel` after a step."""
    if under_way is None:
        return None
    out = under_way.copy()
    keep_fuel(fuel_rules(scenario), order, out)
    return np.asarray(out)
