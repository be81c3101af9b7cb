"""The entries of a season in its folder: records, and how far they may be trusted."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from leaderboard.ledger import ledger
from leaderboard.ledger.ledger import Ledger
from leaderboard.ledger.tiers import SELF_REPORTED, tier
from leaderboard.package.manifest import METHOD_SEEDS
from leaderboard.record.record import NAME, Played, Record, digest, parse
from leaderboard.season.season import Season
from p2p_market.errors import RecordError, UsageError

FOLDER: Final = "entries"
PACKAGE: Final = "package.zip"
TRACES: Final = "traces"
BYTES: Final = 64 * 2**20
"""No record has more."""


@dataclass(frozen=True, slots=True)
class Entered:
    """One entry."""

    folder: Path
    record: Record
    tier: str  # one of `tiers.TIERS`
    withdrawn: bool = False

    @property
    def name(self) -> str:
        """Name and version, which no other entry of the season has."""
        return f"{self.record.entry.name} {self.record.entry.version}"


def folders(season: Season) -> list[Path]:
    """Of all entries, by name."""
    return sorted(path for path in (season.folder / FOLDER).glob("*") if path.is_dir())


def read(folder: Path) -> Record:
    """The record of an entry.

    Raises:
        RecordError: if there is none, or it is damaged.
    """
    try:
        with (folder / NAME).open("rb") as file:
            return parse(file.read(BYTES))
    except OSError as error:
        raise RecordError(f"{folder}: {NAME} cannot be read ({error.strerror})") from None
    except RecordError as error:
        raise RecordError(f"{folder.name}: {error}") from None


def entered(season: Season, more: Path | None = None) -> list[Entered]:
    """All entries of a season, with their tiers.

    Args:
        season: in whose folder they lie.
        more: another folder of entries, as `run` writes them; those that are not finished, are of
            another season, or lie in the season's folder too, are left out.

    Raises:
        UsageError: if there are none.
        RecordError: if a record is damaged, or not of this season.
        LedgerError: if the ledger is damaged.
    """
    path = season.folder / ledger.NAME
    known = ledger.read(path) if path.is_file() else None
    chosen = {folder.name: folder for folder in _finished(more, season.id)}
    chosen |= {folder.name: folder for folder in folders(season)}
    found = [judged(chosen[name], known) for name in sorted(chosen)]
    if not found:
        raise UsageError(
            f"{season.id}: no entries to rank; --entries FOLDER adds what `run` has left there"
        )
    for one in found:
        if wrong := unfit(one.folder, one.record, season):
            raise RecordError(f"{one.folder.name}: {wrong[0]}")
    environments = {str(sorted(one.record.environment.scenarios.items())) for one in found}
    if len(environments) > 1:
        raise RecordError(f"{season.id}: entries were played on different scenarios of one name")
    return found


def _finished(folder: Path | None, season: str) -> list[Path]:
    """Folders of entries, in a folder of them, that have a record of a season.

    Raises:
        UsageError: if there is no record.
        RecordError: if one is damaged.
    """
    if folder is None:
        return []
    found = [path.parent for path in sorted(folder.glob(f"*/{NAME}"))]
    if not found:
        raise UsageError(f"{folder}: holds no folder with {NAME}; `run` writes one")
    return [path for path in found if read(path).season == season]


def judged(folder: Path, known: Ledger | None) -> Entered:
    """An entry, with what a ledger says of it."""
    record = read(folder)
    if known is None:
        return Entered(folder, record, SELF_REPORTED)
    package = record.entry.package
    return Entered(
        folder,
        record,
        tier(known.lines, known.standing, package, digest(record)),
        package in known.standing.withdrawn,
    )


def unfit(folder: Path, record: Record, season: Season) -> list[str]:
    """Why a record cannot belong to a season; empty if it can."""
    entry, environment = record.entry, record.environment
    boards = sorted({board.scenario for board in season.file.boards})
    said = {
        "folder": (folder.name, f"{entry.name}-{entry.version}"),
        "season": (record.season, season.id),
        "season_digest": (record.season_digest, season.digest),
        "environment.p2p_market": (environment.p2p_market, season.file.sealed.p2p_market),
        "environment.population": (environment.population, season.file.population),
        "environment.scenarios": (", ".join(sorted(environment.scenarios)), ", ".join(boards)),
    }
    wrong = [
        f"{field} is {found!r}, but {wanted!r} in this season"
        for field, (found, wanted) in said.items()
        if found != wanted
    ]
    return wrong + _incomplete(record, season)


def _incomplete(record: Record, season: Season) -> list[str]:
    """Episodes that are missing, or stand there twice."""
    files = sorted({one.file for one in record.episodes})
    few = record.entry.division == "method" and len(files) < METHOD_SEEDS
    many = record.entry.division != "method" and len(files) != 1
    wrong = [f"episodes: of {len(files)} files"] if few or many else []
    wanted = [
        (file, board.scenario, draw)
        for file in files
        for board in season.file.boards
        for draw in range(board.draws)
    ]
    wrong += _otherwise("episodes", _places(record.episodes), Counter(wanted))
    focal = season.file.focal
    if focal is None or (not record.focal and record.entry.division in ("reference", "tripwire")):
        return wrong + _otherwise("focal", _places(record.focal), Counter())
    seats = [(file, focal.scenario, draw) for file in files for draw in range(focal.draws)]
    seen = {(one.file, one.scenario, one.draw, one.seat) for one in record.focal}
    if len(seen) != len(record.focal):
        wrong.append("focal: the same seat twice")
    return wrong + _otherwise("focal", _places(record.focal), Counter(seats * focal.seats))


def _places(episodes: Iterable[Played]) -> Counter[tuple[str, str, int]]:
    return Counter((one.file, one.scenario, one.draw) for one in episodes)


def _otherwise(
    field: str, found: Counter[tuple[str, str, int]], wanted: Counter[tuple[str, str, int]]
) -> list[str]:
    """The first place where episodes differ from those of a season."""
    for what, other in (("is missing", wanted - found), ("is too many", found - wanted)):
        for file, scenario, draw in sorted(other):
            return [f"{field}: {file}, {scenario}, draw {draw}: {what}"]
    return []
