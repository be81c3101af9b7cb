"""Rules of a population that are not baselines: markups, withheld shares, other limits."""

from dataclasses import dataclass

import numpy as np

from p2p_market.kit.policies import Rule
from p2p_market.records import FloatArray
from p2p_market.wholesale.actions import (
    LEVELS,
    NEUTRAL_TAP,
    RESPONSE_PRICES,
    STORAGE_PRICES,
    level_number,
    price_number,
)
from p2p_market.wholesale.records import TAPS
from p2p_market.wholesale.rules.default import centred, places
from p2p_market.wholesale.scenario import Scenario


@dataclass(frozen=True, slots=True, eq=False)
class Habit:
    """A scenario, and numbers of a rule."""

    scenario: Scenario
    numbers: tuple[float, ...]


def marking_up(scenario: Scenario) -> Rule:
    """Units bid two levels above their cost."""
    return Rule(_offers, Habit(scenario, (2.0, 1.0)))


def selling_half(scenario: Scenario) -> Rule:
    """Units bid their cost, for half of what they could produce."""
    return Rule(_offers, Habit(scenario, (0.0, 0.5)))


def _offers(habit: Habit, seen: FloatArray) -> FloatArray:
    markup, share = habit.numbers
    level = np.minimum(habit.scenario.fleet.truthful + int(markup), LEVELS - 1)
    action = np.full((*seen.shape[:2], 2), 2.0 * share - 1.0)
    action[..., 0] = [level_number(int(one)) for one in level]
    return action


def narrow(scenario: Scenario) -> Rule:
    """Storages trade all their power around 60 EUR/MWh."""
    return Rule(_trades, Habit(scenario, (60.0, 1.0)))


def half_power(scenario: Scenario) -> Rule:
    """Storages trade half of their power around 50 EUR/MWh."""
    return Rule(_trades, Habit(scenario, (50.0, 0.5)))


def _trades(habit: Habit, seen: FloatArray) -> FloatArray:
    """Sell where the last price was above the middle, else buy; 10 % apart from it."""
    middle, share = habit.numbers
    sells = seen[..., places(habit.scenario, "storage")["price_1_ago"]] >= middle
    limit = price_number(np.where(sells, 1.1 * middle, 0.9 * middle), STORAGE_PRICES)
    return np.stack([np.where(sells, -share, share), limit], axis=-1)


def inflexible(scenario: Scenario) -> Rule:
    """Consumers reduce nothing."""
    return Rule(_responds, Habit(scenario, (0.0, RESPONSE_PRICES[1])))


def eager(scenario: Scenario) -> Rule:
    """Consumers offer all their flexible load at 60 EUR/MWh."""
    return Rule(_responds, Habit(scenario, (1.0, 60.0)))


def _responds(habit: Habit, seen: FloatArray) -> FloatArray:
    adjustment, price = habit.numbers
    action = np.full((*seen.shape[:2], 2), 2.0 * adjustment - 1.0)
    action[..., 1] = price_number(price, RESPONSE_PRICES)
    return action


def careful(scenario: Scenario) -> Rule:
    """The operator keeps reserve level 3."""
    return Rule(_keeps, Habit(scenario, (3.0,)))


def _keeps(habit: Habit, seen: FloatArray) -> FloatArray:
    (level,) = habit.numbers
    return np.asarray((TAPS * level + NEUTRAL_TAP + centred(habit.scenario, seen))[..., None])
