"""What the auction gives, and what the emergency service adds where firm load found no seller.

The price is the lower end of the crossing interval, which is the last accepted offer, or the first
rejected bid where that is higher.
"""

from p2p_market.compilation import inner
from p2p_market.market.k_double_auction import clear_one
from p2p_market.wholesale.actions import TICK_EUR_PER_MWH


@inner
def clear_kernel(rules, b, done):  # type: ignore[no-untyped-def]
    """Fills and price of community b.

    Without a trade the price is that of the highest bid, or the floor if there is none.
    """
    quantity, price = done.order_mw[b], done.order_eur_per_mwh[b]
    cleared = clear_one(quantity, price, TICK_EUR_PER_MWH, 0.0, done.fill_mw[b])
    if not cleared >= rules.floor:  # NaN
        cleared = rules.floor
        for place in range(quantity.shape[0]):
            if quantity[place] > 0.0:
                cleared = max(cleared, price[place])
    done.price_eur_per_mwh[b] = cleared


@inner
def dispatch_kernel(b, done):  # type: ignore[no-untyped-def]
    """Powers out of fills; must-run energy that nobody bought is dumped.

    Returns:
        Firm load that found no seller [MW].
    """
    units, storages = done.output_mw.shape[1], done.power_mw.shape[1]
    consumers = done.load_mw.shape[1]
    order, fill = done.order_mw[b], done.fill_mw[b]
    for i in range(units):
        done.dumped_mw[b, i] = done.low_mw[b, i] + fill[i]
        done.output_mw[b, i] = done.low_mw[b, i] - fill[units + i]
    for i in range(storages):
        done.power_mw[b, i] = fill[2 * units + i]
    first, unserved = 2 * units + storages, 0.0
    for i in range(consumers):
        wanted, offered = fill[first + consumers + i], fill[first + 2 * consumers + i]
        done.flexible_mw[b, i] += wanted + offered
        done.lost_mw[b, i] = order[first + i] - fill[first + i]
        done.load_mw[b, i] = fill[first + i] + wanted + offered
        unserved += done.lost_mw[b, i]
    return unserved


@inner(forceinline=True)
def _share(left, room):  # type: ignore[no-untyped-def]
    """Part of a room that is used."""
    return 1.0 if room <= left else left / room


@inner
def serve_kernel(fleet, b, level_mwh, unserved, done):  # type: ignore[no-untyped-def]
    """Serve firm load that found no seller: storages first, then generators, each pro rata to room.

    Charging and flexible load have lost against it in the auction. What nobody serves is lost.
    """
    units, storages = done.output_mw.shape[1], done.power_mw.shape[1]
    for i in range(units + storages):
        done.emergency_mw[b, i] = 0.0
    if unserved <= 0.0:
        return
    left, room = unserved, 0.0
    for i in range(storages):
        most = min(fleet.power_mw[i], level_mwh[i] / fleet.gain_discharge[i])
        room += max(0.0, done.power_mw[b, i] + most)
    if room > 0.0:
        share = _share(left, room)
        for i in range(storages):
            most = min(fleet.power_mw[i], level_mwh[i] / fleet.gain_discharge[i])
            called = share * max(0.0, done.power_mw[b, i] + most)
            done.emergency_mw[b, units + i] = called
            done.power_mw[b, i] -= called
        left = max(0.0, left - room)
    room = 0.0
    for i in range(units):
        room += done.high_mw[b, i] - done.output_mw[b, i]
    if room > 0.0 and left > 0.0:
        share = _share(left, room)
        for i in range(units):
            called = share * (done.high_mw[b, i] - done.output_mw[b, i])
            done.emergency_mw[b, i] = called
            done.output_mw[b, i] += called
        left = max(0.0, left - room)
    for i in range(done.lost_mw.shape[1]):
        lost = done.lost_mw[b, i] * (left / unserved)
        done.load_mw[b, i] += done.lost_mw[b, i] - lost
        done.lost_mw[b, i] = lost
