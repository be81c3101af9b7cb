"""Packages that were handed in: a folder of zips, and beside each how far it is.

`NAME.zip.json` is written by rename. Who works on a package holds a lock on `.NAME.zip.lock`, which
the system frees when that process ends, however it ends. So a package that is said to be at work
and is not locked was interrupted, and the next `work` goes on with it.

Nothing here says how a package plays: episodes are counted, and none is named or scored.
"""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints, ValidationError

from leaderboard.forms import Count, Digest, Id, Section, Slug, Version
from leaderboard.visible import visible
from p2p_market.errors import UsageError
from p2p_market.files import write_bytes

TRIES, PAUSE_S = 20, 0.02
"""Somebody who looks whether a package is locked holds its lock for a moment."""
LONGEST: Final = 400  # letters of a reason

QUEUED, GATE, EVALUATING = "queued", "gate", "evaluating"
EVALUATED, REFUSED, INTERRUPTED = "evaluated", "refused", "interrupted"
AT_WORK: Final = (GATE, EVALUATING)
DONE: Final = (EVALUATED, REFUSED)


class Standing(Section):
    """How far a package is, as it is written."""

    state: Literal["gate", "evaluating", "evaluated", "refused"]
    of: Annotated[str, StringConstraints(max_length=80)]  # size and time of the zip that is meant
    season: Id
    started_utc: Annotated[str, StringConstraints(max_length=20)]
    name: Slug | None = None  # the rest once the gate has let it in
    version: Version | None = None
    package: Digest | None = None
    done: Count = 0  # episodes
    episodes: Count = 0
    reason: Annotated[str, Field(max_length=LONGEST)] = ""


@dataclass(frozen=True, slots=True)
class Submission:
    """A package in the folder, as it stands now."""

    file: str
    state: str
    standing: Standing | None  # None: nobody has looked at it


def files(inbox: Path) -> list[Path]:
    """The zips, in the order in which they came.

    Raises:
        UsageError: if there is no such folder.
    """
    if not inbox.is_dir():
        raise UsageError(f"{inbox}: is no folder; make it and put the zips of submissions there")
    found = [path for path in inbox.glob("*.zip") if path.is_file() and not path.is_symlink()]
    return sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name))


def submissions(inbox: Path) -> list[Submission]:
    """All packages and how far they are, in the order in which they came."""
    return [_submission(path) for path in files(inbox)]


def _submission(path: Path) -> Submission:
    standing = read(path)
    if standing is None:
        return Submission(path.name, GATE if _is_locked(path) else QUEUED, None)
    if standing.state in AT_WORK and not _is_locked(path):
        return Submission(path.name, INTERRUPTED, standing)
    return Submission(path.name, standing.state, standing)


def read(path: Path) -> Standing | None:
    """How far a zip is; None if it is new, or another one than was looked at."""
    try:
        standing = Standing.model_validate_json(_beside(path).read_bytes())
    except (OSError, ValidationError):
        return None
    return standing if standing.of == _which(path) else None


def write(path: Path, standing: Standing) -> None:
    """Say how far a zip is; complete or not at all."""
    write_bytes(_beside(path), standing.model_dump_json(exclude_none=True).encode())


def begun(path: Path, season: str) -> Standing:
    """The first thing to say: it is in the gate."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Standing(state="gate", of=_which(path), season=season, started_utc=now)


def refused(standing: Standing, why: str) -> Standing:
    """The same, refused."""
    said = visible(why, LONGEST)[:LONGEST]
    return standing.model_copy(update={"state": REFUSED, "reason": said})


@contextmanager
def held(path: Path) -> Iterator[bool]:
    """Whether this process has the package for itself now; others leave it alone."""
    with _lock(path).open("ab") as file:
        yield _locked(file.fileno(), fcntl.LOCK_EX)


def _is_locked(path: Path) -> bool:
    if not _lock(path).exists():
        return False
    with _lock(path).open("rb") as file:
        return not _locked(file.fileno(), fcntl.LOCK_SH, 1)


def _locked(number: int, how: int, tries: int = TRIES) -> bool:
    for left in reversed(range(tries)):
        try:
            fcntl.flock(number, how | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(PAUSE_S if left else 0.0)
        else:
            return True
    return False


def _which(path: Path) -> str:
    found = path.stat()
    return f"{found.st_size} bytes, {found.st_mtime_ns}"


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _lock(path: Path) -> Path:
    return path.with_name(f".{path.name}.lock")
