"""What is wrong with a file or with what a caller passed in: where, what, how to mend it."""

from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from p2p_market.errors import ActionError, ArgumentError, P2PMarketError, RenderError

Loc = tuple[int | str, ...]
"""Where a value stands: keys and places in lists."""

OPTIONS: Final = ("reference", "split", "week")
"""Of a `reset`; others are ignored, as wrappers of other libraries pass their own."""

MOST: Final = 4
"""Complaints told at once."""

WITHOUT_VALUE: Final = ("missing", "missing_argument", "missing_keyword_only_argument")
REASONS: Final = {
    "missing": "is missing; add it",
    "missing_argument": "is missing; add it",
    "extra_forbidden": "there is no such key; check its spelling",
    "unexpected_keyword_argument": "there is no such parameter; check its spelling",
    "int_type": "must be a whole number, without quotes",
    "float_type": "must be a number, without quotes",
    "string_type": "must be a text; put it into quotes",
    "bool_type": "must be true or false, without quotes",
    "finite_number": "must be a finite number",
    "model_type": "must hold keys with values",
    "model_attributes_type": "must hold keys with values",
    "dict_type": "must hold keys with values",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
}
"""Kind of a validation error -> its reason in the words of a file."""

PLAIN: Final = (
    ("Value error, ", ""),
    ("Input should be", "must be"),
    ("String should", "must"),
    ("List should", "must"),
    ("Tuple should", "must"),
    ("Dictionary should", "must"),
    ("Value should", "must"),
    (" after validation", ""),
)
"""What the library says -> what we say."""


def explain(
    error: ValidationError,
    values: Mapping[str, Any] | None = None,
    place: str = "",
    line: Callable[[Loc], int | None] = lambda _: None,
    reasons: Mapping[str, str] | None = None,
    most: int = MOST,
) -> str:
    """Line, field, value and reason of each validation error, in one line.

    Args:
        error: of what somebody wrote.
        values: what was read; None: what pydantic calls a field stays.
        place: of it in its file, to be put before the field.
        line: says in which line of the file a field stands.
        reasons: kind of a validation error, or a pattern -> the reason, beside those that all
            files share.
        most: so many are told, of the others their number.
    """
    told = sentences(error, values, place, line, reasons)
    more = len(told) - most
    return "; ".join(told[:most]) + (f"; and {more} more" if more > 0 else "")


def sentences(
    error: ValidationError,
    values: Mapping[str, Any] | None = None,
    place: str = "",
    line: Callable[[Loc], int | None] = lambda _: None,
    reasons: Mapping[str, str] | None = None,
) -> list[str]:
    """The same, one by one and all of them."""
    errors = error.errors(include_url=False)
    # A list whose items are wrong is called too short as well.
    found = [one for one in errors if one["type"] != "too_short"] or errors
    told, own = [], reasons or {}
    for one in found:
        loc = one["loc"]
        if values is not None:
            loc = _in_file(loc, values, one["type"] == "missing")
        number = line(loc)
        before = "" if number is None else f"line {number}: "
        field = ".".join(filter(None, (place, dotted(loc))))
        hidden = one["type"] in WITHOUT_VALUE or not loc or _is_a_whole(one)
        value = "" if hidden else f" {shortened(one['input'])}"
        pattern = one.get("ctx", {}).get("pattern", "")
        reason = own.get(one["type"]) or own.get(pattern) or _reason(one)
        told.append(f"{before}{field}{value}: {reason}" if field else before + reason)
    return told


def _is_a_whole(one: Any) -> bool:
    """Whether it is a rule about a whole section, whose text would say little."""
    return one["type"] == "value_error" and isinstance(one["input"], dict | BaseModel)


def _reason(one: Any) -> str:
    kind, about = one["type"], one.get("ctx", {})
    if kind == "union_tag_not_found":
        return f"has no `{_bare(about['discriminator'])}`; add one"
    if kind == "union_tag_invalid":
        known = _bare(about["expected_tags"])
        return f"unknown `{_bare(about['discriminator'])}` {about['tag']!r}; known: {known}"
    if kind == "string_pattern_mismatch":
        return f"is not written as it must be; its pattern is {about['pattern']}"
    reason = REASONS.get(kind) or str(one["msg"])
    for theirs, ours in PLAIN:
        reason = reason.replace(theirs, ours)
    return reason


def _bare(text: str) -> str:
    return text.replace("'", "")


def _in_file(loc: Loc, values: Any, missing: bool) -> Loc:
    """A path without the kinds that pydantic puts between a key and what it holds.

    Args:
        loc: the path as pydantic has it.
        values: in which it leads.
        missing: whether its last part is what the file lacks.
    """
    found: list[int | str] = []
    for number, part in enumerate(loc, 1):
        inside = range(len(values)) if isinstance(values, list | tuple) else values
        if isinstance(inside, Mapping | range) and part in inside:
            values = values[part]
        elif not (missing and number == len(loc)):
            continue
        found.append(part)
    return tuple(found)


def dotted(loc: Loc) -> str:
    """`members[3].assets[0].donor` out of its parts."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return path.removeprefix(".")


def shortened(value: object) -> str:
    """A value as it stands in a file, its beginning if it is long."""
    try:
        text = repr(value)
    except ValueError:  # an integer of thousands of digits
        text = "a huge number"
    return text if len(text) <= 60 else f"{text[:56]} ..."


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


def no_pictures(render_mode: object) -> None:
    """Of a track that draws none.

    Raises:
        RenderError: if a render mode is asked for.
    """
    if render_mode is not None:
        raise RenderError(f"no render mode {render_mode!r}; this track draws no pictures")


def lean_or_full(info: object) -> str:
    """How much `infos` tell.

    Raises:
        ArgumentError: if it is neither.
    """
    if not isinstance(info, str) or info not in ("lean", "full"):
        raise ArgumentError(f'info must be "lean" or "full", got {info!r}')
    return info


def by_agent(actions: object, agents: Collection[str]) -> Mapping[str, Any]:
    """What agents sent in a step.

    Raises:
        ActionError: if it is not a mapping, or holds an action of somebody else.
    """
    if not isinstance(actions, Mapping):
        kind = type(actions).__name__
        raise ActionError(f"actions must be a mapping from agent to action, got a {kind}")
    for agent in actions:
        if agent not in agents:
            raise ActionError(f"unknown agent {agent!r}; agents are {list(agents)}")
    return actions


def floats(
    who: str, values: object, shape: tuple[int, ...], kinds: str = "f"
) -> NDArray[np.floating[Any]]:
    """Numbers in this shape, as an array; of a floating dtype, or of one of `kinds`.

    A number alone is taken where one is needed.

    Raises:
        ActionError: naming who sent them.
    """
    try:
        array = np.asarray(values)
    except Exception as error:  # ragged lists, tensors of another device, ...
        kind = type(values).__name__
        raise ActionError(
            f"{who} needs {_needed(shape, kinds)}, got a {kind} that is not an array of numbers"
        ) from error
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise ActionError(f"{who} needs numbers, got an array in which some are masked; fill them")
    if array.shape == () and shape == (1,):
        array = array.reshape(1)
    if array.shape != shape or array.dtype.kind not in kinds:
        raise ActionError(
            f"{who} needs {_needed(shape, kinds)}, got {array.shape} and {array.dtype}"
        )
    return array


def _needed(shape: tuple[int, ...], kinds: str) -> str:
    return f"shape {shape} and {'a floating dtype' if kinds == 'f' else 'numbers'}"
