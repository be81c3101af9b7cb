"""What a battery may expect of the hours ahead, from what it has seen and from public laws."""

from dataclasses import dataclass
from functools import lru_cache
from math import log, sqrt
from statistics import NormalDist
from typing import Final, NamedTuple

import numpy as np

from p2p_market.battery.commitments import positions_mw
from p2p_market.battery.episode.market import (
    ACTIVATION,
    BUSY,
    BUSY_HOURS,
    CAPACITY_DOWN,
    CAPACITY_UP,
    LARGE,
    MARGINAL_MEAN,
    MARGINAL_PERSISTENCE,
    MARGINAL_SPREAD,
)
from p2p_market.battery.observation import AHEAD, INTRADAY, POSITION, features
from p2p_market.battery.records import TIERS
from p2p_market.battery.scenario import Scenario
from p2p_market.records import Float32Array, FloatArray, IntArray

HORIZON_H: Final = 24
INTRADAY_NEXT, INTRADAY_LATER = 0.59, 0.69
"""How much of the distance between intraday and day-ahead is left after an hour, and of that after
each further one; measured on training weeks."""
UP_EUR, DOWN_EUR = 34.0, -45.0
"""Mean distance of the energy prices of called reserve from day-ahead, over the scale of the
price year; measured on training weeks."""


LARGE_SHARE: Final = 0.16
"""Of hours in which the system is so far out of balance that reserve is called more often."""
USUAL: Final = ACTIVATION * (1.0 + LARGE_SHARE * (LARGE - 1.0))


class Known(NamedTuple):
    """What has been shown so far, NaN where nothing was."""

    price: FloatArray  # (batch, hour), day-ahead [EUR/MWh]
    position_mw: FloatArray  # (batch, agent, hour)


@dataclass(frozen=True, slots=True)
class Outlook:
    """The hours ahead of one battery, the first of them the rest of this hour, (hour,)."""

    length_h: FloatArray
    position_mw: FloatArray
    buy: FloatArray  # EUR/MWh, without wear
    sell: FloatArray
    reserve: FloatArray  # what a MW of reserve is expected to earn [EUR/h]
    called: FloatArray  # share of reserve that is called, in both directions together
    tier: IntArray  # of the best offer
    last_prices: FloatArray  # day-ahead of the last 24 hours before the end of the horizon


def nothing_known(scenario: Scenario, batch: int) -> Known:
    """Before the first observation."""
    hours = 24 * (scenario.spec.days + 1) + HORIZON_H
    agents = len(scenario.agents)
    return Known(np.full((batch, hours), np.nan), np.full((batch, agents, hours), np.nan))


def learnt(scenario: Scenario, known: Known, seen: Float32Array, step: int) -> Known:
    """What is known when a step's observation has been read.

    Args:
        seen: (batch, agent, feature).
    """
    at, hour = _places(scenario), int(step * scenario.dt_h)
    price, position = known.price.copy(), known.position_mw.copy()
    shown = _published_h(scenario, hour)
    ahead = min(AHEAD + 1, shown)
    price[:, hour] = seen[:, 0, at["dam_price"]]
    price[:, hour + 1 : hour + ahead] = seen[:, 0, at["next_price_1"] :][:, : ahead - 1]
    position[..., hour : hour + ahead] = seen[..., POSITION : POSITION + ahead]
    return Known(price, position)


def outlook(scenario: Scenario, known: Known, seen: Float32Array, step: int, b: int) -> Outlook:
    """Of any battery of a community; positions are those of each.

    Args:
        known: with this step's observation.
        seen: (agent, feature), of this community.
    """
    at, clock_h = _places(scenario), step * scenario.dt_h
    hour = int(clock_h)
    count = min(HORIZON_H, 24 * scenario.spec.days - hour)
    hours = hour + np.arange(count)
    price = _filled(known.price[b], hours[-1] + 1)
    length = np.ones(count)
    length[0] = hour + 1.0 - clock_h
    own = np.asarray(seen[0], dtype=np.float64)
    away = own[INTRADAY] - price[hour - 1] if hour > 0 else 0.0
    away = away * INTRADAY_NEXT * INTRADAY_LATER ** np.arange(count)
    half = own[at["bid_ask_spread"]] / 2.0
    capacity = _capacity(hours, own[at["afrr_cap_up_price"]], own[at["afrr_cap_down_price"]])
    tier, share, accepted = _offers(round(1000 * float(own[at["selection_probability"]])))
    of_day = hours % 24
    busy = (of_day >= BUSY_HOURS[0]) & (of_day <= BUSY_HOURS[1])
    called = accepted[:count] * USUAL * np.where(busy, BUSY, 1.0)
    wear = scenario.fleet.wear.mean()
    energy = 0.5 * called * scenario.scale * (UP_EUR - DOWN_EUR) - called * wear
    return Outlook(
        length_h=length,
        position_mw=np.zeros(count),
        buy=price[hours] + away + half,
        sell=price[hours] + away - half,
        reserve=share[:count] * capacity + energy,
        called=called,
        tier=tier[:count],
        last_prices=price[max(0, hours[-1] - 23) : hours[-1] + 1],
    )


def positions(scenario: Scenario, known: Known, hours: IntArray, b: int) -> FloatArray:
    """Position of some hours, (agent, hour): as shown, or as the public rule will plan it."""
    position = known.position_mw[b][:, hours].copy()
    for day in np.unique(hours // 24)[1:]:
        today = known.price[b, 24 * (day - 1) : 24 * day]
        if not np.isnan(today).any():
            planned = positions_mw(scenario, today)[:, hours[hours // 24 == day] % 24]
            own = position[:, hours // 24 == day]
            position[:, hours // 24 == day] = np.where(np.isnan(own), planned, own)
    return np.asarray(np.nan_to_num(position))


def _published_h(scenario: Scenario, hour: int) -> int:
    of_day = hour % 24
    return (48 if of_day >= scenario.rules.publish_hour else 24) - of_day


def _filled(price: FloatArray, end: int) -> FloatArray:
    """Prices with what is not published yet: that of the day before, or else the last one known."""
    filled = price[:end].copy()
    for hour in np.flatnonzero(np.isnan(filled)):
        filled[hour] = filled[hour - 24 if hour >= 24 else hour - 1]
    return filled


def _capacity(hours: IntArray, up: float, down: float) -> FloatArray:
    """Reference of the hours ahead: blocks keep their shape within days."""
    block = hours % 24 // 4
    return np.asarray(
        CAPACITY_UP[block] * (up / CAPACITY_UP[block[0]])
        + CAPACITY_DOWN[block] * (down / CAPACITY_DOWN[block[0]])
    )


@lru_cache(maxsize=1024)
def _offers(per_mille: int) -> tuple[IntArray, FloatArray, FloatArray]:
    """Best tier of the hours ahead, what it is expected to earn over the reference, its chance."""
    unknown, normal = MARGINAL_SPREAD * sqrt(1.0 - MARGINAL_PERSISTENCE**2), NormalDist()
    now = normal.inv_cdf(min(max(per_mille, 0.5), 999.5) / 1000.0) * unknown
    best, earned, chance = [], [], []
    for ahead in range(HORIZON_H):
        mean = MARGINAL_MEAN + MARGINAL_PERSISTENCE**ahead * (now - MARGINAL_MEAN)
        spread = MARGINAL_SPREAD * sqrt(1.0 - MARGINAL_PERSISTENCE ** (2 * (ahead + 1)))
        taken = [normal.cdf((mean - log(tier)) / spread) for tier in TIERS]
        worth = [tier * one for tier, one in zip(TIERS, taken, strict=True)]
        best.append(int(np.argmax(worth)))
        earned.append(worth[best[-1]])
        chance.append(taken[best[-1]])
    return np.array(best), np.array(earned), np.array(chance)


@lru_cache(maxsize=8)
def _places(scenario: Scenario) -> dict[str, int]:
    return {one.name: place for place, one in enumerate(features(scenario))}
