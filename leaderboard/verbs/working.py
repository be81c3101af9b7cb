"""What `work` does: gate and evaluation of packages that were handed in, one after the other."""

from collections.abc import Callable
from pathlib import Path

from leaderboard.package import inbox
from leaderboard.package.inbox import Standing
from leaderboard.package.package import packed
from leaderboard.playing.candidate import of_package
from leaderboard.playing.evaluate import evaluate
from leaderboard.record import entries
from leaderboard.record.record import NAME, Entry
from leaderboard.season.season import Season, find, read, read_secret
from p2p_market.errors import PackageError, PolicyError
from p2p_market.evaluation.running.processes import processors

Tell = Callable[[int, int], None]


def work(
    folder: Path,
    season_id: str,
    secret_file: Path | None,
    output: Path | None,
    workers: int,
    ray: str | None,
    tell: Tell,
    say: Callable[[str], None],
) -> list[str]:
    """Take all packages of a folder, in the order in which they came; lines to show.

    Those at which another process works are left to it. What was interrupted goes on.

    Raises:
        UsageError: if there is no such folder.
    """
    secret = None if secret_file is None else read_secret(secret_file)
    season = read(find(season_id), secret)
    season.known_secret()  # not for the first package to find out
    entered = output or season.folder / entries.FOLDER
    at_once = workers or (0 if ray else processors())
    count, more = 0, True
    while more:  # others may have come meanwhile
        more = False
        for path in inbox.files(folder):
            with inbox.held(path) as mine:
                if not mine or _is_done(path):
                    continue
                say(f"{path.name}: {_one(path, season, entered, at_once, ray, tell)}")
                count, more = count + 1, True
    return [f"{count} packages; records: {entered}"]


def _is_done(path: Path) -> bool:
    standing = inbox.read(path)
    return standing is not None and standing.state in inbox.DONE


def _one(
    path: Path, season: Season, folder: Path, workers: int, ray: str | None, tell: Tell
) -> str:
    """One package from the gate to its record; what came of it, in words."""
    standing = inbox.begun(path, season.id)
    inbox.write(path, standing)
    try:
        candidate = of_package(packed(path), season)
        own = _own_folder(candidate.entry, folder)
    except (PackageError, PolicyError) as error:
        inbox.write(path, inbox.refused(standing, str(error)))
        return f"refused: {error}"
    entry = candidate.entry
    known = {"name": entry.name, "version": entry.version, "package": entry.package}
    standing = standing.model_copy(update={**known, "state": inbox.EVALUATING})
    inbox.write(path, standing)
    record = evaluate(candidate, season, folder, workers, ray, _teller(path, standing, tell))
    count = len(record.episodes) + len(record.focal)
    whole = {"state": inbox.EVALUATED, "done": count, "episodes": count}
    inbox.write(path, standing.model_copy(update=whole))
    return f"evaluated: {own}"


def _own_folder(entry: Entry, folder: Path) -> Path:
    """Of an entry.

    Raises:
        PackageError: if another package has its name and version.
    """
    own = folder / f"{entry.name}-{entry.version}"
    if (own / NAME).is_file() and entries.read(own).entry.package != entry.package:
        raise PackageError(f"another package is {entry.name} {entry.version}; raise the version")
    return own


def _teller(path: Path, standing: Standing, tell: Tell) -> Tell:
    """Writes how many episodes are finished, and tells the same."""

    def told(done: int, all_: int) -> None:
        inbox.write(path, standing.model_copy(update={"done": done, "episodes": all_}))
        tell(done, all_)

    return told
