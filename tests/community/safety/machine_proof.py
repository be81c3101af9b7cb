"""The formulas of machines over the reals, beside those of plain devices in `proof.py`.

What the weather does to powers and gains is inside them: the lowest and highest power are those of
the step, the charge gain has the share of the step. `almost` stands for `ALMOST`, the share of a
least load that rounding may eat: theorems hold for 0, and for any below a half where they say so.
"""

from collections.abc import Sequence
from typing import NamedTuple

import z3

from tests.community.safety.proof import Range, Real, clip, excess, least, most, reals

ZERO = z3.RealVal(0)


class Machine(NamedTuple):
    """A power node that the world moves, before a step; gains in hours, `before` in kW.

    `full` is the level at which charging that tapers has ended.
    """

    energy: Real
    plugged: Real
    floor: Real
    top: Real
    retention: Real
    drift: Real
    charge: Real
    discharge: Real
    p_min: Real
    p_max: Real
    charge_on: Real
    discharge_on: Real
    ramp: Real
    before: Real
    taper: Real
    full: Real
    almost: Real

    @property
    def kept(self) -> Real:
        """The level that standing still leads to."""
        return self.retention * self.energy + self.drift

    @property
    def reach(self) -> Range:
        """Lowest and highest power that ramp and taper leave, whatever the tube."""
        low = most(self.p_min, least(self.before, ZERO) - self.ramp)
        high = least(self.p_max, most(self.before, ZERO) + self.ramp)
        tapered = least(high, self.taper * most(self.full - self.energy, ZERO))
        return Range(low, z3.If(self.taper > 0, tapered, high))

    @property
    def has_least_load(self) -> z3.BoolRef:
        return z3.Or(self.charge_on > 0, self.discharge_on > 0)


def machine_limits(machine: Machine) -> Range:
    """`limits_of_one`: the floor forces, the top never does; a least load is reached or nothing."""
    low, high = machine.reach
    spare, room = machine.kept - machine.floor, machine.top - machine.kept
    need = z3.If(spare >= 0, -spare / machine.discharge, -spare / machine.charge)
    fitting = z3.If(room >= 0, room / machine.charge, ZERO)
    lowest = least(most(low, need), high)
    highest = most(least(high, fitting), lowest)
    down = reached(-least(lowest, ZERO), machine.discharge_on, machine.almost)
    up = reached(most(highest, ZERO), machine.charge_on, machine.almost)
    fixed, steps = z3.Or(machine.plugged == 0, low == high), machine.has_least_load
    return Range(
        z3.If(fixed, ZERO, z3.If(steps, -down, lowest)),
        z3.If(fixed, ZERO, z3.If(steps, up, highest)),
    )


def reached(power: Real, on: Real, almost: Real) -> Real:
    """`_reach`: nothing, or at least the least load."""
    return z3.If(power < on * (1 - almost), ZERO, most(power, on))


def snapped(power: Real, machine: Machine, share: Real) -> Real:
    """`snapped`: standstill or the least load, where the power lies between the two."""
    up, down = machine.charge_on, machine.discharge_on
    on = z3.If(power >= share * up, up, ZERO)
    off = z3.If(-power >= share * down, -down, ZERO)
    between = z3.And(-down < power, power < 0)
    return z3.If(z3.And(power > 0, power < up), on, z3.If(between, off, power))


def filtered(machine: Machine, wish: Real, limits: Range) -> Real:
    """What the filter makes of a wish, connection and line left out."""
    return snapped(clip(wish, *limits), machine, z3.Q(1, 2))


def after_step(machine: Machine, power: Real) -> Real:
    """`after_step`: the level before anything is bought or spilled."""
    gain = z3.If(power > 0, machine.charge, machine.discharge)
    return machine.kept + gain * power


def keeping(machine: Machine) -> Real:
    """`keeping`: the power nearest 0 that keeps the level inside the tube."""
    kept, floor, top = machine.kept, machine.floor, machine.top
    down = z3.If(kept > top, (top - kept) / machine.discharge, ZERO)
    power = z3.If(kept < floor, (floor - kept) / machine.charge, down)
    return machine.plugged * clip(power, machine.p_min, machine.p_max)


def resting(limits: Range) -> Real:
    """`_rest`: the power nearest 0 that a machine may have."""
    return least(most(limits.low, ZERO), limits.high)


def slowed(machine: Machine, power: Real, limits: Range, share: Real) -> Real:
    """`_slow_down` for one machine that adds to the flow."""
    less = power - share * (power - resting(limits))
    return snapped(less, machine, 1 - machine.almost)


def behind_connection(
    machines: Sequence[Machine],
    ranges: Sequence[Range],
    wishes: Sequence[Real],
    base: Real,
    limit: Real,
) -> list[Real]:
    """Set-points of `connection_kernel`: inside limits, then inside the connection."""
    own = [
        snapped(clip(wish, *bounds), machine, z3.Q(1, 2))
        for machine, bounds, wish in zip(machines, ranges, wishes, strict=True)
    ]
    for k, (machine, bounds) in enumerate(zip(machines, ranges, strict=True)):
        over = excess(base + z3.Sum(own), limit, ZERO)
        own[k] = snapped(clip(own[k] - over, *bounds), machine, 1 - machine.almost)
    return own


def any_machine(number: int = 0) -> tuple[Machine, list[z3.BoolRef]]:
    """A machine at any level; what its power gains may be moved by the weather, but is not 0."""
    names = " ".join(f"{field}_{number}" for field in Machine._fields)
    machine = Machine(*reals(names))
    return machine, [
        z3.Or(machine.plugged == 0, machine.plugged == 1),
        z3.And(machine.retention > 0, machine.retention <= 1),
        z3.And(machine.charge > 0, machine.discharge > 0),
        z3.And(machine.p_min <= 0, machine.p_max >= 0),
        z3.And(machine.charge_on >= 0, machine.discharge_on >= 0, machine.ramp >= 0),
        z3.And(machine.almost >= 0, machine.almost < z3.Q(1, 2)),
        z3.And(machine.taper >= 0, machine.floor <= machine.top),
    ]
