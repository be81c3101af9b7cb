"""Reactive power of inverters: a rule, and how much of it stands at an agent's choice.

All is square roots and divisions, so every processor draws the same bits.
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from p2p_market.compilation import inner, kernel
from p2p_market.grid.feeder import plain
from p2p_market.records import FloatArray, Record, for_kernels

LEAST_FACTOR: Final = 0.95
"""Power factor of the rule at full power; typical."""

LARGEST_SHARE: Final = 0.33
"""Reactive power at choice per kW of rated power; about what a power factor of 0.95 is."""

OVERSIZE: Final = 1.1
"""Apparent power of an inverter per kW of rated power, where a scenario says nothing."""

SLOPE: Final = math.sqrt(2.0) - 1.0
"""tan(pi / 8): the octagon in a circle of radius S, corners on both axes, is |P| + SLOPE |Q| <= S
and SLOPE |P| + |Q| <= S; the second four sides are out of reach of a |Q| of at most 0.33 S."""


def by_rule(power_kw: FloatArray, rated_kw: FloatArray) -> FloatArray:
    """Reactive power that PV absorbs by the characteristic cos phi (P) [kvar].

    The power factor is one up to half of the rated power and falls from there along a line to 0.95
    at full power: Q = P tan(acos(factor)).

    Args:
        power_kw: output, at least 0 [kW].
        rated_kw: of the inverter, which broadcasts [kW]; 0 = none.
    """
    share = np.divide(power_kw, rated_kw, out=np.zeros_like(power_kw), where=rated_kw > 0.0)
    factor = 1.0 - (1.0 - LEAST_FACTOR) * np.clip(2.0 * share - 1.0, 0.0, 1.0)
    return np.asarray(power_kw * np.sqrt(1.0 - factor * factor) / factor)


@inner(forceinline=True)
def absorbed(power, rated):  # type: ignore[no-untyped-def]
    """The same for one roof."""
    share = power / rated if rated > 0.0 else 0.0
    factor = 1.0 - (1.0 - LEAST_FACTOR) * min(max(2.0 * share - 1.0, 0.0), 1.0)
    return power * np.sqrt(1.0 - factor * factor) / factor


@for_kernels
@dataclass(frozen=True, slots=True)
class Inverters(Record):
    """Inverters of all members; 0 = there is none."""

    pv_kw: FloatArray  # (member,), rated power
    pv_kva: FloatArray  # (member,), apparent power
    asset_kw: FloatArray  # (member, asset)
    asset_kva: FloatArray  # (member, asset)

    def __post_init__(self) -> None:
        """Refuse an inverter that is too small for its own power.

        Raises:
            ValueError: with both.
        """
        Record.__post_init__(self)
        for rated, apparent in ((self.pv_kw, self.pv_kva), (self.asset_kw, self.asset_kva)):
            for kw, kva in zip(rated.flat, apparent.flat, strict=True):
                if kw > kva:
                    raise ValueError(f"an inverter of {kva:g} kVA for {kw:g} kW; raise its kVA")


@inner(forceinline=True)
def _room(power, rated, apparent):  # type: ignore[no-untyped-def]
    """Most reactive power either way beside an active power, which comes first."""
    return max(min(LARGEST_SHARE * rated, (apparent - abs(power)) / SLOPE), 0.0)


@kernel(forceinline=True)
def room_kernel(inverters, pv, plugged, setpoint, out_kvar):  # type: ignore[no-untyped-def]
    """See `reactive_room`."""
    for b in range(pv.shape[0]):
        for i in range(pv.shape[1]):
            room = _room(pv[b, i], inverters.pv_kw[i], inverters.pv_kva[i])
            for k in range(setpoint.shape[2]):
                if plugged[b, i, k] > 0.0:
                    power, rated = setpoint[b, i, k], inverters.asset_kw[i, k]
                    room += _room(power, rated, inverters.asset_kva[i, k])
            out_kvar[b, i] = room


def reactive_room(
    inverters: Inverters | Any, pv_kw: FloatArray, plugged: FloatArray, setpoint_kw: FloatArray
) -> FloatArray:
    """Most reactive power that each member can absorb or give, (batch, member) [kvar].

    The sum over its inverters of the least of a third of the rated power and what the octagon
    inside the circle P^2 + Q^2 <= S^2 leaves beside the active power.

    Args:
        pv_kw: output after curtailment, (batch, member) [kW].
        plugged: 1 where a device is there, (batch, member, asset).
        setpoint_kw: after the filter, (batch, member, asset) [kW].
    """
    out = np.empty_like(pv_kw)
    room_kernel(plain(inverters), pv_kw, plugged, setpoint_kw, out)
    return out
