"""Conformance of a market mechanism: the laws of all, and those that it declares."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, replace
from typing import Any, Final

import numpy as np

from p2p_market.errors import ConformanceError
from p2p_market.market import Mechanism
from p2p_market.market.book import PER_AGENT, Fills, OrderBook
from p2p_market.market.ticks import to_ticks
from p2p_market.records import FloatArray

TICK: Final = 0.001
PRICES: Final = 13  # limits lie on few ticks, so that many tie
UNIT_KW: Final = 0.5  # quantities are multiples: sums are exact, balanced books are frequent
TOLERANCE: Final = 1e-9
BAD_BOOKS: Final = 20  # so many of the books are spoiled
BAD: Final = (np.nan, np.inf, -np.inf)
"""Values that no order may have."""


def check_mechanism(mechanism: Mechanism, seed: int = 0, count: int = 200) -> None:
    """All checks of one mechanism on drawn books of up to eight orders, with many ties.

    Args:
        mechanism: the rule and the laws that it declares.
        seed: draws the books.
        count: number of books.

    Raises:
        ConformanceError: at the first law that is broken, with the book that breaks it.
    """
    books = list(order_books(seed, count))
    for check in CHECKS:
        check(mechanism, books)


def check_nothing_to_match(mechanism: Mechanism, books: Sequence[OrderBook]) -> None:
    """Where no bid meets an ask nothing is traded, nothing paid, and nothing raised."""
    empty = _with_columns(books[0], {name: np.zeros((1, 0)) for name in PER_AGENT})
    for book in (empty, *(one_sided(b, side) for b in books for side in (-1.0, 0.0, 1.0))):
        try:
            fills = mechanism.clear(book)
        except Exception as error:
            raise _broken(mechanism, f"raises {error!r} where no bid meets an ask", book) from error
        if fills.power_kw.any() or fills.payment_eur.any():
            raise _broken(mechanism, "trades where no bid meets an ask", book, fills)


def check_bad_orders(mechanism: Mechanism, books: Iterable[OrderBook]) -> None:
    """An order with NaN or infinity is refused or left out; columns of unlike length are refused.

    Zeros of either sign are empty orders. A rule that loops for ever on such a book is not stopped
    here: if this check does not end, that is the finding.
    """
    for book in [book for book in books if _size(book) > 1][:BAD_BOOKS]:
        for name in ("quantity_kw", "price_eur_per_kwh"):
            for agent, value in enumerate(BAD):
                _insist_left_out(mechanism, _with_order(book, name, agent % _size(book), value))
            short = _with_columns(book, {name: getattr(book, name)[:, 1:].copy()})
            if _cleared(mechanism, short) is not None:
                raise _broken(mechanism, f"takes {name} of another length", book)
        _insist_left_out(mechanism, _with_order(book, "quantity_kw", 0, -0.0))


def _insist_left_out(mechanism: Mechanism, book: OrderBook) -> None:
    """Orders with NaN, infinity or zero got nothing, or the book was refused."""
    fills = _cleared(mechanism, book)
    if fills is None:
        return
    numbers = fills.power_kw, fills.payment_eur
    if not all(np.isfinite(array).all() for array in numbers):
        raise _broken(mechanism, "NaN or infinity in an order spoils the fills", book, fills)
    usable = np.isfinite(book.quantity_kw) & np.isfinite(book.price_eur_per_kwh)
    left_out = ~usable | (book.quantity_kw == 0.0)
    if any(array[left_out].any() for array in numbers):
        raise _broken(
            mechanism, "an order that is empty or has NaN or infinity trades", book, fills
        )
    if not abs(fills.power_kw.sum()) <= TOLERANCE:
        raise _broken(mechanism, "energy bought is not energy sold", book, fills)


def _cleared(mechanism: Mechanism, book: OrderBook) -> Fills | None:
    """What a mechanism makes of a book; None where it refuses it by an error."""
    try:
        return mechanism.clear(book)
    except Exception:  # whatever kind of error a rule has for bad books
        return None


def _with_order(book: OrderBook, name: str, agent: int, value: float) -> OrderBook:
    column = getattr(book, name).copy()
    column[0, agent] = value
    return _with_columns(book, {name: column})


def check_bought_is_sold(mechanism: Mechanism, books: Iterable[OrderBook]) -> None:
    """Energy bought is energy sold, and there is a price exactly when something was traded."""
    for book in books:
        fills = mechanism.clear(book)
        if not abs(fills.power_kw.sum()) <= TOLERANCE:
            raise _broken(mechanism, "energy bought is not energy sold", book, fills)
        if bool(np.isnan(fills.clearing_price_eur_per_kwh[0])) == bool(fills.power_kw.any()):
            raise _broken(
                mechanism,
                "the price must be NaN exactly when nothing trades, and is not",
                book,
                fills,
            )


def check_fills_within_orders(mechanism: Mechanism, books: Iterable[OrderBook]) -> None:
    """Nobody gets more than its order, nor the other side of it, nor pays for nothing."""
    for book in books:
        fills, order = mechanism.clear(book), book.quantity_kw
        within = (fills.power_kw * np.sign(order) >= 0.0) & (
            np.abs(fills.power_kw) <= np.abs(order)
        )
        if not within.all() or fills.payment_eur[fills.power_kw == 0.0].any():
            raise _broken(
                mechanism, "a fill exceeds its order, or costs money without energy", book, fills
            )


def check_individual_rationality(mechanism: Mechanism, books: Iterable[OrderBook]) -> None:
    """Declared `individually_rational`: nobody trades at a price worse than its order."""
    for book in books:
        fills = mechanism.clear(book)
        worst = book.price_eur_per_kwh * fills.power_kw * book.dt_h
        if mechanism.individually_rational and not np.all(fills.payment_eur <= worst + TOLERANCE):
            raise _broken(mechanism, "an agent trades at a worse price than its order", book, fills)


def check_budget(mechanism: Mechanism, books: Iterable[OrderBook]) -> None:
    """Declared `budget_balance`: strong, paid is received; weak, no more is received than paid."""
    for book in books:
        fills = mechanism.clear(book)
        kept = float(fills.payment_eur.sum())
        most = TOLERANCE if mechanism.budget_balance == "strong" else np.inf
        if not -TOLERANCE <= kept <= most:
            what = f"its budget balance is not {mechanism.budget_balance}: {kept:.9f} EUR is left"
            raise _broken(mechanism, what, book, fills)


def check_largest_gain(
    mechanism: Mechanism, books: Iterable[OrderBook], unit_kw: float = UNIT_KW
) -> None:
    """Declared `matches_all_volume`: the gain from trade is the largest there is.

    Args:
        unit_kw: all quantities are multiples of this.
    """
    for book in books:
        fills = mechanism.clear(book)
        gain = float(book.dt_h * (book.price_eur_per_kwh * fills.power_kw).sum())
        most = largest_gain_eur(book, unit_kw)
        if mechanism.matches_all_volume and not abs(gain - most) <= TOLERANCE:
            what = (
                f"it gains {gain:.6f} EUR where {most:.6f} are possible: it does not match all "
                "volume"
            )
            raise _broken(mechanism, what, book, fills)


def check_truthful(mechanism: Mechanism, books: Iterable[OrderBook]) -> None:
    """Declared `truthful`: no agent gains by another limit, tried on all ticks."""
    if not mechanism.truthful:
        return
    limits = to_ticks(TICK * np.arange(PRICES, dtype=np.float64), TICK)
    for book in books:
        honest = gains_eur(book, mechanism.clear(book), book.price_eur_per_kwh)
        for agent in range(book.quantity_kw.shape[1]):
            for limit in limits:
                lie = book.price_eur_per_kwh.copy()
                lie[0, agent] = limit
                fills = mechanism.clear(replace(book, price_eur_per_kwh=lie))
                lied = gains_eur(book, fills, book.price_eur_per_kwh)
                if lied[0, agent] > honest[0, agent] + TOLERANCE:
                    what = f"agent {agent} gains by the limit {limit:.3f}: it is not truthful"
                    raise _broken(mechanism, what, book, fills)


def check_ties(mechanism: Mechanism, books: Iterable[OrderBook]) -> None:
    """Orders of one side and limit get the same share of their quantity."""
    for book in books:
        fills = mechanism.clear(book)
        used = book.quantity_kw[0] != 0.0
        share = fills.power_kw[0, used] / book.quantity_kw[0, used]
        sides, prices = np.sign(book.quantity_kw[0, used]), book.price_eur_per_kwh[0, used]
        equal = (sides[:, None] == sides) & (prices[:, None] == prices)
        if np.any(equal & (np.abs(share[:, None] - share) > TOLERANCE)):
            raise _broken(mechanism, "equal orders get unequal shares", book, fills)


def check_order_of_agents(mechanism: Mechanism, books: Iterable[OrderBook]) -> None:
    """Where an agent stands in the book does not matter."""
    for book in books:
        columns = {name: getattr(book, name)[:, ::-1].copy() for name in PER_AGENT}
        turned = _with_columns(book, columns)
        fills, of_turned = mechanism.clear(book), mechanism.clear(turned)
        pairs = (
            (fills.power_kw, of_turned.power_kw[:, ::-1]),
            (fills.payment_eur, of_turned.payment_eur[:, ::-1]),
        )
        if any(np.any(np.abs(one - other) > TOLERANCE) for one, other in pairs):
            raise _broken(mechanism, "the order of the agents matters", book, fills)


def check_batch(mechanism: Mechanism, books: Sequence[OrderBook]) -> None:
    """A batch is cleared to the last bit as its books one by one, and again as before."""
    for book in books:
        five = [replace(b, k=book.k, dt_h=book.dt_h) for b in books if _size(b) == _size(book)][:5]
        columns = {name: np.concatenate([getattr(b, name) for b in five]) for name in PER_AGENT}
        together, alone = (
            mechanism.clear(_with_columns(five[0], columns)),
            list(map(mechanism.clear, five)),
        )
        for field in fields(Fills):
            whole = getattr(together, field.name)
            parts = np.concatenate([getattr(one, field.name) for one in alone])
            if whole.tobytes() != parts.tobytes():
                raise _broken(
                    mechanism,
                    f"{field.name}: a batch differs from its single books",
                    book,
                    together,
                )


CHECKS: Final = (
    check_nothing_to_match,
    check_bad_orders,
    check_bought_is_sold,
    check_fills_within_orders,
    check_individual_rationality,
    check_budget,
    check_largest_gain,
    check_truthful,
    check_ties,
    check_order_of_agents,
    check_batch,
)
"""What `check_mechanism` runs, in order."""


def order_books(seed: int, count: int) -> Iterator[OrderBook]:
    """Books of one to eight orders on few ticks, some of them empty, under different contracts."""
    generator = np.random.default_rng(seed)
    for _ in range(count):
        shape = (1, int(generator.integers(1, 9)))
        limit, one, other = to_ticks(
            TICK * generator.integers(0, PRICES, (3, *shape)).astype(np.float64), TICK
        )
        yield OrderBook(
            quantity_kw=UNIT_KW * generator.integers(-4, 5, shape).astype(np.float64),
            price_eur_per_kwh=limit,
            retail_eur_per_kwh=np.maximum(one, other),
            feed_in_eur_per_kwh=np.minimum(one, other),
            k=float(generator.choice([0.0, 0.25, 0.5, 1.0])),
            tick_eur_per_kwh=TICK,
            price_max_eur_per_kwh=float(to_ticks(np.array(TICK * (PRICES - 1)), TICK)),
            dt_h=float(generator.choice([0.25, 0.5, 1.0])),
        )


def one_sided(book: OrderBook, side: float) -> OrderBook:
    """The same book with buyers only (1), sellers only (-1) or empty orders (0)."""
    return replace(book, quantity_kw=side * np.abs(book.quantity_kw))


def largest_gain_eur(book: OrderBook, unit_kw: float) -> float:
    """By brute force: every unit is an order of its own, the best bids meet the cheapest asks."""
    count = np.round(book.quantity_kw[0] / unit_kw).astype(int)
    each = np.repeat(book.price_eur_per_kwh[0], np.abs(count))
    buys = np.repeat(count > 0, np.abs(count))
    bids, asks = -np.sort(-each[buys]), np.sort(each[~buys])
    pairs = min(len(bids), len(asks))
    return float(book.dt_h * unit_kw * np.maximum(bids[:pairs] - asks[:pairs], 0.0).sum())


def gains_eur(book: OrderBook, fills: Fills, worth_eur_per_kwh: FloatArray) -> FloatArray:
    """What each agent gains to whom a kWh is worth so much, (batch, agent) [EUR]."""
    return worth_eur_per_kwh * fills.power_kw * book.dt_h - fills.payment_eur


def _size(book: OrderBook) -> int:
    return int(book.quantity_kw.shape[1])


def _with_columns(book: OrderBook, columns: dict[str, Any]) -> OrderBook:
    return replace(book, **columns)


def _broken(
    mechanism: Mechanism, what: str, book: OrderBook, fills: Fills | None = None
) -> ConformanceError:
    rule = mechanism.clear
    name = f"{getattr(rule, '__module__', '')}.{getattr(rule, '__qualname__', rule)}"
    orders = list(
        zip(book.quantity_kw[0].tolist(), book.price_eur_per_kwh[0].tolist(), strict=True)
    )
    got = "" if fills is None else f"; fills {fills.power_kw[0]} kW, {fills.payment_eur[0]} EUR"
    return ConformanceError(
        f"{name}: {what}. Orders (kW, EUR/kWh) {orders}, k {book.k}, dt {book.dt_h} h{got}; "
        "fix the rule, or no longer declare the law if it is a declared one"
    )
