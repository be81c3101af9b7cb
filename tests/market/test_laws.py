"""What every mechanism of `MECHANISMS` declares, held against whatever stands in the table.

The laws themselves are those of the conformance battery; here hypothesis draws the books.
"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_market.market import MECHANISMS, Mechanism
from p2p_market.market.ticks import to_ticks
from p2p_market.testing.mechanism import (
    check_bought_is_sold,
    check_budget,
    check_fills_within_orders,
    check_individual_rationality,
    check_largest_gain,
    check_mechanism,
    check_ties,
)
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


@pytest.mark.parametrize("mechanism", MECHANISMS.values(), ids=MECHANISMS)
def test_the_conformance_battery(mechanism):
    check_mechanism(mechanism)


def every(*laws: str):
    """Parametrise by the mechanisms that declare all of these laws."""
    chosen = {n: m for n, m in MECHANISMS.items() if all(getattr(m, law) for law in laws)}
    return pytest.mark.parametrize("mechanism", chosen.values(), ids=chosen)


@every()
@given(book=books)
def test_energy_bought_is_energy_sold(mechanism: Mechanism, book):
    check_bought_is_sold(mechanism, [book])


@every()
@given(book=books)
def test_fills_stay_within_orders(mechanism: Mechanism, book):
    check_fills_within_orders(mechanism, [book])


@every("individually_rational")
@given(book=books)
def test_nobody_trades_worse_than_its_order(mechanism: Mechanism, book):
    check_individual_rationality(mechanism, [book])


@every()
@given(book=books)
def test_the_budget_balances(mechanism: Mechanism, book):
    check_budget(mechanism, [book])


@every("matches_all_volume")
@given(book=order_books())
def test_the_gain_is_the_largest(mechanism: Mechanism, book):
    check_largest_gain(mechanism, [book], unit_kw=0.5)


@every("matches_all_volume")
@given(book=order_books(watts, 0.001))
def test_the_gain_is_the_largest_in_watts(mechanism: Mechanism, book):
    check_largest_gain(mechanism, [book], unit_kw=0.001)


@every()
@given(book=books)
def test_equal_orders_are_served_in_equal_shares(mechanism: Mechanism, book):
    check_ties(mechanism, [book])


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
