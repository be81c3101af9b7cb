"""Theorems about the connection, the order and the whole filter, on the formulas of `proof.py`."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import z3

from tests.community.safety.device_theorems import admissible, device_inside, in_reach
from tests.community.safety.proof import (
    Connected,
    Order,
    Range,
    Real,
    Theorem,
    both,
    clip,
    connection,
    distance,
    excess,
    least,
    most,
    order,
    power_limits,
    reals,
    same,
    within,
)

# Connection: for any limits low <= high of the devices, such as `tube_is_viable` provides.


class Prosumer(NamedTuple):
    """One connection with its devices, load and PV, and what is proposed for the devices."""

    proposal: list[Real]
    ranges: list[Range]
    load: Real
    pv: Real
    limit: Real

    def filtered(self, tolerance: Real | None = None) -> Connected:
        return connection(*self, tolerance)

    def again(self, first: Connected, tolerance: Real | None = None) -> Connected:
        return self._replace(proposal=first.setpoint).filtered(tolerance)

    def net(self, power: Sequence[Real]) -> Real:
        return self.load - self.pv + z3.Sum(list(power))


def any_prosumer(devices: int) -> tuple[Prosumer, list[z3.BoolRef]]:
    ranges = [Range(*reals(f"low_{k} high_{k}")) for k in range(devices)]
    proposal = [z3.Real(f"proposal_{k}") for k in range(devices)]
    load, pv, limit = reals("load pv limit")
    given = [load >= 0, pv >= 0, limit > 0, *(bounds.low <= bounds.high for bounds in ranges)]
    return Prosumer(proposal, ranges, load, pv, limit), given


def inside_ranges(power: Sequence[Real], ranges: Sequence[Range]) -> z3.BoolRef:
    return both(*(within(p, bounds) for p, bounds in zip(power, ranges, strict=True)))


def some_power(devices: int) -> list[Real]:
    return [z3.Real(f"other_{k}") for k in range(devices)]


def connection_is_respected(devices: int) -> Theorem:
    """Set-points keep their limits, net load is inside the connection, and power balances."""
    home, given = any_prosumer(devices)
    result = home.filtered()
    balance = home.net(result.setpoint) - result.shed + result.curtailed
    return Theorem(
        given,
        both(
            inside_ranges(result.setpoint, home.ranges),
            within(result.net, Range(-home.limit, home.limit)),
            result.net == balance,
        ),
    )


def curtailment_and_shedding_are_possible(devices: int) -> Theorem:
    """If every device may idle: 0 <= curtailed <= pv, 0 <= shed <= load, never both at once."""
    home, given = any_prosumer(devices)
    result = home.filtered()
    idle = [inside_ranges([z3.RealVal(0)] * devices, home.ranges)]
    return Theorem(
        [*given, *idle],
        both(
            within(result.curtailed, Range(z3.RealVal(0), home.pv)),
            within(result.shed, Range(z3.RealVal(0), home.load)),
            z3.Or(result.curtailed == 0, result.shed == 0),
        ),
    )


def nothing_is_cut_without_need(devices: int) -> Theorem:
    """If every device may idle, and the connection carries load and PV, neither is touched."""
    home, given = any_prosumer(devices)
    result = home.filtered()
    idle = [z3.RealVal(0)] * devices
    easy = [
        inside_ranges(idle, home.ranges),
        within(home.net(idle), Range(-home.limit, home.limit)),
    ]
    return Theorem([*given, *easy], both(result.curtailed == 0, result.shed == 0))


def one_vehicle_sheds_nothing(devices: int) -> Theorem:
    """One device may be forced to charge, by no more than the limit less the contracted peak load.

    A second one would break it: each tube takes all the free power for itself.
    """
    home, given = any_prosumer(devices)
    result, peak, zero = home.filtered(), z3.Real("peak"), z3.RealVal(0)
    vehicle, *others = home.ranges
    tube = [home.load <= peak, peak <= home.limit, vehicle.low <= home.limit - peak]
    idle = [vehicle.high >= 0, *(within(zero, bounds) for bounds in others)]
    return Theorem(
        [*given, *tube, *idle],
        both(result.shed == 0, within(result.curtailed, Range(zero, home.pv))),
    )


def exactly_when_it_is_possible(devices: int) -> Theorem:
    """curtailed <= pv iff load + limit + sum(high) >= 0; shed <= load iff sum(low) <= pv + limit.

    Only devices forced to charge or discharge by more than the connection carries can break it.
    """
    home, given = any_prosumer(devices)
    result = home.filtered()
    discharge = home.load + home.limit + z3.Sum([bounds.high for bounds in home.ranges])
    charge = home.pv + home.limit - z3.Sum([bounds.low for bounds in home.ranges])
    return Theorem(
        given,
        both(
            (result.curtailed <= home.pv) == (discharge >= 0),
            (result.shed <= home.load) == (charge >= 0),
        ),
    )


def storage_moves_first(devices: int) -> Theorem:
    """Curtailment: all devices at their highest power. Shedding: all at their lowest."""
    home, given = any_prosumer(devices)
    result = home.filtered()
    full = same(result.setpoint, [bounds.high for bounds in home.ranges])
    empty = same(result.setpoint, [bounds.low for bounds in home.ranges])
    first = both(z3.Implies(result.curtailed > 0, full), z3.Implies(result.shed > 0, empty))
    return Theorem(given, first)


def cuts_are_least(devices: int) -> Theorem:
    """No set-points inside limits would need less curtailment or less shedding."""
    home, given = any_prosumer(devices)
    result, other = home.filtered(), some_power(devices)
    needed = excess(home.net(other), home.limit, z3.RealVal(0))
    return Theorem(
        [*given, inside_ranges(other, home.ranges)],
        result.curtailed + result.shed <= most(needed, -needed),
    )


def setpoints_are_nearest(devices: int) -> Theorem:
    """No other set-points inside limits and connection are nearer to the proposal, in sum.

    Where limits and connection cannot both hold: no other set-points with as small a cut.
    """
    home, given = any_prosumer(devices)
    result, other = home.filtered(), some_power(devices)
    needed = excess(home.net(other), home.limit, z3.RealVal(0))
    as_good = most(needed, -needed) <= result.curtailed + result.shed

    def moved(power: Sequence[Real]) -> Real:
        return z3.Sum([distance(p, q) for p, q in zip(power, home.proposal, strict=True)])

    return Theorem(
        [*given, inside_ranges(other, home.ranges), as_good],
        moved(result.setpoint) <= moved(other),
    )


def feasible_setpoints_are_unchanged(devices: int) -> Theorem:
    """Inside limits and connection, the proposal is executed and nothing is cut."""
    home, given = any_prosumer(devices)
    result, net = home.filtered(), home.net(home.proposal)
    feasible = [
        inside_ranges(home.proposal, home.ranges),
        within(net, Range(-home.limit, home.limit)),
    ]
    nothing_cut = both(result.curtailed == 0, result.shed == 0, result.net == net)
    return Theorem([*given, *feasible], both(same(result.setpoint, home.proposal), nothing_cut))


def _flat(result: Connected) -> list[Real]:
    return [*result.setpoint, result.curtailed, result.shed, result.net]


def connection_twice(devices: int) -> Theorem:
    """The filtered set-points, filtered again, give the same set-points, cuts and net load."""
    home, given = any_prosumer(devices)
    once = home.filtered()
    return Theorem(given, same(_flat(once), _flat(home.again(once))))


def tolerance_costs_no_more_than_itself(devices: int) -> Theorem:
    """With any tolerance >= 0, such as that of the code: net load is inside the connection, power
    balances to the tolerance, and filtering twice still changes nothing.
    """
    home, given = any_prosumer(devices)
    tolerance = z3.Real("tolerance")
    once = home.filtered(tolerance)
    balance = home.net(once.setpoint) - once.shed + once.curtailed
    return Theorem(
        [*given, tolerance >= 0],
        both(
            inside_ranges(once.setpoint, home.ranges),
            within(once.net, Range(-home.limit, home.limit)),
            distance(once.net, balance) <= tolerance,
            same(_flat(once), _flat(home.again(once, tolerance))),
        ),
    )


# Order: prices in ticks; floor and cap are on ticks, the highest price need not be.


class Wish(NamedTuple):
    quantity: Real
    price: Real
    net: Real
    floor: Real
    cap: Real
    top: Real

    def filtered(self) -> Order:
        return order(*self)

    def again(self, first: Order) -> Order:
        return self._replace(quantity=first.quantity, price=first.price).filtered()


def any_wish() -> tuple[Wish, list[z3.BoolRef]]:
    floor, cap = z3.Ints("floor cap")
    quantity, price, net, top = reals("quantity price net top")
    return Wish(quantity, price, net, floor, cap, top), [top >= 0]


def own_side(net: Real) -> Range:
    """From the own surplus (negative) to the own deficit (positive)."""
    return Range(least(net, z3.RealVal(0)), most(net, z3.RealVal(0)))


def order_is_admissible() -> Theorem:
    """Nobody sells more than its surplus or buys more than its deficit, or worse than the grid."""
    wish, given = any_wish()
    result = wish.filtered()
    return Theorem(
        given,
        both(
            within(result.quantity, own_side(wish.net)),
            z3.Implies(result.quantity > 0, result.price <= wish.cap),
            z3.Implies(result.quantity < 0, result.price >= wish.floor),
            z3.Implies(wish.floor >= wish.cap, result.quantity == 0),
        ),
    )


def quantity_is_nearest() -> Theorem:
    """No quantity of the own side is nearer to the proposed one."""
    wish, given = any_wish()
    other = z3.Real("other")
    return Theorem(
        [*given, within(other, own_side(wish.net)), wish.floor < wish.cap],
        distance(wish.filtered().quantity, wish.quantity) <= distance(other, wish.quantity),
    )


def price_is_nearest() -> Theorem:
    """No other tick that is no worse than the grid is nearer to the proposed price.

    The proposed price is clipped to [0, top] before, the range that actions can express. An ask of
    nothing under a negative feed-in tariff is left out: it means what the grid pays.
    """
    wish, given = any_wish()
    tick = z3.Int("other")
    result = wish.filtered()
    asked = clip(wish.price, z3.RealVal(0), wish.top)
    no_worse = [
        z3.Implies(result.quantity > 0, tick <= wish.cap),
        z3.Implies(result.quantity < 0, tick >= wish.floor),
    ]
    return Theorem(
        [*given, *no_worse, z3.Or(wish.floor >= 0, asked >= z3.Q(1, 2))],
        distance(result.price, asked) <= distance(tick, asked),
        cases=(tick < result.price, tick == result.price, tick > result.price),
    )


def feasible_orders_are_unchanged() -> Theorem:
    """A quantity of the own side at a tick in [0, top] that is no worse than the grid.

    An ask of nothing under a negative feed-in tariff is left out: it means what the grid pays.
    """
    wish, given = any_wish()
    wish = wish._replace(price=z3.Int("tick"))
    result = wish.filtered()
    feasible = [
        within(wish.quantity, own_side(wish.net)),
        both(wish.price >= 0, wish.price <= wish.top),
        z3.Implies(wish.quantity > 0, wish.price <= wish.cap),
        z3.Implies(wish.quantity < 0, wish.price >= wish.floor),
        z3.Implies(wish.floor >= wish.cap, wish.quantity == 0),
        z3.Or(wish.floor >= 0, wish.price > 0),
    ]
    return Theorem([*given, *feasible], same(result, [wish.quantity, wish.price]))


def order_twice() -> Theorem:
    """The filtered order, filtered again, is the same order."""
    wish, given = any_wish()
    once = wish.filtered()
    return Theorem(given, same(once, wish.again(once)))


def whole_filter_twice(devices: int) -> Theorem:
    """Connection and order in a row: the filtered action, filtered again, is the same action."""
    home, given = any_prosumer(devices)
    wish, tariff = any_wish()
    once = home.filtered()
    twice = home.again(once)
    first = wish._replace(net=once.net)
    ordered = first.filtered()
    second = first._replace(net=twice.net).again(ordered)
    claim = both(same(_flat(once), _flat(twice)), same(ordered, second))
    return Theorem([*given, *tariff], claim)


def device_and_connection_together() -> Theorem:
    """One device in one go, without the detour over its two limits: tube kept, twice is once."""
    device, before, ranges = device_inside()
    home, _ = any_prosumer(1)
    home = home._replace(ranges=[power_limits(device)])
    once = home.filtered()
    kept = admissible(device, once.setpoint[0])
    return Theorem(
        [*ranges, in_reach(device, before), home.load >= 0, home.pv >= 0, home.limit > 0],
        both(kept, same(_flat(once), _flat(home.again(once)))),
    )


CONNECTION_THEOREMS: tuple[Callable[[int], Theorem], ...] = (
    connection_is_respected,
    curtailment_and_shedding_are_possible,
    nothing_is_cut_without_need,
    one_vehicle_sheds_nothing,
    exactly_when_it_is_possible,
    storage_moves_first,
    cuts_are_least,
    setpoints_are_nearest,
    feasible_setpoints_are_unchanged,
    connection_twice,
    tolerance_costs_no_more_than_itself,
    whole_filter_twice,
)

TOGETHER: tuple[Callable[[], Theorem], ...] = (device_and_connection_together,)

ORDER_THEOREMS: tuple[Callable[[], Theorem], ...] = (
    order_is_admissible,
    quantity_is_nearest,
    price_is_nearest,
    feasible_orders_are_unchanged,
    order_twice,
)
