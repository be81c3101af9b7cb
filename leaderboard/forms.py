"""The form of what strangers write: exact types, and TOML bounded in size, nesting and time."""

import tomllib
import unicodedata
from collections.abc import Iterator
from typing import Annotated, Any, Final, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from leaderboard.visible import visible
from p2p_market.errors import PackageError
from p2p_market.validation import sentences

BYTES: Final = 64 * 1024
LINE: Final = 2000
"""Letters in a line: what makes a parser slow or deep needs longer ones."""
NESTING: Final = 8

COMPLAINTS: Final = 10
"""Fields named at once."""
LONGEST: Final = 400
"""Letters of what is said of one of them."""


class Section(BaseModel):
    """Base of all tables: exact types, no unknown keys, no infinity or nan."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def _plain(text: str) -> str:
    """One line of visible letters in composed form: nothing that hides, turns or looks alike."""
    hidden = [letter for letter in text if unicodedata.category(letter)[0] == "C"]
    breaks = [letter for letter in text if unicodedata.category(letter) in ("Zl", "Zp")]
    if hidden or breaks:
        raise ValueError("has invisible letters; remove them")
    if unicodedata.normalize("NFKC", text) != text or text.strip() != text:
        raise ValueError("must be in Unicode's form NFKC, without spaces at its ends")
    return text


Short = Annotated[str, StringConstraints(min_length=1, max_length=80), AfterValidator(_plain)]
Long = Annotated[str, StringConstraints(min_length=1, max_length=1000), AfterValidator(_plain)]
Title = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_plain)]
SLUG: Final = r"^[a-z0-9][a-z0-9-]{1,38}[a-z0-9]$"
NUMBERS: Final = r"^(0|[1-9][0-9]{0,4})\.(0|[1-9][0-9]{0,4})\.(0|[1-9][0-9]{0,4})$"
ORCID: Final = r"^[0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]{3}[0-9X]$"
DOI: Final = r"^10\.[0-9]{4,9}/[A-Za-z0-9._;()/:-]{1,100}$"
LINK: Final = r"^https://[A-Za-z0-9._~:/?#@!&*+,;=%-]{1,200}$"
SHA256: Final = r"^[0-9a-f]{64}$"
NAME: Final = r"^[a-z][a-z0-9_-]{0,38}$"
CSV: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,57}\.csv$"

PATTERNS: Final = {
    SLUG: "must be 3 to 40 small letters, digits and '-', with a letter or digit at both ends",
    NUMBERS: "must be three numbers such as 0.1.0",
    ORCID: "must be an ORCID such as 0000-0002-1825-0097",
    DOI: "must be a DOI such as 10.1000/example",
    LINK: "must be a link of at most 208 plain letters that begins with https://",
    SHA256: "must be 64 hexadecimal digits, in small letters",
    NAME: "must be 1 to 39 small letters, digits, '_' and '-', with a letter first",
    CSV: "must be the plain name of a file that ends in .csv",
}
"""Pattern -> what it asks for."""

Slug = Annotated[str, StringConstraints(pattern=SLUG)]
Version = Annotated[str, StringConstraints(pattern=NUMBERS)]
Orcid = Annotated[str, StringConstraints(pattern=ORCID)]
Doi = Annotated[str, StringConstraints(pattern=DOI)]
Link = Annotated[str, StringConstraints(pattern=LINK)]
Digest = Annotated[str, StringConstraints(pattern=SHA256)]
Csv = Annotated[str, StringConstraints(pattern=CSV)]
Name = Annotated[str, StringConstraints(pattern=NAME)]
"""Of a track, or of a role."""
Whole = Annotated[int, Field(ge=0, le=2**53)]
Text = Annotated[str, StringConstraints(max_length=200)]
Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,126}$")]
Count = Annotated[int, Field(ge=0, le=2**31)]

Form = TypeVar("Form", bound=BaseModel)


def read_toml(name: str, text: bytes, form: type[Form]) -> Form:
    """A file as the form that it must have.

    Raises:
        PackageError: with every field that is wrong.
    """
    try:
        return form.model_validate(_parsed(name, text))
    except ValidationError as error:
        raise PackageError(f"{name}: {complaints(error)}") from None


def complaints(error: ValidationError) -> str:
    """The fields that are wrong and how, fit for a terminal."""
    return "; ".join(
        visible(one, LONGEST) for one in sentences(error, reasons=PATTERNS)[:COMPLAINTS]
    )


def _parsed(name: str, text: bytes) -> dict[str, Any]:
    if len(text) > BYTES:
        raise PackageError(f"{name}: has more than {BYTES} bytes; shorten it")
    if max(map(len, text.splitlines()), default=0) > LINE:
        raise PackageError(f"{name}: has a line of more than {LINE} bytes; split it")
    try:
        table = tomllib.loads(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # a wrong letter or number is a ValueError too
        raise PackageError(f"{name}: is not TOML ({visible(str(error), 200)})") from None
    if any(depth > NESTING for depth in _depths(table)):
        raise PackageError(f"{name}: is nested more than {NESTING} deep; flatten it")
    return table


def _depths(table: dict[str, Any]) -> Iterator[int]:
    """Depth of every table and list, without recursion."""
    waiting: list[tuple[Any, int]] = [(table, 1)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, dict | list):
            yield depth
            inside = value.values() if isinstance(value, dict) else value
            waiting += [(one, depth + 1) for one in inside]
