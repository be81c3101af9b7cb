"""From what agents send to what they ask for.

Numbers lie in [-1, 1]. A generator sends level and share, a storage power and limit price, a
consumer adjustment and price, the operator one choice of reserve level and tap.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from p2p_market.compilation import inner
from p2p_market.records import FloatArray
from p2p_market.track import Column
from p2p_market.wholesale.records import (
    CAUSES,
    LEVELS_EUR_PER_MWH,
    RESERVE_LEVELS,
    TAPS,
)

TICK_EUR_PER_MWH: Final = 0.01
STORAGE_PRICES: Final = (-49.0, 499.0)
"""Limits of a storage: one that sells below must-run energy would have it dumped."""
RESPONSE_PRICES: Final = (-51.0, 499.0)
"""Prices of demand response: one at the floor would buy surplus, the lowest reduces in any case."""
LEVELS: Final = len(LEVELS_EUR_PER_MWH)
CHOICES: Final = RESERVE_LEVELS * TAPS
NEUTRAL_TAP: Final = TAPS // 2

_NON_FINITE, _NO_CHOICE, _MISSING = (
    CAUSES.index(name) for name in ("non_finite", "no_choice", "missing")
)

COLUMNS: Final = {
    "generator": (Column("bid_level", "EUR/MWh"), Column("offered_share", "1")),
    "storage": (Column("power", "MW"), Column("limit_price", "EUR/MWh")),
    "consumer": (Column("adjustment", "1"), Column("response_price", "EUR/MWh")),
    "operator": (Column("reserve_and_tap", "1", CHOICES),),
}


@inner(forceinline=True)
def fraction(number):  # type: ignore[no-untyped-def]
    """A number of [-1, 1] as a share of its range, 0 to 1; beyond the ends it is clipped."""
    return (min(max(number, -1.0), 1.0) + 1.0) / 2.0


@inner(forceinline=True)
def on_tick(price):  # type: ignore[no-untyped-def]
    """The nearest tick, half a tick up [EUR/MWh]."""
    return np.floor(price / TICK_EUR_PER_MWH + 0.5) * TICK_EUR_PER_MWH


@inner(forceinline=True)
def level_of(number):  # type: ignore[no-untyped-def]
    """The bid level that a number means: the range is cut into equal parts."""
    return int(np.floor(fraction(number) * (LEVELS - 1) + 0.5))


def level_number(level: int) -> float:
    """The number that means a bid level."""
    return 2.0 * level / (LEVELS - 1) - 1.0


def price_number(price_eur_per_mwh: FloatArray | float, prices: tuple[float, float]) -> FloatArray:
    """The number that means a price of a range, in the shape of the price."""
    low, high = prices
    return np.asarray(2.0 * (np.asarray(price_eur_per_mwh) - low) / (high - low) - 1.0)


@inner
def fault_of(action, heard, choices):  # type: ignore[no-untyped-def]
    """What is wrong with a message, 0 if nothing is.

    A row of NaN alone is no message: so a policy says that it has none for an agent.

    Args:
        action: of one agent, (column,).
        heard: whether it sent one.
        choices: of its only column, 0 for numbers.
    """
    silent = True
    for c in range(action.shape[0]):
        silent = silent and np.isnan(action[c])
    if silent or not heard:
        return _MISSING
    for c in range(action.shape[0]):
        if not np.isfinite(action[c]):
            return _NON_FINITE
        if choices > 0 and (action[c] != np.floor(action[c]) or not 0.0 <= action[c] < choices):
            return _NO_CHOICE
    return 0


@inner
def read_kernel(rules, fleet, b, sent, heard, order):  # type: ignore[no-untyped-def]
    """What all agents of community b ask for, into `order`.

    Args:
        sent: actions by role, a `Sent`.
        heard: whose action arrived, (batch, agent), role after role.
    """
    fault, first = order.fault[b], 0
    for i in range(sent.generator.shape[1]):
        action = sent.generator[b, i]
        fault[first + i] = fault_of(action, heard[b, first + i], 0)
        if fault[first + i] == 0:
            order.level[b, i] = level_of(action[0])
            order.share[b, i] = fraction(action[1])
    first += sent.generator.shape[1]
    for i in range(sent.storage.shape[1]):
        action = sent.storage[b, i]
        fault[first + i] = fault_of(action, heard[b, first + i], 0)
        if fault[first + i] == 0:
            order.power_mw[b, i] = min(max(action[0], -1.0), 1.0) * fleet.power_mw[i]
            order.limit_eur_per_mwh[b, i] = priced(action[1], STORAGE_PRICES)
    first += sent.storage.shape[1]
    for i in range(sent.consumer.shape[1]):
        action = sent.consumer[b, i]
        fault[first + i] = fault_of(action, heard[b, first + i], 0)
        if fault[first + i] == 0:
            order.adjustment[b, i] = fraction(action[0])
            order.response_eur_per_mwh[b, i] = priced(action[1], RESPONSE_PRICES)
    first += sent.consumer.shape[1]
    action = sent.operator[b, 0]
    fault[first] = fault_of(action, heard[b, first], CHOICES)
    if fault[first] == 0:
        order.reserve_level[b] = int(action[0]) // TAPS
        order.tap[b] = int(action[0]) % TAPS - NEUTRAL_TAP


@inner(forceinline=True)
def priced(number, prices):  # type: ignore[no-untyped-def]
    """The price of a range that a number means, on a tick [EUR/MWh]."""
    return on_tick(prices[0] + fraction(number) * (prices[1] - prices[0]))


class Sent(NamedTuple):
    """Actions by role, (batch, agent of the role, column)."""

    generator: Any
    storage: Any
    consumer: Any
    operator: Any


def resting(role: str) -> FloatArray:
    """What stands where an agent of a role sends nothing, (column,).

    A generator offers nothing, a storage is idle, a consumer adjusts nothing, the operator keeps no
    reserve at the middle tap.
    """
    rest = {
        "generator": [1.0, -1.0],
        "storage": [0.0, 0.0],
        "consumer": [-1.0, 0.0],
        "operator": [float(NEUTRAL_TAP)],
    }
    return np.array(rest[role])
