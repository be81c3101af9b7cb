"""Rules of a population that are not baselines: dearer units, patient storages, rigid loads."""

from functools import partial
from typing import Final

import numpy as np

from p2p_market.kit.policies import Rule
from p2p_market.records import FloatArray
from p2p_market.wholesale.actions import (
    LEVELS,
    RESPONSE_PRICES,
    STORAGE_PRICES,
    level_number,
    price_number,
)
from p2p_market.wholesale.records import LEVELS_EUR_PER_MWH, TAPS
from p2p_market.wholesale.rules import default
from p2p_market.wholesale.scenario import Scenario

OFFERED: Final = 0.9
"""Share of its power that a withholding unit offers."""
BUY_EUR_PER_MWH, SELL_EUR_PER_MWH = 30.0, 60.0
"""Limits of a patient storage."""
DEAR_EUR_PER_MWH: Final = LEVELS_EUR_PER_MWH[5]
"""Above it the load of a thrifty consumer waits."""
RESERVE_LEVEL: Final = 2


def _marked_up(levels: int, scenario: Scenario) -> Rule:
    return Rule(partial(_bid, levels), scenario)


def _bid(levels: int, scenario: Scenario, seen: FloatArray) -> FloatArray:
    action = np.ones((*seen.shape[:2], 2))
    bids = np.minimum(scenario.fleet.truthful + levels, LEVELS - 1)
    action[..., 0] = [level_number(int(level)) for level in bids]
    return action


def one_level_up(scenario: Scenario) -> Rule:
    """All at one bid level above the one that covers the cost."""
    return _marked_up(1, scenario)


def three_levels_up(scenario: Scenario) -> Rule:
    """All at three levels above it."""
    return _marked_up(3, scenario)


def withholding(scenario: Scenario) -> Rule:
    """Most of its power, at cost."""
    return Rule(_withhold, scenario)


def _withhold(scenario: Scenario, seen: FloatArray) -> FloatArray:
    action = _bid(0, scenario, seen)
    action[..., 1] = 2.0 * OFFERED - 1.0
    return action


def wide_thresholds(scenario: Scenario) -> Rule:
    """Sell where the last price was above the middle of two limits, else buy."""
    return Rule(_wait, scenario)


def _wait(scenario: Scenario, seen: FloatArray) -> FloatArray:
    price = seen[..., default.places(scenario, "storage")["price_1_ago"]]
    sells = price > (BUY_EUR_PER_MWH + SELL_EUR_PER_MWH) / 2.0
    limit = np.where(sells, SELL_EUR_PER_MWH, BUY_EUR_PER_MWH)
    return np.stack([np.where(sells, -1.0, 1.0), price_number(limit, STORAGE_PRICES)], axis=-1)


def rigid(scenario: Scenario) -> Rule:
    """All load is served at any price."""
    return Rule(_serve, scenario)


def _serve(scenario: Scenario, seen: FloatArray) -> FloatArray:
    return np.tile(np.array([-1.0, 0.0]), (*seen.shape[:2], 1))


def thrifty(scenario: Scenario) -> Rule:
    """All flexible load waits above a price."""
    return Rule(_save, scenario)


def _save(scenario: Scenario, seen: FloatArray) -> FloatArray:
    offer = [1.0, float(price_number(DEAR_EUR_PER_MWH, RESPONSE_PRICES))]
    return np.tile(np.array(offer), (*seen.shape[:2], 1))


def two_reserves(scenario: Scenario) -> Rule:
    """Reserve level 2 at any time, and the default rule's tap."""
    return Rule(_keep, scenario)


def _keep(scenario: Scenario, seen: FloatArray) -> FloatArray:
    tap = default.operator(scenario).action(scenario, seen) % TAPS
    return np.asarray(TAPS * RESERVE_LEVEL + tap)
