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

EMPTY, FULL = 0.80, 0.05
"""Quantile of the prices of the day ahead that a stored MWh is worth where nothing is stored, and
where the storage is full: the more there is, the cheaper the hours that the last of it serves.
Chosen on training weeks."""
GRID: Final = 41
"""Forecasts of the net load for which values are computed."""


@dataclass(frozen=True, slots=True)
class Known:
    """Scenario, and what a stored MWh is worth."""

    scenario: Scenario
    forecast_mw: FloatArray  # (forecast,), mean net load of the day ahead
    value: FloatArray  # (level, forecast) [EUR/MWh]; level: empty and full


@lru_cache(maxsize=8)
def training_net_load(scenario: Scenario) -> FloatArray:
    """Net load of training days, (training day, hour) [MW]."""
    load = sum(float(one.firm_mw + one.flexible_mw) for one in scenario.spec.consumers)
    if scenario.spec.data == "constant":
        return np.full((1, 24), load)
    year, train = system.load(), split_mask("train")
    net = load * year.demand_fraction
    for unit in scenario.spec.generators:
        if unit.source is not None:
            share = year.wind_fraction if unit.source == "wind" else year.solar_fraction
            net = net - float(unit.max_mw) * share
    hourly = net.reshape(-1, 4).mean(axis=1).reshape(-1, QUARTERS_PER_DAY // 4)
    return np.asarray(hourly[train])


def storage(scenario: Scenario) -> Rule:
    """Buy below and sell above what a stored MWh is worth on training days like the day ahead."""
    net = training_net_load(scenario)
    forecast = np.linspace(net.min(), net.max(), GRID)
    shape = net - net.mean(axis=1, keepdims=True)
    prices = marginal_bids(scenario, forecast[:, None, None] + shape)
    value = np.quantile(prices, (EMPTY, FULL), axis=(1, 2))
    return Rule(_act, Known(scenario, forecast, value))


def _act(known: Known, seen: FloatArray) -> FloatArray:
    """Limit orders around the value of a stored MWh, which pay for losses and wear."""
    at = places(known.scenario, "storage")
    ahead, last = seen[..., at["net_load_forecast_24h"]], seen[..., at["price_1_ago"]]
    empty, full = (np.interp(ahead, known.forecast_mw, one) for one in known.value)
    stored = seen[..., at["level"]] / seen[..., at["capacity"]]
    value = empty + (full - empty) * np.clip(stored, 0.0, 1.0)
    each_way, wear = np.sqrt(seen[..., at["round_trip"]]), seen[..., at["wear"]]
    sells = last >= value
    limit = np.where(sells, value / each_way + wear, value * each_way - wear)
    limit = np.clip(limit, *STORAGE_PRICES)
    return np.stack([np.where(sells, -1.0, 1.0), price_number(limit, STORAGE_PRICES)], axis=-1)
