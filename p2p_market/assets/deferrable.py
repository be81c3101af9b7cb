"""A load that may be served later: what is put off is a backlog, and it comes back.

    B' = B + (F - f) dt,   0 <= B' <= B_highest,   0 <= f <= F + r

F is the normal load [MW], f what is served, B the backlog [MWh] and r how much more than normal can
be made up for [MW]. It is a power node of set-point f - F without losses or leak, whose level is
the room that the backlog leaves: e = B_highest - B. Source: Heussen, Koch, Ulbig and Andersson
(2010), as in `node`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from p2p_market.compilation import inner, kernel
from p2p_market.errors import ArgumentError
from p2p_market.records import FloatArray, Record, for_kernels


@for_kernels
@dataclass(frozen=True, slots=True)
class Deferrable(Record):
    """Loads of one scenario that may wait."""

    highest_backlog_mwh: FloatArray  # (load,)
    recovery_mw: FloatArray  # (load,), most above the normal load
    dt_h: float

    def __post_init__(self) -> None:
        """Refuse a load that could never wait by rule.

        Raises:
            ArgumentError: with the values.
        """
        Record.__post_init__(self)
        least = min(self.highest_backlog_mwh.min(), self.recovery_mw.min())
        if not (least >= 0.0 and self.dt_h > 0.0):
            raise ArgumentError(
                f"deferrable loads: least backlog or recovery {least:g}, step {self.dt_h:g} h; "
                "backlog and recovery are at least 0, a step is longer than 0 h"
            )


@inner(forceinline=True)
def least(normal_mw, backlog_mwh, highest_backlog_mwh, dt_h):  # type: ignore[no-untyped-def]
    """Least power of one load that leaves its backlog within bounds [MW]."""
    return max(normal_mw - (highest_backlog_mwh - backlog_mwh) / dt_h, 0.0)


@inner(forceinline=True)
def most(normal_mw, backlog_mwh, recovery_mw, dt_h):  # type: ignore[no-untyped-def]
    """Most power that one load can use: normal, and what it makes up for [MW]."""
    return normal_mw + min(recovery_mw, backlog_mwh / dt_h)


@inner(forceinline=True)
def after(normal_mw, served_mw, backlog_mwh, highest_backlog_mwh, dt_h):  # type: ignore[no-untyped-def]
    """Backlog of one load after a step [MWh]; the bounds take only rounding away."""
    backlog = backlog_mwh + (normal_mw - served_mw) * dt_h
    return min(max(backlog, 0.0), highest_backlog_mwh)


@kernel
def project_kernel(loads, normal, backlog, wish, out_served):  # type: ignore[no-untyped-def]
    """See `project`."""
    for b in range(normal.shape[0]):
        for i in range(normal.shape[1]):
            low = least(normal[b, i], backlog[b, i], loads.highest_backlog_mwh[i], loads.dt_h)
            high = most(normal[b, i], backlog[b, i], loads.recovery_mw[i], loads.dt_h)
            out_served[b, i] = min(max(wish[b, i], low), high)


@kernel
def advance_kernel(loads, normal, backlog, served, out_backlog):  # type: ignore[no-untyped-def]
    """See `advance`."""
    for b in range(normal.shape[0]):
        for i in range(normal.shape[1]):
            highest = loads.highest_backlog_mwh[i]
            out_backlog[b, i] = after(
                normal[b, i], served[b, i], backlog[b, i], highest, loads.dt_h
            )


def project(
    loads: Deferrable | Any, normal_mw: FloatArray, backlog_mwh: FloatArray, wish_mw: FloatArray
) -> FloatArray:
    """The possible power that is nearest to a wish, (batch, load) [MW].

    Args:
        normal_mw: load without any shift, (batch, load) [MW], >= 0.
        backlog_mwh: before the step, within its bounds, (batch, load) [MWh].
        wish_mw: power to serve, (batch, load) [MW]; -inf and inf ask for the limits.
    """
    served = np.empty_like(normal_mw)
    project_kernel(_plain(loads), normal_mw, backlog_mwh, wish_mw, served)
    return served


def advance(
    loads: Deferrable | Any, normal_mw: FloatArray, backlog_mwh: FloatArray, served_mw: FloatArray
) -> FloatArray:
    """Backlogs after a step, (batch, load) [MWh].

    Args:
        normal_mw: load without any shift, (batch, load) [MW], >= 0.
        backlog_mwh: before the step, (batch, load) [MWh].
        served_mw: what `project` leaves alone, (batch, load) [MW].
    """
    backlog = np.empty_like(normal_mw)
    advance_kernel(_plain(loads), normal_mw, backlog_mwh, served_mw, backlog)
    return backlog


def _plain(loads: Any) -> Any:
    """What kernels take for a record; what they take already stays as it is."""
    return loads.arrays() if isinstance(loads, Record) else loads
