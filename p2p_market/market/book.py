"""How a compiled rule meets an order book."""

from collections.abc import Callable
from typing import Any

import numpy as np

from p2p_market.records import Fills, OrderBook

ClearKernel = Callable[..., Any]
"""A compiled rule: fills `out_fill`, `out_payment` (batch, agent) and `out_price` (batch,).

It gets `(quantity, price, retail, feed_in, k, tick, price_max, dt)` before these, needed or not.
"""


def clear_by(kernel: ClearKernel, book: OrderBook) -> Fills:
    """What a compiled rule makes of a book."""
    power, payment = np.empty((2, *book.quantity_kw.shape))
    price = np.empty(book.quantity_kw.shape[0])
    kernel(
        book.quantity_kw, book.price_eur_per_kwh, book.retail_eur_per_kwh,
        book.feed_in_eur_per_kwh, book.k, book.tick_eur_per_kwh, book.price_max_eur_per_kwh,
        book.dt_h, power, payment, price,
    )  # fmt: skip
    return Fills(power, payment, price)
