"""Evaluate an entry in a season: every file of it in every draw, in both roles, into one record.

An episode that is finished is kept, so that an evaluation that was interrupted goes on; whatever
was interrupted and however many processes played, only the times in the record differ.
"""

import hashlib
import platform
import shutil
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from leaderboard.forms import Digest, Section
from leaderboard.playing.candidate import Candidate
from leaderboard.playing.cluster import on_cluster
from leaderboard.playing.episodes import Played, Task, play
from leaderboard.playing.installed import installed, libraries
from leaderboard.record.entries import PACKAGE, TRACES
from leaderboard.record.record import (
    NAME,
    Environment,
    Episode,
    FocalEpisode,
    Held,
    Record,
    canonical,
    parse,
)
from leaderboard.record.traces import unpacked
from leaderboard.season.draws import draws, focal_draws
from leaderboard.season.season import Season
from p2p_market.errors import RecordError
from p2p_market.evaluation.record.versions import versions
from p2p_market.evaluation.running.processes import in_processes
from p2p_market.files import write_bytes
from p2p_market.registry import load_scenario

PARTS: Final = "parts"

Tell = Callable[[int, int], None]
"""Called with the number of finished episodes and of all."""


class Part(Section):
    """A finished episode of an evaluation that is not."""

    belongs: Digest  # to this package, season and installation
    sandbox: Held
    episode: Episode | FocalEpisode


def evaluate(
    candidate: Candidate,
    season: Season,
    folder: Path,
    workers: int = 1,
    ray: str | None = None,
    tell: Tell = lambda done, all_: None,
    scenario: str | None = None,
    hear: Callable[[str], None] = lambda said: None,
) -> Record:
    """Evaluate a candidate, or go on with it.

    Args:
        candidate: what plays.
        season: with its secret and its reference tables.
        folder: of the entries; this one's is `<name>-<version>` in it.
        workers: processes; the results do not depend on their number.
        ray: address of a Ray cluster to play on, "local" or "auto" (`evaluation.cluster`).
        tell: called with the progress.
        scenario: of the only board to play; None: all. The episodes of one board are kept for an
            evaluation in all, and make no record.
        hear: called with what a program said when it broke, episode by episode.

    Returns:
        The record, which is `result.json` of the entry now; or what it holds of one board.

    Raises:
        RecordError: if another package was evaluated under this name and version.
    """
    own = folder / f"{candidate.entry.name}-{candidate.entry.version}"
    if (known := _finished(own, candidate, season)) is not None:
        return _of_board(known, scenario)
    tasks = [
        task
        for task in tasks_of(candidate, season)
        if scenario in (None, task.drawn.board.scenario)
    ]
    belongs = _belongs(candidate, season)
    parts = {task.name: _kept(own, task, belongs) for task in tasks}
    todo = [task for task in tasks if parts[task.name] is None]
    tell(len(tasks) - len(todo), len(tasks))
    with closing(_playing(todo, workers, ray)) as playing:
        for task, played in playing:
            part = Part(belongs=belongs, sandbox=played.sandbox, episode=played.episode)
            _keep(own, task, part, played.trace)
            parts[task.name] = part
            if played.told:
                hear(f"{task.name}: {played.told}")
            tell(len(tasks) - sum(each is None for each in parts.values()), len(tasks))
    found = [part for part in parts.values() if part is not None]
    record = _record(candidate, season, found)
    if scenario is not None:
        return record
    if candidate.data:
        write_bytes(own / PACKAGE, candidate.data)
    write_bytes(own / NAME, canonical(record) + b"\n")
    _tidy(own, record)
    return record


def _of_board(record: Record, scenario: str | None) -> Record:
    """What a record holds of one board, or all of it."""
    if scenario is None:
        return record
    own: dict[str, Any] = {
        "episodes": [one for one in record.episodes if one.scenario == scenario],
        "focal": [one for one in record.focal if one.scenario == scenario],
    }
    return record.model_copy(update=own)


def tasks_of(candidate: Candidate, season: Season) -> list[Task]:
    """All episodes of an evaluation, in the order of the record."""
    both: list[tuple[Any, int | None]] = [(drawn, None) for drawn in draws(season)]
    if candidate.focal:
        both += focal_draws(season)
    files = candidate.files
    return [Task(candidate, season, file, drawn, seat) for drawn, seat in both for file in files]


def _finished(own: Path, candidate: Candidate, season: Season) -> Record | None:
    """The record that is there already."""
    if not (own / NAME).is_file():
        return None
    record = parse((own / NAME).read_bytes())
    if record.entry.package != candidate.entry.package:
        raise RecordError(
            f"{own}: contains another package; raise the version in submission.toml, or choose "
            "another folder with --output"
        )
    if record.season_digest != season.digest:
        raise RecordError(f"{own}: is of another season; choose another folder")
    _tidy(own, record)
    return record


def _tidy(own: Path, record: Record) -> None:
    """Remove what evaluations leave behind, after the record is written: also other traces."""
    shutil.rmtree(own / PARTS, ignore_errors=True)
    named = {one.trace for one in (*record.episodes, *record.focal)}
    for path in (own / TRACES).iterdir():
        if path.name not in named:
            path.unlink()
    for path in own.rglob("*.part"):
        path.unlink(missing_ok=True)


def _belongs(candidate: Candidate, season: Season) -> str:
    words = [candidate.entry.package, season.digest]
    words += map(str, sorted(installed(candidate).items()))
    return hashlib.sha256(" ".join(words).encode()).hexdigest()


def _kept(own: Path, task: Task, belongs: str) -> Part | None:
    """A finished episode of an earlier attempt, if all of it is there and sound."""
    try:
        part = Part.model_validate_json((own / PARTS / f"{task.name}.json").read_bytes())
        _, digest = unpacked((own / TRACES / part.episode.trace).read_bytes())
    except (OSError, ValidationError, RecordError):
        return None
    sound = (part.belongs, part.episode.trace_sha256) == (belongs, digest)
    return part if sound else None


def _keep(own: Path, task: Task, part: Part, trace: bytes) -> None:
    """Store a finished episode; what stands in `parts` has its trace."""
    write_bytes(own / TRACES / part.episode.trace, trace)
    write_bytes(own / PARTS / f"{task.name}.json", canonical(part))


def _playing(
    todo: Sequence[Task], workers: int, ray: str | None
) -> Generator[tuple[Task, Played], None, None]:
    if not todo:
        return
    if ray is not None:
        yield from on_cluster(todo, ray, workers, installed(todo[0].candidate))
    elif workers == 1:
        yield from ((task, play(task, lambda *_: None)) for task in todo)
    else:
        yield from in_processes(todo, workers, lambda *_: None, play)


def _record(candidate: Candidate, season: Season, parts: list[Part]) -> Record:
    found = versions() | {"onnxruntime": version("onnxruntime")} | libraries(candidate)
    boards = sorted({board.scenario for board in season.file.boards})
    levels = sorted({level for part in parts for level in part.sandbox.split("; ")})
    return Record(
        season=season.id,
        season_digest=season.digest,
        entry=candidate.entry,
        environment=Environment(
            p2p_market=found.pop("p2p-market", ""),
            versions=found,
            scenarios={name: load_scenario(name).digest for name in boards},
            population=season.file.population,
            sandbox="; ".join(levels),
        ),
        platform={"system": platform.platform(), "machine": platform.machine()},
        episodes=[part.episode for part in parts if isinstance(part.episode, Episode)],
        focal=[part.episode for part in parts if isinstance(part.episode, FocalEpisode)],
        created_utc=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
