"""What the pages show of a season, as plain records; where it comes from is `gather`'s matter."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from leaderboard.tracks.card import Picture
from p2p_market.errors import SiteError
from p2p_market.evaluation.statistics.bootstrap import Interval

DIVISIONS: Final = ("policy", "method", "reference", "tripwire")
DOCS: Final = re.compile(r"(?:https://[A-Za-z0-9.-]+/|(?:\.\./)+)(?:[A-Za-z0-9._-]+/)*")
ENTRY_ID: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,62}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Column:
    """A number beside the score, as it is headed on a page."""

    key: str  # in `Row.columns`
    name: str
    digits: int
    unit: str  # "" for counts
    better: str  # which direction is: "low", "high" or ""
    on_board: bool = False
    alarm: bool = False  # other than 0 is worth a look


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the board; scores between the rule (0) and the optimum (100)."""

    id: str  # name of its page; "" for an end of the scale, which has none
    name: str
    version: str
    authors: tuple[str, ...]
    division: str  # one of DIVISIONS
    kind: str  # of its policy
    tier: str  # one of `tiers.TIERS`; "" for what needs none
    ranks: tuple[int, int] | None  # best and worst in 95 % of the draws; None: not ranked
    score: Interval  # IQM of the blocks of weeks
    mean: float  # of the blocks
    cvar: float  # mean of the worst tenth of the blocks
    worst: float  # scenario
    worst_scenario: str
    columns: Mapping[str, float]  # means over episodes, as `leaderboard.ranking.columns` names them
    reasons: tuple[str, ...] = ()  # why it is not ranked
    roles: tuple[str, ...] = ()  # that it plays; (): all

    @property
    def label(self) -> str:
        """Name and version."""
        return f"{self.name} {self.version}".strip()


@dataclass(frozen=True, slots=True)
class Week:
    """One episode as it was played."""

    scenario: str
    draw: int
    first_day: int  # of the week, 0 = Monday
    dt_h: float
    score: float  # of this episode
    above_eur: float  # the optimum
    parts_eur: tuple[tuple[float, str], ...]  # of it, and by what; together: all of it
    picture: Picture | None  # None: the track has none


@dataclass(frozen=True, slots=True)
class Learning:
    """How trainings went, as the author says; nobody checked it."""

    said: str  # what is shown, such as "saved in a validation week"
    unit: str
    lines: tuple[tuple[tuple[int, float], ...], ...]  # of each training: agent-steps and value


@dataclass(frozen=True, slots=True)
class Entry:
    """What its own page says beyond its row."""

    row: Row
    scenarios: tuple[tuple[str, Interval], ...]  # id and score
    training: tuple[tuple[str, str], ...]  # what its author tells of it: name and value
    facts: tuple[tuple[str, str], ...]  # digests, platform, versions: name and value
    commands: tuple[str, ...]  # to play it again
    bibtex: str
    doi: str = ""
    links: tuple[str, ...] = ()
    focal: tuple[tuple[str, Interval], ...] = ()  # what one seat among bots saves, in words [EUR]
    week: Week | None = None
    learning: Learning | None = None
    record: bytes = b""  # result.json


@dataclass(frozen=True, slots=True)
class Pair:
    """The first entry less the second, on the same weeks."""

    first: str  # id
    second: str
    difference: Interval  # of scores


@dataclass(frozen=True, slots=True)
class Season:
    """Which season, and what it is bound to."""

    id: str
    title: str
    opened: str  # day
    closed: str  # day, or ""
    public: bool  # its secret is known, and nobody is ranked
    facts: tuple[tuple[str, str], ...]  # commitment, digest, versions: name and value
    scenarios: tuple[tuple[str, int], ...]  # id and number of draws
    rule: str  # the 0 of the scale, in words
    zero: str  # "0 costs what ... costs"
    beside: str  # "... shown, not added up"
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Submission:
    """A package that was handed in, and how far it is; nothing of how it plays."""

    file: str
    label: str  # name and version, once the gate has read them
    id: str  # of its page; "" before
    package: str  # identity
    state: str
    done: int  # episodes
    episodes: int  # in all; 0: not known yet
    started: str  # UTC
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """All that is shown."""

    season: Season
    rows: tuple[Row, ...]  # best first; references and tripwires among them
    entries: tuple[Entry, ...]
    pairs: tuple[Pair, ...]
    rules: str  # Markdown, ours
    cite: str  # BibTeX of the benchmark
    exports: tuple[tuple[str, bytes], ...] = ()  # name of a file and what it holds
    docs: str = ""  # folder of the documentation, as seen from the board; "": not linked
    submissions: tuple[Submission, ...] | None = None  # None: nothing is said of them

    def division(self, *names: str) -> Iterator[Row]:
        """The rows of some divisions, in order."""
        return (row for row in self.rows if row.division in names)


def check(site: Site) -> None:
    """Ids become names of files and parts of addresses: they must be plain and unique.

    Raises:
        SiteError: with the id that is not, or the address of the documentation.
    """
    if site.docs and not DOCS.fullmatch(site.docs):
        raise SiteError(
            f"--docs {site.docs[:80]!r}: name the folder of the documentation, as https://.../ or "
            "as ../.../ seen from these pages"
        )
    ids = [entry.row.id for entry in site.entries]
    for one in ids:
        if not ENTRY_ID.fullmatch(one) or ".." in one:
            raise SiteError(f"entry {one[:80]!r}: an id has small letters, digits, '-' and '.'")
    if len(set(ids)) != len(ids):
        raise SiteError("two entries have the same id; give one another version")
    named = {row.id for row in site.rows if row.id} | {
        one for pair in site.pairs for one in (pair.first, pair.second)
    }
    if unknown := sorted(named - set(ids)):
        raise SiteError(f"entry {unknown[0][:80]!r}: is on the board and has no page")
