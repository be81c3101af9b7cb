"""Settings of a training: a base that checks them and keeps a record of them."""

from collections.abc import Callable
from typing import Any, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, model_validator

from p2p_market.errors import PolicyError
from p2p_market.validation import explain

REASONS: Final = {
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
}


class Settings(BaseModel):
    """What a training is a function of; a field and a line of text for each.

    Values may be texts, as the command line passes them on. What does not fit raises a
    `PolicyError` that names the keys.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="wrap")
    @classmethod
    def _told(cls, values: Any, check: Callable[[Any], Self]) -> Self:
        try:
            return check(values)
        except ValidationError as error:
            unknown = {"extra_forbidden": f"no such key; known: {', '.join(cls.model_fields)}"}
            raise PolicyError(explain(error, reasons={**REASONS, **unknown})) from error

    def as_mapping(self) -> dict[str, Any]:
        """Plain values by key, as checkpoints and records hold them."""
        return self.model_dump()


def one_of(*known: str) -> AfterValidator:
    """Of a field: one of these texts."""

    def check(value: str) -> str:
        if value not in known:
            raise ValueError(f"must be one of {', '.join(known)}")
        return value

    return AfterValidator(check)
