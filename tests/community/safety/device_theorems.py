"""Theorems about one device: its power, its level, its tube, on the formulas of `proof.py`."""

from collections.abc import Callable

import z3

from tests.community.safety.proof import (
    Device,
    Range,
    Real,
    Theorem,
    both,
    clip,
    departure,
    distance,
    least,
    level_floor,
    most,
    next_level,
    power_limits,
    reals,
    within,
)

# Where a device cannot move (fixed, away or absent), its gains may be zero.


def any_device() -> tuple[Device, list[z3.BoolRef]]:
    """A device at any level, even one outside its bounds, which may be of any sign."""
    device = Device(*reals("energy plugged floor retention charge discharge e_max p_min p_max"))
    movable = both(device.charge > 0, device.discharge > 0)
    return device, [
        z3.Or(device.plugged == 0, device.plugged == 1),
        both(device.retention > 0, device.retention <= 1),
        z3.Or(movable, device.plugged == 0, device.p_min == device.p_max),
        device.floor <= device.e_max,
        both(device.p_min <= 0, device.p_max >= 0),
        both(device.charge >= 0, device.discharge >= 0),
    ]


def device_inside() -> tuple[Device, Real, list[z3.BoolRef]]:
    """A device between 0 <= `before`, the floor before this step, and its highest level."""
    device, ranges = any_device()
    before = z3.Real("before")
    inside = both(before >= 0, before <= device.energy, device.energy <= device.e_max)
    return device, before, [*ranges, inside, device.floor >= 0]


def powers(device: Device) -> Range:
    return Range(device.plugged * device.p_min, device.plugged * device.p_max)


def in_reach(device: Device, before: Real) -> z3.BoolRef:
    """Full power leads from the floor before this step to the floor after it."""
    return device.retention * before + device.charge * powers(device).high >= device.floor


def admissible(device: Device, power: Real) -> z3.BoolRef:
    level = Range(device.floor, device.e_max)
    return both(within(power, powers(device)), within(next_level(device, power), level))


def violation(device: Device, power: Real) -> Real:
    """How far the next level is outside its bounds."""
    level = next_level(device, power)
    return most(most(device.floor - level, level - device.e_max), z3.RealVal(0))


def battery_stays_in_bounds() -> Theorem:
    """From 0 <= e <= e_max, any proposal: filtered power and next level are inside bounds."""
    device, _, ranges = device_inside()
    filtered = clip(z3.Real("proposal"), *power_limits(device))
    return Theorem([*ranges, device.floor == 0], admissible(device, filtered))


def battery_may_idle() -> Theorem:
    """Without a floor, zero power is between the limits."""
    device, _, ranges = device_inside()
    limits = power_limits(device)
    return Theorem([*ranges, device.floor == 0], within(z3.RealVal(0), limits))


def level_stays_in_tube() -> Theorem:
    """The same from inside any tube whose next floor is in reach from the one before."""
    device, before, ranges = device_inside()
    filtered = clip(z3.Real("proposal"), *power_limits(device))
    return Theorem([*ranges, in_reach(device, before)], admissible(device, filtered))


def tube_is_viable() -> Theorem:
    """The admissible powers are exactly those between the limits, and there is at least one."""
    device, before, ranges = device_inside()
    power, limits = z3.Real("power"), power_limits(device)
    exact = within(power, limits) == admissible(device, power)
    return Theorem([*ranges, in_reach(device, before)], both(limits.low <= limits.high, exact))


def viability_needs_its_condition() -> Theorem:
    """Where the next floor is out of reach from the one before, no power at all is admissible."""
    device, before, ranges = device_inside()
    stuck = [z3.Not(in_reach(device, before)), device.energy == before]
    return Theorem([*ranges, *stuck], z3.Not(admissible(device, z3.Real("power"))))


def best_effort_elsewhere() -> Theorem:
    """From any level, power limits hold and no power brings the level nearer to its bounds."""
    device, ranges = any_device()
    proposal, other = reals("proposal other")
    filtered = clip(proposal, *power_limits(device))
    nearest = violation(device, filtered) <= violation(device, other)
    return Theorem(
        [*ranges, within(other, powers(device))], both(within(filtered, powers(device)), nearest)
    )


def power_is_nearest() -> Theorem:
    """No admissible power is nearer to the proposal than the filtered one."""
    device, before, ranges = device_inside()
    proposal, other = reals("proposal other")
    filtered = clip(proposal, *power_limits(device))
    return Theorem(
        [*ranges, in_reach(device, before), admissible(device, other)],
        distance(filtered, proposal) <= distance(other, proposal),
    )


def vehicle_takes_no_more_than_is_free() -> Theorem:
    """A tube built on `free` power never forces more than that; a vehicle does not leak."""
    device, before, ranges = device_inside()
    free = z3.Real("free")
    tube = [device.retention == 1, both(free >= 0, free <= device.p_max)]
    tube.append(device.floor <= before + device.charge * free)
    return Theorem([*ranges, *tube], power_limits(device).low <= free)


def tube_leads_to_the_target() -> Theorem:
    """The floor starts at or below the level at plug-in, rises by no more than the free power's
    gain per step, and ends at the target, or where full power gets to if that is lower.
    """
    start, target, gain, after, steps = reals("start target gain after steps")
    zero = z3.RealVal(0)

    def floor(step: Real) -> Real:
        return level_floor(start, target, gain, step, steps)

    return Theorem(
        [start >= 0, target >= 0, gain >= 0, after >= 0, after + 1 <= steps],
        both(
            floor(zero) <= start,
            floor(after + 1) <= floor(after) + gain,
            both(floor(after) >= 0, floor(after) <= target),
            floor(steps) == least(target, start + gain * steps),
        ),
    )


def departure_keeps_bounds() -> Theorem:
    """After departure and trip the level is at least target - trip, where the next tube starts."""
    level, target, trip, e_max = reals("level target trip e_max")
    left = departure(level, target, trip)
    return Theorem(
        [level >= 0, level <= e_max, trip >= 0, trip <= target, target <= e_max],
        both(
            within(left.level, Range(target - trip, e_max)),
            left.shortfall >= 0,
            (left.shortfall == 0) == (level >= target),
        ),
    )


DEVICE_THEOREMS: tuple[Callable[[], Theorem], ...] = (
    battery_stays_in_bounds,
    battery_may_idle,
    level_stays_in_tube,
    tube_is_viable,
    viability_needs_its_condition,
    best_effort_elsewhere,
    power_is_nearest,
    vehicle_takes_no_more_than_is_free,
    tube_leads_to_the_target,
    departure_keeps_bounds,
)
