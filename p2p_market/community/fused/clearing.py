"""All compiled rules of markets behind one function, chosen by their place in `MECHANISMS`."""

from functools import reduce
from typing import Any, Final

import numpy as np
from numba import njit

from p2p_market.compilation import inner
from p2p_market.market import MECHANISMS

_COUNTED: Final[dict[str, Any]] = {"_nrt": True}
"""What is compiled on behalf of the step inherits its options; rules of markets do allocate."""


def _first_of(otherwise: Any, listed: tuple[int, Any]) -> Any:
    """A rule that calls `listed` for its own number, and `otherwise` for any other."""
    number, kernel = listed

    @njit(inline="always")
    def clear(rule, quantity, price, retail, feed_in, k, tick, top, dt, fill, payment, hub_price):  # type: ignore[no-untyped-def]
        if rule == number:
            kernel(quantity, price, retail, feed_in, k, tick, top, dt, fill, payment, hub_price)
        else:
            otherwise(
                rule, quantity, price, retail, feed_in, k, tick, top, dt, fill, payment, hub_price
            )

    return clear


@njit(inline="always")
def _no_rule(rule, quantity, price, retail, feed_in, k, tick, top, dt, fill, payment, hub_price):  # type: ignore[no-untyped-def]
    hub_price[:] = np.nan


_COMPILED = [(n, m.kernel) for n, m in enumerate(MECHANISMS.values()) if m.kernel is not None]
KERNELS: Final = tuple(kernel for _, kernel in _COMPILED)
"""Rules that the step knows; one that a program lists later is played in plain Python."""

_chosen = reduce(_first_of, _COMPILED, _no_rule)


@inner(**_COUNTED)
def clear(rule, quantity, price, retail, feed_in, k, tick, top, dt, fill, payment, hub_price):  # type: ignore[no-untyped-def]
    """Clear books by the rule of a number; see `ClearKernel`."""
    _chosen(rule, quantity, price, retail, feed_in, k, tick, top, dt, fill, payment, hub_price)
