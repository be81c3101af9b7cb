"""Malformed order books: an error that names the order, and an end in every case."""

import contextlib
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_market.errors import OrderBookError
from p2p_market.market import MECHANISMS
from p2p_market.market.book import PER_AGENT
from p2p_market.market.merit_order import COUNTING_FROM
from tests.market.books import book, book_of

every = pytest.mark.parametrize("mechanism", MECHANISMS.values(), ids=MECHANISMS)
BAD = [np.nan, np.inf, -np.inf, 1e300, -1e13]


@every
@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize("column", PER_AGENT)
def test_an_order_with_nan_or_infinity_is_named(mechanism, column, value):
    whole = book(np.tile([[10.0, -10.0, 4.0]], (2, 1)), np.full((2, 3), 0.1))
    spoiled = getattr(whole, column).copy()
    spoiled[1, 2] = value
    with pytest.raises(OrderBookError, match=rf"{column} of agent 2 in book 1 is"):
        mechanism.clear(replace(whole, **{column: spoiled}))


@every
def test_nan_prices_end_in_an_error(mechanism):
    for price in ([np.nan, 0.1], [0.1, np.nan], [np.nan, np.nan]):
        with pytest.raises(OrderBookError, match="price_eur_per_kwh of agent"):
            mechanism.clear(book([[10.0, -10.0]], [price]))


@every
@pytest.mark.parametrize("column", PER_AGENT)
@pytest.mark.parametrize(
    "other",
    [
        np.zeros((1, 2)),
        np.zeros((2, 3)),
        np.zeros(3),
        np.zeros((1, 3, 1)),
        np.zeros((0, 3)),
        np.float64(0.1),
        [[0.1, 0.2], [0.1]],
        np.array([["a", "b", "c"]]),
        np.zeros((1, 3), dtype=complex),
        np.zeros((1, 3), dtype=bool),
        None,
    ],
    ids=repr,
)
def test_columns_of_other_shapes_or_kinds_are_refused(mechanism, column, other):
    whole = book([[1.0, -1.0, 1.0]], [[0.3, 0.1, 0.2]])
    with pytest.raises(OrderBookError, match="order book: "):
        mechanism.clear(replace(whole, **{column: other}))


@every
@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("k", value) for value in (np.nan, -0.1, 1.1, "0.5", None)],
        *[("tick_eur_per_kwh", value) for value in (np.nan, 0.0, -0.001, np.inf)],
        *[("dt_h", value) for value in (np.nan, 0.0, np.inf)],
        *[("price_max_eur_per_kwh", value) for value in (np.nan, -1.0, np.inf)],
    ],
)
def test_numbers_beside_the_orders_are_checked(mechanism, name, value):
    whole = replace(book_of((2.0, 0.3), (-2.0, 0.1)), **{name: value})
    with pytest.raises(OrderBookError, match=f"order book: {name} is"):
        mechanism.clear(whole)


@every
def test_whole_numbers_and_strided_columns_are_books_as_well(mechanism):
    plain = book([[4.0, -4.0]], [[1.0, 0.0]], retail=1.0, feed_in=0.0, price_max=1.0)
    whole = {name: getattr(plain, name).astype(np.int64) for name in PER_AGENT}
    strided = {name: np.repeat(getattr(plain, name), 2, axis=1)[:, ::2] for name in PER_AGENT}
    expected = mechanism.clear(plain)
    for columns in (whole, strided):
        fills = mechanism.clear(replace(plain, **columns, k=np.float32(0.5)))
        assert fills.power_kw.tobytes() == expected.power_kw.tobytes()
        assert fills.payment_eur.tobytes() == expected.payment_eur.tobytes()


@every
def test_zeros_of_either_sign_are_empty_orders_and_prices(mechanism):
    for zero in (0.0, -0.0):
        fills = mechanism.clear(book_of((zero, 0.3), (-2.0, 0.1), (2.0, 0.1)))
        assert fills.power_kw[0, 0] == 0.0
        assert fills.payment_eur[0, 0] == 0.0
        free = mechanism.clear(replace(book_of((2.0, zero), (-2.0, 0.0)), price_max_eur_per_kwh=0))
        assert np.isfinite(free.power_kw).all()


@every
@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
def test_empty_books_give_nothing(mechanism, shape):
    fills = mechanism.clear(book(np.zeros(shape), np.zeros(shape)))
    assert fills.power_kw.shape == shape
    assert fills.clearing_price_eur_per_kwh.shape == shape[:1]


numbers = st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e308, -1e308, 1.0, -1.0, 0.25])


def run_kernel(mechanism, orders):
    """A rule past the door: what is filled means nothing, but there are no more turns than orders.

    Args:
        orders: (quantity, price) of each agent.
    """
    quantity, price = np.array(orders).T[:, None].copy()
    contracts = np.full((2, *price.shape), 0.1)
    for column in (quantity, price, contracts):
        column.setflags(write=False)
    fill, payment, hub_price = np.empty(price.shape), np.empty(price.shape), np.empty(1)
    with np.errstate(all="ignore"), contextlib.suppress(ZeroDivisionError):
        mechanism.kernel(
            quantity, price, contracts[0], contracts[1], 0.5, 0.001, 0.5, 1.0,
            fill, payment, hub_price,
        )  # fmt: skip


@every
def test_a_compiled_rule_ends_with_any_two_orders(mechanism):
    every_order = list(product([np.nan, np.inf, -np.inf, 1.0, -1.0], [np.nan, np.inf, 0.25]))
    for pair in product(every_order, repeat=2):
        run_kernel(mechanism, pair)


@every
@given(data=st.data(), long=st.booleans())
def test_a_compiled_rule_ends_whatever_it_is_given(mechanism, data, long):
    orders = data.draw(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=6))
    run_kernel(mechanism, orders * (COUNTING_FROM if long else 1))
