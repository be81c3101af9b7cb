"""A storage that asks what its energy is worth: what the last unit would bid later."""

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

HORIZONS: Final = ("12h", "24h")
"""Over which net load is expected."""
PARTS: Final = 7
"""Equal parts of what net load may be, each with a price."""
REACH: Final = 1.5
"""Standard deviations up to which net load may lie beside what is expected."""
FULLNESS: Final = 0.2
"""Energy of an empty storage is worth this share more, of a full one this share less."""
VALUES: Final = (25.0, 68.0)
"""Between the lowest and the third level of offers: what lies outside would never be traded."""
EACH_WAY, WEAR = 0.95, 3.0
"""Share of energy that is left after one way, about; wear [EUR/MWh]."""


@dataclass(frozen=True, slots=True)
class Known:
    """Scenario, and the spread of its net load within training days."""

    scenario: Scenario
    spread_mw: float


@lru_cache(maxsize=8)
def spread_mw(scenario: Scenario) -> float:
    """Standard deviation of the hourly net load around the mean of its training day [MW]."""
    if scenario.spec.data == "constant":
        return 0.0
    year, train = system.load(), split_mask("train")
    load = sum(float(one.firm_mw + one.flexible_mw) for one in scenario.spec.consumers)
    net = load * year.demand_fraction
    for unit in scenario.spec.generators:
        if unit.source is not None:
            share = year.wind_fraction if unit.source == "wind" else year.solar_fraction
            net = net - float(unit.max_mw) * share
    days = net.reshape(-1, 4).mean(axis=1).reshape(-1, QUARTERS_PER_DAY // 4)[train]
    return float(np.round((days - days.mean(axis=1, keepdims=True)).std(), 3))


def storage(scenario: Scenario) -> Rule:
    """Limit orders around the value of a stored MWh."""
    return Rule(_act, Known(scenario, spread_mw(scenario)))


def _act(known: Known, seen: FloatArray) -> FloatArray:
    """Sell where the last price was above the value, else buy; limits pay for losses and wear."""
    at = places(known.scenario, "storage")
    value = value_of(known, seen)
    sells = seen[..., at["price_1_ago"]] >= value
    limit = np.where(sells, value / EACH_WAY + WEAR, EACH_WAY * value - WEAR)
    limit = np.clip(limit, *STORAGE_PRICES)
    return np.stack([np.where(sells, -1.0, 1.0), price_number(limit, STORAGE_PRICES)], axis=-1)


def value_of(known: Known, seen: FloatArray) -> FloatArray:
    """Value of a stored MWh, (batch, agent) [EUR].

    The mean bid of the last unit over what net load may be, half a day and a day ahead; less where
    much is stored already.
    """
    at = places(known.scenario, "storage")
    prices = [
        marginal_bids(known.scenario, seen[..., at[f"net_load_forecast_{horizon}"]] + away)
        for horizon in HORIZONS
        for away in known.spread_mw * np.linspace(-REACH, REACH, PARTS)
    ]
    full = seen[..., at["level"]] / seen[..., at["capacity"]]
    return np.asarray(
        np.clip(np.mean(prices, axis=0) * (1.0 + FULLNESS - 2.0 * FULLNESS * full), *VALUES)
    )
