"""McAfee's double auction by hand, and its results from theory."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_market.market import mcafee
from tests.market.books import book, book_of, gain_eur, halves, order_books, units


def check(asked, fills_kw, buyers, sellers):
    """Fills, and the price that buyers pay and the one that sellers get."""
    fills = mcafee.clear(asked)
    assert fills.power_kw[0] == pytest.approx(fills_kw, abs=1e-12)
    price = np.where(np.array(fills_kw) > 0.0, buyers, sellers)
    assert fills.payment_eur[0] == pytest.approx(fills_kw * price * asked.dt_h, abs=1e-12)
    assert fills.clearing_price_eur_per_kwh[0] == pytest.approx((buyers + sellers) / 2.0)


def check_nothing(asked):
    fills = mcafee.clear(asked)
    assert not fills.power_kw.any()
    assert np.isnan(fills.clearing_price_eur_per_kwh[0])


# Known values, by hand: orders of one size. Prices of the market lie between 0 and 0.50.


def test_the_mean_of_the_next_prices_serves_all_pairs():
    """0.30 and 0.26 cross 0.10 and 0.16; next are 0.18 and 0.22: at 0.20 both pairs trade."""
    asked = book_of((1, 0.30), (1, 0.26), (1, 0.18), (-1, 0.10), (-1, 0.16), (-1, 0.22))
    check(asked, [1.0, 1.0, 0.0, -1.0, -1.0, 0.0], 0.20, 0.20)


def test_otherwise_the_last_pair_stays_out_and_sets_the_prices():
    """Next are 0.08 and 0.22: their mean 0.15 is below the ask 0.16 of the last pair."""
    asked = book_of((1, 0.30), (1, 0.26), (1, 0.08), (-1, 0.10), (-1, 0.16), (-1, 0.22))
    check(asked, [1.0, 0.0, 0.0, -1.0, 0.0, 0.0], 0.26, 0.16)


def test_a_missing_next_order_counts_as_the_end_of_the_price_range():
    check(book_of((2, 0.30), (-2, 0.10), dt_h=0.25), [2.0, -2.0], 0.25, 0.25)  # (0 + 0.50) / 2
    check(book_of((1, 0.30), (1, 0.06), (-1, 0.10)), [1.0, 0.0, -1.0], 0.28, 0.28)  # 0.06, 0.50
    check_nothing(book_of((1, 0.20), (-1, 0.10)))  # 0.25 is too dear, and no pair is left


def test_ties_at_the_margin_share_what_is_left_of_them():
    """Three pairs cross, one stays out: 2 kW for three buyers at 0.30 and three sellers at 0.10."""
    asked = book_of(*[(1, 0.20)] * 3, *[(-1, 0.10)] * 3)
    check(asked, [2 / 3] * 3 + [-2 / 3] * 3, 0.20, 0.10)


# Known values, by hand: orders of different sizes.


def test_the_marginal_orders_stay_out_and_the_longer_side_is_cut_pro_rata():
    """6 kW cross; without the marginal bid (0.24) 4 kW want to buy, without the ask (0.18) 3 sell.

    The bid at 0.40 is cut like the one at 0.30: a higher bid buys no more.
    """
    asked = book_of((1, 0.40), (3, 0.30), (2, 0.24), (-3, 0.10), (-4, 0.18))
    check(asked, [0.75, 2.25, 0.0, -3.0, 0.0], 0.24, 0.18)


def test_one_large_order_on_a_side_is_the_marginal_one():
    check_nothing(book_of((5, 0.40), (-1, 0.10), (-2, 0.12)))


def test_at_a_shared_marginal_price_the_largest_order_stays_out():
    """Bids of 1 and 3 kW share 0.30; without the 3 kW one is left, and shared one to three."""
    asked = book_of((1, 0.30), (3, 0.30), (-3, 0.10), (-1, 0.20))
    check(asked, [0.25, 0.75, -1.0, 0.0], 0.30, 0.20)


# Results from theory.


@given(data=st.data(), asked=order_books(units, most=12))
def test_no_order_of_one_size_gains_by_another_price(data, asked):
    """Source: McAfee (1992); here at any price, not only those on ticks."""
    agent = data.draw(st.integers(0, asked.quantity_kw.shape[1] - 1))
    lie = asked.price_eur_per_kwh.copy()
    lie[0, agent] = data.draw(st.floats(0.0, asked.price_max_eur_per_kwh))
    lied = replace(asked, price_eur_per_kwh=lie)
    worth = asked.price_eur_per_kwh[0, agent]
    honest = gain_eur(asked, mcafee.clear(asked), agent, worth)
    assert gain_eur(lied, mcafee.clear(lied), agent, worth) <= honest + 1e-9


@given(asked=order_books(halves))
def test_at_most_the_orders_at_the_margin_are_lost(asked):
    """Everything strictly better than both prices trades, but for the longer side's cut."""
    fills = mcafee.clear(asked)
    if not fills.power_kw.any():
        return
    unit = np.divide(
        fills.payment_eur[0],
        fills.power_kw[0] * asked.dt_h,
        out=np.full(fills.power_kw.shape[1], np.nan),
        where=fills.power_kw[0] != 0.0,
    )
    quantity, limit = asked.quantity_kw[0], asked.price_eur_per_kwh[0]
    full = []
    for sign in (1.0, -1.0):
        price = np.nanmean(unit[sign * quantity > 0.0])
        better = (sign * quantity > 0.0) & (sign * (limit - price) > 1e-9)
        full.append(np.allclose(fills.power_kw[0, better], quantity[better], atol=1e-9))
    assert any(full)


def efficiency(pairs: int, books: int) -> float:
    """Expected gain over the largest one, unit orders worth U(0, 1) [%]."""
    worth = np.random.default_rng(0).random((books, 2 * pairs))
    unit = np.repeat([1.0, -1.0], pairs)
    fills = mcafee.clear(book(np.tile(unit, (books, 1)), worth, price_max=1.0))
    best = -np.sort(-worth[:, :pairs]) - np.sort(worth[:, pairs:])
    return 100.0 * (fills.power_kw * worth).sum() / np.maximum(best, 0.0).sum()


@pytest.mark.compiled
@pytest.mark.parametrize(
    ("pairs", "books", "percent"),
    [(2, 400_000, 82.0), (4, 200_000, 92.5), (10, 50_000, 98.4), (50, 5_000, 99.9)],
)
def test_the_efficiency_approaches_one(pairs, books, percent):
    """Buyers and sellers of one unit each, values and costs uniform on [0, 1].

    Source: McAfee (1992), doi:10.1016/0022-0531(92)90091-U.
    """
    assert efficiency(pairs, books) == pytest.approx(percent, abs=0.5)
