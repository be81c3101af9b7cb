"""McAfee's double auction: no order gains by another price; the operator keeps the difference.

Rule for orders of one size: bids are sorted by price descending, asks ascending; k is the last pair
that gains from trade. If the mean of the next bid and the next ask lies between the ask and the bid
of pair k, all k pairs trade at that mean; a missing next bid counts as 0, a missing next ask as the
highest price of the market. Otherwise pair k stays out and sets the prices: the others buy at its
bid and sell at its ask. Source: McAfee (1992), "A dominant strategy double auction", J. Econ.
Theory 56(2), 434-450, doi:10.1016/0022-0531(92)90091-U.

Rule for orders of different sizes, which are divisible: the marginal bid and the marginal ask, the
last ones served in merit order, always set the prices and stay out; the mean of the next prices
would let a large order gain by stepping back. Of the orders that share the marginal price, as much
stays out as the largest of them; they share the rest pro rata. The longer side is then cut pro rata
over all its orders, not in merit order, so that a higher bid buys no more. So no order gains by
another price, whatever the sizes (quantities are assumed to be true). The clearing price shown is
the mean of what buyers pay and sellers get. After: Huang, Scheller-Wolf and Sycara (2002), "Design
of a multi-unit double auction e-market", Computational Intelligence 18(4), 596-617,
doi:10.1111/1467-8640.t01-1-00206.
"""

import numpy as np

from p2p_market.compilation import inner, kernel
from p2p_market.market.book import Fills, OrderBook, clear_by
from p2p_market.market.merit_order import ROUNDING_KW, cross, serve, sides


@inner
def _one_size(quantity):  # type: ignore[no-untyped-def]
    """Whether all orders are equally large."""
    size = 0.0
    for i in range(quantity.shape[0]):
        if quantity[i] != 0.0:
            if size != 0.0 and abs(quantity[i]) != size:
                return False
            size = abs(quantity[i])
    return True


@inner
def _reduce(quantity, price, order, volume, marginal):  # type: ignore[no-untyped-def]
    """What one side trades without its marginal order.

    Returns:
        That volume, and the share of each order at the marginal price in it.
    """
    better, level, largest = 0.0, 0.0, 0.0
    for i in order:
        if price[i] == marginal:
            level += abs(quantity[i])
            largest = max(largest, abs(quantity[i]))
        elif level > 0.0:
            break
        else:
            better += abs(quantity[i])
    left = min(level, volume - better - largest)
    if not left > ROUNDING_KW:
        return better, 0.0
    return better + left, left / level


@inner
def _serve_all(quantity, price, order, marginal, share, at_margin, out_fill):  # type: ignore[no-untyped-def]
    """Give every order better than `marginal` one share of its quantity, those at it less."""
    reached = False
    for i in order:
        at_level = price[i] == marginal
        if reached and not at_level:
            break
        reached = at_level
        out_fill[i] = quantity[i] * (share * at_margin if at_level else share)


@inner
def _clear_one(quantity, price, tick, price_max, out_fill):  # type: ignore[no-untyped-def]
    """Fill one book; returns what buyers pay and sellers get, nan when nothing trades."""
    for i in range(quantity.shape[0]):
        out_fill[i] = 0.0
    bids, asks = sides(quantity, price, tick)
    volume, last_bid, last_ask, i_bid, i_ask = cross(quantity, price, bids, asks)
    if volume <= 0.0:
        return np.nan, np.nan
    if _one_size(quantity):
        next_bid = price[bids[i_bid]] if i_bid < bids.shape[0] else 0.0
        next_ask = price[asks[i_ask]] if i_ask < asks.shape[0] else price_max
        mean = 0.5 * (next_bid + next_ask)
        if last_ask <= mean <= last_bid:
            serve(quantity, price, bids, volume, last_bid, 1.0, out_fill)
            serve(quantity, price, asks, volume, last_ask, -1.0, out_fill)
            return mean, mean
    wanted, bid_share = _reduce(quantity, price, bids, volume, last_bid)
    offered, ask_share = _reduce(quantity, price, asks, volume, last_ask)
    volume = min(wanted, offered)
    if volume <= 0.0:
        return np.nan, np.nan
    _serve_all(quantity, price, bids, last_bid, volume / wanted, bid_share, out_fill)
    _serve_all(quantity, price, asks, last_ask, volume / offered, ask_share, out_fill)
    return last_bid, last_ask


@kernel
def clear_kernel(  # type: ignore[no-untyped-def]
    quantity, price, retail, feed_in, k, tick, price_max, dt, out_fill, out_payment, out_price
):
    """See `clear`."""
    for b in range(quantity.shape[0]):
        buyers, sellers = _clear_one(quantity[b], price[b], tick, price_max, out_fill[b])
        out_price[b] = 0.5 * (buyers + sellers)
        for i in range(quantity.shape[1]):
            fill = out_fill[b, i]
            out_payment[b, i] = 0.0
            if fill != 0.0:
                out_payment[b, i] = fill * dt * (buyers if fill > 0.0 else sellers)


def clear(book: OrderBook) -> Fills:
    """Match one order per agent, except the marginal pair.

    Args:
        book: orders, (batch, agent); quantity [kW] positive = buy, limit price at the hub
        [EUR/kWh]; the highest price of the market.

    Returns:
        Fills with energy bought = energy sold and money paid >= money received.
    """
    return clear_by(clear_kernel, book)
