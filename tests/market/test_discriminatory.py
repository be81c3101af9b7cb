"""The discriminatory auction by hand, and against the uniform price."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from p2p_market.market import discriminatory, k_double_auction
from tests.market.books import book_of, books


def check(book, fills_kw, paid_eur, price):
    fills = discriminatory.clear(book)
    assert fills.power_kw[0] == pytest.approx(fills_kw, abs=1e-12)
    assert fills.payment_eur[0] == pytest.approx(paid_eur, abs=1e-12)
    assert fills.clearing_price_eur_per_kwh[0] == pytest.approx(price, abs=1e-12)


# Known values, by hand.


@pytest.mark.parametrize(("k", "price"), [(0.0, 0.10), (0.5, 0.20), (1.0, 0.30)])
def test_k_says_whose_price_a_pair_pays(k, price):
    check(book_of((2.0, 0.30), (-2.0, 0.10), k=k), [2.0, -2.0], [2 * price, -2 * price], price)


def test_payment_is_for_energy():
    check(book_of((2.0, 0.30), (-2.0, 0.10), dt_h=0.25), [2.0, -2.0], [0.1, -0.1], 0.20)


def test_each_pair_pays_its_own_midpoint():
    """The best bid meets the cheapest ask: 0.30 with 0.10, then 0.20 with 0.14; 0.12 is too low."""
    book = book_of((1.0, 0.20), (1.0, 0.30), (1.0, 0.12), (-1.0, 0.14), (-1.0, 0.10), (-1.0, 0.16))
    check(book, [1.0, 1.0, 0.0, -1.0, -1.0, 0.0], [0.17, 0.20, 0.0, -0.17, -0.20, 0.0], 0.185)


def test_a_large_order_meets_several():
    """3 kW at 0.30 meet 2 kW at 0.10 (midpoint 0.20) and 1 kW of the 4 at 0.20 (0.25)."""
    book = book_of((3.0, 0.30), (-2.0, 0.10), (-4.0, 0.20))
    check(book, [3.0, -2.0, -1.0], [0.65, -0.40, -0.25], 0.65 / 3.0)


def test_ties_share_quantity_and_money_pro_rata():
    """4 kW at 0.30 meet 1 kW at 0.10 and 3 kW at 0.20: 0.20 + 0.75 EUR, split one to three."""
    book = book_of((1.0, 0.30), (3.0, 0.30), (-1.0, 0.10), (-3.0, 0.20))
    check(book, [1.0, 3.0, -1.0, -3.0], [0.2375, 0.7125, -0.20, -0.75], 0.2375)
    book = book_of((2.0, 0.30), (-1.0, 0.10), (-3.0, 0.10))
    check(book, [2.0, -0.5, -1.5], [0.40, -0.10, -0.30], 0.20)


# Laws of its own.


@given(book=books)
def test_it_matches_what_the_uniform_price_matches(book):
    fills, uniform = discriminatory.clear(book), k_double_auction.clear(book)
    np.testing.assert_array_equal(fills.power_kw, uniform.power_kw)


@pytest.mark.parametrize(("k", "side"), [(0.0, -1.0), (1.0, 1.0)])
@given(book=books)
def test_at_the_ends_of_k_one_side_pays_as_bid(k, side, book):
    fills = discriminatory.clear(replace(book, k=k))
    own = side * fills.power_kw > 0.0
    expected = fills.power_kw * book.price_eur_per_kwh * book.dt_h
    assert fills.payment_eur[own] == pytest.approx(expected[own], abs=1e-9)
