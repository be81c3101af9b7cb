"""One line of a ledger: what it says, who signed it, and its canonical form."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, StringConstraints, ValidationError

from leaderboard.forms import Digest, Id, Section, Short, Slug, Text, Version, complaints
from leaderboard.ledger import signing
from leaderboard.visible import visible
from p2p_market.errors import LedgerError

PURPOSE: Final = "p2p_market/ledger/1"
START: Final = "0" * 64
"""What stands for the line before the first."""
LONGEST: Final = 16 * 1024  # bytes in a line
UTC: Final = "%Y-%m-%dT%H:%M:%SZ"


def _a_moment(text: str) -> str:
    datetime.strptime(text, UTC)
    return text


Number = Annotated[int, Field(ge=0, le=2**53)]
Role = Literal["organiser", "evaluator", "reproducer"]
Signature = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{128}$")]
Utc = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"),
    AfterValidator(_a_moment),
]


class SeasonOpen(Section):
    """The first line: which season, what it is bound to, and the organiser's first key."""

    season: Id
    season_digest: Digest
    commitment: Digest
    key: Digest
    holder: Short


class KeyAdd(Section):
    """Another key may sign from here on."""

    key: Digest
    role: Role
    holder: Short


class KeyRevoke(Section):
    """A key may sign no more, and what it signed from line `from_n` on counts no more."""

    key: Digest
    from_n: Number
    reason: Short


class Submission(Section):
    """A package was submitted; attempts of one name are counted."""

    name: Slug
    version: Version
    package: Digest
    attempt: Annotated[int, Field(ge=1, le=2**31)]


class Verdict(Section):
    """A record of a package: executed, replayed or reproduced, as the line's type says."""

    package: Digest
    record: Digest


class Executed(Verdict):
    """The same with digests by which a later change can be named."""

    fields: dict[Text, Digest]  # of the record -> of its canonical bytes
    files: Digest  # of the entry's SHA256SUMS


class Reveal(Section):
    """The season's secret; from here on anyone can draw its episodes."""

    secret: Digest


class Withdraw(Section):
    """An entry counts no more; its lines and its attempt stay."""

    package: Digest
    reason: Short


BODIES: Final[Mapping[str, type[Section]]] = {
    "season-open": SeasonOpen,
    "key-add": KeyAdd,
    "key-revoke": KeyRevoke,
    "submission": Submission,
    "evaluation": Executed,
    "replay": Verdict,
    "reproduction": Verdict,
    "reveal": Reveal,
    "withdraw": Withdraw,
}
"""Type of a line -> what it says."""


class _Written(Section):
    """A line as it stands in the file."""

    n: Number
    prev_sha256: Digest
    type: str
    utc: Utc
    key: Digest
    body: dict[str, Any]
    sig: Signature


@dataclass(frozen=True, slots=True)
class Line:
    """A line that was read or made; whether it is allowed is checked elsewhere."""

    n: int
    prev_sha256: str
    type: str
    utc: str
    key: str  # that signed, public half
    body: Any  # one of `BODIES`
    sig: str

    @property
    def written(self) -> bytes:
        """The line as bytes, without its end."""
        return canonical({**self._signed, "sig": self.sig})

    @property
    def digest(self) -> str:
        """What the next line has as `prev_sha256`."""
        return hashlib.sha256(self.written).hexdigest()

    @property
    def signature_holds(self) -> bool:
        """Whether `key` signed it."""
        return signing.holds(self.key, PURPOSE, canonical(self._signed), self.sig)

    @property
    def _signed(self) -> dict[str, Any]:
        return {
            "n": self.n,
            "prev_sha256": self.prev_sha256,
            "type": self.type,
            "utc": self.utc,
            "key": self.key,
            "body": self.body.model_dump(mode="json"),
        }


def canonical(value: Mapping[str, Any]) -> bytes:
    """The canonical form of a value as JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("ascii")


def signed_line(before: Line | None, kind: str, utc: str, body: Section, private: bytes) -> Line:
    """The line that follows another, signed."""
    number, last = (0, START) if before is None else (before.n + 1, before.digest)
    draft = Line(number, last, kind, utc, signing.public_key(private), body, "")
    return Line(
        number, last, kind, utc, draft.key, body,
        signing.sign(private, PURPOSE, canonical(draft._signed)),
    )  # fmt: skip


def read_body(kind: str, body: Mapping[str, Any]) -> Section:
    """What a line of this type says.

    Raises:
        LedgerError: with the fields that are wrong.
    """
    if kind not in BODIES:
        raise LedgerError(f"unknown type {visible(kind)!r}; known: {', '.join(BODIES)}")
    try:
        return BODIES[kind].model_validate(body)
    except ValidationError as error:
        raise LedgerError(f"body: {complaints(error)}") from None


def read_line(raw: bytes) -> Line:
    """A line of a file, without its end.

    Raises:
        LedgerError: if it is not a line, or not in the canonical form.
    """
    if len(raw) > LONGEST:
        raise LedgerError(f"has more than {LONGEST} bytes")
    try:
        told = _Written.model_validate(json.loads(raw))
    except ValidationError as error:
        raise LedgerError(complaints(error)) from None
    except (ValueError, RecursionError):
        raise LedgerError("is not JSON") from None
    body = read_body(told.type, told.body)
    line = Line(told.n, told.prev_sha256, told.type, told.utc, told.key, body, told.sig)
    if line.written != raw:
        raise LedgerError("is not in the canonical form: other order, spaces, digits or letters")
    return line
