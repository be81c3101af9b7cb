"""What every mechanism of `MECHANISMS` declares, held against whatever stands in the table."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_market.market import MECHANISMS, Mechanism
from p2p_market.records import Fills, OrderBook
from p2p_market.tariff import to_ticks
from tests.market.books import (
    TICK,
    book_of,
    books,
    gain_eur,
    order_books,
    reordered,
    stacked,
    ticks,
    units,
    watts,
)


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


def every(*laws: str):
    """Parametrise by the mechanisms that declare all of these laws."""
    chosen = {n: m for n, m in MECHANISMS.items() if all(getattr(m, law) for law in laws)}
    return pytest.mark.parametrize("mechanism", chosen.values(), ids=chosen)


def total_gain_eur(book: OrderBook, fills: Fills) -> float:
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
    assert total_gain_eur(book, mechanism.clear(book)) == pytest.approx(expected, abs=1e-9)


@every("matches_all_volume")
@given(book=order_books(watts, 0.001))
def test_the_gain_is_the_largest_in_watts(mechanism: Mechanism, book):
    expected = largest_gain_eur(book, unit=0.001)
    assert total_gain_eur(book, mechanism.clear(book)) == pytest.approx(expected, abs=1e-9)


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
    moved = reordered(book, places)
    fills, of_moved = mechanism.clear(book), mechanism.clear(moved)
    assert of_moved.power_kw == pytest.approx(fills.power_kw[:, places], abs=1e-9)
    assert of_moved.payment_eur == pytest.approx(fills.payment_eur[:, places], abs=1e-9)
    assert of_moved.clearing_price_eur_per_kwh == pytest.approx(
        fills.clearing_price_eur_per_kwh, abs=1e-9, nan_ok=True
    )


@every()
@given(apart=st.lists(order_books(least=5, most=5), min_size=1, max_size=5))
def test_a_batch_is_its_books_one_by_one(mechanism: Mechanism, apart):
    apart = [replace(one, k=0.5, dt_h=0.25) for one in apart]
    together = mechanism.clear(stacked(apart))
    for b, one in enumerate(apart):
        alone = mechanism.clear(one)
        np.testing.assert_array_equal(alone.power_kw[0], together.power_kw[b])
        np.testing.assert_array_equal(alone.payment_eur[0], together.payment_eur[b])
        np.testing.assert_array_equal(
            alone.clearing_price_eur_per_kwh[0], together.clearing_price_eur_per_kwh[b]
        )


@every("truthful")
@given(data=st.data(), book=st.one_of(order_books(), order_books(units)))
def test_no_other_price_gains(mechanism: Mechanism, data, book):
    agent = data.draw(st.integers(0, book.quantity_kw.shape[1] - 1))
    lie = book.price_eur_per_kwh.copy()
    lie[0, agent] = to_ticks(np.array(TICK * data.draw(ticks)), TICK)
    worth = book.price_eur_per_kwh[0, agent]
    lied = replace(book, price_eur_per_kwh=lie)
    honest = gain_eur(book, mechanism.clear(book), agent, worth)
    assert gain_eur(lied, mechanism.clear(lied), agent, worth) <= honest + 1e-9


@pytest.mark.parametrize("name", [name for name, m in MECHANISMS.items() if not m.truthful])
def test_what_is_not_declared_truthful_is_not(name):
    """A law too few would be as wrong as one too many: here the buyer gains by shading its bid."""
    honest, shaded = book_of((1.0, 0.3), (-1.0, 0.1)), book_of((1.0, 0.2), (-1.0, 0.1))
    gains = [gain_eur(b, MECHANISMS[name].clear(b), 0, 0.3) for b in (honest, shaded)]
    assert gains[1] > gains[0] + 0.01
