"""The feasibility filter over the reals, and what is proved of it for all its inputs.

Here the formulas of the kernels are written once more, on the exact reals of the solver z3;
`device_theorems.py` and `action_theorems.py` state theorems about them. A theorem is proved when z3
finds its premises together with the negation of its claim unsatisfiable: there is then no level,
proposal or parameter, however extreme, for which it fails. Every variable of a theorem is
universally quantified.

Three things differ from the code:

- `ROUNDING_KW` is 0. Over the reals nothing is rounded, so the theorems are exact; one of them says
  what a tolerance above 0 changes.
- Prices are counted in ticks. The order stage commutes with a change of the unit of money (price,
  floor, cap, tick and top price all scale), so a tick of one stands for every tick.
- The equation of a level is nonlinear (retention times level, gain times power), connection and
  order are not. They meet in two numbers per device only, its lowest and highest power, so the
  theorems on connection and order hold for any such pair, in particular for those of a device.
"""

from collections.abc import Sequence
from typing import NamedTuple

import z3

Real = z3.ArithRef
TIMEOUT_MS = 30_000


# The model: the filter's formulas.


class Device(NamedTuple):
    """A power node, its level before the step and its tube; gains in hours."""

    energy: Real
    plugged: Real
    floor: Real
    retention: Real
    charge: Real
    discharge: Real
    e_max: Real
    p_min: Real
    p_max: Real


class Range(NamedTuple):
    low: Real
    high: Real


class Departure(NamedTuple):
    level: Real
    shortfall: Real


class Connected(NamedTuple):
    """What the connection stage gives: set-points, curtailed PV, shed load, net load [kW]."""

    setpoint: list[Real]
    curtailed: Real
    shed: Real
    net: Real


class Order(NamedTuple):
    quantity: Real
    price: Real


def least(a: Real, b: Real) -> Real:
    return z3.If(a <= b, a, b)


def most(a: Real, b: Real) -> Real:
    return z3.If(a >= b, a, b)


def clip(value: Real, low: Real, high: Real) -> Real:
    return least(most(value, low), high)


def power_limits(device: Device) -> Range:
    """`limits_kernel`: lowest and highest power that keep the next level inside its bounds."""
    kept = device.retention * device.energy
    spare, room = kept - device.floor, device.e_max - kept
    need = z3.If(spare >= 0, -spare / device.discharge, -spare / device.charge)
    limit = z3.If(room >= 0, room / device.charge, room / device.discharge)
    low = least(most(device.p_min, need), device.p_max)
    high = most(least(device.p_max, limit), low)
    fixed, zero = z3.Or(device.plugged == 0, device.p_min == device.p_max), z3.RealVal(0)
    return Range(z3.If(fixed, zero, low), z3.If(fixed, zero, high))


def next_level(device: Device, power: Real) -> Real:
    """The equation of `advance_kernel`, without its guard against rounding."""
    gain = z3.If(power > 0, device.charge, device.discharge)
    return device.retention * device.energy + gain * power


def departure(level: Real, target: Real, trip: Real) -> Departure:
    """The departure of `advance_kernel`: what is missing is charged elsewhere, then the trip."""
    shortfall = most(target - level, z3.RealVal(0))
    return Departure(level + shortfall - trip, shortfall)


def level_floor(start: Real, target: Real, gain: Real, after: Real, steps: Real) -> Real:
    """`level_floor` of `viability.py`, `after` so many steps; `gain` is power times charge gain."""
    needed, reachable = target - gain * (steps - after), start + gain * after
    return most(least(needed, reachable), z3.RealVal(0))


def excess(net: Real, limit: Real, tolerance: Real) -> Real:
    """`_excess`: by how much a connection is exceeded, negative when exporting too much."""
    above = z3.If(net < -limit - tolerance, net + limit, z3.RealVal(0))
    return z3.If(net > limit + tolerance, net - limit, above)


def connection(
    proposal: Sequence[Real],
    ranges: Sequence[Range],
    load: Real,
    pv: Real,
    limit: Real,
    tolerance: Real | None = None,
) -> Connected:
    """`connection_kernel`: storage moves first, one device after the other, then PV or load."""
    tolerance = z3.RealVal(0) if tolerance is None else tolerance
    own = [clip(p, *bounds) for p, bounds in zip(proposal, ranges, strict=True)]
    for k, bounds in enumerate(ranges):
        over = excess(load - pv + z3.Sum(own), limit, tolerance)
        own[k] = clip(own[k] - over, *bounds)
    net = load - pv + z3.Sum(own)
    over = excess(net, limit, tolerance)
    zero = z3.RealVal(0)
    return Connected(own, most(-over, zero), most(over, zero), clip(net, -limit, limit))


def order(quantity: Real, price: Real, net: Real, floor: Real, cap: Real, top: Real) -> Order:
    """`order_kernel` with prices in ticks: own surplus or deficit, no worse than the grid."""
    zero = z3.RealVal(0)
    inside = z3.If(floor >= cap, zero, clip(quantity, least(net, zero), most(net, zero)))
    tick = z3.ToInt(clip(price, zero, top) + z3.Q(1, 2))
    wanted = z3.If(tick > 0, most(tick, floor), floor)  # nothing asked is what the grid pays
    ask = z3.If(inside < 0, wanted, tick)
    return Order(inside, z3.If(inside > 0, least(tick, cap), ask))


# What is proved of it.


class Theorem(NamedTuple):
    premises: list[z3.BoolRef]
    claim: z3.BoolRef
    cases: tuple[z3.BoolRef, ...] = ()  # to be looked at one by one; together they are everything


class RefutedError(Exception):
    """A theorem is false: `counterexample` says where."""

    def __init__(self, counterexample: z3.ModelRef) -> None:
        super().__init__(str(counterexample))
        self.counterexample = counterexample


def check(*formulas: z3.BoolRef) -> z3.ModelRef | None:
    """A point where all formulas hold, or None if there is none.

    Raises:
        TimeoutError: if the solver cannot tell.
    """
    solver = z3.Solver()
    solver.set("timeout", TIMEOUT_MS)
    solver.add(*formulas)
    answer = solver.check()
    if answer == z3.unknown:
        raise TimeoutError(f"z3 cannot tell: {solver.reason_unknown()}")
    return solver.model() if answer == z3.sat else None


def prove(theorem: Theorem) -> None:
    """Prove a theorem.

    Raises:
        RefutedError: with a counterexample, if it is false.
        TimeoutError: if the solver cannot tell.
    """
    cases = theorem.cases or (z3.BoolVal(True),)
    questions = [(*theorem.premises, case, z3.Not(theorem.claim)) for case in cases]
    for question in [(z3.Not(z3.Or(*cases)),), *questions]:
        counterexample = check(*question)
        if counterexample is not None:
            raise RefutedError(counterexample)


def reals(names: str) -> list[Real]:
    return list(z3.Reals(names))


def both(*claims: z3.BoolRef) -> z3.BoolRef:
    return z3.And(*claims)


def distance(a: Real, b: Real) -> Real:
    return z3.If(a >= b, a - b, b - a)


def within(value: Real, bounds: Range) -> z3.BoolRef:
    return both(bounds.low <= value, value <= bounds.high)


def same(ours: Sequence[Real], theirs: Sequence[Real]) -> z3.BoolRef:
    return both(*(a == b for a, b in zip(ours, theirs, strict=True)))
