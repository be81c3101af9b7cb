"""What the verbs that judge do: replay, verify, ledger."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from leaderboard.checking import verify
from leaderboard.checking.replay import replay, replay_all, reproduced
from leaderboard.ledger import ledger, signing
from leaderboard.ledger.line import UTC as UTC_FORM
from leaderboard.ledger.line import read_body
from leaderboard.record import entries
from leaderboard.record.record import NAME, digest
from leaderboard.season import season
from leaderboard.season.season import Season
from leaderboard.verbs.given import expect
from leaderboard.visible import visible
from p2p_market.errors import LedgerError, P2PMarketError, UsageError
from p2p_market.evaluation.running.processes import processors
from p2p_market.files import write_text

Tell = Callable[[int, int], None]


def replay_entry(entry: Path, secret_file: Path | None, workers: int, tell: Tell) -> list[str]:
    """Differences between an entry's record and its replay."""
    expect(entry, "entry")
    return replay(entry, _season_of(entry, secret_file), workers or processors(), tell)


def verify_path(
    path: Path,
    secret_file: Path | None,
    checkpoint: str,
    key: str,
    replays: bool,
    workers: int,
    tell: Tell,
) -> tuple[list[str], list[str]]:
    """What is wrong with a season or an entry, and what else is known of it.

    Raises:
        LedgerError: if the season has no ledger to verify it by.
    """
    if path.exists():
        expect(path, "entry", "season")
    alone = (path / NAME).is_file()
    own = _season_of(path, secret_file) if alone else _season(path, secret_file)
    if not (own.folder / ledger.NAME).is_file():
        revealed = (own.folder / season.SECRET).is_file()
        sealed = "" if revealed else f" --secret-file {secret_file or 'FILE'}"
        raise UsageError(
            f"season {own.id} has no ledger to verify by; use `p2p-market leaderboard replay "
            f"{path if alone else 'ENTRY'}{sealed}`"
        )
    chosen = [path] if alone else entries.folders(own)
    problems = (
        verify.verify_only(own, chosen, checkpoint, key)
        if alone
        else verify.verify(own, checkpoint, key)
    )
    told = []
    if replays and own.secret is not None:
        for folder, lines in replay_all(chosen, own, workers or processors(), tell).items():
            problems += [f"{folder.name}: {line}" for line in lines]
    elif replays:
        told.append("not replayed: the season's secret is not revealed yet")
    return problems, told + _told(own, chosen)


def _told(own: Season, folders: Sequence[Path]) -> list[str]:
    """How far the entries may be believed, as far as that can be told, and what else code needs."""
    try:
        known = ledger.read(own.folder / ledger.NAME)
        found = [entries.judged(folder, known) for folder in folders]
    except P2PMarketError:
        return []
    lines = [f"{one.name}: {one.tier}, record {digest(one.record)}" for one in found]
    lines += [f"{one.name}: {line}" for one in found for line in verify.other_wheels(one.record)]
    return [*lines, f"checkpoint {ledger.checkpoint_of(known.lines)}"]


def new_key(path: Path) -> list[str]:
    """Make a key; lines to show."""
    return [f"public key {signing.write_key(path)}", f"private key in {path}; only you may read it"]


def show(folder: Path) -> list[str]:
    """A ledger in words; lines to show."""
    lines = ledger.read(_season(folder).folder / ledger.NAME).lines
    shown = [
        f"{line.n:4d} {line.utc} {line.type:12s} {line.key[:8]} {_words(line.body.model_dump())}"
        for line in lines
    ]
    return [*shown, f"checkpoint {ledger.checkpoint_of(lines)}"]


def _words(body: Mapping[str, Any]) -> str:
    return " ".join(
        f"{name}={visible(str(value), 24)}" for name, value in body.items() if name != "fields"
    )


def add_line(
    folder: Path,
    kind: str,
    key_file: Path,
    entry: Path | None,
    other: Path | None,
    said: Mapping[str, str],
    secret_file: Path | None,
) -> list[str]:
    """Sign a line and add it to the ledger of a season; lines to show.

    Raises:
        LedgerError: if what the line says is not true, or not allowed.
    """
    own, private = _season(folder, secret_file), signing.read_key(key_file)
    body = {**_known(own, kind, private, entry, other), **_numbers(said)}
    now = datetime.now(UTC).strftime(UTC_FORM)
    path = own.folder / ledger.NAME
    told = ledger.append(path, kind, read_body(kind, body), private, now)
    if kind == "reveal":
        write_text(own.folder / season.SECRET, f"{body['secret']}\n")
    return [*told, f"checkpoint {ledger.checkpoint_of(ledger.read(path).lines)}"]


def _known(
    own: Season, kind: str, private: bytes, entry: Path | None, other: Path | None
) -> dict[str, Any]:
    """What the files of season and entry say for a line of this type."""
    if kind == "season-open":
        return {
            "season": own.id,
            "season_digest": own.digest,
            "commitment": own.file.sealed.commitment,
            "key": signing.public_key(private),
        }
    if kind == "reveal":
        return {"secret": own.known_secret().hex()}
    if kind not in ("submission", "evaluation", "replay", "reproduction", "withdraw"):
        return {}
    if entry is None:
        raise UsageError(f"{kind}: name the entry with --entry FOLDER")
    return _of_entry(own, kind, entry, other)


def _of_entry(own: Season, kind: str, entry: Path, other: Path | None) -> dict[str, Any]:
    """The same of an entry; what would be signed is looked at first."""
    if kind == "submission" and entry.is_file():
        return verify.handed_in(entry, ledger.read(own.folder / ledger.NAME)).model_dump()
    if kind == "withdraw":
        return {"package": entries.read(entry).entry.package}
    problems = entries.unfit(entry, entries.read(entry), own)
    if kind == "replay":
        problems += replay(entry, own)
    known = ledger.read(own.folder / ledger.NAME).standing
    if kind == "evaluation" and known.evaluation(entries.read(entry).entry.package) is not None:
        problems.append("this package was evaluated before; only the first evaluation counts")
    if kind == "reproduction":
        if other is None:
            raise UsageError("reproduction: name your own record of it with --own FOLDER")
        problems += reproduced(entries.read(entry), entries.read(other))
    if problems:
        raise LedgerError(f"{kind}: {problems[0]}")
    if kind == "submission":
        return verify.submission_of(entry).model_dump()
    if kind == "evaluation":
        return verify.evaluation_of(entry).model_dump()
    return verify.verdict_of(entry).model_dump()


def _numbers(said: Mapping[str, str]) -> dict[str, Any]:
    """Values of a command line; whole numbers are numbers."""
    whole = ("from_n", "attempt")
    return {
        name: int(value) if name in whole and value.isdecimal() else value
        for name, value in said.items()
    }


def _season_of(entry: Path, secret_file: Path | None) -> Season:
    """The season in whose folder an entry lies, or that its record names."""
    folder = entry.resolve().parent.parent
    inside = (folder / season.FILE).is_file()
    return _season(folder if inside else Path(entries.read(entry).season), secret_file)


def _season(named: Path, secret_file: Path | None = None) -> Season:
    """A season by its folder, or by its id in this repository."""
    secret = None if secret_file is None else season.read_secret(secret_file)
    return season.read(season.find(named), secret)
