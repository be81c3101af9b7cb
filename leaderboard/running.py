"""What `run`, `evaluate` and `season open` do; the command line itself is in the package."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from leaderboard.candidate import Candidate, of_baseline, of_package
from leaderboard.evaluate import evaluate
from leaderboard.opening import open_season
from leaderboard.record import Record
from leaderboard.season import FOLDER, Season, read, read_secret
from p2p_market.errors import PackageError
from p2p_market.evaluation.statistics.scores import ratio_of_sums

COSTS: Final = ("rule_eur", "cost_eur", "best_eur")

Tell = Callable[[int, int], None]


def run(
    package: Path, split: str, output: Path, workers: int, ray: str | None, tell: Tell
) -> list[str]:
    """Evaluate an author's package on the public draws; lines to show.

    Raises:
        PackageError: if the split is not a public one, or the package may not play.
    """
    if split != "dev":
        raise PackageError(f"no split {split!r}; authors run --split dev, organisers `evaluate`")
    season = read(FOLDER / split)
    record = evaluate(of_package(package.read_bytes(), season), season, output, workers, ray, tell)
    return _lines(record, output)


def organise(
    name: str,
    season_id: str,
    secret_file: Path | None,
    attempt: int,
    workers: int,
    ray: str | None,
    tell: Tell,
) -> list[str]:
    """Evaluate a package or a reference in a season; lines to show."""
    secret = None if secret_file is None else read_secret(secret_file)
    season = read(FOLDER / season_id, secret)
    folder = season.folder / "entries"
    record = evaluate(_candidate(name, season, attempt), season, folder, workers, ray, tell)
    return _lines(record, folder)


def open_one(plan: Path, season_id: str, secret_file: Path, workers: int, tell: Tell) -> list[str]:
    """Open a season; lines to show."""
    season = open_season(plan, FOLDER / season_id, secret_file, workers, tell)
    return [
        f"season {season.id}: {season.folder}",
        f"commitment {season.file.sealed.commitment}",
        f"secret, to be kept until the reveal: {secret_file}",
    ]


def _candidate(name: str, season: Season, attempt: int) -> Candidate:
    """What a package's path or a reference's name stands for."""
    path = Path(name)
    return of_package(path.read_bytes(), season, attempt) if path.is_file() else of_baseline(name)


def _lines(record: Record, folder: Path) -> list[str]:
    """Scores per scenario: 0 = nobody trades, 100 = the optimum."""
    lines = []
    for scenario in dict.fromkeys(one.scenario for one in record.episodes):
        own = [one for one in record.episodes if one.scenario == scenario]
        costs = (
            [getattr(one, name) for one in own] for name in ("rule_eur", "cost_eur", "best_eur")
        )
        faults = sum(sum(one.faults.values()) for one in own)
        lines.append(
            f"{scenario}: score {float(ratio_of_sums(*map(np.array, costs))):.1f} in {len(own)} "
            f"episodes, {faults} faulty steps, {sum(one.failed for one in own)} failed"
        )
    saved = [one.alone_eur - one.cost_eur for one in record.focal]
    if saved:
        lines.append(f"one seat among bots: saves {np.mean(saved):.2f} EUR per episode")
    return [*lines, f"record: {folder / f'{record.entry.name}-{record.entry.version}'}"]
