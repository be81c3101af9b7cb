"""The ledger of a season: lines are only ever added, each signed and bound to the one before it.

A line holds the SHA-256 of the line before, so nothing can be changed, removed or moved inside it.
What a chain cannot show is that its end was cut off, or that all of it was rewritten with other
keys: a checkpoint (the number and digest of a line seen earlier) shows both.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from leaderboard.forms import Section
from leaderboard.ledger.authority import Standing, after, complaint
from leaderboard.ledger.line import START, Line, read_body, read_line, signed_line
from p2p_market.errors import LedgerError, UsageError
from p2p_market.files import sync, sync_folder, write_bytes

NAME: Final = "ledger.jsonl"
BYTES: Final = 64 * 2**20
PLACES: Final = 9  # of a line's number


@dataclass(frozen=True, slots=True)
class Ledger:
    """The content of a ledger, and what is wrong with it."""

    lines: tuple[Line, ...]  # up to the first that is damaged
    standing: Standing  # after them
    problems: tuple[str, ...]  # a sentence each, none if all is well


def examine(data: bytes) -> Ledger:
    """All lines of a ledger's bytes, up to the first that is not valid."""
    *whole, rest = data.split(b"\n")
    lines: list[Line] = []
    standing, problems = Standing(), []
    for number, raw in enumerate(whole):
        wrong, line = _judged(number, raw, lines, standing)
        if line is None:
            problems.append(f"{NAME}, line {number}: {wrong}")
            return Ledger(tuple(lines), standing, tuple(problems))
        lines.append(line)
        standing = after(standing, line)
    if rest:
        problems.append(f"{NAME}, line {len(lines)}: is incomplete, it has no end")
    return Ledger(tuple(lines), standing, tuple(problems))


def _judged(
    number: int, raw: bytes, lines: list[Line], standing: Standing
) -> tuple[str, Line | None]:
    """A line, or what is wrong with it."""
    try:
        line = read_line(raw)
    except LedgerError as error:
        return str(error), None
    before = lines[-1].digest if lines else START
    if line.n != number:
        return f"n is {line.n}: a line was removed, doubled or moved", None
    if line.prev_sha256 != before:
        return f"prev_sha256 is not the digest of line {number - 1}: one of them was changed", None
    if not line.signature_holds:
        return "sig is not valid: the line was changed, or signed by another key", None
    wrong = complaint(standing, line)
    return (wrong, None) if wrong else ("", line)


def verify(path: Path, checkpoint: str = "", key: str = "") -> list[str]:
    """What is wrong with a ledger; empty if nothing is.

    Args:
        path: of the ledger.
        checkpoint: `NUMBER:DIGEST` of a line seen earlier, as `checkpoint_of` tells it.
        key: the organiser's first public key, from elsewhere; without it any will do.
    """
    return _problems(examine(_bytes(path)), checkpoint, key)


def _problems(found: Ledger, checkpoint: str = "", key: str = "") -> list[str]:
    problems = list(found.problems)
    if not found.lines and not problems:
        problems.append(f"{NAME}: is empty")
    if key and found.lines and found.lines[0].key != key:
        problems.append(f"{NAME}, line 0: is signed by {found.lines[0].key}, not by {key}")
    if checkpoint:
        problems += _against(checkpoint, found.lines)
    return problems


def _against(checkpoint: str, lines: tuple[Line, ...]) -> list[str]:
    number, _, digest = checkpoint.partition(":")
    if not number.isascii() or not number.isdigit() or len(number) > PLACES:
        raise UsageError(f"checkpoint {checkpoint!r}: must be NUMBER:DIGEST")
    if int(number) >= len(lines):
        return [f"{NAME}: line {number} of the checkpoint is missing: the ledger was rolled back"]
    if lines[int(number)].digest != digest:
        return [f"{NAME}, line {number}: is not that of the checkpoint: the ledger was forked"]
    return []


def read(path: Path) -> Ledger:
    """A ledger in which all is well.

    Raises:
        LedgerError: with the first line that is not allowed.
    """
    found = examine(_bytes(path))
    if problems := _problems(found):
        raise LedgerError(problems[0])
    return found


def checkpoint_of(lines: tuple[Line, ...]) -> str:
    """Number and digest of the last line: keep it, and no earlier state can be passed off."""
    return f"{lines[-1].n}:{lines[-1].digest}"


def append(path: Path, kind: str, body: Section, private: bytes, utc: str) -> list[str]:
    """Add a line; it is on the disk when this returns, or not there at all.

    Args:
        path: of the ledger; without one, a season is opened.
        kind: type of the line.
        body: what it says, one of `BODIES`.
        private: key that signs.
        utc: now.

    Returns:
        What had to be repaired first: an unfinished line of a writer that was killed.

    Raises:
        LedgerError: if the ledger is damaged, or the line may not follow.
        OSError: if it could not be written; the ledger is as before.
    """
    with _locked(path):
        told = _mended(path)
        found = examine(_bytes(path))
        if found.problems:
            raise LedgerError(found.problems[0])
        before = found.lines[-1] if found.lines else None
        line = signed_line(before, kind, utc, read_body(kind, body.model_dump()), private)
        if wrong := complaint(found.standing, read_line(line.written)):
            raise LedgerError(f"{kind}: {wrong}")
        _write(path, line.written + b"\n")
    return told


def _write(path: Path, data: bytes) -> None:
    """Add bytes in one piece; what got there of a failed write is taken back."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        size = os.fstat(descriptor).st_size
        try:
            if os.write(descriptor, data) != len(data):
                raise OSError(f"{path}: the line could not be written whole; is the disk full?")
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)
    sync_folder(path.parent)


def _mended(path: Path) -> list[str]:
    """Deal with a last line that has no end; what was done."""
    data = _bytes(path)
    tail = data[data.rfind(b"\n") + 1 :]
    if not tail:
        return []
    if _is_whole(tail):
        _write(path, b"\n")
        return [f"{NAME}: the end of the last line was missing, it was added"]
    aside = path.with_name(f"{NAME}.torn-{hashlib.sha256(tail).hexdigest()[:16]}")
    write_bytes(aside, tail)
    os.truncate(path, len(data) - len(tail))
    sync(path)
    return [f"{NAME}: an unfinished last line of {len(tail)} bytes is now in {aside.name}"]


def _is_whole(tail: bytes) -> bool:
    """Whether a line lacks nothing but its end.

    Raises:
        LedgerError: if it has another end, which no writer leaves that was killed.
    """
    try:
        _, end = json.JSONDecoder().raw_decode(tail.decode("latin-1"))
    except (ValueError, RecursionError):
        return False
    if end != len(tail):
        raise LedgerError(f"{NAME}: the end of the last line is damaged; take it from a copy")
    return True


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One writer at a time; the system frees the lock of a writer that is killed."""
    with path.with_name(f".{NAME}.lock").open("ab") as file:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        yield


def _bytes(path: Path) -> bytes:
    """All bytes of a ledger; none if it is not there."""
    if not path.exists():
        return b""
    with path.open("rb") as file:
        data = file.read(BYTES + 1)
    if len(data) > BYTES:
        raise LedgerError(f"{path}: has more than {BYTES} bytes")
    return data
