"""What `run` and `evaluate` say at their end: scores beside those of the season's references."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from leaderboard.ledger.tiers import SELF_REPORTED
from leaderboard.playing.candidate import BASELINE_VERSION
from leaderboard.ranking.scores import Costs, costs_of
from leaderboard.record import entries
from leaderboard.record.entries import Entered
from leaderboard.record.record import NAME, Record
from leaderboard.season.season import Season
from leaderboard.tracks import card
from p2p_market.evaluation.statistics.aggregates import interquartile_mean
from p2p_market.evaluation.statistics.scores import block_scores
from report.table import NONE, amount

ALL: Final = "all boards"
SEAT: Final = "one seat, EUR"
"""Names of rows."""


def summary(record: Record, season: Season, scenario: str | None) -> list[str]:
    """Scores per scenario and over all, faults, and what one seat saves; lines to show.

    Args:
        record: of the entry, or of its episodes on one board.
        season: in which it played; a reference is shown if its record is in the season's folder.
        scenario: the only board that was played; None: all.
    """
    rule = card(season.track).rule
    columns = [(f"{record.entry.name} {record.entry.version}", _figures(record, scenario))]
    columns += [
        (one.entry.name, _figures(one, scenario))
        for one in _references(season)
        if one.entry.package != record.entry.package
    ]
    rows = [["board", *(name for name, _ in columns)]]
    for board in columns[0][1]:
        rows.append([board, *(figures.get(board, NONE) for _, figures in columns)])
    lines = [*aligned(rows), f"score: 0 costs what {rule} costs, 100 what the optimum costs"]
    if scenario is None:
        lines.append(f"{ALL}: interquartile mean, without the best and the worst quarter")
    if record.focal:
        lines.append(
            f"{SEAT}: what one seat among bots saves in an episode, against {rule} in that seat"
        )
    return lines + _faults(record)


def _references(season: Season) -> list[Record]:
    """Rules whose records lie in the season's folder; none that plans or knows the episode."""
    names = [
        name
        for name, one in card(season.track).baselines.items()
        if not (one.slow or one.foresight or one.centralised)
    ]
    folders = (season.folder / entries.FOLDER / f"{one}-{BASELINE_VERSION}" for one in names)
    return [entries.read(folder) for folder in folders if (folder / NAME).is_file()]


def _figures(record: Record, scenario: str | None) -> dict[str, str]:
    """Label of a row -> its number, of one entry."""
    costs = [
        one
        for one in costs_of(Entered(Path(), record, SELF_REPORTED))
        if scenario in (None, one.scenario)
    ]
    found = {one.scenario: amount(one.score, 1) for one in costs}
    if scenario is None:
        found[ALL] = amount(_together(costs), 1)
    saved = [one.alone_eur - one.cost_eur for one in record.focal]
    return found | ({SEAT: amount(float(np.mean(saved)), 2)} if saved else {})


def _together(costs: Sequence[Costs]) -> float:
    """The score that orders a season's tables."""
    blocks = [block_scores(one.rule_eur, one.mean_eur, one.best_eur) for one in costs]
    return float(interquartile_mean(np.concatenate(blocks)))


def _faults(record: Record) -> list[str]:
    """How many episodes, and in which boards something of them went wrong."""
    every = [*record.episodes, *record.focal]
    lines = [f"{len(every)} episodes"]
    for scenario in dict.fromkeys(one.scenario for one in every):
        own = [one for one in every if one.scenario == scenario]
        faulty, lost = sum(sum(one.faults.values()) for one in own), sum(o.failed for o in own)
        if faulty or lost:
            lines.append(f"{scenario}: {faulty} faulty steps, {lost} failed episodes")
    return lines if len(lines) > 1 else [f"{lines[0]}, no faulty step"]


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of a table as lines."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
