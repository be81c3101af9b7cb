"""A voltage band that binds: what all members do is pulled back towards rest, together.

At rest every device does what it must and nothing else. Squared voltages are affine in powers, so
on the straight way from rest to what was asked the last admissible point is known in closed form:

    theta = min(1, least over members beyond a bound of (bound - w_rest) / (w_asked - w_rest))

A bound is that of the band or the member's voltage at rest, whichever is further out: nobody's
voltage becomes worse than at rest, and who is inside at rest stays inside.
"""

from typing import Any, NamedTuple

import numpy as np

from p2p_market.compilation import inner, kernel
from p2p_market.grid.feeder import ROUNDING_PU2, Flow, plain, squares
from p2p_market.records import FloatArray


class Powers(NamedTuple):
    """What members do in a step, or would do at rest."""

    setpoint_kw: FloatArray  # (batch, member, asset), positive = charge
    curtailed_kw: FloatArray  # (batch, member), PV not used
    shed_kw: FloatArray  # (batch, member), load not served
    net_load_kw: FloatArray  # (batch, member), what is left of all these, positive = deficit
    reactive_kvar: FloatArray  # (batch, member), positive = absorbed


class Least(NamedTuple):
    """Least power of a device that runs, (member, asset) [kW]; 0 = it may run at any."""

    charge_on_kw: FloatArray
    discharge_on_kw: FloatArray


class Held(NamedTuple):
    """What pulling back saw and did; kernels fill it."""

    share: FloatArray  # (batch,), kept of the way from rest to what was asked; 1 = left alone
    pulled_kw: FloatArray  # (batch, member), by which set-points were moved
    rest_pu2: FloatArray  # (batch, member), squared voltage at rest
    pu2: FloatArray  # (batch, member), squared voltage in the end


def held(batch: int, members: int) -> Held:
    """Room for what pulling back will say."""
    return Held(np.empty(batch), *(np.empty((batch, members)) for _ in range(3)))


@inner(forceinline=True)
def _share(flow, rest_pu2, pu2):  # type: ignore[no-untyped-def]
    """Which part of the way from rest keeps every bound."""
    share = 1.0
    for i in range(pu2.shape[0]):
        rest, asked = rest_pu2[i], pu2[i]
        high, low = max(flow.highest_pu2, rest), min(flow.lowest_pu2, rest)
        if asked > high + ROUNDING_PU2:
            share = min(share, (high - rest) / (asked - rest))
        elif asked < low - ROUNDING_PU2:
            share = min(share, (rest - low) / (rest - asked))
    return share


@inner(forceinline=True)
def _stops(share, least, rest, setpoint, i):  # type: ignore[no-untyped-def]
    """Whether on that part of the way a device of a member would run below its least power."""
    for k in range(setpoint.shape[1]):
        power = rest[i, k] + share * (setpoint[i, k] - rest[i, k])
        if -least.discharge_on_kw[i, k] < power < least.charge_on_kw[i, k] and power != 0.0:
            return True
    return False


@inner(forceinline=True)
def _towards(rest, share, b, i, out_powers):  # type: ignore[no-untyped-def]
    """Leave a member so much of the way; returns by how much its set-points moved."""
    moved = 0.0
    for k in range(rest.setpoint_kw.shape[2]):
        before, idle = out_powers.setpoint_kw[b, i, k], rest.setpoint_kw[b, i, k]
        out_powers.setpoint_kw[b, i, k] = idle + share * (before - idle)
        moved += abs(before - out_powers.setpoint_kw[b, i, k])
    for own, idle in (
        (out_powers.curtailed_kw, rest.curtailed_kw),
        (out_powers.shed_kw, rest.shed_kw),
        (out_powers.net_load_kw, rest.net_load_kw),
        (out_powers.reactive_kvar, rest.reactive_kvar),
    ):
        own[b, i] = idle[b, i] + share * (own[b, i] - idle[b, i])
    return moved


@kernel(forceinline=True)
def pull_back_kernel(flow, least, rest, out_powers, out_held):  # type: ignore[no-untyped-def]
    """See `pull_back`; the powers are changed in place."""
    net, reactive, pu2 = out_powers.net_load_kw, out_powers.reactive_kvar, out_held.pu2
    for b in range(net.shape[0]):
        squares(flow, rest.net_load_kw[b], rest.reactive_kvar[b], out_held.rest_pu2[b])
        out_held.share[b] = 1.0
        for i in range(net.shape[1]):
            out_held.pulled_kw[b, i] = 0.0
        # Once, but for devices with a least power: one that stops may have helped the others. Each
        # further round has brought at least one more member to rest.
        for _ in range(2 + net.shape[1]):
            squares(flow, net[b], reactive[b], pu2[b])
            share = _share(flow, out_held.rest_pu2[b], pu2[b])
            if share == 1.0:
                break
            out_held.share[b] *= share
            for i in range(net.shape[1]):
                stops = _stops(share, least, rest.setpoint_kw[b], out_powers.setpoint_kw[b], i)
                kept = 0.0 if stops else share
                out_held.pulled_kw[b, i] += _towards(rest, kept, b, i, out_powers)


def pull_back(flow: Flow, least: Least, rest: Any, powers: Any) -> tuple[Powers, Held]:
    """Bring voltages back into the band, as far as rest allows.

    Limits of devices, of connections and of the line, and the octagons of inverters, are convex:
    where rest and wish keep them, so does every point between. What violates nothing stays to the
    bit, and twice is once. Where a device would run below its least power, its member rests.

    Args:
        rest: `Powers`, what the filter makes of no wish at all, with the reactive power that nobody
            decides; a device with a least power stands still.
        powers: `Powers`, what the filter makes of the wish.

    Returns:
        What is done instead, and what was seen on the way.
    """
    done = Powers(*(np.array(getattr(powers, name)) for name in Powers._fields))
    seen = held(*done.net_load_kw.shape)
    pull_back_kernel(plain(flow), least, plain(rest), done, seen)
    return done, seen
