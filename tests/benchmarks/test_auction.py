"""One auction, from the order book to fills and payments."""

import numpy as np
import pytest

from p2p_market.market import MECHANISMS
from p2p_market.market.book import OrderBook
from p2p_market.market.ticks import to_ticks

from .reference import auction

DEFAULT = "k_double_auction"


def book_of(books, orders):
    generator = np.random.default_rng(0)
    quantity = generator.uniform(-5.0, 5.0, (books, orders))
    price = to_ticks(generator.uniform(0.08, 0.35, (books, orders)), 0.001)
    retail, feed_in = np.full_like(price, 0.35), np.full_like(price, 0.08)
    return OrderBook(quantity, price, retail, feed_in, 0.5, 0.001, 0.5, 0.25)


@pytest.mark.parametrize("orders", [16, 1_000, 100_000, 1_000_000])
@pytest.mark.benchmark(group="one auction, called from Python")
def test_auction(benchmark, per, orders):
    per("auction")
    clear, book = MECHANISMS[DEFAULT].clear, book_of(1, orders)
    clear(book)
    benchmark(clear, book)


@pytest.mark.parametrize("name", sorted(MECHANISMS.keys() - {DEFAULT}))
@pytest.mark.benchmark(group="one auction, called from Python")
def test_other_mechanism(benchmark, per, name):
    per("auction")
    clear, book = MECHANISMS[name].clear, book_of(1, 100_000)
    clear(book)
    benchmark(clear, book)


@pytest.mark.parametrize("orders", [16, 1_000, 100_000, 1_000_000])
@pytest.mark.benchmark(group="one auction, called from Python")
def test_auction_in_numpy(benchmark, per, orders):
    per("auction")
    book = book_of(1, orders)
    benchmark(auction, book.quantity_kw, book.price_eur_per_kwh, book.tick_eur_per_kwh, book.k)


@pytest.mark.parametrize("name", sorted(MECHANISMS))
@pytest.mark.benchmark(group="an auction of 16 orders, called by the compiled step")
def test_auction_inside(benchmark, per, name):
    """The kernel's own loop over books stands for that of the step."""
    per("auction", 1024)
    book, kernel = book_of(1024, 16), MECHANISMS[name].kernel
    fill, payment, price = np.empty((1024, 16)), np.empty((1024, 16)), np.empty(1024)
    limits = book.retail_eur_per_kwh, book.feed_in_eur_per_kwh
    numbers = book.k, book.tick_eur_per_kwh, book.price_max_eur_per_kwh, book.dt_h
    orders = book.quantity_kw, book.price_eur_per_kwh
    kernel(*orders, *limits, *numbers, fill, payment, price)
    benchmark(kernel, *orders, *limits, *numbers, fill, payment, price)
