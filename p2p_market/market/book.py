"""How a compiled rule reads an order book, and what an order book must hold."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from p2p_market.errors import OrderBookError
from p2p_market.records import FloatArray, Record, for_kernels


@dataclass(frozen=True, slots=True)
class OrderBook(Record):
    """One order per agent and the prices around it, as a mechanism sees them."""

    quantity_kw: FloatArray  # (batch, agent), positive = buy, negative = sell
    price_eur_per_kwh: FloatArray  # (batch, agent), limit price at the hub, on a tick
    retail_eur_per_kwh: FloatArray  # (batch, agent), the grid's price, on a tick
    feed_in_eur_per_kwh: FloatArray  # (batch, agent), on a tick
    k: float  # where in the crossing interval the price lies, 0 = low end, 1 = high end
    tick_eur_per_kwh: float
    price_max_eur_per_kwh: float  # orders lie between 0 and this
    dt_h: float


@for_kernels
@dataclass(frozen=True, slots=True)
class Fills(Record):
    """What a mechanism matched."""

    power_kw: FloatArray  # (batch, agent), negative = sold
    payment_eur: FloatArray  # (batch, agent), negative = received
    clearing_price_eur_per_kwh: FloatArray  # (batch,), nan when nothing was traded


ClearKernel = Callable[..., Any]
"""A compiled rule: fills `out_fill`, `out_payment` (batch, agent) and `out_price` (batch,).

It gets `(quantity, price, retail, feed_in, k, tick, price_max, dt)` before these, needed or not.
All numbers are finite: `clear` checks them, and the step's filter gives no others. With others a
rule must end as well, but what it fills means nothing.
"""

PER_AGENT: Final = (
    "quantity_kw",
    "price_eur_per_kwh",
    "retail_eur_per_kwh",
    "feed_in_eur_per_kwh",
)
"""Columns of an order book, (batch, agent)."""

LARGEST: Final = 1e12
"""kW and EUR/kWh: sums over larger orders would lose their watts, or overflow."""

NUMBERS: Final = (
    ("k", 0.0, 1.0),
    ("tick_eur_per_kwh", 1e-12, LARGEST),
    ("price_max_eur_per_kwh", 0.0, LARGEST),
    ("dt_h", 1e-12, LARGEST),
)
"""The other numbers of an order book, each with its least and its largest value."""


def clear_by(kernel: ClearKernel, book: OrderBook) -> Fills:
    """The fills of a compiled rule for a book.

    Raises:
        OrderBookError: see `checked`.
    """
    columns, numbers = checked(book)
    power, payment = np.empty((2, *columns[0].shape))
    price = np.empty(columns[0].shape[0])
    kernel(*columns, *numbers, power, payment, price)
    return Fills(power, payment, price)


def checked(book: OrderBook) -> tuple[tuple[FloatArray, ...], tuple[float, ...]]:
    """The columns of `PER_AGENT`, read-only (batch, agent), and the numbers of `NUMBERS`.

    Raises:
        OrderBookError: if a number is NaN, infinite or beyond `LARGEST` (the message names the
            order), the columns have different shapes, or one of the four numbers is not valid.
    """
    columns = tuple(_column(book, name) for name in PER_AGENT)
    shapes = [column.shape for column in columns]
    if len(shapes[0]) != 2 or len(set(shapes)) > 1:
        told = ", ".join(f"{name} {shape}" for name, shape in zip(PER_AGENT, shapes, strict=True))
        raise OrderBookError(f"order book: columns need one shape (batch, agent), got {told}")
    for name, column in zip(PER_AGENT, columns, strict=True):
        usable = np.abs(column) <= LARGEST
        if not usable.all():
            batch, agent = np.argwhere(~usable)[0].tolist()
            raise OrderBookError(
                f"order book: {name} of agent {agent} in book {batch} is {column[batch, agent]}; "
                f"orders need finite numbers up to {LARGEST:g}"
            )
    return columns, tuple(_number(book, *one) for one in NUMBERS)


def _column(book: OrderBook, name: str) -> FloatArray:
    try:
        column = np.ascontiguousarray(getattr(book, name))
        if column.dtype.kind not in "fiu":
            raise TypeError(f"its dtype is {column.dtype}")
        column = column.astype(np.float64, copy=False).reshape(np.shape(getattr(book, name)))
    except (TypeError, ValueError) as error:
        raise OrderBookError(f"order book: {name} needs numbers (batch, agent): {error}") from error
    column = column.view()
    column.setflags(write=False)  # one compiled form of a rule serves all callers
    return column


def _number(book: OrderBook, name: str, least: float, most: float) -> float:
    value = getattr(book, name)
    number = isinstance(value, (int, float, np.integer, np.floating))
    if not (number and least <= value <= most):
        raise OrderBookError(
            f"order book: {name} is {value!r}; it must be a number from {least:g} to {most:g}"
        )
    return float(value)
