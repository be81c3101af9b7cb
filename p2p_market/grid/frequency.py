"""How far frequency leaves its nominal value when power is missing: a walk without a time.

    the smallest x >= 0 with  D x + sum_i min(k_i x, h_i) >= d,  x <= x_highest

x is the size of the deviation [Hz], d the power that is missing [MW], D what load sheds by itself
[MW/Hz], k_i the gain of a provider's governor [MW/Hz] and h_i its head-room [MW]. What is missing
at the highest deviation is shed by relays. Power in excess is the same with rooms downwards. F, the
left side, is concave in x and in h; so the money c x + V s for x and what is shed, s, is convex in
what the providers do as long as c <= V D. (The x that stops at its highest is not, by itself.)

Source: Kundur (1994), "Power System Stability and Control", ch. 11: the swing equation
M dx/dt = d - D x - sum of responses, at rest after the governors have answered. Left out are
inertia, the lags of governors and turbines, and secondary control (AGC). So of a slow disturbance x
is nearly the worst deviation. Of a step it is where frequency settles, not the nadir, which is
deeper: there each gain is multiplied by what is delivered by the nadir (`DELIVERED_BY_NADIR`).
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from p2p_market.compilation import inner, kernel
from p2p_market.errors import ArgumentError
from p2p_market.records import FloatArray, Record

NOMINAL_HZ: Final = 50.0

DELIVERED_BY_NADIR: Final = MappingProxyType(
    {"steam": 0.20, "gas": 0.55, "engine": 0.45, "inverter": 0.85, "storage": 0.85, "load": 0.85}
)
"""Share of a droop response that is there when frequency is lowest after a step, by kind."""


@dataclass(frozen=True, slots=True)
class Deviations(Record):
    """Size of the deviation, and what relays cut at its highest."""

    x_hz: FloatArray  # (batch,), >= 0
    shed_mw: FloatArray  # (batch,), >= 0; above 0 only at the highest deviation


@inner(forceinline=True)
def deviation(damping_mw_per_hz, gains_mw_per_hz, rooms_mw, missing_mw, highest_hz):  # type: ignore[no-untyped-def]
    """Deviation [Hz] and shed power [MW] of one event; see `deviations`.

    Each pass solves the equation for those who still have room. That never leads beyond the
    solution, as F is concave; who has none left there stands at its room in the next pass.
    """
    if missing_mw <= 0.0:
        return 0.0, 0.0
    x, full_before = 0.0, -1
    for _ in range(gains_mw_per_hz.shape[0] + 1):
        left, slope, full = missing_mw, damping_mw_per_hz, 0
        for i in range(gains_mw_per_hz.shape[0]):
            gain, room = gains_mw_per_hz[i], rooms_mw[i]
            if gain <= 0.0 or room <= 0.0:
                continue
            if gain * x >= room:
                left -= room
                full += 1
            else:
                slope += gain
        if full == full_before or left <= 0.0:
            break
        if left >= slope * highest_hz:
            return highest_hz, _shed(
                damping_mw_per_hz, gains_mw_per_hz, rooms_mw, missing_mw, highest_hz
            )
        x, full_before = max(left / slope, x), full
    return x, 0.0


@inner(forceinline=True)
def _shed(damping_mw_per_hz, gains_mw_per_hz, rooms_mw, missing_mw, highest_hz):  # type: ignore[no-untyped-def]
    """Power that is still missing at the highest deviation [MW]."""
    left = missing_mw - damping_mw_per_hz * highest_hz
    for i in range(gains_mw_per_hz.shape[0]):
        left -= max(min(gains_mw_per_hz[i] * highest_hz, rooms_mw[i]), 0.0)
    return max(left, 0.0)


@kernel
def deviation_kernel(damping, gains, rooms, missing, highest, out_x, out_shed):  # type: ignore[no-untyped-def]
    """See `deviations`."""
    for b in range(gains.shape[0]):
        out_x[b], out_shed[b] = deviation(damping[b], gains[b], rooms[b], missing[b], highest)


def deviations(
    damping_mw_per_hz: FloatArray | float,
    gains_mw_per_hz: FloatArray,
    rooms_mw: FloatArray,
    missing_mw: FloatArray | float,
    highest_hz: float,
) -> Deviations:
    """Frequency deviations of events, each with its providers of response.

    Args:
        damping_mw_per_hz: what load changes by itself, (batch,) or one for all [MW/Hz], >= 0.
        gains_mw_per_hz: of the droop, (batch, provider) or (provider,) [MW/Hz]; 0 answers nothing.
        rooms_mw: most that a provider adds, same shapes [MW]; 0 or less answers nothing.
        missing_mw: power that is missing, or in excess if the rooms lead downwards, (batch,) or one
            for all [MW]; 0 or less is no event.
        highest_hz: where relays shed what is still missing [Hz], > 0.

    Raises:
        ArgumentError: if a value is not finite, a gain or the damping is negative, or the highest
            deviation is not positive.
    Source: Kundur (1994), ch. 11; what is reduced stands at the head of this module.
    """
    gains, rooms = np.broadcast_arrays(np.atleast_2d(gains_mw_per_hz), np.atleast_2d(rooms_mw))
    damping, missing, _ = np.broadcast_arrays(damping_mw_per_hz, missing_mw, gains[:, 0])
    given = [np.array(one, dtype=np.float64) for one in (damping, gains, rooms, missing)]
    if given[1].shape[0] != len(given[0]):  # providers for one event, asked about many
        given[1:3] = (np.repeat(one, len(given[0]), axis=0) for one in given[1:3])
    if not all(np.isfinite(one).all() for one in given):
        raise ArgumentError("a damping, gain, room or missing power is not finite; give numbers")
    if min(given[0].min(), given[1].min()) < 0.0:
        raise ArgumentError(
            f"damping {given[0].min():g} and least gain {given[1].min():g} MW/Hz; both must be "
            "at least 0: load and governors act against a deviation"
        )
    if not 0.0 < highest_hz < np.inf:
        raise ArgumentError(f"highest deviation {highest_hz:g} Hz; give one above 0")
    x_hz, shed_mw = np.empty_like(given[0]), np.empty_like(given[0])
    deviation_kernel(*given, float(highest_hz), x_hz, shed_mw)
    return Deviations(x_hz, shed_mw)
