"""Shapley shares of the best matching inside a coalition.

The value of some members is that of the best matching of their own net loads: sellers by their
floor, buyers by their cap, as long as a kWh is worth more to the buyer than to the seller. Source:
Shapley & Shubik (1971), "The assignment game I", Int. J. Game Theory 1, doi:10.1007/BF01753437;
large coalitions by the mean over orders of joining: Castro, Gomez & Tejada (2009), Computers &
Operations Research 36, doi:10.1016/j.cor.2008.04.004.
"""

from typing import Any, Final

import numpy as np
from numba import njit

from p2p_market.compilation import kernel
from p2p_market.records import FloatArray, IntArray

_COUNTED: Final[dict[str, Any]] = {"_nrt": True}
"""What is compiled on behalf of the step inherits its options; shares need room of their own."""


@njit(**_COUNTED)
def _ranked(net_kw, limit):  # type: ignore[no-untyped-def]
    """Buyers by cap descending, then sellers by floor ascending; returns how many buyers."""
    size = net_kw.shape[0]
    order, buyers, count = np.empty(size, dtype=np.int64), 0, 0
    for i in range(size):
        buyers += 1 if net_kw[i] > 0.0 else 0
    for side in (1.0, -1.0):
        first = count
        for i in range(size):
            if side * net_kw[i] > 0.0:
                place = count
                while place > first and side * limit[order[place - 1]] < side * limit[i]:
                    order[place] = order[place - 1]
                    place -= 1
                order[place] = i
                count += 1
    return order[:count], buyers


@njit(**_COUNTED)
def _value(net_kw, limit, order, buyers, there):  # type: ignore[no-untyped-def]
    """Value per hour of the best matching among those who are there [EUR/h]."""
    bid, ask, value = -1, buyers - 1, 0.0
    need, have = 0.0, 0.0
    while True:
        while not need > 0.0:
            bid += 1
            if bid >= buyers:
                return value
            need = net_kw[order[bid]] if there[order[bid]] else 0.0
        while not have > 0.0:
            ask += 1
            if ask >= order.shape[0]:
                return value
            have = -net_kw[order[ask]] if there[order[ask]] else 0.0
        gain = limit[order[bid]] - limit[order[ask]]
        if gain <= 0.0:
            return value
        traded = min(need, have)
        value += traded * gain
        need -= traded
        have -= traded


@njit(**_COUNTED)
def _exact(net_kw, limit, order, buyers, out):  # type: ignore[no-untyped-def]
    """Shares by the values of all groups of members."""
    size = net_kw.shape[0]
    there, value = np.zeros(size, dtype=np.bool_), np.zeros(2**size)
    for group in range(2**size):
        for i in range(size):
            there[i] = (group >> i) & 1 == 1
        value[group] = _value(net_kw, limit, order, buyers, there)
    weight = np.empty(size)  # of a group of so many others
    weight[0] = 1.0 / size
    for others in range(1, size):
        weight[others] = weight[others - 1] * others / (size - others)
    for i in range(size):
        out[i] = 0.0
    for group in range(2**size):
        members = 0
        for i in range(size):
            members += (group >> i) & 1
        for i in range(size):
            if (group >> i) & 1 == 0:
                out[i] += weight[members] * (value[group | (1 << i)] - value[group])
    return value[2**size - 1]


@njit(**_COUNTED)
def _sampled(net_kw, limit, order, buyers, orders, out):  # type: ignore[no-untyped-def]
    """Shares by the mean over orders of joining; they sum to the value by themselves."""
    size, whole = net_kw.shape[0], 0.0
    there = np.zeros(size, dtype=np.bool_)
    for i in range(size):
        out[i] = 0.0
    for joining in range(orders.shape[0]):
        for i in range(size):
            there[i] = False
        before = 0.0
        for turn in range(orders.shape[1]):
            member = orders[joining, turn]
            if member < size:
                there[member] = True
                whole = _value(net_kw, limit, order, buyers, there)
                out[member] += (whole - before) / orders.shape[0]
                before = whole
    return whole


@kernel(**_COUNTED)
def shapley_kernel(net_kw, limit, orders, exact, out):  # type: ignore[no-untyped-def]
    """See `shares`; returns the value."""
    order, buyers = _ranked(net_kw, limit)
    if buyers == 0 or buyers == order.shape[0]:
        for i in range(net_kw.shape[0]):
            out[i] = 0.0
        return 0.0
    if net_kw.shape[0] <= exact:
        return _exact(net_kw, limit, order, buyers, out)
    return _sampled(net_kw, limit, order, buyers, orders, out)


def shares(
    net_kw: FloatArray, limit_eur_per_kwh: FloatArray, orders: IntArray, exact: int = 10
) -> tuple[float, FloatArray]:
    """Value of a coalition and each member's Shapley share of it, per hour [EUR/h].

    Args:
        net_kw: net load, (member,), positive = deficit.
        limit_eur_per_kwh: cap of who has a deficit, floor of who has a surplus, (member,).
        orders: of joining, (order, member or more), for more members than `exact`.
        exact: up to so many members the shares are exact.
    """
    out = np.zeros(len(net_kw))
    value = shapley_kernel(net_kw, limit_eur_per_kwh, orders, exact, out)
    return float(value), out
