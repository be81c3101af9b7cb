"""What kernels know about agreements, and the columns in which members speak of them."""

from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from p2p_market.community.coordination.records import (
    NONE,
    Agreements,
    nothing_agreed,
)
from p2p_market.community.coordination.words import NUMBERS, words
from p2p_market.community.further import further_columns
from p2p_market.community.scenario.record import Scenario
from p2p_market.compilation import Packed
from p2p_market.data.forecast import HORIZONS_H
from p2p_market.records import IntArray

EXACT: Final = 10
"""Shapley shares of coalitions up to this size are exact; of larger ones they are a mean."""
ORDERS: Final = 256
"""Orders of joining that the mean is over, each with its reverse."""


class Columns(NamedTuple):
    """Where each word stands among the further columns; -1 where a scenario has none."""

    kind: int
    peer: int
    quantity: int
    price: int
    premium: int
    start: int
    length: int
    answer: int  # the first of SLOTS
    call: int
    forecast: int  # the first of the horizons
    share: int


class Terms(NamedTuple):
    """Fixed by the scenario."""

    at: Columns
    kinds: IntArray  # (bin,), kind of each equal part of the column
    orders: IntArray  # (order, agent), of joining; none where all coalitions are small
    delivery: bool
    coalitions: bool
    forecasts: bool
    per_day: int  # steps
    ahead: int  # steps
    longest: int  # steps
    max_size: int
    max_kw: float
    max_premium: float
    credit: float
    capital: float
    damages: float
    lowest: float  # no price at the hub is lower


@lru_cache(maxsize=16)
def terms_of(scenario: Scenario) -> Terms | None:
    """The terms of a scenario; None where it has no agreements."""
    setting = scenario.spec.coordination
    if setting is None:
        return None
    names = [column.name for column in further_columns(scenario)]
    own = [word[0] for word in words(scenario)]

    def place(name: str) -> int:
        return names.index(name) if name in own else -1

    kinds = [NONE, *(kind for group, kind in NUMBERS.items() if group in setting.columns)]
    return Terms(
        at=Columns(
            *map(place, ("propose", "peer", "agreed_quantity", "agreed_price", "premium")),
            *map(place, ("starts_in", "lasts", "answer_0", "call")),
            *map(place, (f"forecast_{HORIZONS_H[0]}h", "share_forecast")),
        ),
        kinds=np.array(kinds),
        orders=_orders(len(scenario.agents) if setting.max_size > EXACT else 0),
        delivery=setting.settled == "delivery",
        coalitions="coalition" in setting.columns,
        forecasts="forecast" in setting.columns,
        per_day=scenario.steps_per_day,
        ahead=round(setting.ahead_h / scenario.dt_h),
        longest=round(setting.max_h / scenario.dt_h),
        max_size=setting.max_size,
        max_kw=float(setting.max_kw),
        max_premium=float(setting.max_premium_eur),
        credit=float(setting.credit_eur),
        capital=float(setting.capital_eur),
        damages=float(setting.damages_eur_per_kwh),
        lowest=scenario.lowest_price_eur_per_kwh,
    )


def _orders(agents: int) -> IntArray:
    """Orders of joining and their reverses, (order, agent), the same in every episode."""
    if not agents:
        return np.zeros((0, 0), dtype=np.int64)
    there = np.random.default_rng(0).permuted(np.tile(np.arange(agents), (ORDERS, 1)), axis=1)
    return np.ascontiguousarray(np.concatenate([there, there[:, ::-1]]))


def begin(scenario: Scenario, batch: int) -> Agreements | None:
    """Nothing is agreed yet; None where a scenario has no agreements."""
    if scenario.spec.coordination is None:
        return None
    return nothing_agreed(
        batch, len(scenario.agents), len(HORIZONS_H), max(1, round(1.0 / scenario.dt_h))
    )


@lru_cache(maxsize=16)
def packed_terms(scenario: Scenario) -> Any:
    """The terms as one argument, for kernels that are called from Python."""
    return Packed(terms_of(scenario))
