"""The day-ahead position that a battery is given: planned on the prices of the day before."""

from typing import Final

import numpy as np

from p2p_market.battery.scenario import Scenario
from p2p_market.records import FloatArray

VOLUMES_MW: Final = (18.0, 18.0, 12.0, 12.0, 6.0)
"""Bought in the cheapest hour, the second cheapest, ..., by a battery of 146 MWh and 30 MW."""
POWER_MW: Final = 30.0
STORED_MWH: Final = 63.99  # by all of them
USABLE: Final = 0.45 * 0.999  # share of the capacity between half full and a bound
ROUND_TRIP: Final = 0.94
WEAR_EUR_PER_MWH: Final = 15.0


def volumes_mw(scenario: Scenario) -> FloatArray:
    """Bought and sold in each rank, (agent, rank), to 0.1 MW."""
    fleet = scenario.fleet
    scale = np.minimum(fleet.power_mw / POWER_MW, USABLE * fleet.capacity_mwh / STORED_MWH)
    return np.asarray(np.round(scale[:, None] * np.array(VOLUMES_MW), 1))


def positions_mw(scenario: Scenario, day_ahead: FloatArray) -> FloatArray:
    """Position of every hour of some days, (agent, hour) [MW], positive = bought.

    The cheapest hour of the day before is paired with its dearest, the second with the second, and
    so on, as long as the spread pays losses and wear.

    Args:
        day_ahead: prices of the days before, whole days, (hour,) [EUR/MWh].
    """
    volumes = volumes_mw(scenario)
    prices = day_ahead.reshape(-1, 24)
    found = np.zeros((len(volumes), *prices.shape))
    for day, price in enumerate(prices):
        order = np.argsort(price, kind="stable")
        for rank in range(len(VOLUMES_MW)):
            cheap, dear = order[rank], order[-1 - rank]
            if ROUND_TRIP * price[dear] - price[cheap] <= WEAR_EUR_PER_MWH * (1.0 + ROUND_TRIP):
                break
            found[:, day, cheap] = volumes[:, rank]
            found[:, day, dear] = -np.round(ROUND_TRIP * volumes[:, rank], 1)
    return found.reshape(len(volumes), -1)
