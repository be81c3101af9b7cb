"""Order books for the tests: by hand, and drawn by hypothesis."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from p2p_market.market.book import Fills, OrderBook
from p2p_market.market.ticks import to_ticks
from p2p_market.records import FloatArray

TICK = 0.001
PER_AGENT = ("quantity_kw", "price_eur_per_kwh", "retail_eur_per_kwh", "feed_in_eur_per_kwh")

ticks = st.integers(0, 12)  # few prices, many ties
halves = st.integers(-12, 12)  # quantities in halves: sums are exact, balanced books are frequent
watts = st.integers(-3000, 3000)  # quantities in watts: sums are rounded
units = st.sampled_from([-2, 0, 2])  # orders of one kW, or none


def book(
    quantity_kw: FloatArray,
    price_eur_per_kwh: FloatArray,
    k: float = 0.5,
    dt_h: float = 1.0,
    retail: FloatArray | float = 0.3,
    feed_in: FloatArray | float = 0.1,
    price_max: float = 0.5,
) -> OrderBook:
    """A book out of arrays (batch, agent); contracts may be one price for all."""
    return OrderBook(
        quantity_kw=np.array(quantity_kw, dtype=float),
        price_eur_per_kwh=np.array(price_eur_per_kwh, dtype=float),
        retail_eur_per_kwh=np.broadcast_to(retail, np.shape(quantity_kw)).copy(),
        feed_in_eur_per_kwh=np.broadcast_to(feed_in, np.shape(quantity_kw)).copy(),
        k=k,
        tick_eur_per_kwh=TICK,
        price_max_eur_per_kwh=price_max,
        dt_h=dt_h,
    )


def book_of(*orders: tuple[float, float], k: float = 0.5, dt_h: float = 1.0) -> OrderBook:
    """One book out of (quantity [kW], price [EUR/kWh]) per agent."""
    quantity, price = np.array(orders, dtype=float).reshape(-1, 2).T
    return book(quantity[None], price[None], k, dt_h)


def reordered(whole: OrderBook, places: Sequence[int]) -> OrderBook:
    """The same agents in another order."""
    return replace(whole, **{name: getattr(whole, name)[:, places] for name in PER_AGENT})


def stacked(apart: Sequence[OrderBook]) -> OrderBook:
    """One batch out of several books; k and dt are those of the first."""
    columns = {name: np.concatenate([getattr(b, name) for b in apart]) for name in PER_AGENT}
    return replace(apart[0], **columns)


def gain_eur(asked: OrderBook, fills: Fills, agent: int, worth: float) -> float:
    """What an agent gains to whom a kWh is worth this much."""
    return float(worth * fills.power_kw[0, agent] * asked.dt_h - fills.payment_eur[0, agent])


@st.composite
def order_books(
    draw: st.DrawFn,
    quantity: st.SearchStrategy[int] = halves,
    unit: float = 0.5,
    least: int = 1,
    most: int = 8,
):
    """A book of some orders and contracts on ticks."""
    agent = st.tuples(quantity, ticks, ticks, ticks)
    orders = np.array(draw(st.lists(agent, min_size=least, max_size=most)), dtype=float)
    amount, *prices = orders.T
    limit, one, other = to_ticks(TICK * np.array(prices), TICK)
    return book(
        unit * amount[None],
        limit[None],
        k=draw(st.sampled_from([0.0, 0.25, 0.5, 1.0])),
        dt_h=draw(st.sampled_from([0.25, 0.5, 1.0])),
        retail=np.maximum(one, other)[None],
        feed_in=np.minimum(one, other)[None],
        price_max=12 * TICK,
    )


books = st.one_of(order_books(), order_books(units), order_books(watts, 0.001))
