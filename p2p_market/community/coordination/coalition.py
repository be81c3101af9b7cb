"""A coalition's step: the best matching inside it, one bid for the rest, shares by Shapley."""

from typing import Any, Final

import numpy as np
from numba import njit

from p2p_market.community.coordination.records import NOBODY
from p2p_market.community.coordination.shapley import shapley_kernel
from p2p_market.community.coordination.terms import EXACT
from p2p_market.compilation import inner
from p2p_market.market.merit_order import ROUNDING_KW, cross, serve, sides

_COUNTED: Final[dict[str, Any]] = {"_nrt": True}
"""What is compiled on behalf of the step inherits its options; shares need room of their own."""


@njit(**_COUNTED)
def gather(rules, terms, b, cause, floor, cap, left_kw, out_order_kw, out_price, out):  # type: ignore[no-untyped-def]
    """Match each coalition, share what it gains, and bid the rest at one price.

    A member that the supervisor holds takes no part. The price is that of the lowest member that
    takes part, moved into the limits of each of the others.
    """
    agents = cause.shape[0]
    for name in range(agents):
        if out.coalition[b, name] != name:
            continue
        members, size = np.empty(agents, dtype=np.int64), 0
        for i in range(name, agents):
            if out.coalition[b, i] == name and cause[i] == 0:
                members[size] = i
                size += 1
        if size < 2:
            continue
        net, limit = np.empty(size), np.empty(size)
        fill, share = np.zeros(size), np.zeros(size)
        for m in range(size):
            i = members[m]
            net[m] = left_kw[i]
            limit[m] = cap[i] if net[m] > 0.0 else floor[i]
        bids, asks = sides(net, limit, rules.tick)
        volume, last_bid, last_ask, _, _ = cross(net, limit, bids, asks)
        if volume > 0.0:
            serve(net, limit, bids, volume, last_bid, 1.0, fill)
            serve(net, limit, asks, volume, last_ask, -1.0, fill)
            shapley_kernel(net, limit, terms.orders, EXACT, share)
        price = out_price[members[0]]
        for m in range(size):
            i, x = members[m], fill[m]
            left_kw[i] -= x
            out.matched_kw[b, i] += x
            out.money_eur[b, i] += rules.dt_h * (x * limit[m] - share[m])
            worth = floor[i] < cap[i] and abs(left_kw[i]) > ROUNDING_KW
            out_order_kw[i] = left_kw[i] if worth else 0.0
            out_price[i] = min(max(price, floor[i]), cap[i]) if worth else out_price[i]


@inner(forceinline=True)
def belongs(coalition):  # type: ignore[no-untyped-def]
    """Whether there is any coalition."""
    i = 0
    while i < coalition.shape[0] and coalition[i] == NOBODY:
        i += 1
    return i < coalition.shape[0]
