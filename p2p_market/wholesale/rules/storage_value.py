"""A storage that knows what prices its hour of the day has on training days."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from p2p_market.data import system
from p2p_market.data.calendar import QUARTERS_PER_DAY, split_mask
from p2p_market.kit.policies import Rule
from p2p_market.records import FloatArray
from p2p_market.wholesale.actions import STORAGE_PRICES, price_number
from p2p_market.wholesale.episode.forecast import marginal_bids
from p2p_market.wholesale.rules.default import places
from p2p_market.wholesale.scenario import Scenario

LOW, HIGH = 0.35, 0.65
"""Quantiles of a day's prices below which it buys and above which it sells."""
LOSS: Final = 0.05
"""Of a stored MWh in either direction, about: what is bought must be worth more than that."""


@dataclass(frozen=True, slots=True)
class Known:
    """Scenario, and quantiles of prices by hour of the day."""

    scenario: Scenario
    low: FloatArray  # (hour,) [EUR/MWh]
    high: FloatArray  # (hour,)


@lru_cache(maxsize=8)
def training_prices(scenario: Scenario) -> FloatArray:
    """Bid of the last unit that truthful offers would call, (training day, hour) [EUR/MWh]."""
    if scenario.spec.data == "constant":
        return np.full((1, 24), 50.0)
    year, train = system.load(), split_mask("train")
    load = sum(float(one.firm_mw + one.flexible_mw) for one in scenario.spec.consumers)
    net = load * year.demand_fraction
    for unit in scenario.spec.generators:
        if unit.source is not None:
            share = year.wind_fraction if unit.source == "wind" else year.solar_fraction
            net = net - float(unit.max_mw) * share
    hourly = net.reshape(-1, 4).mean(axis=1).reshape(-1, QUARTERS_PER_DAY // 4)
    return marginal_bids(scenario, hourly[train])


def storage(scenario: Scenario) -> Rule:
    """Buy below and sell above what the coming hours have on training days."""
    prices = training_prices(scenario)
    ahead = np.stack([np.roll(prices, -k, axis=1) for k in range(24)])
    low, high = (np.quantile(ahead, q, axis=(0, 1)) for q in (LOW, HIGH))
    return Rule(_act, Known(scenario, low, high))


def _act(known: Known, seen: FloatArray) -> FloatArray:
    """Limit orders around the value of a stored MWh."""
    at = places(known.scenario, "storage")
    turn = np.arctan2(seen[..., at["hour_sin"]], seen[..., at["hour_cos"]])
    hour = np.floor(turn / (2.0 * np.pi) * 24.0 % 24.0).astype(np.int64)
    mean, last = seen[..., at["price_mean_24h"]], seen[..., at["price_1_ago"]]
    shift = mean - (known.low[hour] + known.high[hour]) / 2.0
    low, high = known.low[hour] + shift / 2.0, known.high[hour] + shift / 2.0
    sells = last >= (low + high) / 2.0
    limit = np.where(sells, high / (1.0 - LOSS), low * (1.0 - LOSS))
    limit = np.clip(limit, *STORAGE_PRICES)
    return np.stack([np.where(sells, -1.0, 1.0), price_number(limit, STORAGE_PRICES)], axis=-1)
