"""What `run`, `evaluate` and `season open` do; the command line itself is in the package."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from leaderboard.checking.replay import reproduced
from leaderboard.package.package import packed
from leaderboard.playing.candidate import Candidate, of_baseline, of_package
from leaderboard.playing.evaluate import evaluate
from leaderboard.playing.opening import open_season
from leaderboard.record import entries
from leaderboard.record.record import NAME, Record
from leaderboard.season.season import Season, find, read, read_secret
from p2p_market.commands.console import euro
from p2p_market.errors import PackageError
from p2p_market.evaluation.statistics.scores import ratio_of_sums

DEV: Final = "dev"
"""Season whose secret everybody knows."""

Tell = Callable[[int, int], None]


def run(
    package: Path, split: str, output: Path, workers: int, ray: str | None, tell: Tell
) -> list[str]:
    """Evaluate an author's package on the public draws; lines to show.

    Raises:
        PackageError: if the split is not a public one, or the package may not play.
    """
    if split != DEV:
        raise PackageError(
            f"no split {split!r}; authors use --split {DEV}, organisers use `evaluate`"
        )
    season = read(find(DEV))
    record = evaluate(of_package(packed(package), season), season, output, workers, ray, tell)
    return _lines(record, output)


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
    record = evaluate(_candidate(name, season), season, folder, workers, ray, tell)
    return _lines(record, folder) + ([] if output is None else _beside(record, season))


def open_one(plan: Path, season_id: str, secret_file: Path, workers: int, tell: Tell) -> list[str]:
    """Open a season; lines to show."""
    season = open_season(plan, find(season_id), secret_file, workers, tell)
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
    return of_baseline(name, season.track)


def _lines(record: Record, folder: Path) -> list[str]:
    """Scores per scenario: 0 = the rule, 100 = the optimum."""
    lines = []
    for scenario in dict.fromkeys(one.scenario for one in record.episodes):
        own = [one for one in record.episodes if one.scenario == scenario]
        costs = (
            np.array([getattr(one, name) for one in own])
            for name in ("rule_eur", "cost_eur", "best_eur")
        )
        faults = sum(sum(one.faults.values()) for one in own)
        score = round(float(ratio_of_sums(*costs)), 1) + 0.0
        lines.append(
            f"{scenario}: score {score:.1f} in {len(own)} "
            f"episodes, {faults} faulty steps, {sum(one.failed for one in own)} failed"
        )
    saved = [one.alone_eur - one.cost_eur for one in record.focal]
    if saved:
        lines.append(f"one seat among bots: saves {euro(np.array(saved))} EUR per episode")
    return [*lines, f"record: {folder / f'{record.entry.name}-{record.entry.version}'}"]


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
