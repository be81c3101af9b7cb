"""What agreements can still cost a member: never more than its credit."""

from p2p_market.community.coordination.records import (
    BUYER,
    END,
    FORWARD,
    KIND,
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
def open_contracts(rules, terms, t, contracts, one, other):  # type: ignore[no-untyped-def]
    """How many are open; of each of two members how many, and what these can cost from t on [EUR].

    Every contract is added, most as 0: whose each one is a processor cannot guess.
    """
    place, one_open, other_open, one_eur, other_eur = 0, 0, 0, 0.0, 0.0
    while place < contracts.shape[0] and contracts[place, KIND] != 0.0:
        row = contracts[place]
        kind, quantity, price = row[KIND], row[QUANTITY], row[PRICE]
        buyer, seller, steps = row[BUYER], row[SELLER], row[END] - max(row[START], t)
        bought = most_eur(rules, terms, kind, quantity, price, steps, True)
        sold = most_eur(rules, terms, kind, quantity, price, steps, False)
        one_open += (buyer == one) | (seller == one)
        other_open += (buyer == other) | (seller == other)
        one_eur += bought if buyer == one else (sold if seller == one else 0.0)
        other_eur += bought if buyer == other else (sold if seller == other else 0.0)
        place += 1
    return place, one_open, other_open, one_eur, other_eur


@inner(forceinline=True)
def fits(terms, lost_eur, open_eur, more_eur):  # type: ignore[no-untyped-def]
    """Whether a member may take on so much more; what it has lost so far counts."""
    return max(lost_eur, 0.0) + open_eur + more_eur <= terms.credit
