"""The battery for mechanisms finds each law broken; `tests/market` holds ours to it."""

from dataclasses import replace

import numpy as np
import pytest

from p2p_market.errors import ConformanceError
from p2p_market.market import MECHANISMS, k_double_auction
from p2p_market.market.book import Fills
from p2p_market.testing import check_mechanism
from p2p_market.testing import mechanism as battery

SOUND = MECHANISMS["k_double_auction"]
BOOKS = list(battery.order_books(1, 200))


def creates_energy(book):
    fills = k_double_auction.clear(book)
    return replace(fills, power_kw=np.maximum(fills.power_kw, 0.0))


def hides_its_price(book):
    fills = k_double_auction.clear(book)
    return replace(fills, clearing_price_eur_per_kwh=np.full_like(fills.power_kw[:, 0], np.nan))


def serves_twice(book):
    fills = k_double_auction.clear(book)
    return replace(fills, power_kw=2.0 * fills.power_kw)


def charges_for_coming(book):
    fills = k_double_auction.clear(book)
    fee = np.where(book.quantity_kw != 0.0, 1e-6, 0.0)
    return replace(fills, payment_eur=fills.payment_eur + fee * bool(fills.power_kw.any()))


def taxes_buyers(book):
    fills = k_double_auction.clear(book)
    return replace(
        fills, payment_eur=np.where(fills.payment_eur > 0.0, 3.0, 1.0) * fills.payment_eur
    )


def pays_sellers_more(book):
    fills = k_double_auction.clear(book)
    return replace(
        fills, payment_eur=np.where(fills.payment_eur < 0.0, 1.1, 1.0) * fills.payment_eur
    )


def serves_half(book):
    fills = k_double_auction.clear(book)
    return replace(fills, power_kw=fills.power_kw / 2.0, payment_eur=fills.payment_eur / 2.0)


def trades_always(book):
    return k_double_auction.clear(replace(book, price_eur_per_kwh=np.zeros_like(book.quantity_kw)))


def fails_when_empty(book):
    book.quantity_kw.max(axis=1)
    return k_double_auction.clear(book)


def in_order_of_arrival(book):
    """Buyers and sellers meet in the book's order, at the middle of their limits."""
    power, payment = np.zeros_like(book.quantity_kw), np.zeros_like(book.quantity_kw)
    price = np.full(len(power), np.nan)
    for b, quantity in enumerate(book.quantity_kw):
        limit = book.price_eur_per_kwh[b]
        for buyer in np.flatnonzero(quantity > 0.0):
            for seller in np.flatnonzero(quantity < 0.0):
                volume = min(quantity[buyer] - power[b, buyer], power[b, seller] - quantity[seller])
                if volume > 0.0 and limit[buyer] >= limit[seller]:
                    price[b] = (limit[buyer] + limit[seller]) / 2.0
                    power[b, buyer] += volume
                    power[b, seller] -= volume
                    payment[b, buyer] += volume * price[b] * book.dt_h
                    payment[b, seller] -= volume * price[b] * book.dt_h
    return replace(
        k_double_auction.clear(book),
        power_kw=power,
        payment_eur=payment,
        clearing_price_eur_per_kwh=price,
    )


def by_numpy(book, leave_out):
    """A rule at half the highest price in a few lines of NumPy, without a look at its orders."""
    quantity, price = book.quantity_kw, 0.5 * book.price_max_eur_per_kwh
    willing = np.where(quantity > 0.0, book.price_eur_per_kwh >= price, True)
    willing &= np.where(quantity < 0.0, book.price_eur_per_kwh <= price, True)
    if leave_out:
        willing &= np.isfinite(quantity) & np.isfinite(book.price_eur_per_kwh)
    wished = np.where(willing, quantity, 0.0)
    buys, sells = np.maximum(wished, 0.0), np.maximum(-wished, 0.0)
    volume = np.minimum(buys.sum(axis=1), sells.sum(axis=1))[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        bought, sold = (
            np.where(side > 0.0, side * (volume / side.sum(axis=1, keepdims=True)), 0.0)
            for side in (buys, sells)
        )
    power = bought - sold
    told = np.where(volume[:, 0] > 0.0, price, np.nan)
    return Fills(power, np.where(power != 0.0, power * price * book.dt_h, 0.0), told)


def trusts_its_orders(book):
    return by_numpy(book, leave_out=False)


def leaves_bad_orders_out(book):
    if len({getattr(book, name).shape for name in battery.PER_AGENT}) > 1:
        raise ValueError("columns of different lengths")
    return by_numpy(book, leave_out=True)


def serves_empty_orders(book):
    fills = k_double_auction.clear(book)
    return replace(fills, payment_eur=fills.payment_eur + 1e-6 * (book.quantity_kw == 0.0))


class RemembersBooks:
    """Another k with each book."""

    count = 0

    def __call__(self, book):
        self.count += 1
        return k_double_auction.clear(replace(book, k=1.0 if self.count % 7 else 0.0))


@pytest.mark.parametrize(
    ("broken", "check", "message"),
    [
        (creates_energy, battery.check_bought_is_sold, "is not energy sold"),
        (hides_its_price, battery.check_bought_is_sold, "the price must be NaN"),
        (serves_twice, battery.check_fills_within_orders, "exceeds its order"),
        (charges_for_coming, battery.check_fills_within_orders, "costs money without energy"),
        (taxes_buyers, battery.check_individual_rationality, "at a worse price than its order"),
        (taxes_buyers, battery.check_budget, "not strong"),
        (pays_sellers_more, battery.check_budget, "not strong: -"),
        (serves_half, battery.check_largest_gain, "does not match all volume"),
        (trades_always, battery.check_individual_rationality, "at a worse price than its order"),
        (fails_when_empty, battery.check_nothing_to_match, "raises ValueError"),
        (trusts_its_orders, battery.check_bad_orders, "spoils the fills|of another length"),
        (serves_empty_orders, battery.check_bad_orders, "is empty or has NaN"),
        (in_order_of_arrival, battery.check_ties, "unequal shares"),
        (in_order_of_arrival, battery.check_order_of_agents, "order of the agents matters"),
        (RemembersBooks(), battery.check_batch, "a batch differs from its single books"),
    ],
)
def test_a_broken_law_is_named(broken, check, message):
    mechanism = replace(SOUND, clear=broken)
    with pytest.raises(ConformanceError, match=message):
        check(mechanism, BOOKS)
    with pytest.raises(ConformanceError, match=r"Orders \(kW, EUR/kWh\)"):
        check_mechanism(mechanism)


def test_a_rule_may_leave_bad_orders_out():
    battery.check_bad_orders(replace(SOUND, clear=leaves_bad_orders_out), BOOKS)


@pytest.mark.parametrize(
    ("name", "claim", "message"),
    [
        ("k_double_auction", {"truthful": True}, "it is not truthful"),
        ("discriminatory", {"truthful": True}, "it is not truthful"),
        ("mcafee", {"budget_balance": "strong"}, "not strong"),
        ("mcafee", {"matches_all_volume": True}, "does not match all volume"),
        ("mid_market_rate", {"matches_all_volume": True}, "does not match all volume"),
    ],
)
def test_a_law_too_many_is_named(name, claim, message):
    with pytest.raises(ConformanceError, match=message):
        check_mechanism(replace(MECHANISMS[name], **claim))


def test_a_weak_budget_must_not_run_a_deficit():
    mechanism = replace(SOUND, clear=pays_sellers_more, budget_balance="weak")
    with pytest.raises(ConformanceError, match="not weak: -"):
        battery.check_budget(mechanism, BOOKS)


def test_a_law_not_declared_is_not_asked_for():
    modest = replace(
        SOUND,
        clear=serves_half,
        individually_rational=False,
        budget_balance="weak",
        matches_all_volume=False,
    )
    check_mechanism(modest)
