"""What charging that slows down near full adds to the proof by prices.

A device may charge `taper_per_h (full - level before)` at most. That row has a price too, >= 0: it
is paid on power, received on room; what a trajectory leaves of it unused it loses.
"""

import numpy as np

from p2p_market.community.optimum.plan import Prices
from p2p_market.community.scenario.record import Scenario
from p2p_market.records import FloatArray


def _price_eur(scenario: Scenario, prices: Prices) -> FloatArray | None:
    """Price of a kW for a step, (step, agent, asset), never below 0; None where nothing tapers.

    A device that does not taper has no such row, whatever prices say.
    """
    if prices.taper_eur_per_kwh is None:
        return None
    price = np.maximum(prices.taper_eur_per_kwh, 0.0)
    return np.asarray(scenario.dt_h * np.where(_per_h(scenario) > 0.0, price, 0.0))


def _per_h(scenario: Scenario) -> FloatArray:
    machines = scenario.nodes.machines
    assert machines is not None
    return machines.taper_per_h


def power_eur(scenario: Scenario, prices: Prices, power_kw: FloatArray) -> FloatArray | float:
    """What charging pays for the row, (step, agent, asset)."""
    price = _price_eur(scenario, prices)
    return 0.0 if price is None else price * np.maximum(power_kw, 0.0)


def level_eur(scenario: Scenario, prices: Prices, left_kwh: FloatArray) -> FloatArray | float:
    """What a level takes of the room of the next step, (step, agent, asset).

    Args:
        left_kwh: after the step and a departure.
    """
    price = _price_eur(scenario, prices)
    if price is None:
        return 0.0
    following = np.concatenate([price[1:], np.zeros_like(price[:1])])
    return np.asarray(following * _per_h(scenario) * left_kwh)


def fixed_eur(scenario: Scenario, prices: Prices, start_kwh: FloatArray) -> float:
    """The room of empty devices, and what the start takes of it.

    Args:
        start_kwh: levels at the start, (agent, asset).
    """
    price = _price_eur(scenario, prices)
    if price is None:
        return 0.0
    per_h = _per_h(scenario)
    room = price.sum(axis=0) * scenario.nodes.energy_max_kwh - price[0] * start_kwh
    return -float((per_h * room).sum())


def unused_eur(
    scenario: Scenario, prices: Prices, before_kwh: FloatArray, power_kw: FloatArray
) -> FloatArray:
    """What a trajectory leaves of the row unused, (step, agent, asset), >= 0.

    Args:
        before_kwh: levels before each step.
        power_kw: of each step, positive = charge.
    """
    price = _price_eur(scenario, prices)
    if price is None:
        return np.zeros_like(power_kw)
    most_kw = _per_h(scenario) * (scenario.nodes.energy_max_kwh - before_kwh)
    return np.asarray(price * (most_kw - np.maximum(power_kw, 0.0)))
