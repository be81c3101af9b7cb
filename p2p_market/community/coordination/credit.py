"""What agreements can still cost a member: never more than its credit."""

from p2p_market.community.coordination.records import (
    BUYER,
    END,
    FORWARD,
    KIND,
    MOST_OPEN,
    PRICE,
    QUANTITY,
    SELLER,
    START,
)
from p2p_market.compilation import inner


@inner(forceinline=True)
def most_eur(rules, terms, kind, quantity_kw, price, steps, buys):  # type: ignore[no-untyped-def]
    """The most that a contract can cost a party in some steps [EUR].

    A difference costs a buyer the whole price, where the hub's is at its lowest, and a seller what
    the highest price is above it. Delivery costs the price or the damages.
    """
    if kind == FORWARD and not terms.delivery:
        a_kwh = price - terms.lowest if buys else rules.price_max - price
    else:
        a_kwh = max(terms.damages, price)
    return quantity_kw * rules.dt_h * steps * a_kwh


@inner(forceinline=True)
def exposure_eur(rules, terms, t, contracts, i):  # type: ignore[no-untyped-def]
    """What the open contracts of a member can cost from step t on [EUR]."""
    total = 0.0
    for c in range(contracts.shape[0]):
        row = contracts[c]
        if row[KIND] == 0.0:
            break
        buys, sells = row[BUYER] == i, row[SELLER] == i
        if buys or sells:
            steps = row[END] - max(row[START], t)
            total += most_eur(rules, terms, row[KIND], row[QUANTITY], row[PRICE], steps, buys)
    return total


@inner(forceinline=True)
def fits(rules, terms, t, contracts, lost_eur, i, more_eur):  # type: ignore[no-untyped-def]
    """Whether a member may take on so much more; what it has lost so far counts."""
    drawn = max(lost_eur, 0.0) + exposure_eur(rules, terms, t, contracts, i)
    return drawn + more_eur <= terms.credit


@inner(forceinline=True)
def has_room(contracts, i):  # type: ignore[no-untyped-def]
    """Whether a member may open one more contract."""
    count = 0
    for c in range(contracts.shape[0]):
        row = contracts[c]
        if row[KIND] == 0.0:
            break
        if row[BUYER] == i or row[SELLER] == i:
            count += 1
    return count < MOST_OPEN
