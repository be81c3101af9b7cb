"""Packages that were handed in, as a table: how far each is, and its place once that is published.

What stands here of scores and places is what the published pages say, so nothing is told before
they tell it.
"""

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from leaderboard.package import inbox
from leaderboard.site.content import Submission
from leaderboard.site.text import reader

PAGE: Final = "progress.html"
TITLE: Final = "In progress"
LINK: Final = (PAGE, TITLE)
BEGIN, END = "<!-- submissions -->", "<!-- end of submissions -->"
"""Around the table, which a server puts anew there; no stranger's text holds them unescaped."""
BOARD: Final = "board.csv"

Published = Callable[[str], bytes | None]
"""What the published file of a name holds."""


def handed_in(folder: Path) -> tuple[Submission, ...]:
    """All packages of a folder, in the order in which they came.

    Raises:
        UsageError: if there is no such folder.
    """
    return tuple(_submission(one) for one in inbox.submissions(folder))


def _submission(one: inbox.Submission) -> Submission:
    said = one.standing
    if said is None:
        return Submission(one.file, "", "", "", one.state, 0, 0, "")
    known = said.name is not None
    return Submission(
        file=one.file,
        label=f"{said.name} {said.version}" if known else "",
        id=f"{said.name}-{said.version}" if known else "",
        package=said.package or "",
        state=one.state,
        done=said.done,
        episodes=said.episodes,
        started=said.started_utc,
        reason=said.reason,
    )


def framed(found: Sequence[Submission], published: Published, now: str = "") -> str:
    """The table, between its marks.

    Args:
        found: in the order of the queue.
        published: what visitors may know.
        now: when the table was made; nothing in files.
    """
    ranks = _ranks(published(BOARD) or b"")
    rows = [(one, *_place(one, published, ranks)) for one in found]
    text = reader().get_template("submissions.html").render(rows=rows, now=now)
    return f"{BEGIN}\n{text}\n{END}"


def record_of(id_: str) -> str:
    """Name of the published record of an entry."""
    return f"records/{id_}.json"


def _place(one: Submission, published: Published, ranks: dict[str, str]) -> tuple[str, bool]:
    """The state in words, and whether the entry has a page."""
    if one.state != inbox.EVALUATED:
        return one.state, False
    data = published(record_of(one.id))
    if not data or json.loads(data).get("entry", {}).get("package") != one.package:
        return one.state, False
    rank = ranks.get(one.package, "")
    return (f"ranked {rank}" if rank else "on the board, not ranked"), True


def _ranks(board: bytes) -> dict[str, str]:
    """Package -> its range of ranks, of those that are ranked."""
    found = {}
    for row in csv.DictReader(io.StringIO(board.decode("utf-8"))):
        low, high = row.get("rank_low"), row.get("rank_high")
        if low and row.get("package"):
            found[row["package"]] = low if low == high else f"{low} to {high}"
    return found
