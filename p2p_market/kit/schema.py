"""Scenario files against a schema: base of its sections, and errors as sentences."""

import hashlib
from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Strict, ValidationError

from p2p_market.errors import ScenarioError
from p2p_market.track import Line

Number = Annotated[float, Strict()]  # a truth value or a text is not a number
Whole = Annotated[int, Strict()]

Loc = tuple[int | str, ...]
"""Where a value stands: keys and places in lists."""

MOST_COMPLAINTS: Final = 4

_WITHOUT_VALUE: Final = ("missing", "missing_argument", "missing_keyword_only_argument")
_REASONS: Final = {
    "missing": "is missing; add it",
    "missing_argument": "is missing; add it",
    "extra_forbidden": "there is no such key; check its spelling",
    "unexpected_keyword_argument": "there is no such parameter; check its spelling",
    "int_type": "must be a whole number, without quotes",
    "float_type": "must be a number, without quotes",
    "string_type": "must be a text; put it into quotes",
    "finite_number": "must be a finite number",
    "model_type": "must hold keys with values",
    "model_attributes_type": "must hold keys with values",
    "dict_type": "must hold keys with values",
    "tuple_type": "must be a list",
}
"""Kind of a validation error -> its reason in the words of a scenario file."""


class Section(BaseModel):
    """Base of all sections: unknown keys and non-finite numbers are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


M = TypeVar("M", bound=BaseModel)


def read(
    model: type[M],
    values: Mapping[str, Any],
    source: str = "scenario",
    line: Line | None = None,
    reasons: Mapping[str, str] | None = None,
) -> M:
    """What a scenario file says, if it keeps the schema; errors name file, line and field.

    A track binds its model, `read = partial(schema.read, Spec)`.

    Args:
        model: the schema.
        values: of the file and its bases.
        source: the file, for errors.
        line: tells the line of a field.
        reasons: kind of a validation error -> its reason, beside those that all tracks share.

    Raises:
        ScenarioError: if it breaks the schema.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        told = explain(error, values, line=line or (lambda _: None), reasons=reasons or {})
        raise ScenarioError(f"{source}: {told}") from error


def digest(spec: BaseModel) -> str:
    """Of what a file says; of a scenario that reads no data."""
    return hashlib.sha256(spec.model_dump_json().encode()).hexdigest()


def explain(
    error: ValidationError,
    values: Mapping[str, Any] | None = None,
    place: str = "",
    line: Line = lambda _: None,
    reasons: Mapping[str, str] | None = None,
) -> str:
    """Line, field, value and reason of each validation error, in one line.

    Args:
        error: of a scenario file, or of a device's parameters.
        values: what was read; None: what pydantic calls a field stays.
        place: of the device in its file, to be put before the field.
        line: says in which line of the file a field stands.
        reasons: as in `read`.
    """
    errors, known = error.errors(), {**_REASONS, **(reasons or {})}
    # A list whose items are wrong is called too short as well.
    found = [one for one in errors if one["type"] != "too_short"] or errors
    told = []
    for one in found[:MOST_COMPLAINTS]:
        loc = one["loc"]
        if values is not None:
            loc = _in_file(loc, values, one["type"] == "missing")
        number = line(loc)
        before = "" if number is None else f"line {number}: "
        field = ".".join(filter(None, (place, dotted(loc))))
        value = "" if one["type"] in _WITHOUT_VALUE or not loc else f" {shortened(one['input'])}"
        reason = known.get(one["type"]) or one["msg"].removeprefix("Value error, ")
        reason = reason.replace("Input should be", "must be")
        told.append(f"{before}{field}{value}: {reason}" if field else before + reason)
    more = len(found) - MOST_COMPLAINTS
    return "; ".join(told) + (f"; and {more} more" if more > 0 else "")


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
