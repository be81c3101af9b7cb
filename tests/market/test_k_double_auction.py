"""The k-double auction by hand, and what every mechanism of `MECHANISMS` declares."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_market.market import MECHANISMS, Mechanism, k_double_auction
from p2p_market.records import Fills, OrderBook
from p2p_market.tariff import to_ticks

TICK = 0.001


def book_of(*orders: tuple[float, float], k: float = 0.5, dt_h: float = 1.0) -> OrderBook:
    """One book out of (quantity [kW], price [EUR/kWh]) per agent."""
    quantity, price = np.array(orders, dtype=float).reshape(-1, 2).T
    return OrderBook(quantity[None].copy(), price[None].copy(), k, dt_h)


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


@pytest.mark.parametrize(
    "book",
    [
        book_of((2.0, 0.10), (-2.0, 0.11)),  # nothing crosses
        book_of((2.0, 0.10), (1.0, 0.30)),  # buyers only
        book_of((-2.0, 0.10), (-1.0, 0.30)),  # sellers only
        book_of((0.0, 0.30), (0.0, 0.10)),  # empty orders
        book_of((3.0, 0.30)),  # one agent
        book_of(),  # no agent
    ],
)
@pytest.mark.parametrize("mechanism", MECHANISMS.values(), ids=MECHANISMS)
def test_nothing_to_match_is_no_exception(mechanism, book):
    fills = mechanism.clear(book)
    assert not fills.power_kw.any()
    assert not fills.payment_eur.any()
    assert np.isnan(fills.clearing_price_eur_per_kwh).all()


# Laws that a mechanism declares, for whatever stands in the table.

ticks = st.integers(0, 12)  # few prices, many ties
halves = st.integers(-12, 12)  # quantities in halves: sums are exact, balanced books are frequent
watts = st.integers(-3000, 3000)  # quantities in watts: sums are rounded


@st.composite
def order_books(draw: st.DrawFn, quantity: st.SearchStrategy[int] = halves, unit: float = 0.5):
    """A book of one to eight orders on ticks."""
    orders = draw(st.lists(st.tuples(quantity, ticks), min_size=1, max_size=8))
    amount, price = np.array(orders, dtype=float).T
    return OrderBook(
        quantity_kw=(unit * amount)[None],
        price_eur_per_kwh=to_ticks(TICK * price, TICK)[None],
        k=draw(st.sampled_from([0.0, 0.25, 0.5, 1.0])),
        dt_h=draw(st.sampled_from([0.25, 0.5, 1.0])),
    )


books = st.one_of(order_books(), order_books(watts, 0.001))


def every(*laws: str):
    """Parametrise by the mechanisms that declare all of these laws."""
    chosen = {n: m for n, m in MECHANISMS.items() if all(getattr(m, law) for law in laws)}
    return pytest.mark.parametrize("mechanism", chosen.values(), ids=chosen)


def gain_eur(book: OrderBook, fills: Fills) -> float:
    """Value to buyers less cost to sellers, as their orders say."""
    return float(book.dt_h * (book.price_eur_per_kwh * fills.power_kw).sum())


def largest_gain_eur(book: OrderBook, unit: float) -> float:
    """By brute force: every unit is an order of its own, the best bids meet the cheapest asks."""
    count = np.round(book.quantity_kw[0] / unit).astype(int)
    each = np.repeat(book.price_eur_per_kwh[0], np.abs(count))
    buys = np.repeat(count > 0, np.abs(count))
    bids, asks = -np.sort(-each[buys]), np.sort(each[~buys])
    pairs = min(len(bids), len(asks))
    return float(book.dt_h * unit * np.maximum(bids[:pairs] - asks[:pairs], 0.0).sum())


@every()
@given(book=books)
def test_energy_bought_is_energy_sold(mechanism: Mechanism, book):
    fills = mechanism.clear(book)
    assert fills.power_kw.sum() == pytest.approx(0.0, abs=1e-9)
    traded = bool(fills.power_kw.any())
    assert np.isnan(fills.clearing_price_eur_per_kwh[0]) != traded


@every()
@given(book=books)
def test_fills_stay_within_orders(mechanism: Mechanism, book):
    fills = mechanism.clear(book)
    assert np.all(fills.power_kw * np.sign(book.quantity_kw) >= 0.0)
    assert np.all(np.abs(fills.power_kw) <= np.abs(book.quantity_kw))
    assert not fills.payment_eur[fills.power_kw == 0.0].any()


@every("individually_rational")
@given(book=books)
def test_nobody_trades_worse_than_its_order(mechanism: Mechanism, book):
    fills = mechanism.clear(book)
    worst = book.price_eur_per_kwh * fills.power_kw * book.dt_h
    assert np.all(fills.payment_eur <= worst + 1e-9)


@every()
@given(book=books)
def test_the_budget_balances(mechanism: Mechanism, book):
    kept = mechanism.clear(book).payment_eur.sum()
    assert kept >= -1e-9
    assert mechanism.budget_balance == "weak" or kept == pytest.approx(0.0, abs=1e-9)


@every("matches_all_volume")
@given(book=order_books())
def test_the_gain_is_the_largest(mechanism: Mechanism, book):
    expected = largest_gain_eur(book, unit=0.5)
    assert gain_eur(book, mechanism.clear(book)) == pytest.approx(expected, abs=1e-9)


@every("matches_all_volume")
@given(book=order_books(watts, 0.001))
def test_the_gain_is_the_largest_in_watts(mechanism: Mechanism, book):
    expected = largest_gain_eur(book, unit=0.001)
    assert gain_eur(book, mechanism.clear(book)) == pytest.approx(expected, abs=1e-9)


@every()
@given(book=books)
def test_equal_orders_are_served_in_equal_shares(mechanism: Mechanism, book):
    fills = mechanism.clear(book)
    quantity = book.quantity_kw[0]
    used = quantity != 0.0
    share = fills.power_kw[0, used] / quantity[used]
    keys = zip(np.sign(quantity[used]), book.price_eur_per_kwh[0, used], strict=True)
    shares: dict[tuple[float, float], list[float]] = {}
    for key, one in zip(keys, share, strict=True):
        shares.setdefault(key, []).append(one)
    for same in shares.values():
        assert max(same) - min(same) <= 1e-9


@every()
@given(data=st.data(), book=books)
def test_the_order_of_agents_does_not_matter(mechanism: Mechanism, data, book):
    places = data.draw(st.permutations(range(book.quantity_kw.shape[1])))
    moved = OrderBook(
        book.quantity_kw[:, places], book.price_eur_per_kwh[:, places], book.k, book.dt_h
    )
    fills, of_moved = mechanism.clear(book), mechanism.clear(moved)
    assert of_moved.power_kw == pytest.approx(fills.power_kw[:, places], abs=1e-9)
    assert of_moved.payment_eur == pytest.approx(fills.payment_eur[:, places], abs=1e-9)
    assert of_moved.clearing_price_eur_per_kwh == pytest.approx(
        fills.clearing_price_eur_per_kwh, abs=1e-9, nan_ok=True
    )


@every()
@given(orders=st.lists(st.lists(st.tuples(halves, ticks), min_size=5, max_size=5), min_size=1))
def test_a_batch_is_its_books_one_by_one(mechanism: Mechanism, orders):
    quantity, price = np.moveaxis(np.array(orders, dtype=float), -1, 0) * [[[0.5]], [[TICK]]]
    together = mechanism.clear(OrderBook(quantity.copy(), price.copy(), 0.5, 0.25))
    for b in range(len(orders)):
        alone = mechanism.clear(OrderBook(quantity[b : b + 1], price[b : b + 1], 0.5, 0.25))
        np.testing.assert_array_equal(alone.power_kw[0], together.power_kw[b])
        np.testing.assert_array_equal(alone.payment_eur[0], together.payment_eur[b])
        np.testing.assert_array_equal(
            alone.clearing_price_eur_per_kwh[0], together.clearing_price_eur_per_kwh[b]
        )


@every("truthful")
@given(data=st.data(), book=order_books())
def test_no_other_price_gains(mechanism: Mechanism, data, book):
    agent = data.draw(st.integers(0, book.quantity_kw.shape[1] - 1))
    lie = book.price_eur_per_kwh.copy()
    lie[0, agent] = to_ticks(np.array(TICK * data.draw(ticks)), TICK)
    true_price = book.price_eur_per_kwh[0, agent]

    def gain(asked: OrderBook) -> float:
        fills = mechanism.clear(asked)
        return true_price * fills.power_kw[0, agent] * book.dt_h - fills.payment_eur[0, agent]

    lied = OrderBook(book.quantity_kw, lie, book.k, book.dt_h)
    assert gain(lied) <= gain(book) + 1e-9


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
        k_double_auction.clear(
            OrderBook(book.quantity_kw, book.price_eur_per_kwh, k, book.dt_h)
        ).clearing_price_eur_per_kwh[0]
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
    return OrderBook(np.tile([1.0, -1.0], (len(price), 1)), price.copy(), 0.5, 1.0)


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
