"""Flexible load: energy that is served later where it was reduced, a power node without losses.

Backlog: B' = B + (F - f) dt with 0 <= B' <= highest backlog, where F is the normal load and f what
is served. What comes back is at most the recovery above normal. Source: Heussen et al. (2010),
"Energy storage in power system operation: the power nodes modeling framework",
doi:10.1109/ISGTEUROPE.2010.5638865.
"""

from p2p_market.compilation import inner


@inner(forceinline=True)
def least_kernel(normal, backlog, most_backlog, dt_h):  # type: ignore[no-untyped-def]
    """Load that must be served, else the backlog would pass its bound [MW]."""
    return max(0.0, normal - (most_backlog - backlog) / dt_h)


@inner(forceinline=True)
def most_kernel(normal, backlog, recovery, dt_h):  # type: ignore[no-untyped-def]
    """Load with what comes back [MW]."""
    return normal + min(recovery, backlog / dt_h)
