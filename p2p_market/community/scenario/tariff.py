"""Prices of a year under a contract, retail and feed-in, on ticks."""

import numpy as np

from p2p_market.community.scenario.schema import (
    Contract,
    DynamicContract,
    FlatContract,
    FollowingFeedIn,
    TimeOfUseContract,
)
from p2p_market.data import DataSet
from p2p_market.data.calendar import QUARTERS_PER_DAY, local_quarters
from p2p_market.market.ticks import to_ticks
from p2p_market.records import FloatArray

FIRST_WEEKDAY = 0  # 1 January 2018 is a Monday


def retail_year(contract: Contract, data: DataSet, tick_eur_per_kwh: float) -> FloatArray:
    """Retail price in each quarter-hour of the data's year, (quarter,) [EUR/kWh].

    Args:
        contract: flat, time-of-use (local hours, working days) or dynamic (day-ahead price).
        data: the year's day-ahead prices and clock.
        tick_eur_per_kwh: prices are rounded to this step.
    """
    quarters = len(data.day_ahead_eur_per_kwh)
    match contract:
        case FlatContract():
            price = np.full(quarters, contract.retail_eur_per_kwh)
        case TimeOfUseContract():
            local = local_quarters(data.summer_time)
            hour = local // 4 % 24
            weekday = (local // QUARTERS_PER_DAY + FIRST_WEEKDAY) % 7
            start, stop = contract.peak_hours
            after, before = hour >= start, hour < stop
            inside = after & before if start < stop else after | before  # through midnight
            peak = inside & (weekday < 5)
            price = np.where(peak, contract.peak_eur_per_kwh, contract.off_peak_eur_per_kwh)
        case DynamicContract():
            price = _following(contract, data)
    return to_ticks(price, tick_eur_per_kwh)


def feed_in_year(contract: Contract, data: DataSet, tick_eur_per_kwh: float) -> FloatArray:
    """Feed-in tariff in each quarter-hour of the data's year, (quarter,) [EUR/kWh].

    Args:
        contract: with a fixed tariff, or one that follows the day-ahead price.
        data: the year's day-ahead prices.
        tick_eur_per_kwh: prices are rounded to this step.
    """
    quarters = len(data.day_ahead_eur_per_kwh)
    if contract.feed_in is None:
        return np.full(
            quarters, to_ticks(np.array([contract.feed_in_eur_per_kwh]), tick_eur_per_kwh)
        )
    return to_ticks(_following(contract.feed_in, data), tick_eur_per_kwh)


def _following(formula: DynamicContract | FollowingFeedIn, data: DataSet) -> FloatArray:
    """The day-ahead price times the factor plus the adder, between floor and cap."""
    price = formula.factor * data.day_ahead_eur_per_kwh + formula.adder_eur_per_kwh
    if formula.floor_eur_per_kwh is not None:
        price = np.maximum(price, formula.floor_eur_per_kwh)
    if formula.cap_eur_per_kwh is not None:
        price = np.minimum(price, formula.cap_eur_per_kwh)
    return price
