"""A season: boards, draws, limits and a secret, frozen before the first entry is played.

Its folder holds `season.toml`; `secret.hex` once it is revealed; and the reference tables, whose
digests `season.toml` names from the beginning, while they stay with the organiser until the reveal:
an optimum's schedule would reveal its draw.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, StringConstraints, model_validator

from leaderboard.forms import Digest, Id, Name, Section, Text, read_toml
from leaderboard.tracks import track_name
from p2p_market.errors import RecordError, UsageError
from p2p_market.registry import POPULATION

FILE: Final = "season.toml"
SECRET: Final = "secret.hex"
REFERENCE: Final = "reference"
FOLDER: Final = Path(__file__).resolve().parents[1] / "seasons"
COMMITMENT: Final = b"p2p_market/season/1"
SECRET_BYTES: Final = 32


class Board(Section):
    """A scenario and how often it is drawn."""

    scenario: Id
    draws: Annotated[int, Field(ge=1, le=1000)]
    days: Annotated[int, Field(ge=1, le=7)] | None = None  # shorter than the scenario's


class FocalBoard(Board):
    """A scenario in which an entry has one seat among bots."""

    seats: Annotated[int, Field(ge=1, le=64)]  # of each draw
    role: Name | None = None  # whose seats are drawn; None: those of all roles


class Limits(Section):
    """What a policy's process may take. Wall-clock limits are wide, so that a busy machine fits."""

    start_s: Annotated[float, Field(gt=0.0, le=600.0)] = 60.0
    step_s: Annotated[float, Field(gt=0.0, le=600.0)] = 5.0
    episode_s: Annotated[float, Field(gt=0.0, le=3600.0)] = (
        120.0  # of all steps; processor time too
    )
    memory_mb: Annotated[int, Field(ge=64, le=8192)] = 1024  # beyond what it has when it starts
    faulty_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.01  # more faulty steps: floor


class Plan(Section):
    """What an organiser writes before a season is opened."""

    id: Id
    title: Text
    opened: date
    closed: date | None = None
    population: Text = POPULATION  # beside a seat in focus
    boards: Annotated[list[Board], Field(min_length=1, max_length=64)]
    focal: FocalBoard | None = None
    limits: Limits = Limits()

    @model_validator(mode="after")
    def _each_once(self) -> "Plan":
        names = [board.scenario for board in self.boards]
        if len(set(names)) != len(names):
            raise ValueError("boards: the same scenario twice; raise its draws instead")
        return self


class Seal(Section):
    """What `season open` adds."""

    commitment: Digest  # of the secret
    p2p_market: Annotated[str, StringConstraints(max_length=40)]  # version
    reference: dict[Text, Digest]  # file of the table -> SHA-256


class SeasonFile(Plan):
    """`season.toml` of a season that is open."""

    sealed: Seal


@dataclass(frozen=True, slots=True)
class Season:
    """A season as it is read; draws need the secret."""

    folder: Path
    file: SeasonFile = field(compare=False)  # its digest says the same
    digest: str  # SHA-256 of season.toml, which names those of the reference tables
    secret: bytes | None

    @property
    def id(self) -> str:
        """Its name."""
        return self.file.id

    @property
    def reference(self) -> Path:
        """Folder of the reference tables."""
        return self.folder / REFERENCE

    @property
    def track(self) -> str:
        """The track of its boards; they all have the same."""
        return track_name(self.file.boards[0].scenario)

    def known_secret(self) -> bytes:
        """The secret.

        Raises:
            UsageError: if it is not known here.
        """
        if self.secret is None:
            raise UsageError(
                f"season {self.id}: its secret is not revealed yet; the organiser gives it with "
                "--secret-file"
            )
        return self.secret


def commitment(season_id: str, secret: bytes) -> str:
    """What is published of a secret before its season begins."""
    return hashlib.sha256(COMMITMENT + season_id.encode() + secret).hexdigest()


def read(folder: Path, secret: bytes | None = None) -> Season:
    """The season of a folder.

    Args:
        folder: with `season.toml`.
        secret: if it is not revealed yet; without it there are no draws.

    Raises:
        UsageError: if there is no season.
        RecordError: if the secret or a reference table is not the one that was committed to.
        PackageError: naming every wrong field of `season.toml`.
    """
    path = folder / FILE
    if not path.is_file():
        known = ", ".join(sorted(one.parent.name for one in FOLDER.glob(f"*/{FILE}")))
        raise UsageError(
            f"{folder.name}: there is no such season; known: {known}, or a folder with {FILE}"
        )
    text = path.read_bytes()
    file = read_toml(FILE, text, SeasonFile)
    if secret is None and (folder / SECRET).is_file():
        secret = read_secret(folder / SECRET)
    if secret is not None and commitment(file.id, secret) != file.sealed.commitment:
        raise RecordError(f"season {file.id}: the secret is not the one it was opened with")
    for name, expected in file.sealed.reference.items():
        table = folder / REFERENCE / name
        if table.is_file() and hashlib.sha256(table.read_bytes()).hexdigest() != expected:
            raise RecordError(f"{table}: is not the table that season {file.id} was opened with")
    return Season(folder, file, hashlib.sha256(text).hexdigest(), secret)


def find(named: Path | str) -> Path:
    """The folder of a season.

    Args:
        named: a folder, or the id of one in this repository.
    """
    named = Path(named)
    return FOLDER / named.name if not named.is_dir() and named.name == str(named) else named


def of_all_seasons() -> set[str]:
    """Scenarios that are a board of some season in this repository."""
    return {board.scenario for file in files_of_all() for board in file.boards}


def files_of_all() -> list[SeasonFile]:
    """What stands in `season.toml` of each season in this repository."""
    paths = sorted(FOLDER.glob(f"*/{FILE}"))
    return [read_toml(FILE, path.read_bytes(), SeasonFile) for path in paths]


def read_secret(path: Path) -> bytes:
    """The secret in a file: 64 hexadecimal digits.

    Raises:
        UsageError: if it is something else.
    """
    try:
        secret = bytes.fromhex(path.read_text("ascii").strip())
    except (OSError, ValueError):
        raise UsageError(
            f"{path}: cannot be read as a secret; it must hold 64 hexadecimal digits"
        ) from None
    if len(secret) != SECRET_BYTES:
        raise UsageError(f"{path}: holds {len(secret)} bytes, a secret has {SECRET_BYTES}")
    return secret


def sealed_text(plan: bytes, seal: Seal) -> bytes:
    """`season.toml` out of an organiser's plan and what was made of it."""
    lines = [f'"{name}" = "{digest}"' for name, digest in sorted(seal.reference.items())]
    heading = f'[sealed]\ncommitment = "{seal.commitment}"\np2p_market = "{seal.p2p_market}"\n'
    text = "\n".join([heading, "[sealed.reference]", *lines, ""])
    return plan.rstrip() + b"\n\n" + text.encode()
