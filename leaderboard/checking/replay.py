"""Play every episode of a record again from its trace, and compare every number to the last bit.

Nothing of the submitter runs, and no solver: a trace holds the actions that were played, the
season's table the optimum's schedule with the prices that prove it. A trace does not show how
long a policy took; `seconds` stay as the evaluator says.
"""

import json
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from leaderboard.playing.scoring import focal_numbers, replayed, self_numbers
from leaderboard.record import entries
from leaderboard.record.entries import TRACES
from leaderboard.record.record import FocalEpisode, Played, Record
from leaderboard.record.traces import read
from leaderboard.season.draws import Draw, draws, focal_draws
from leaderboard.season.season import Season
from p2p_market.errors import P2PMarketError
from p2p_market.evaluation.record.versions import other_versions
from p2p_market.evaluation.running.parts import Tell
from p2p_market.evaluation.running.processes import in_processes

GIVEN: Final = frozenset({"file", "scenario", "draw", "seat", "trace", "trace_sha256", "seconds"})
"""Fields of an episode that say which one it is, or that no trace can tell."""


@dataclass(frozen=True, slots=True)
class Again:
    """An episode that is to be played again."""

    folder: Path  # of the entry
    season: Season
    told: Played  # what the record says
    drawn: Draw


def replay(
    folder: Path,
    season: Season,
    workers: int = 1,
    tell: Callable[[int, int], None] = lambda done, all_: None,
) -> list[str]:
    """Replay an entry; as `replay_all` does some."""
    return replay_all([folder], season, workers, tell)[folder]


def replay_all(
    folders: Sequence[Path],
    season: Season,
    workers: int = 1,
    tell: Callable[[int, int], None] = lambda done, all_: None,
) -> dict[Path, list[str]]:
    """Replay entries of a season.

    Args:
        folders: of the entries.
        season: with its secret and reference tables.
        workers: processes; the results do not depend on their number.
        tell: called with the progress, as episodes done and all.

    Returns:
        For each entry a sentence for each difference, naming episode and field; none if every
        number is found again. Where some differ, the last says what was installed, if that does.

    Raises:
        RecordError: if a record, season or reference tables cannot be read.
    """
    known = {(one.board.scenario, one.index, -1): one for one in draws(season)}
    known |= {(one.board.scenario, one.index, seat): one for one, seat in focal_draws(season)}
    lines: dict[Path, list[str]] = {}
    versions: dict[Path, Mapping[str, str]] = {}
    todo = []
    for folder in folders:
        record = entries.read(folder)
        if wrong := entries.unfit(folder, record, season):
            lines[folder] = wrong
            continue
        versions[folder] = record.environment.versions
        told = (*record.episodes, *record.focal)
        lines[folder] = [
            f"{_where(one)}: seat is not one of the season's"
            for one in told
            if _key(one) not in known
        ]
        todo += [Again(folder, season, one, known[_key(one)]) for one in told if _key(one) in known]
    todo.sort(key=lambda task: _key(task.told))  # what entries share of a draw is computed once
    found = {}
    with closing(_playing(todo, workers)) as playing:
        for done, (task, differences) in enumerate(playing, start=1):
            found[task.folder, _where(task.told)] = differences
            tell(done, len(todo))
    for task in todo:
        lines[task.folder] += found[task.folder, _where(task.told)]
    for folder, there in versions.items():
        lines[folder] += other_versions({"versions": there}) if lines[folder] else []
    return lines


def again(task: Again, tell: Tell) -> list[str]:
    """Play one episode again; its differences."""
    told, drawn, season = task.told, task.drawn, task.season
    try:
        trace, digest = read(task.folder / TRACES / told.trace)
        played = replayed(drawn, trace)
    except P2PMarketError as error:
        return [f"{_where(told)}: trace: {error}"]
    if isinstance(told, FocalEpisode):
        numbers = focal_numbers(season, drawn, told.seat, trace, played)
    else:
        numbers = self_numbers(season, drawn, trace, played)
    said = told.model_dump(mode="json")
    assert said.keys() - GIVEN == numbers.keys()
    return [
        f"{_where(told)}: {line}"
        for line in _differences(said, {**numbers, "trace_sha256": digest})
    ]


def _playing(todo: Sequence[Again], workers: int) -> Generator[tuple[Again, list[str]], None, None]:
    if workers == 1 or len(todo) < 2:
        yield from ((task, again(task, lambda *_: None)) for task in todo)
    else:
        yield from in_processes(todo, workers, lambda *_: None, again)


def _differences(said: Mapping[str, Any], found: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Fields in which a record and its replay differ, those of tables and lists one by one."""
    lines = []
    for name, value in found.items():
        told = said.get(name)
        if isinstance(value, list) and isinstance(told, list) and len(value) == len(told):
            told, value = dict(_numbered(told)), dict(_numbered(value))
        if isinstance(value, dict) and isinstance(told, dict):
            every = dict.fromkeys(told) | value
            lines += _differences(told, every, f"{prefix}{name}.")
        elif _spelled(told) != _spelled(value):
            lines.append(f"{prefix}{name} is {told} in the record and {value} when replayed")
    return lines


def _numbered(values: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    return ((str(place), value) for place, value in enumerate(values))


def _spelled(value: Any) -> str:
    """A value as text, which tells all numbers apart, also 0.0 and -0.0."""
    return json.dumps(value, sort_keys=True)


def _key(told: Played) -> tuple[str, int, int]:
    """Scenario, draw, and the seat in focus, -1 for all."""
    seat = told.seat if isinstance(told, FocalEpisode) else -1
    return told.scenario, told.draw, seat


def _where(told: Played) -> str:
    """Which episode it is, in words."""
    seat = f", seat {told.seat}" if isinstance(told, FocalEpisode) else ""
    return f"{told.file}, {told.scenario}, draw {told.draw}{seat}"


def reproduced(record: Record, other: Record) -> list[str]:
    """Where two records of one package differ, in what does not depend on machine and time.

    Args:
        record: of the evaluator.
        other: of a second party, who executed the same package in the same season.
    """
    lines = [
        f"{name} differs"
        for name in ("season", "season_digest", "entry")
        if getattr(record, name) != getattr(other, name)
    ]
    theirs = {_where(one): one.model_dump() for one in (*other.episodes, *other.focal)}
    for one in (*record.episodes, *record.focal):
        found = theirs.pop(_where(one), {})
        said = one.model_dump()
        lines += [
            f"{_where(one)}: {name} differs"
            for name in said
            if name != "seconds" and _spelled(said[name]) != _spelled(found.get(name))
        ]
    lines += [f"{where}: is in one record only" for where in theirs]
    return lines + _versions(record, other) if lines else []


def _versions(record: Record, other: Record) -> list[str]:
    """Libraries that may be why two records differ."""
    theirs = other.environment.versions
    return [
        f"{name} is {mine} in the one record and {theirs.get(name, 'missing')} in the other"
        for name, mine in record.environment.versions.items()
        if mine != theirs.get(name)
    ]
