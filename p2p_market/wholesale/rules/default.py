"""The default rule of each role: what the score calls 0."""

from functools import lru_cache
from typing import Final

import numpy as np

from p2p_market.kit.policies import Rule
from p2p_market.records import FloatArray
from p2p_market.wholesale.actions import (
    NEUTRAL_TAP,
    RESPONSE_PRICES,
    STORAGE_PRICES,
    level_number,
    price_number,
)
from p2p_market.wholesale.features import features
from p2p_market.wholesale.records import TAPS
from p2p_market.wholesale.scenario import Scenario
from p2p_market.wholesale.schema import BUSES

THRESHOLD_EUR_PER_MWH: Final = 47.5
SELL_EUR_PER_MWH, BUY_EUR_PER_MWH = 55.0, 40.0
"""A storage sells above the threshold and buys below it, at these limits."""
DEAR_EUR_PER_MWH, CHEAP_EUR_PER_MWH = 80.0, 40.0
"""A consumer offers all its flexible load outside these prices, at the dear one."""
RESERVE_LEVEL: Final = 1


@lru_cache(maxsize=32)
def places(scenario: Scenario, role: str) -> dict[str, int]:
    """Place of each feature of a role."""
    return {one.name: place for place, one in enumerate(features(scenario, role))}


def generator(scenario: Scenario) -> Rule:
    """Offer all at the lowest level that covers the cost."""
    return Rule(_truthful, scenario)


def _truthful(scenario: Scenario, seen: FloatArray) -> FloatArray:
    levels = np.array([level_number(level) for level in scenario.fleet.truthful])
    action = np.ones((*seen.shape[:2], 2))
    action[..., 0] = levels
    return action


def storage(scenario: Scenario) -> Rule:
    """Sell where the last price was above a threshold, else buy."""
    return Rule(_threshold, scenario)


def _threshold(scenario: Scenario, seen: FloatArray) -> FloatArray:
    price = seen[..., places(scenario, "storage")["price_1_ago"]]
    sells = price > THRESHOLD_EUR_PER_MWH
    limit = np.where(sells, SELL_EUR_PER_MWH, BUY_EUR_PER_MWH)
    return np.stack([np.where(sells, -1.0, 1.0), price_number(limit, STORAGE_PRICES)], axis=-1)


def consumer(scenario: Scenario) -> Rule:
    """Offer all flexible load at dear and cheap prices, else what comes back."""
    return Rule(_respond, scenario)


def _respond(scenario: Scenario, seen: FloatArray) -> FloatArray:
    at, dt = places(scenario, "consumer"), scenario.dt_h
    price, backlog = seen[..., at["price_1_ago"]], seen[..., at["backlog"]]
    back = np.minimum(seen[..., at["most_recovery"]], backlog / dt)
    load = seen[..., at["flexible_forecast"]] + back
    share = np.divide(back, load, out=np.zeros_like(load), where=load > 0.0)
    most = seen[..., at["most_backlog"]]
    waiting = np.divide(backlog, most, out=np.zeros_like(most), where=most > 0.0)
    all_of_it = (price >= DEAR_EUR_PER_MWH) | (price <= CHEAP_EUR_PER_MWH)
    adjustment = np.where(all_of_it, 1.0, share)
    rising = CHEAP_EUR_PER_MWH * (1.0 + waiting)
    limit = np.where(all_of_it, DEAR_EUR_PER_MWH, rising)
    return np.stack([2.0 * adjustment - 1.0, price_number(limit, RESPONSE_PRICES)], axis=-1)


def operator(scenario: Scenario) -> Rule:
    """Reserve level 1, and the tap that would have centred the last voltages."""
    return Rule(_centre, scenario)


def centred(scenario: Scenario, seen: FloatArray) -> FloatArray:
    """The tap that would have centred the last voltages, (batch, agent), -2 to 2."""
    at, step = places(scenario, "operator"), scenario.rules.tap_pu
    volts = seen[..., at["voltage_0"] : at["voltage_0"] + BUSES]
    away = 1.0 - (volts.min(axis=-1) + volts.max(axis=-1)) / 2.0
    return np.asarray(np.clip(np.floor(seen[..., at["tap"]] + away / step + 0.5), -2.0, 2.0))


def _centre(scenario: Scenario, seen: FloatArray) -> FloatArray:
    return np.asarray((TAPS * RESERVE_LEVEL + NEUTRAL_TAP + centred(scenario, seen))[..., None])
