"""What auctions share: the merit order, where it crosses, and who is served."""

from typing import Final

import numpy as np

from p2p_market.compilation import inner

ROUNDING_KW: Final = 1e-9
"""What is left of an order below this is rounding, and must not move the price."""


COUNTING_FROM: Final = 128
"""Books of so many orders are put in order by counting ticks, smaller ones by insertion."""

LARGEST_TICK: Final = 2.0**52
"""Ticks up to this are whole numbers in floating point."""


@inner
def _tick_range(quantity, price, tick):  # type: ignore[no-untyped-def]
    """Lowest and highest tick of all orders; (1, 0) if some price does not lie on a tick."""
    low, high = np.inf, -np.inf
    for i in range(quantity.shape[0]):
        level = np.floor(price[i] / tick + 0.5)
        if level * tick != price[i] or abs(level) > LARGEST_TICK:
            return 1, 0
        low, high = min(low, level), max(high, level)
    return int(low), int(high)


@inner
def _count(quantity, price, tick, first, levels, sign):  # type: ignore[no-untyped-def]
    """Orders of one side by level, `first + sign * level` in ticks; in agents' order at each."""
    start = np.zeros(levels + 1, dtype=np.int64)
    for i in range(quantity.shape[0]):
        if sign * quantity[i] < 0.0:
            start[1 + sign * (int(price[i] / tick + 0.5) - first)] += 1
    for level in range(levels):
        start[level + 1] += start[level]
    order = np.empty(start[levels], dtype=np.int64)
    for i in range(quantity.shape[0]):
        if sign * quantity[i] < 0.0:
            level = sign * (int(price[i] / tick + 0.5) - first)
            order[start[level]] = i
            start[level] += 1
    return order


@inner
def _insert(quantity, price):  # type: ignore[no-untyped-def]
    """Bids and asks, best first; equal prices in agents' order."""
    count = quantity.shape[0]
    order = np.empty(2 * count, dtype=np.int64)  # bids from the front, asks from the middle
    bids, asks = 0, count
    for i in range(count):
        if quantity[i] > 0.0:
            place = bids
            while place > 0 and price[order[place - 1]] < price[i]:
                order[place] = order[place - 1]
                place -= 1
            order[place] = i
            bids += 1
        elif quantity[i] < 0.0:
            place = asks
            while place > count and price[order[place - 1]] > price[i]:
                order[place] = order[place - 1]
                place -= 1
            order[place] = i
            asks += 1
    return order[:bids], order[count:asks]


@inner
def sides(quantity, price, tick):  # type: ignore[no-untyped-def]
    """Bids by price descending and asks ascending, as indices; equal prices in agents' order."""
    if quantity.shape[0] < COUNTING_FROM:
        return _insert(quantity, price)
    low, high = _tick_range(quantity, price, tick)
    levels = high - low + 1
    if 0 < levels <= 4 * quantity.shape[0] and low >= 0:
        bids = _count(quantity, price, tick, high, levels, -1)
        return bids, _count(quantity, price, tick, low, levels, 1)
    by_ask = np.argsort(price, kind="mergesort")
    by_bid = np.argsort(-price, kind="mergesort")
    return by_bid[quantity[by_bid] > 0.0], by_ask[quantity[by_ask] < 0.0]


@inner
def cross(quantity, price, bids, asks):  # type: ignore[no-untyped-def]
    """The largest volume at which the last bid served is at least the last ask served.

    Returns:
        Volume, price of the last bid and of the last ask served, and how many bids and asks are
        served in full.
    """
    volume, i_bid, i_ask = 0.0, 0, 0
    left_bid = quantity[bids[0]] if bids.shape[0] > 0 else 0.0
    left_ask = -quantity[asks[0]] if asks.shape[0] > 0 else 0.0
    last_bid, last_ask = np.inf, -np.inf
    while i_bid < bids.shape[0] and i_ask < asks.shape[0]:
        if price[bids[i_bid]] < price[asks[i_ask]]:
            break
        last_bid, last_ask = price[bids[i_bid]], price[asks[i_ask]]
        traded = min(left_bid, left_ask)
        volume += traded
        left_bid -= traded
        left_ask -= traded
        if not left_bid > ROUNDING_KW:  # nan as well: each turn uses up an order
            i_bid += 1
            left_bid = quantity[bids[i_bid]] if i_bid < bids.shape[0] else 0.0
        if not left_ask > ROUNDING_KW:
            i_ask += 1
            left_ask = -quantity[asks[i_ask]] if i_ask < asks.shape[0] else 0.0
    return volume, last_bid, last_ask, i_bid, i_ask


@inner
def level_stop(price, order, start):  # type: ignore[no-untyped-def]
    """Where the run of equal prices that begins at `start` ends, after one order at least."""
    stop = start + 1
    while stop < order.shape[0] and price[order[stop]] == price[order[start]]:
        stop += 1
    return stop


@inner
def serve(quantity, price, order, volume, marginal, sign, out_fill):  # type: ignore[no-untyped-def]
    """Serve one side in merit order up to `volume`, none beyond `marginal`; one price pro rata."""
    left = volume
    start = 0
    while start < order.shape[0] and left > 0.0:
        if sign * price[order[start]] < sign * marginal:
            break  # what is left is rounding
        stop = level_stop(price, order, start)
        wanted = 0.0
        for position in range(start, stop):
            wanted += abs(quantity[order[position]])
        share = 1.0 if wanted <= left else left / wanted
        for position in range(start, stop):
            out_fill[order[position]] = sign * abs(quantity[order[position]]) * share
        left -= wanted
        start = stop
