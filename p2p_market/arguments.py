"""Checks of what callers pass in, each with one sentence that says how to fix it."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from p2p_market.errors import ActionError, ArgumentError, P2PMarketError


def whole_number(
    name: str,
    value: object,
    least: int,
    most: int | None = None,
    error: type[P2PMarketError] = ArgumentError,
) -> int:
    """A whole number of Python or NumPy as an `int`; True and False are refused.

    Args:
        name: of the argument, for the message.
        value: what was passed in.
        least: the smallest that may be.
        most: the largest allowed value; None: no limit.
        error: what to raise.

    Raises:
        ArgumentError: or what `error` says, if it is not a whole number, or is outside its range.
    """
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if whole and least <= value and (most is None or value <= most):  # type: ignore[operator]
        return int(value)  # type: ignore[call-overload, no-any-return]
    span = f"of {least} or more" if most is None else f"{least} to {most}"
    raise error(f"{name} must be a whole number {span}, got {value!r}")


OPTIONS: Final = ("reference", "split", "week")
"""Of a `reset`; others are ignored, as wrappers of other libraries pass their own."""


def options_of(options: object) -> Mapping[str, Any]:
    """The options of a `reset`; None becomes an empty mapping.

    Raises:
        ArgumentError: if they are not a mapping, or one of them is an option of ours misspelt.
    """
    if options is None:
        return {}
    if not isinstance(options, Mapping):
        kind = type(options).__name__
        raise ArgumentError(f'options must be a mapping such as {{"week": 5}}, got a {kind}')
    for name in options.keys() - set(OPTIONS):
        close = get_close_matches(str(name).lower(), OPTIONS, n=1, cutoff=0.75)
        if close and isinstance(name, str):
            raise ArgumentError(f"options: there is no {name!r}; did you mean {close[0]!r}?")
    return options


def floats(
    who: str, values: object, shape: tuple[int, ...], kinds: str = "f"
) -> NDArray[np.floating[Any]]:
    """Numbers in this shape, as an array; of a floating dtype, or of one of `kinds`.

    Raises:
        ActionError: naming who sent them.
    """
    try:
        array = np.asarray(values)
    except Exception as error:  # ragged lists, tensors of another device, ...
        raise ActionError(
            f"{who} needs shape {shape} and a floating dtype, got a {type(values).__name__} that "
            "is not an array of numbers"
        ) from error
    if np.ma.is_masked(values):
        raise ActionError(f"{who} needs numbers, got an array in which some are masked; fill them")
    if array.shape != shape or array.dtype.kind not in kinds:
        raise ActionError(
            f"{who} needs shape {shape} and a floating dtype, got {array.shape} and {array.dtype}"
        )
    return array
