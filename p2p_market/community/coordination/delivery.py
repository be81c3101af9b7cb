"""Energy that contracts deliver before the auction, and the money of contracts."""

import numpy as np

from p2p_market.community.coordination.agreements import pay
from p2p_market.community.coordination.proposals import said
from p2p_market.community.coordination.records import (
    BACKUP,
    BUYER,
    END,
    FIELDS,
    FORWARD,
    KIND,
    PRICE,
    QUANTITY,
    SELLER,
    START,
)
from p2p_market.compilation import inner


@inner(forceinline=True)
def deliver(rules, terms, t, b, further, left_kw, out_order_kw, out):  # type: ignore[no-untyped-def]
    """Deliver in the order of signing what surplus and deficit of the parties allow.

    Of a forward contract the side that falls short pays damages to the other; if both do, nobody
    pays. Of a backup option only what is called and needed is due.
    """
    contracts, dt = out.contracts[b], rules.dt_h
    for c in range(contracts.shape[0]):
        row = contracts[c]
        if row[KIND] == 0.0:
            break
        if not row[START] <= t < row[END] or (row[KIND] == FORWARD and not terms.delivery):
            continue
        buyer, seller, due = int(row[BUYER]), int(row[SELLER]), row[QUANTITY]
        wanted, spare = max(left_kw[buyer], 0.0), max(-left_kw[seller], 0.0)
        if row[KIND] == BACKUP:
            due *= min(max(said(further[buyer], terms.at.call), 0.0), 1.0)
            due = min(due, wanted)
        x = min(min(due, wanted), spare)
        missing_eur = (due - x) * dt * terms.damages
        if wanted < due <= spare:
            pay(b, buyer, seller, missing_eur, out)
        elif spare < due <= wanted:
            pay(b, seller, buyer, missing_eur, out)
        _hand_over(b, buyer, seller, x, x * dt * row[PRICE], left_kw, out_order_kw, out)


@inner(forceinline=True)
def _hand_over(b, buyer, seller, x, eur, left_kw, out_order_kw, out):  # type: ignore[no-untyped-def]
    """Move energy against money; both orders shrink by it."""
    left_kw[buyer] -= x
    left_kw[seller] += x
    out.matched_kw[b, buyer] += x
    out.matched_kw[b, seller] -= x
    out.money_eur[b, buyer] += eur
    out.money_eur[b, seller] -= eur
    for i in (buyer, seller):
        kw = out_order_kw[i]
        out_order_kw[i] = max(kw - x, 0.0) if kw > 0.0 else min(kw + x, 0.0)


@inner(forceinline=True)
def reference(rules, terms, floor, cap, hub_price):  # type: ignore[no-untyped-def]
    """Price that differences are settled at: of the hub, or without trade the middle [EUR/kWh].

    The middle lies between the lowest cap and the highest floor, on a tick.
    """
    price = hub_price
    if np.isnan(price):
        least_cap, most_floor = cap[0], floor[0]
        for i in range(cap.shape[0]):
            least_cap, most_floor = min(least_cap, cap[i]), max(most_floor, floor[i])
        price = np.floor((least_cap + most_floor) / 2.0 / rules.tick + 0.5) * rules.tick
    return min(max(price, terms.lowest), rules.price_max)


@inner(forceinline=True)
def settle_differences(rules, terms, t, b, price, out):  # type: ignore[no-untyped-def]
    """Pay the differences of a step, and drop the contracts that end with it."""
    contracts, kept = out.contracts[b], 0
    for c in range(contracts.shape[0]):
        row = contracts[c]
        if row[KIND] == 0.0:
            break
        if row[KIND] == FORWARD and not terms.delivery and row[START] <= t < row[END]:
            eur = row[QUANTITY] * rules.dt_h * (row[PRICE] - price)
            pay(b, int(row[BUYER]), int(row[SELLER]), eur, out)
        if row[END] > t + 1:
            if kept < c:
                for field in range(FIELDS):
                    contracts[kept, field] = row[field]
            kept += 1
    for c in range(kept, contracts.shape[0]):
        if contracts[c, KIND] == 0.0:
            break
        for field in range(FIELDS):
            contracts[c, field] = 0.0
