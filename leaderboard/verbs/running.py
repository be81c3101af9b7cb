"""What `run`, `evaluate` and `season open` do; the command line itself is in the package."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from leaderboard.checking.replay import reproduced
from leaderboard.gate.check import Admitted, check
from leaderboard.package.package import Package, from_bytes, packed
from leaderboard.package.package import read as read_package
from leaderboard.playing.candidate import Candidate, of_baseline, of_package
from leaderboard.playing.evaluate import evaluate
from leaderboard.playing.opening import open_season
from leaderboard.playing.play import policies, resting
from leaderboard.record import entries
from leaderboard.record.record import NAME, Record
from leaderboard.season.season import Season, find, read, read_secret
from leaderboard.tracks import board_card
from leaderboard.verbs.commands import as_zip
from leaderboard.verbs.given import expect
from leaderboard.verbs.summary import summary
from leaderboard.visible import visible
from p2p_market.errors import PackageError, PolicyError, ScenarioError, UsageError
from p2p_market.evaluation.running.processes import processors
from p2p_market.registry import load_scenario

Tell = Callable[[int, int], None]


def run(
    package: Path, board: str | None, output: Path, workers: int, ray: str | None, tell: Tell
) -> list[str]:
    """Evaluate an author's package on the public draws of its track, or on those of one board.

    A folder is packed first.

    Raises:
        PackageError: if the package may not play, or there is no such board.
    """
    package, lines = as_zip(package)
    season_id = _public(package)
    season = read(find(season_id))
    known = list(dict.fromkeys(one.scenario for one in season.file.boards))
    if board is not None and board not in known:
        raise UsageError(f"no board {visible(board)!r} in {season_id}; known: {', '.join(known)}")
    candidate = _fitting(package, season, board)
    heard: list[str] = []
    at_once = _at_once(workers, ray)
    record = evaluate(candidate, season, output, at_once, ray, tell, board, heard.append)
    lines += [
        _accepted(record),
        *summary(record, season, board),
        *_resting(candidate, [board] if board else known),
        *heard[:1],
    ]
    if board is not None:
        more = f"without --board the same command goes on with all of {season_id}"
        return [*lines, f"no record of one board; {more}"]
    return [
        *lines,
        _where(record, output),
        f"beside others: p2p-market leaderboard rank {season_id} --entries {output}",
        f"as pages: p2p-market leaderboard build {season_id} --entries {output} -o site",
    ]


def _accepted(record: Record) -> str:
    """That the gate let it play, and what it is."""
    entry = record.entry
    return f"{entry.name} {entry.version} passed the gate: kind {entry.kind}, {entry.package}"


def _fitting(package: Path, season: Season, board: str | None) -> Candidate:
    """The candidate in a zip.

    Raises:
        PackageError: if it may not play.
        PolicyError: if it was made for other scenarios; the boards that it plays on are told.
    """
    data = packed(package)
    try:
        return of_package(data, season, board)
    except PolicyError as error:
        mine = from_bytes(data)
        networks = check(mine)
        names = dict.fromkeys(one.scenario for one in season.file.boards)
        if not (own := [name for name in names if _plays(mine, networks, name)]):
            raise
        raise PolicyError(f"{error}. It plays on {', '.join(own)}: add --board BOARD") from None


def _plays(package: Package, networks: Mapping[str, Admitted], board: str) -> bool:
    try:
        policies(package, networks, load_scenario(board))
    except PolicyError:
        return False
    return True


def _resting(candidate: Candidate, boards: Sequence[str]) -> list[str]:
    """What a network does not decide, by board; lines to show."""
    package = candidate.package
    assert package is not None
    return [
        f"{name}: {', '.join(own)} at rest, which the policy does not decide"
        for name in boards
        if (own := resting(package, candidate.networks, load_scenario(name)))
    ]


def _public(package: Path) -> str:
    """The season that is played.

    Raises:
        PackageError: if there is none of the package's track.
    """
    track = read_package(package).manifest.policy.track
    try:
        found = board_card(track).public
    except ScenarioError as error:
        raise PackageError(f"policy.track: {error}") from None
    if not found:
        raise PackageError(
            f"track {track!r} has no public draws; open a season of your own with "
            "`p2p-market leaderboard season open`"
        )
    return found


def _at_once(workers: int, ray: str | None) -> int:
    """Processes of this machine; a cluster says itself how many it has."""
    return workers or (0 if ray else processors())


def _where(record: Record, folder: Path) -> str:
    return f"record: {folder / f'{record.entry.name}-{record.entry.version}'}"


def organise(
    name: str,
    season_id: str,
    secret_file: Path | None,
    output: Path | None,
    workers: int,
    ray: str | None,
    tell: Tell,
) -> list[str]:
    """Evaluate a package or a reference in a season; lines to show.

    In another folder than the season's, it is compared with the season's own record.
    """
    secret = None if secret_file is None else read_secret(secret_file)
    season = read(find(season_id), secret)
    folder = output or season.folder / entries.FOLDER
    at_once = _at_once(workers, ray)
    record = evaluate(_candidate(name, season), season, folder, at_once, ray, tell)
    lines = [*summary(record, season, None), _where(record, folder)]
    return lines + ([] if output is None else _beside(record, season))


def open_one(plan: Path, season_id: str, secret_file: Path, workers: int, tell: Tell) -> list[str]:
    """Open a season; lines to show."""
    season = open_season(plan, find(season_id), secret_file, _at_once(workers, None), tell)
    return [
        f"season {season.id}: {season.folder}",
        f"commitment {season.file.sealed.commitment}",
        f"secret, to be kept until the reveal: {secret_file}",
    ]


def _candidate(name: str, season: Season) -> Candidate:
    """What a package's path or a reference's name stands for."""
    path = Path(name)
    if path.is_file():
        return of_package(packed(path), season)
    try:
        return of_baseline(name, season.track)
    except PolicyError:
        if path.exists() or path.suffix == ".zip":
            expect(path, "zip")
        raise


def _beside(record: Record, season: Season) -> list[str]:
    """Whether the published record of the same entry says the same.

    Raises:
        RecordError: if the published one is damaged.
    """
    entry = record.entry
    folder = season.folder / entries.FOLDER / f"{entry.name}-{entry.version}"
    if not (folder / NAME).is_file():
        return []
    published = entries.read(folder)
    found = len(record.episodes) + len(record.focal)
    same = [f"all {found} episodes are those of the published record, to the last bit"]
    return reproduced(published, record) or same
