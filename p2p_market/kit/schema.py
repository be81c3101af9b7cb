"""Scenario files against a schema: base of its sections, and how it is read."""

import hashlib
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Strict, ValidationError

from p2p_market.errors import ScenarioError
from p2p_market.track import Line
from p2p_market.validation import explain

Number = Annotated[float, Strict()]  # a truth value or a text is not a number
Whole = Annotated[int, Strict()]


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
