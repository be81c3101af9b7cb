"""What is wrong with a season or an entry, as anyone can check it: digests, signatures, ledger.

All of it is read, nothing of it is run; `leaderboard.checking.replay` plays the episodes again.
"""

import hashlib
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from leaderboard.ledger import ledger
from leaderboard.ledger.ledger import Ledger
from leaderboard.ledger.line import Executed, Line, Submission, Verdict, canonical
from leaderboard.package.casts import played_roles
from leaderboard.package.package import Package
from leaderboard.package.package import read as read_package
from leaderboard.record import entries, sums
from leaderboard.record.entries import PACKAGE
from leaderboard.record.record import Record, digest
from leaderboard.sandbox.code import wheels
from leaderboard.season.season import SECRET, Season
from p2p_market.errors import P2PMarketError

OF_MANIFEST: Final = ("name", "version", "division", "authors", "training", "citation")
"""What a record repeats of a package's manifest."""


def fields(record: Record) -> dict[str, str]:
    """Digest of each field of a record, by which a change is named."""
    return {
        name: hashlib.sha256(canonical({name: value})).hexdigest()
        for name, value in record.model_dump(mode="json").items()
    }


def verify(season: Season, checkpoint: str = "", key: str = "") -> list[str]:
    """What is wrong with a season; empty if nothing is.

    Args:
        season: as it was read; that already holds its secret and tables against `season.toml`.
        checkpoint: of the ledger, kept from an earlier day.
        key: the organiser's public key, from elsewhere than the season.
    """
    folders = entries.folders(season)
    problems = verify_only(season, folders, checkpoint, key)
    return problems + _gone(season, folders)


def verify_only(
    season: Season, folders: Sequence[Path], checkpoint: str = "", key: str = ""
) -> list[str]:
    """The same of some entries and the ledger."""
    path = season.folder / ledger.NAME
    if problems := ledger.verify(path, checkpoint, key):
        return problems
    known = ledger.read(path)
    found = [(folder, verify_entry(folder, season, known)) for folder in folders]
    lines = [f"{folder.name}: {line}" for folder, lines in found for line in lines]
    return _opening(season, known) + lines


def _gone(season: Season, folders: Sequence[Path]) -> list[str]:
    """Evaluated entries that are not there."""
    path = season.folder / ledger.NAME
    if ledger.verify(path):
        return []
    standing = ledger.read(path).standing
    there = {_package_of(folder) for folder in folders}
    lines = []
    for package, one in standing.submissions.items():
        done = standing.evaluation(package)
        if done is not None and package not in standing.withdrawn and package not in there:
            lines.append(f"{one.name}-{one.version}: was evaluated (line {done.n}), but is missing")
    return lines


def _package_of(folder: Path) -> str:
    try:
        return entries.read(folder).entry.package
    except P2PMarketError:
        return ""


def _opening(season: Season, known: Ledger) -> list[str]:
    """Whether the ledger is that of the season, and the secret as revealed."""
    opened, standing = known.lines[0].body, known.standing
    said = {
        "season": (opened.season, season.id),
        "season_digest": (opened.season_digest, season.digest),
        "commitment": (opened.commitment, season.file.sealed.commitment),
    }
    lines = [
        f"{ledger.NAME}, line 0: {name} is {found}, but {wanted} in season.toml"
        for name, (found, wanted) in said.items()
        if found != wanted
    ]
    shown = (season.folder / SECRET).is_file()
    if shown and not standing.secret:
        lines.append(f"{SECRET}: is there before the ledger reveals it")
    if standing.secret and not shown:
        lines.append(f"{SECRET}: is missing; the ledger reveals {standing.secret}")
    if standing.secret:
        lines += [
            f"reference/{name}: is missing"
            for name in sorted(season.file.sealed.reference)
            if not (season.reference / name).is_file()
        ]
    return lines


def verify_entry(folder: Path, season: Season, known: Ledger) -> list[str]:
    """What is wrong with one entry.

    Args:
        folder: of the entry.
        season: to which it belongs.
        known: the season's ledger, in which all is well.
    """
    try:
        record = entries.read(folder)
    except P2PMarketError as error:
        return [*_changed_files(folder, known), str(error)]
    problems = entries.unfit(folder, record, season) + _package(folder, record)
    standing, package = known.standing, record.entry.package
    if (submitted := standing.submissions.get(package)) is not None:
        problems += _submission(record, submitted)
    done = standing.evaluation(package)
    if done is not None:
        problems += _changed(folder, record, done)
    return problems


def _changed_files(folder: Path, known: Ledger) -> list[str]:
    """Changed files of an entry whose record cannot be read."""
    for package, one in known.standing.submissions.items():
        done = known.standing.evaluation(package)
        if done is not None and folder.name == f"{one.name}-{one.version}":
            return sums.differences(folder, done.body.files)
    return []


def _changed(folder: Path, record: Record, done: Line) -> list[str]:
    """What was changed since the evaluation."""
    problems = sums.differences(folder, done.body.files)
    if digest(record) != done.body.record:
        now, then = fields(record), done.body.fields
        names = [name for name in now.keys() | then.keys() if now.get(name) != then.get(name)]
        problems.append(
            f"record is not the one of the evaluation (line {done.n}); changed: "
            f"{', '.join(sorted(names)) or 'its form'}"
        )
    return problems


def _submission(record: Record, submitted: Submission) -> list[str]:
    entry = record.entry
    return [
        f"entry.{name} is {getattr(entry, name)}, and {getattr(submitted, name)} in the ledger"
        for name in ("name", "version", "attempt")
        if getattr(entry, name) != getattr(submitted, name)
    ]


def other_wheels(record: Record) -> list[str]:
    """A sentence on what the code of an entry was played with, where that is not installed here."""
    if record.entry.kind != "python":
        return []
    here = {"python": platform.python_version(), **wheels.installed()}
    there = record.environment.versions
    other = [
        f"{name} {there[name]} (here {here.get(name, 'missing')})"
        for name in ("python", *wheels.OFFERED)
        if there.get(name) not in (None, here.get(name))
    ]
    if not other:
        return []
    return [
        f"its code was played with {', '.join(other)}; run again here, it may answer other digits, "
        "which is nobody's fault"
    ]


def _package(folder: Path, record: Record) -> list[str]:
    """Whether the package is the one that the record names, and says the same."""
    path = folder / PACKAGE
    if not path.is_file():
        return [] if record.entry.kind == "baseline" else [f"{PACKAGE}: is missing"]
    try:
        package = read_package(path)
    except P2PMarketError as error:
        return [f"{PACKAGE}: {error}"]
    if package.identity != record.entry.package:
        return [f"{PACKAGE}: has identity {package.identity}, not {record.entry.package}"]
    said, told = _told(package), record.entry.model_dump(mode="json")
    return [
        f"entry.{name} is not what the package says"
        for name in said
        if said[name] != told.get(name)
    ]


def _told(package: Package) -> Mapping[str, Any]:
    manifest = package.manifest.model_dump(mode="json")
    more = {"kind": manifest["policy"]["kind"], "roles": played_roles(package.manifest)}
    return {name: manifest[name] for name in OF_MANIFEST} | more


def evaluation_of(folder: Path) -> Executed:
    """What the ledger says of an evaluated entry; writes the list of its files."""
    record = entries.read(folder)
    return Executed(
        package=record.entry.package,
        record=digest(record),
        fields=fields(record),
        files=sums.write(folder),
    )


def verdict_of(folder: Path) -> Verdict:
    """What the ledger says of an entry that was replayed or reproduced."""
    record = entries.read(folder)
    return Verdict(package=record.entry.package, record=digest(record))


def submission_of(folder: Path) -> Submission:
    """What the ledger says of a submitted entry."""
    entry = entries.read(folder).entry
    return Submission(
        name=entry.name, version=entry.version, package=entry.package, attempt=entry.attempt
    )


def handed_in(zip_file: Path, known: Ledger) -> Submission:
    """What the ledger says of a package that is not evaluated yet.

    Raises:
        PackageError: if it is not a package.
    """
    package = read_package(zip_file)
    name, version = package.manifest.name, package.manifest.version
    return Submission(
        name=name,
        version=version,
        package=package.identity,
        attempt=known.standing.attempts(name) + 1,
    )
