"""The k-double auction by hand, and results from theory."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given

from p2p_market.market import k_double_auction
from p2p_market.market.book import Fills, OrderBook
from tests.market.books import book, book_of, order_books


def check(book: OrderBook, fills_kw: list[float], price: float) -> Fills:
    fills = k_double_auction.clear(book)
    assert fills.power_kw[0] == pytest.approx(fills_kw, abs=1e-12)
    assert fills.clearing_price_eur_per_kwh[0] == pytest.approx(price, abs=1e-12)
    expected = np.array(fills_kw) * price * book.dt_h
    assert fills.payment_eur[0] == pytest.approx(expected, abs=1e-12)
    return fills


# Known values, by hand.


@pytest.mark.parametrize(("k", "price"), [(0.0, 0.10), (0.5, 0.20), (1.0, 0.30)])
def test_one_pair(k, price):
    check(book_of((2.0, 0.30), (-2.0, 0.10), k=k), [2.0, -2.0], price)


def test_payment_is_for_energy():
    fills = check(book_of((2.0, 0.30), (-2.0, 0.10), dt_h=0.25), [2.0, -2.0], 0.20)
    assert fills.payment_eur[0] == pytest.approx([0.1, -0.1])


@pytest.mark.parametrize("k", [0.0, 0.5, 1.0])
def test_a_marginal_seller_served_in_part_sets_the_price(k):
    book = book_of((3.0, 0.30), (-2.0, 0.10), (-4.0, 0.20), k=k)
    check(book, [3.0, -2.0, -1.0], 0.20)


@pytest.mark.parametrize("k", [0.0, 0.5, 1.0])
def test_a_marginal_buyer_served_in_part_sets_the_price(k):
    book = book_of((1.0, 0.30), (5.0, 0.25), (-4.0, 0.10), k=k)
    check(book, [1.0, 3.0, -4.0], 0.25)


def test_ties_share_pro_rata():
    check(book_of((2.0, 0.30), (-1.0, 0.10), (-3.0, 0.10)), [2.0, -0.5, -1.5], 0.10)
    check(book_of((1.0, 0.30), (3.0, 0.30), (-2.0, 0.10)), [0.5, 1.5, -2.0], 0.30)


@pytest.mark.parametrize(("k", "price"), [(0.0, 0.22), (0.5, 0.235), (1.0, 0.25)])
def test_rejected_orders_bound_the_price(k, price):
    """From 0.10 to 0.30 these 2 kW would trade; outside 0.22 to 0.25 one more would want to."""
    book = book_of((2.0, 0.30), (1.0, 0.22), (-2.0, 0.10), (-1.0, 0.25), k=k)
    check(book, [2.0, 0.0, -2.0, 0.0], price)


@pytest.mark.parametrize(("k", "price"), [(0.0, 0.15), (0.5, 0.175), (1.0, 0.20)])
def test_served_orders_bound_the_price(k, price):
    book = book_of((1.0, 0.30), (1.0, 0.20), (-1.0, 0.10), (-1.0, 0.15), k=k)
    check(book, [1.0, 1.0, -1.0, -1.0], price)


def test_touching_orders_trade():
    check(book_of((1.0, 0.2), (-1.0, 0.2)), [1.0, -1.0], 0.2)


def test_the_price_may_be_half_a_tick():
    check(book_of((1.0, 0.201), (-1.0, 0.200)), [1.0, -1.0], 0.2005)


def test_orders_of_nothing_move_no_price():
    check(
        book_of((0.0, 9.0), (2.0, 0.3), (0.0, 0.0), (-2.0, 0.1), (0.0, 0.2)), [0, 2, 0, -2, 0], 0.2
    )


def test_rounding_moves_no_price():
    """Supply is demand but for the last bit; whose order comes first must not show in the price."""
    orders = [(0.226, 0.3), (0.05, 0.3), (0.526, 0.3), (-0.802, 0.1)]
    for mixed in permutations(orders):
        check(book_of(*mixed), [quantity for quantity, _ in mixed], 0.2)


# Laws of the uniform price.


@given(book=order_books())
def test_the_price_separates_served_from_rejected(book):
    fills = k_double_auction.clear(book)
    price = fills.clearing_price_eur_per_kwh[0]
    if np.isnan(price):
        return
    quantity, limit, fill = book.quantity_kw[0], book.price_eur_per_kwh[0], fills.power_kw[0]
    better = np.sign(quantity) * (limit - price)
    assert np.array_equal(fill[better > 1e-9], quantity[better > 1e-9])
    assert not fill[better < -1e-9].any()
    assert fills.payment_eur[0] == pytest.approx(price * fill * book.dt_h, abs=1e-12)


@given(book=order_books())
def test_as_much_trades_as_can(book):
    quantity, limit = book.quantity_kw[0], book.price_eur_per_kwh[0]
    wanted = [quantity[(quantity > 0.0) & (limit >= price)].sum() for price in limit]
    offered = [-quantity[(quantity < 0.0) & (limit <= price)].sum() for price in limit]
    most = np.minimum(wanted, offered).max()
    fills = k_double_auction.clear(book)
    assert np.maximum(fills.power_kw, 0.0).sum() == pytest.approx(most, abs=1e-9)


@given(book=order_books())
def test_k_moves_the_price_from_one_end_to_the_other(book):
    low, middle, high = (
        k_double_auction.clear(replace(book, k=k)).clearing_price_eur_per_kwh[0]
        for k in (0.0, 0.5, 1.0)
    )
    assert np.isnan([low, middle, high]).all() or low <= high
    assert middle == pytest.approx((low + high) / 2.0, abs=1e-12, nan_ok=True)


# Known results from theory.


def equilibrium_bid(value):
    return 2.0 * value / 3.0 + 1.0 / 12.0


def equilibrium_ask(cost):
    return 2.0 * cost / 3.0 + 1.0 / 4.0


def midpoints(count: int) -> np.ndarray:
    return (np.arange(count) + 0.5) / count


def pairs(bid: np.ndarray, ask: np.ndarray) -> OrderBook:
    """One book per bid and ask: a buyer and a seller of one kWh."""
    price = np.stack(np.broadcast_arrays(bid, ask), axis=-1).reshape(-1, 2)
    return book(np.tile([1.0, -1.0], (len(price), 1)), price, price_max=1.0)


def test_chatterjee_samuelson_linear_equilibrium_leaves_27_32_of_the_gains():
    """One buyer and one seller, values uniform on [0, 1], k = 1/2: 9/64 of 1/6 = 27/32.

    They bid 2v/3 + 1/12 and 2c/3 + 1/4, and trade where v - c >= 1/4.
    Source: Chatterjee and Samuelson (1983), "Bargaining under incomplete information", Operations
    Research 31(5), 835-851, doi:10.1287/opre.31.5.835, example 1.
    """
    grid = midpoints(402)  # no pair of midpoints lies on the edge v - c = 1/4
    value, cost = grid[:, None], grid[None, :]
    fills = k_double_auction.clear(pairs(equilibrium_bid(value), equilibrium_ask(cost)))
    traded = fills.power_kw[:, 0].reshape(402, 402)
    assert (traded * (value - cost)).mean() == pytest.approx(9.0 / 64.0, rel=1e-4)
    share = (traded * (value - cost)).sum() / np.maximum(value - cost, 0.0).sum()
    assert share == pytest.approx(27.0 / 32.0, rel=1e-4)
    np.testing.assert_array_equal(traded == 1.0, value - cost >= 0.25)


@pytest.mark.compiled
@pytest.mark.parametrize("own", [0.3, 0.5, 0.9])
def test_chatterjee_samuelson_bids_are_best_responses(own):
    """Against the other's equilibrium price no other price gains in expectation, on a fine grid.

    Source: as above. Below v = 1/4 and above c = 3/4 nobody trades, so any price does.
    """
    other, tries = midpoints(1001), np.linspace(0.0, 1.0, 101)

    def expected(bid: np.ndarray, ask: np.ndarray, side: int, worth: float) -> np.ndarray:
        fills = k_double_auction.clear(pairs(bid, ask))
        gain = worth * fills.power_kw[:, side] - fills.payment_eur[:, side]
        return gain.reshape(-1, len(other)).mean(axis=1)

    buyer = [
        expected(np.atleast_1d(bid)[:, None], equilibrium_ask(other)[None], 0, own)
        for bid in (equilibrium_bid(own), tries)
    ]
    assert buyer[0][0] == pytest.approx(buyer[1].max(), abs=1e-3)
    cost = 1.0 - own  # the seller's problem is the buyer's in a mirror
    seller = [
        expected(equilibrium_bid(other)[None], np.atleast_1d(ask)[:, None], 1, cost)
        for ask in (equilibrium_ask(cost), tries)
    ]
    assert seller[0][0] == pytest.approx(seller[1].max(), abs=1e-3)
    assert seller[0][0] == pytest.approx(buyer[0][0], abs=1e-3)
