"""Counting ticks puts orders in the same order as sorting them."""

import numpy as np
import pytest

from p2p_market.market.merit_order import COUNTING_FROM, sides
from p2p_market.market.ticks import to_ticks

TICK = 0.001


def sorted_sides(quantity: np.ndarray, price: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    bids, asks = np.flatnonzero(quantity > 0.0), np.flatnonzero(quantity < 0.0)
    return (
        bids[np.argsort(-price[bids], kind="stable")],
        asks[np.argsort(price[asks], kind="stable")],
    )


@pytest.mark.parametrize("orders", [0, 1, COUNTING_FROM - 1, COUNTING_FROM, 1000])
@pytest.mark.parametrize("spread", [0.0, 0.01, 0.4, 30.0])
@pytest.mark.parametrize("on_ticks", [True, False])
def test_the_merit_order_is_the_stable_sort(orders, spread, on_ticks):
    generator = np.random.default_rng(orders)
    price = 0.1 + spread * generator.random(orders)
    if on_ticks:
        price = to_ticks(price, TICK)
    quantity = generator.choice([-2.0, -1.0, 0.0, 1.0, 2.5], orders)
    for got, expected in zip(
        sides(quantity, price, TICK), sorted_sides(quantity, price), strict=True
    ):
        np.testing.assert_array_equal(got, expected)
