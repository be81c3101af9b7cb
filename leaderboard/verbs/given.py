"""What kind of thing a path is, so that the wrong one is told which verb takes it."""

from pathlib import Path
from shlex import quote
from typing import Final

from leaderboard.package.manifest import NAME as MANIFEST
from leaderboard.record.record import NAME as RECORD
from leaderboard.season import season
from p2p_market.errors import UsageError

KINDS: Final = {
    "draft": ("the folder of a submission", "pack, check or run"),
    "zip": ("the zip of a submission", "check, run or evaluate"),
    "entry": (f"the folder of an entry, with {RECORD}", "replay or verify"),
    "season": ("a season", "rank, build, export or verify"),
}
"""Kind of a path -> in words, and the verbs that take it."""


def expect(path: Path, *wanted: str) -> None:
    """Nothing, if a path may be what is wanted.

    Args:
        path: as it was given.
        wanted: kinds of which it must be one.

    Raises:
        UsageError: if it is of another kind, a folder of none, or not there.
    """
    found, needed = _kind(path), " or ".join(KINDS[one][0] for one in wanted)
    other = ("zip" in wanted and path.is_file()) or ("draft" in wanted and path.is_dir())
    if found in wanted or (other and not found):
        return  # the verb itself says what is wrong with it
    if found == "draft" and "zip" in wanted:
        raise UsageError(
            f"{path}: is the folder of a submission; pack it first: "
            f"p2p-market leaderboard pack {quote(str(path))}"
        )
    if found:
        said, verbs = KINDS[found]
        raise UsageError(
            f"{path}: is {said}, for `p2p-market leaderboard {verbs}`; this verb takes {needed}"
        )
    if not path.exists():
        raise UsageError(f"{path}: is not there; this verb takes {needed}")
    raise UsageError(f"{path}: is none of what this verb takes: {needed}")


def _kind(path: Path) -> str:
    """A key of `KINDS`; nothing if it is none of them."""
    if path.is_file():
        return "zip" if path.suffix == ".zip" else ""
    for kind, holds in (
        ("entry", path / RECORD),
        ("draft", path / MANIFEST),
        ("season", season.find(path) / season.FILE),
    ):
        if holds.is_file():
            return kind
    return ""
