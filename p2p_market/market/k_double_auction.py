"""Uniform-price k-double auction.

Rule: bids are sorted by price descending, asks ascending; the volume is the largest at which the
last bid served is at least the last ask served. All pay and receive one hub price: in the interval
of prices at which exactly this volume wants to trade, it is `low + k * (high - low)`. Orders at the
margin share what is left pro rata to their quantity. Source: Satterthwaite and Williams (1989),
"Bilateral trade with the sealed bid k-double auction", J. Econ. Theory 48,
doi:10.1016/0022-0531(89)90121-X.
"""

import numpy as np

from p2p_market.compilation import inner, kernel
from p2p_market.market.book import Fills, OrderBook, clear_by
from p2p_market.market.merit_order import cross, serve, sides


@inner
def clear_one(quantity, price, tick, k, fills):  # type: ignore[no-untyped-def]
    """Fill one book; returns the hub price, nan when nothing trades."""
    for i in range(quantity.shape[0]):
        fills[i] = 0.0
    bids, asks = sides(quantity, price, tick)
    volume, high, low, i_bid, i_ask = cross(quantity, price, bids, asks)
    if volume <= 0.0:
        return np.nan
    serve(quantity, price, bids, volume, high, 1.0, fills)
    serve(quantity, price, asks, volume, low, -1.0, fills)
    # The next order on each side, served in part or not at all, bounds the price as well.
    if i_bid < bids.shape[0]:
        low = max(low, price[bids[i_bid]])
    if i_ask < asks.shape[0]:
        high = min(high, price[asks[i_ask]])
    return low + k * (high - low)


@kernel
def clear_kernel(  # type: ignore[no-untyped-def]
    quantity, price, retail, feed_in, k, tick, price_max, dt, out_fill, out_payment, out_price
):
    """See `clear`."""
    for b in range(quantity.shape[0]):
        out_price[b] = clear_one(quantity[b], price[b], tick, k, out_fill[b])
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
    return clear_by(clear_kernel, book)
