"""The day-ahead position that a battery is given: planned on the prices of the day before."""

from typing import Final

import numpy as np

from p2p_market.battery.scenario import Scenario
from p2p_market.records import FloatArray

BOUGHT_MW: Final = (18.0, 18.0, 12.0, 12.0, 6.0)
SOLD_MW: Final = (16.9, 16.9, 11.3, 11.3, 5.6)
"""In the cheapest and in the dearest hour, the second of each, and so on, by a battery of 146 MWh
and 30 MW: what is sold is what is left of the other after losses."""
POWER_MW: Final = 30.0
STORED_MWH: Final = 63.99  # by all that is bought
USABLE: Final = 0.45 * 0.999  # share of the capacity between half full and a bound
ROUND_TRIP: Final = 0.94
WEAR_EUR_PER_MWH: Final = 15.0


def volumes_mw(scenario: Scenario) -> tuple[FloatArray, FloatArray]:
    """Bought and sold in each rank, (agent, rank); from half full they never meet a bound."""
    fleet = scenario.fleet
    scale = np.minimum(fleet.power_mw / POWER_MW, USABLE * fleet.capacity_mwh / STORED_MWH)
    bought, sold = (np.round(np.outer(scale, one), 4) for one in (BOUGHT_MW, SOLD_MW))
    return bought, sold


def positions_mw(scenario: Scenario, day_ahead: FloatArray) -> FloatArray:
    """Position of every hour of some days, (agent, hour) [MW], positive = bought.

    The cheapest hour of the day before is paired with its dearest, the second with the second, and
    so on, as long as the spread pays losses and wear.

    Args:
        day_ahead: prices of the days before, whole days, (hour,) [EUR/MWh].
    """
    bought, sold = volumes_mw(scenario)
    prices = day_ahead.reshape(-1, 24)
    found = np.zeros((len(bought), *prices.shape))
    for day, price in enumerate(prices):
        order = np.argsort(price, kind="stable")
        for rank in range(len(BOUGHT_MW)):
            cheap, dear = order[rank], order[-1 - rank]
            if ROUND_TRIP * price[dear] - price[cheap] <= WEAR_EUR_PER_MWH * (1.0 + ROUND_TRIP):
                break
            found[:, day, cheap] = bought[:, rank]
            found[:, day, dear] = -sold[:, rank]
    return found.reshape(len(bought), -1)
