"""Mid-market rate: one price halfway between what the grid pays and what it charges.

Rule: the rate is the midpoint of the community's mean feed-in tariff and mean retail price, all
members counted alike, to the nearest half tick. Bids at or above it meet asks at or below it; the
longer side shares pro rata to its quantities, and the grid serves the rest. Orders do not move the
rate, so no order can gain by another price; k has no effect. In the source all members have one
contract and every kWh is traded at the rate; with contracts that differ, some members do better
with the grid, so here an order whose limit is worse than the rate stays out. Source: Long, Wu,
Zhang, Thomas, Cheng and Jenkins (2017), "Peer-to-peer energy trading in a community microgrid",
IEEE Power and Energy Society General Meeting, doi:10.1109/PESGM.2017.8274546.
"""

import numpy as np

from p2p_market.compilation import inner, kernel
from p2p_market.market.book import Fills, OrderBook, clear_by


@inner
def _rate(retail, feed_in, tick):  # type: ignore[no-untyped-def]
    """The midpoint on a half tick; ticks are counted, so the agents' order leaves no trace."""
    ticks = 0.0
    for i in range(retail.shape[0]):
        ticks += np.floor(retail[i] / tick + 0.5) + np.floor(feed_in[i] / tick + 0.5)
    return np.floor(ticks / retail.shape[0] + 0.5) * 0.5 * tick


@inner
def _clear_one(quantity, price, rate, out_fill):  # type: ignore[no-untyped-def]
    """Fill one book; returns the volume."""
    wanted, offered = 0.0, 0.0
    for i in range(quantity.shape[0]):
        out_fill[i] = 0.0
        if quantity[i] > 0.0 and price[i] >= rate:
            wanted += quantity[i]
        elif quantity[i] < 0.0 and price[i] <= rate:
            offered -= quantity[i]
    volume = min(wanted, offered)
    if volume <= 0.0:
        return 0.0
    for i in range(quantity.shape[0]):
        if quantity[i] > 0.0 and price[i] >= rate:
            out_fill[i] = quantity[i] * (volume / wanted)
        elif quantity[i] < 0.0 and price[i] <= rate:
            out_fill[i] = quantity[i] * (volume / offered)
    return volume


@kernel
def clear_kernel(  # type: ignore[no-untyped-def]
    quantity, price, retail, feed_in, k, tick, price_max, dt, out_fill, out_payment, out_price
):
    """See `clear`."""
    for b in range(quantity.shape[0]):
        rate = _rate(retail[b], feed_in[b], tick) if quantity.shape[1] > 0 else 0.0
        volume = _clear_one(quantity[b], price[b], rate, out_fill[b])
        out_price[b] = rate if volume > 0.0 else np.nan
        for i in range(quantity.shape[1]):
            out_payment[b, i] = out_fill[b, i] * dt * rate


def clear(book: OrderBook) -> Fills:
    """Match the orders that the rate satisfies.

    Args:
        book: orders, (batch, agent); quantity [kW] positive = buy, limit price at the hub
        [EUR/kWh]; retail price and feed-in tariff of all members.

    Returns:
        Fills with energy bought = energy sold and money paid = money received.
    """
    return clear_by(clear_kernel, book)
