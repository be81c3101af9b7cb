"""The filter of proposals: the nearest that the terms allow; what is inside them stays."""

import numpy as np

from p2p_market.community.coordination.records import (
    BUYER,
    COALITION,
    END,
    KIND,
    NONE,
    PREMIUM,
    PRICE,
    QUANTITY,
    SELLER,
    START,
)
from p2p_market.compilation import inner

LEAST_KW = 0.001
"""A contract over less is none."""
EDGE = 1e-3
"""A choice this little below a whole number is that number: words may come in single precision."""
FIRST_STEP = 2
"""A proposal is answered in the next step and runs from the one after that."""


@inner(forceinline=True)
def said(further, column):  # type: ignore[no-untyped-def]
    """What a member says in a column; nothing where the scenario has none."""
    return further[column] if column >= 0 else 0.0


@inner(forceinline=True)
def chosen(further, column):  # type: ignore[no-untyped-def]
    """The choice that is meant in a column of equal parts."""
    return int(np.floor(said(further, column) + EDGE))


@inner(forceinline=True)
def peer_of(terms, further, i, agents):  # type: ignore[no-untyped-def]
    """The member that is meant; the next one where that is the speaker."""
    peer = min(max(chosen(further, terms.at.peer), 0), agents - 1)
    if peer == i:
        peer = i + 1 if i + 1 < agents else i - 1
    return peer


@inner(forceinline=True)
def propose(rules, terms, t, further, i, agents, out):  # type: ignore[no-untyped-def]
    """Write the proposal of a member in step t; returns false where its window has passed.

    Values are chosen, not branched to: what members say differs too much to be guessed.
    """
    at, dt = terms.at, rules.dt_h
    kind = terms.kinds[min(max(chosen(further, at.kind), 0), terms.kinds.shape[0] - 1)]
    quantity = min(max(said(further, at.quantity), -terms.max_kw), terms.max_kw)
    price = min(max(said(further, at.price), 0.0), rules.price_max)
    premium = min(max(said(further, at.premium), 0.0), terms.max_premium)
    length = int(np.floor(min(max(said(further, at.length), 0.0), terms.longest * dt) / dt + 0.5))
    days = max(int(np.floor(length / terms.per_day + 0.5)), 1)
    ahead = int(np.floor(min(max(said(further, at.start), 0.0), terms.ahead * dt) / dt + 0.5))
    start = min(t + max(ahead, FIRST_STEP), rules.steps - 1)
    end = start + min(max(length, 1), rules.steps - start)
    joins = kind == COALITION
    trades = (kind != NONE) & (kind != COALITION) & (abs(quantity) >= LEAST_KW)
    in_time = t + FIRST_STEP < rules.steps
    deal = trades & in_time
    says = deal | joins
    out[KIND] = kind if says else 0.0
    out[BUYER] = i if says else 0.0
    out[SELLER] = peer_of(terms, further, i, agents) if says else 0.0
    out[QUANTITY] = quantity if deal else 0.0
    out[PRICE] = np.floor(price / rules.tick + 0.5) * rules.tick if deal else 0.0
    out[START] = start if deal else 0.0
    out[END] = end if deal else (days if joins else 0.0)
    out[PREMIUM] = premium if deal else 0.0
    return in_time or not trades
