"""Theorems about machines: what they may do, what the filter makes of a wish, what the line takes.

The formulas stand in `machine_proof.py`.
"""

from collections.abc import Callable

import z3

from tests.community.safety.machine_proof import (
    ZERO,
    Machine,
    after_step,
    any_machine,
    behind_connection,
    filtered,
    keeping,
    machine_limits,
    resting,
    slowed,
)
from tests.community.safety.proof import (
    Range,
    Real,
    Theorem,
    both,
    clip,
    distance,
    least,
    most,
    reals,
    same,
    within,
)


def runs(machine: Machine, power: Real) -> z3.BoolRef:
    """Standstill, or at least the least load of its direction."""
    return both(
        z3.Or(power <= 0, power >= machine.charge_on),
        z3.Or(power >= 0, -power >= machine.discharge_on),
    )


def allowed(machine: Machine, limits: Range, power: Real) -> z3.BoolRef:
    return both(within(power, limits), runs(machine, power))


def limits_of(machine: Machine) -> tuple[Range, list[z3.BoolRef]]:
    """Two numbers with all that the proofs on filter, connection and line need of limits.

    That those of a machine have it is `limits_are_apart`.
    """
    limits = Range(*reals(f"{machine.energy}_low {machine.energy}_high"))
    return limits, [apart(machine, limits)]


def apart(machine: Machine, limits: Range) -> z3.BoolRef:
    """The ends are ordered, and where there is a least load each is 0 or at least that."""
    standing = both(
        limits.low <= 0,
        limits.high >= 0,
        z3.Or(limits.high == 0, limits.high >= machine.charge_on),
        z3.Or(limits.low == 0, -limits.low >= machine.discharge_on),
    )
    return both(limits.low <= limits.high, z3.Implies(machine.has_least_load, standing))


def limits_are_apart() -> Theorem:
    """Lowest <= highest; with a least load 0 is between them, and each is 0 or at least that."""
    machine, given = any_machine()
    return Theorem(given, apart(machine, machine_limits(machine)))


def machine_powers_are_the_admissible() -> Theorem:
    """Without a least load, where the floor is in reach: between the limits is exactly what ramp,
    taper, power and floor leave and what does not charge beyond the top.
    """
    machine, given = any_machine()
    low, high = machine.reach
    power = z3.Real("power")
    free = [machine.charge_on == 0, machine.discharge_on == 0, machine.plugged == 1, low < high]
    near = machine.kept + machine.charge * high >= machine.floor
    level = after_step(machine, power)
    fits = z3.Or(power <= 0, level <= machine.top)
    fair = both(within(power, Range(low, high)), level >= machine.floor, fits)
    return Theorem([*given, *free, near], within(power, machine_limits(machine)) == fair)


def out_of_reach_the_floor_is_approached() -> Theorem:
    """Without a least load, where the floor is out of reach: only the highest power is left."""
    machine, given = any_machine()
    low, high = machine.reach
    free = [machine.charge_on == 0, machine.discharge_on == 0, machine.plugged == 1, low < high]
    far = machine.kept + machine.charge * high < machine.floor
    return Theorem([*given, *free, far], same(machine_limits(machine), [high, high]))


def ramps_are_kept_and_stopping_is_free() -> Theorem:
    """No power loads faster than the ramp, nor beyond power and taper; 0 is inside the limits
    unless the floor forces a machine without least load. Rounding may eat a share of a least load.
    """
    machine, given = any_machine()
    limits, reach = machine_limits(machine), machine.reach
    forced = both(machine.kept < machine.floor, z3.Not(machine.has_least_load))
    exact = machine.almost == 0
    ramps = z3.Implies(exact, both(reach.low <= limits.low, limits.high <= reach.high))
    room = both(
        least(reach.low, ZERO) <= limits.low + machine.almost * machine.discharge_on,
        limits.high - machine.almost * machine.charge_on <= most(reach.high, ZERO),
    )
    stop = z3.Or(forced, within(ZERO, limits))
    return Theorem(given, both(ramps, room, stop))


def nothing_is_bought_to_be_stored() -> Theorem:
    """At any power inside the limits no more is missing than the world takes, no more spilled than
    it brings.

    The level before, less what leaks, is inside the bounds; the program has the same two rows.
    """
    machine, given = any_machine()
    e_min, power = reals("e_min power")
    left = machine.retention * machine.energy
    inside = [machine.almost == 0, e_min <= machine.floor, e_min <= left, left <= machine.top]
    inside.append(within(power, machine_limits(machine)))
    level = after_step(machine, power)
    missing, spilled = most(e_min - level, ZERO), most(level - machine.top, ZERO)
    drained, filled = most(-machine.drift, ZERO), most(machine.drift, ZERO)
    return Theorem([*given, *inside], both(missing <= drained, spilled <= filled))


def kept_power_is_nearest_to_standstill() -> Theorem:
    """`power_keep` keeps the tube where some power does, and none that does is nearer to 0."""
    machine, given = any_machine()
    power, tube = z3.Real("power"), Range(machine.floor, machine.top)
    keeps = within(after_step(machine, power), tube)
    inside = [machine.plugged == 1, within(power, Range(machine.p_min, machine.p_max)), keeps]
    own = keeping(machine)
    kept = within(after_step(machine, own), tube)
    return Theorem([*given, *inside], both(kept, distance(own, ZERO) <= distance(power, ZERO)))


def machine_wish_is_filtered_to_the_nearest() -> Theorem:
    """What the filter gives is allowed, and no allowed power is nearer to the wish."""
    machine, given = any_machine()
    limits, ends = limits_of(machine)
    wish, other = reals("wish other")
    own = filtered(machine, wish, limits)
    nearest = distance(own, wish) <= distance(other, wish)
    claim = both(allowed(machine, limits, own), nearest)
    return Theorem([*given, *ends, allowed(machine, limits, other)], claim)


def allowed_power_is_unchanged() -> Theorem:
    """A wish that is allowed is executed; so filtering twice is filtering once."""
    machine, given = any_machine()
    limits, ends = limits_of(machine)
    wish = z3.Real("wish")
    unchanged = filtered(machine, wish, limits) == wish
    return Theorem([*given, *ends, allowed(machine, limits, wish)], unchanged)


def rest_is_nearest_to_standstill() -> Theorem:
    """Where the line slows a machine down to is allowed, and nothing allowed is nearer to 0."""
    machine, given = any_machine()
    limits, ends = limits_of(machine)
    other, rest = z3.Real("other"), resting(limits)
    nearest = distance(rest, ZERO) <= distance(other, ZERO)
    claim = both(allowed(machine, limits, rest), nearest)
    return Theorem([*given, *ends, allowed(machine, limits, other)], claim)


def slowed_machine_stays_allowed() -> Theorem:
    """Whatever share of its way to rest the line takes: an allowed power, between rest and before.

    With rounding left out: a power a hair below the least load is the least load.
    """
    machine, given = any_machine()
    limits, ends = limits_of(machine)
    power, share = reals("power share")
    less, rest = slowed(machine, power, limits, share), resting(limits)
    between = within(less, Range(least(rest, power), most(rest, power)))
    asked = [machine.almost == 0, allowed(machine, limits, power), share >= 0, share <= 1]
    return Theorem([*given, *ends, *asked], both(allowed(machine, limits, less), between))


def line_is_kept_or_machines_rest() -> Theorem:
    """Two machines at a full line, of whatever load and PV: after the line slowed them down its
    limit holds, or both rest as far as they added to the flow; so a second time changes nothing.
    """
    pair = [any_machine(number) for number in (0, 1)]
    bounds = [limits_of(machine) for machine, _ in pair]
    powers, (base, limit) = reals("power_0 power_1"), reals("base limit")
    given = [limit >= 0]
    for (machine, its), (limits, ends), power in zip(pair, bounds, powers, strict=True):
        given += [*its, *ends, machine.almost == 0, allowed(machine, limits, power)]
    flow = base + z3.Sum(powers)
    above = [most(p - resting(limits), ZERO) for p, (limits, _) in zip(powers, bounds, strict=True)]
    moving = z3.Sum(above)
    share = z3.Real("share")
    given += [flow > limit, moving > 0, share * moving == least(flow - limit, moving)]
    after = [
        z3.If(more > 0, slowed(machine, p, limits, share), p)
        for (machine, _), (limits, _), p, more in zip(pair, bounds, powers, above, strict=True)
    ]
    rest = [p <= resting(limits) for p, (limits, _) in zip(after, bounds, strict=True)]
    return Theorem(given, z3.Or(base + z3.Sum(after) <= limit, both(*rest)))


def connected_machine_is_allowed_and_twice_is_once() -> Theorem:
    """One machine behind its connection: allowed, twice is once, and the limit holds where it
    holds with the machine at rest.
    """
    machine, given = any_machine()
    limits, ends = limits_of(machine)
    wish, base, limit = reals("wish base limit")
    once = behind_connection([machine], [limits], [wish], base, limit)
    twice = behind_connection([machine], [limits], once, base, limit)
    carried = within(base + resting(limits), Range(-limit, limit))
    held = z3.Implies(carried, within(base + once[0], Range(-limit, limit)))
    asked = [limit > 0, machine.almost == 0]
    claim = both(allowed(machine, limits, once[0]), same(once, twice), held)
    return Theorem([*given, *ends, *asked], claim)


def plain_store_is_a_machine_without_any_of_it() -> Theorem:
    """Nothing that moves it, no least load, a level inside the bounds: the limits of `proof.py`."""
    machine, given = any_machine()
    none = [machine.drift == 0, machine.charge_on == 0, machine.discharge_on == 0]
    none.append(machine.taper == 0)
    wide = [machine.ramp >= machine.p_max, machine.ramp >= -machine.p_min]
    inside = [machine.energy >= 0, machine.energy <= machine.top, machine.floor == 0]
    low = most(machine.p_min, -machine.kept / machine.discharge)
    high = least(machine.p_max, (machine.top - machine.kept) / machine.charge)
    moves = [machine.plugged == 1, machine.p_min < machine.p_max]
    limits = machine_limits(machine)
    claim = both(same(limits, [low, high]), clip(ZERO, *limits) == 0)
    return Theorem([*given, *none, *wide, *inside, *moves], claim)


MACHINE_THEOREMS: tuple[Callable[[], Theorem], ...] = (
    limits_are_apart,
    machine_powers_are_the_admissible,
    out_of_reach_the_floor_is_approached,
    ramps_are_kept_and_stopping_is_free,
    nothing_is_bought_to_be_stored,
    kept_power_is_nearest_to_standstill,
    machine_wish_is_filtered_to_the_nearest,
    allowed_power_is_unchanged,
    rest_is_nearest_to_standstill,
    slowed_machine_stays_allowed,
    line_is_kept_or_machines_rest,
    connected_machine_is_allowed_and_twice_is_once,
    plain_store_is_a_machine_without_any_of_it,
)
