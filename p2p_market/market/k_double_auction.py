"""Uniform-price k-double auction.

Rule: bids stand by price descending, asks ascending; the largest volume trades at which the last
bid served is at least the last ask served. All pay and receive one hub price, `low + k * (high -
low)` in the interval of prices at which exactly this volume wants to trade. Orders at the margin
share what is left pro rata to their quantity. Source: Satterthwaite and Williams (1989), "Bilateral
trade with the sealed bid k-double auction", J. Econ. Theory 48, doi:10.1016/0022-0531(89)90121-X.
"""

from typing import Final

import numpy as np
from numba import njit

from p2p_market.records import Fills, OrderBook

ROUNDING_KW: Final = 1e-9
"""What is left of an order below this is rounding, and must not move the price."""


@njit(cache=True)
def _serve(quantity, price, order, volume, marginal, sign, fills):  # type: ignore[no-untyped-def]
    """Serve one side in merit order up to `volume`, none beyond `marginal`; one price pro rata."""
    left = volume
    start = 0
    while start < order.shape[0] and left > 0.0:
        level = price[order[start]]
        if sign * level < sign * marginal:
            break  # what is left is rounding
        stop = start
        wanted = 0.0
        while stop < order.shape[0] and price[order[stop]] == level:
            wanted += abs(quantity[order[stop]])
            stop += 1
        share = 1.0 if wanted <= left else left / wanted
        for position in range(start, stop):
            fills[order[position]] = sign * abs(quantity[order[position]]) * share
        left -= wanted
        start = stop


@njit(cache=True)
def _clear_one(quantity, price, k, fills):  # type: ignore[no-untyped-def]
    """Fill one book; returns the hub price, nan when nothing trades."""
    agents = quantity.shape[0]
    by_ask = np.argsort(price, kind="mergesort")
    by_bid = np.argsort(-price, kind="mergesort")
    asks = by_ask[quantity[by_ask] < 0.0]
    bids = by_bid[quantity[by_bid] > 0.0]
    for i in range(agents):
        fills[i] = 0.0
    volume, i_bid, i_ask = 0.0, 0, 0
    left_bid = quantity[bids[0]] if bids.shape[0] > 0 else 0.0
    left_ask = -quantity[asks[0]] if asks.shape[0] > 0 else 0.0
    low, high = -np.inf, np.inf
    while i_bid < bids.shape[0] and i_ask < asks.shape[0]:
        if price[bids[i_bid]] < price[asks[i_ask]]:
            break
        low, high = price[asks[i_ask]], price[bids[i_bid]]
        traded = min(left_bid, left_ask)
        volume += traded
        left_bid -= traded
        left_ask -= traded
        if left_bid <= ROUNDING_KW:
            i_bid += 1
            left_bid = quantity[bids[i_bid]] if i_bid < bids.shape[0] else 0.0
        if left_ask <= ROUNDING_KW:
            i_ask += 1
            left_ask = -quantity[asks[i_ask]] if i_ask < asks.shape[0] else 0.0
    if volume <= 0.0:
        return np.nan
    _serve(quantity, price, bids, volume, high, 1.0, fills)
    _serve(quantity, price, asks, volume, low, -1.0, fills)
    # The next order on each side, served in part or not at all, bounds the price as well.
    if i_bid < bids.shape[0]:
        low = max(low, price[bids[i_bid]])
    if i_ask < asks.shape[0]:
        high = min(high, price[asks[i_ask]])
    return low + k * (high - low)


@njit(cache=True)
def _clear_kernel(quantity, price, k, dt, out_fill, out_payment, out_price):  # type: ignore[no-untyped-def]
    for b in range(quantity.shape[0]):
        out_price[b] = _clear_one(quantity[b], price[b], k, out_fill[b])
        for i in range(quantity.shape[1]):
            fill = out_fill[b, i]
            out_payment[b, i] = 0.0 if fill == 0.0 else fill * dt * out_price[b]


def clear(book: OrderBook) -> Fills:
    """Match one order per agent at a uniform price.

    Args:
        book: orders, (batch, agent); quantity [kW] positive = buy, limit price at the hub
        [EUR/kWh].

    Returns:
        Fills with energy bought = energy sold and money paid = money received.
    """
    power = np.empty_like(book.quantity_kw)
    payment = np.empty_like(book.quantity_kw)
    price = np.empty(book.quantity_kw.shape[0])
    _clear_kernel(
        book.quantity_kw, book.price_eur_per_kwh, book.k, book.dt_h, power, payment, price
    )
    return Fills(power, payment, price)
