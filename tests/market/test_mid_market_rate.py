"""The mid-market rate by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from p2p_market.market import mid_market_rate
from tests.market.books import TICK, book, book_of, books


def check(asked, fills_kw, price):
    fills = mid_market_rate.clear(asked)
    assert fills.power_kw[0] == pytest.approx(fills_kw, abs=1e-12)
    assert fills.clearing_price_eur_per_kwh[0] == pytest.approx(price, abs=1e-12, nan_ok=True)
    if not np.isnan(price):
        expected = np.array(fills_kw) * price * asked.dt_h
        assert fills.payment_eur[0] == pytest.approx(expected, abs=1e-12)


# Known values, by hand; the grid sells at 0.30 and buys at 0.10 unless told otherwise.


def test_the_shorter_side_is_served_in_full():
    check(book_of((1.0, 0.30), (3.0, 0.30), (-2.0, 0.10)), [0.5, 1.5, -2.0], 0.20)
    check(book_of((2.0, 0.30), (-1.0, 0.10), (-3.0, 0.10), dt_h=0.25), [2.0, -0.5, -1.5], 0.20)


def test_a_better_price_brings_no_larger_share():
    check(book_of((2.0, 0.30), (2.0, 0.21), (-2.0, 0.10)), [1.0, 1.0, -2.0], 0.20)


def test_orders_that_the_rate_does_not_satisfy_stay_out():
    asked = book_of((2.0, 0.30), (9.0, 0.199), (-1.0, 0.20), (-9.0, 0.201))
    check(asked, [1.0, 0.0, -1.0, 0.0], 0.20)


def test_neither_orders_nor_k_move_the_rate():
    for k in (0.0, 1.0):
        check(book_of((2.0, 0.5), (-2.0, 0.19), k=k), [2.0, -2.0], 0.20)


@pytest.mark.parametrize(
    ("retail", "feed_in", "rate"),
    [
        ([0.301, 0.301, 0.301], [0.100, 0.100, 0.100], 0.2005),  # half a tick
        ([0.300, 0.320, 0.340], [0.080, 0.080, 0.110], 0.2050),  # means 0.32 and 0.09
        ([0.300, 0.300, 0.301], [0.100, 0.100, 0.100], 0.2000),  # 0.20017: the nearest half tick
        ([0.300, 0.301, 0.301], [0.100, 0.100, 0.100], 0.2005),  # 0.20033
    ],
)
def test_the_rate_is_the_midpoint_of_the_means_on_a_half_tick(retail, feed_in, rate):
    """The third member has no order, and counts."""
    quantity, price = [[1.0, -1.0, 0.0]], [[0.3, 0.1, 0.2]]
    check(book(quantity, price, retail=retail, feed_in=feed_in), [1.0, -1.0, 0.0], rate)


def test_a_rate_that_nobody_wants_trades_nothing():
    check(book_of((2.0, 0.15), (-2.0, 0.12)), [0.0, 0.0], np.nan)


# Laws of its own.


@given(asked=books)
def test_the_rate_lies_between_feed_in_and_retail_on_a_half_tick(asked):
    everyone = replace(asked, price_eur_per_kwh=np.where(asked.quantity_kw > 0.0, 1.0, 0.0))
    rate = mid_market_rate.clear(everyone).clearing_price_eur_per_kwh[0]
    if np.isnan(rate):
        return
    middle = (asked.retail_eur_per_kwh.mean() + asked.feed_in_eur_per_kwh.mean()) / 2.0
    assert rate == pytest.approx(middle, abs=TICK / 4.0 + 1e-12)
    assert rate / (TICK / 2.0) == pytest.approx(round(rate / (TICK / 2.0)), abs=1e-9)


@given(asked=books)
def test_whoever_the_rate_satisfies_and_is_on_the_shorter_side_is_served_in_full(asked):
    fills = mid_market_rate.clear(asked)
    rate = fills.clearing_price_eur_per_kwh[0]
    if np.isnan(rate):
        return
    quantity = asked.quantity_kw[0]
    fits = np.sign(quantity) * (asked.price_eur_per_kwh[0] - rate) >= 0.0
    bought, sold = (quantity > 0.0) & fits, (quantity < 0.0) & fits
    short = bought if quantity[bought].sum() <= -quantity[sold].sum() else sold
    assert fills.power_kw[0, short] == pytest.approx(quantity[short], abs=1e-9)
    assert not fills.power_kw[0, ~fits].any()
