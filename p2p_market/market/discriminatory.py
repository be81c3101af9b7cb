"""Discriminatory double auction: pay as bid, at the midpoint of each pair.

Rule: orders are matched in merit order as in the k-double auction, the best bid with the cheapest
ask first, and each kWh costs `ask + k * (bid - ask)` of its own pair: the midpoint at k = 0.5, the
buyer's own bid at k = 1. Orders at one price count as one: they share quantity and money pro rata
to their quantities, so that no order's place in the list matters. The clearing price shown is the
mean over the volume. Source: Nicolaisen, Petrov and Tesfatsion (2001), "Market power and efficiency
in a computational electricity market with discriminatory double-auction pricing", IEEE Trans.
Evolutionary Computation 5(5), 504-523, doi:10.1109/4235.956714.
"""

import numpy as np

from p2p_market.compilation import inner, kernel
from p2p_market.market.book import Fills, OrderBook, clear_by
from p2p_market.market.merit_order import cross, level_stop, serve, sides


@inner
def _pair(price, k, dt, bids, asks, fills, out_payment):  # type: ignore[no-untyped-def]
    """Charge each kWh the price of its pair; returns the money that changes hands."""
    money, i_bid, i_ask = 0.0, 0, 0
    left_bid, left_ask = fills[bids[0]], -fills[asks[0]]
    while True:
        bid, ask = price[bids[i_bid]], price[asks[i_ask]]
        traded = min(left_bid, left_ask)
        paid = traded * (ask + k * (bid - ask)) * dt
        money += paid
        out_payment[bids[i_bid]] += paid
        out_payment[asks[i_ask]] -= paid
        left_bid -= traded
        left_ask -= traded
        if not left_bid > 0.0:  # nan as well: each turn uses up an order
            i_bid += 1
            if i_bid == bids.shape[0]:
                return money
            left_bid = fills[bids[i_bid]]
        if not left_ask > 0.0:
            i_ask += 1
            if i_ask == asks.shape[0]:
                return money
            left_ask = -fills[asks[i_ask]]


@inner
def _even_out(price, order, fills, out_payment):  # type: ignore[no-untyped-def]
    """Spread the money of each price level over its orders, pro rata to what they traded."""
    start = 0
    while start < order.shape[0]:
        stop = level_stop(price, order, start)
        power, money = 0.0, 0.0
        for position in range(start, stop):
            power += fills[order[position]]
            money += out_payment[order[position]]
        for position in range(start, stop):
            i = order[position]
            out_payment[i] = 0.0 if fills[i] == 0.0 else money * (fills[i] / power)
        start = stop


@inner
def _clear_one(quantity, price, tick, k, dt, out_fill, out_payment):  # type: ignore[no-untyped-def]
    """Fill one book; returns the mean price, nan when nothing trades."""
    for i in range(quantity.shape[0]):
        out_fill[i] = 0.0
        out_payment[i] = 0.0
    bids, asks = sides(quantity, price, tick)
    volume, last_bid, last_ask, _, _ = cross(quantity, price, bids, asks)
    if volume <= 0.0:
        return np.nan
    serve(quantity, price, bids, volume, last_bid, 1.0, out_fill)
    serve(quantity, price, asks, volume, last_ask, -1.0, out_fill)
    money = _pair(price, k, dt, bids, asks, out_fill, out_payment)
    _even_out(price, bids, out_fill, out_payment)
    _even_out(price, asks, out_fill, out_payment)
    return money / (volume * dt)


@kernel
def clear_kernel(  # type: ignore[no-untyped-def]
    quantity, price, retail, feed_in, k, tick, price_max, dt, out_fill, out_payment, out_price
):
    """See `clear`."""
    for b in range(quantity.shape[0]):
        out_price[b] = _clear_one(quantity[b], price[b], tick, k, dt, out_fill[b], out_payment[b])


def clear(book: OrderBook) -> Fills:
    """Match one order per agent, each pair at its own price.

    Args:
        book: orders, (batch, agent); quantity [kW] positive = buy, limit price at the hub
        [EUR/kWh].

    Returns:
        Fills with energy bought = energy sold and money paid = money received.
    """
    return clear_by(clear_kernel, book)
