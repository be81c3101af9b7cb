"""The filter of each role, and the order book of a step.

Orders stand in this order: must-run energy and offer of each generator, storages, firm, wanted and
offered load of each consumer. A demand response offer is the last one: load that bids its price.
"""

from typing import Final

import numpy as np

from p2p_market.assets.deferrable import least as least_kernel
from p2p_market.assets.deferrable import most as most_kernel
from p2p_market.compilation import inner
from p2p_market.wholesale.records import LEVELS_EUR_PER_MWH

LEAST_MW: Final = 1e-9
"""A smaller order is rounding, and is none."""
LEVELS: Final = np.array(LEVELS_EUR_PER_MWH)
RESERVED_SHARE: Final = 0.1
"""Of a storage's power that each reserve level keeps free."""
BELOW_CAP: Final = 0.01
"""Wanted load bids so much less than firm load [EUR/MWh]."""


def orders(generators: int, storages: int, consumers: int) -> int:
    """Length of the book."""
    return 2 * generators + storages + 3 * consumers


@inner(forceinline=True)
def _put(done, b, place, quantity, price):  # type: ignore[no-untyped-def]
    done.order_mw[b, place] = quantity if abs(quantity) > LEAST_MW else 0.0
    done.order_eur_per_mwh[b, place] = price


@inner
def bounds_kernel(fleet, series, b, t, output_mw, done):  # type: ignore[no-untyped-def]
    """Least and most output of each generator, by availability and ramp.

    Ramps do not hold in the first step, nor downwards in the step after a unit has tripped.
    """
    for i in range(output_mw.shape[0]):
        low, high = series.must_mw[b, t, i], series.available_mw[b, t, i]
        if t > 0:
            high = min(high, output_mw[i] + fleet.ramp_mw[i])
            if series.trips[b, t - 1, i] == 0.0:
                low = max(low, output_mw[i] - fleet.ramp_mw[i])
        done.low_mw[b, i], done.high_mw[b, i] = low, max(low, high)


@inner
def _generators(rules, fleet, available_mw, b, order, done):  # type: ignore[no-untyped-def]
    """Must-run energy at the floor, and the offered share of the rest at the bid.

    The reserve that the operator asks for is held back by thermal units.
    """
    units, reserve = done.low_mw.shape[1], order.reserve_level[b] * rules.reserve_mw
    for i in range(units):
        low = done.low_mw[b, i]
        free = min(available_mw[i] - reserve * fleet.thermal_share[i], done.high_mw[b, i])
        _put(done, b, i, -low, rules.floor)
        offered = order.share[b, i] * max(0.0, free - low)
        _put(done, b, units + i, -offered, LEVELS[order.level[b, i]])
    return 2 * units


@inner
def _storages(fleet, b, level_mwh, first, order, done):  # type: ignore[no-untyped-def]
    """Power within what limits, level and the operator's reserve leave."""
    kept = RESERVED_SHARE * order.reserve_level[b]
    for i in range(level_mwh.shape[0]):
        power, level = fleet.power_mw[i], level_mwh[i]
        most = (1.0 - kept) * power
        out = max(0.0, min(most, level / fleet.gain_discharge[i] - kept * power))
        room = fleet.capacity_mwh[i] - level
        into = max(0.0, min(most, room / fleet.gain_charge[i] - kept * power))
        asked = min(max(order.power_mw[b, i], -out), into)
        _put(done, b, first + i, asked, order.limit_eur_per_mwh[b, i])
    return first + level_mwh.shape[0]


@inner
def _consumers(rules, fleet, series, b, t, backlog_mwh, first, order, done):  # type: ignore[no-untyped-def]
    """Firm load at the cap, flexible load below it, and what may be reduced at its price."""
    count = backlog_mwh.shape[0]
    for i in range(count):
        flexible, backlog = series.flexible_mw[b, t, i], backlog_mwh[i]
        least = least_kernel(flexible, backlog, fleet.most_backlog_mwh[i], rules.dt_h)
        normal = most_kernel(flexible, backlog, fleet.recovery_mw[i], rules.dt_h)
        wanted = max((1.0 - order.adjustment[b, i]) * normal, least)
        done.normal_mw[b, i] = normal
        done.flexible_mw[b, i] = least
        _put(done, b, first + i, series.firm_mw[b, t, i] + least, rules.cap)
        _put(done, b, first + count + i, wanted - least, rules.cap - BELOW_CAP)
        price = order.response_eur_per_mwh[b, i]
        _put(done, b, first + 2 * count + i, normal - wanted, price)


@inner
def book_kernel(rules, fleet, series, b, t, moving, order, done):  # type: ignore[no-untyped-def]
    """All orders of community b, into `done`."""
    bounds_kernel(fleet, series, b, t, moving.output_mw[b], done)
    first = _generators(rules, fleet, series.available_mw[b, t], b, order, done)
    first = _storages(fleet, b, moving.level_mwh[b], first, order, done)
    _consumers(rules, fleet, series, b, t, moving.backlog_mwh[b], first, order, done)
