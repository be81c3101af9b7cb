"""The tables of a season, made from the episodes of its records and from nothing else.

Entries are ordered by the interquartile mean of their block scores; that mean overlooks the worst
quarter, so what fails there is kept out of the order by a gate and shown below with the reason.
There is no total of what cannot be added: fairness, CO2, peak and faults are beside the score.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from leaderboard.ledger.tiers import RANKED
from leaderboard.package.manifest import METHOD_SEEDS
from leaderboard.ranking import scores
from leaderboard.ranking.columns import columns, focal_columns
from leaderboard.ranking.scores import Costs, Draws
from leaderboard.record.entries import Entered
from leaderboard.record.record import Record
from leaderboard.sandbox.code.held import is_enough
from leaderboard.sandbox.isolation import NAMESPACES
from leaderboard.tracks import card, track_name
from p2p_market.errors import RecordError
from p2p_market.evaluation.statistics.aggregates import groups
from p2p_market.evaluation.statistics.bootstrap import Interval, interval
from p2p_market.evaluation.statistics.summary import Summary, rank_ranges

FLOORED_SHARE: Final = 0.01
MEAN_BELOW_IQM: Final = 5.0
ABOVE_OPTIMUM_EUR: Final = 1e-3
"""A cost so far below the optimum's bound means that energy or money came from nowhere."""


@dataclass(frozen=True, slots=True)
class Row:
    """One entry; scores between 0 (the rule) and 100 (optimum)."""

    entered: Entered
    summary: Summary  # ranks and group are 0 where it is not ranked
    behind: Interval  # score of the first in its table less its own, paired
    scenarios: Mapping[str, Interval]
    columns: Mapping[str, float]  # means over episodes, as `columns.columns_of` names them
    focal: Mapping[str, Interval]  # EUR per episode and seat; empty without focal episodes
    reasons: tuple[str, ...]  # why it is not ranked
    draws: Draws

    @property
    def name(self) -> str:
        """Name and version."""
        return self.entered.name


@dataclass(frozen=True, slots=True)
class Table:
    """Entries of one kind."""

    ranked: tuple[Row, ...]  # best first
    listed: tuple[Row, ...]  # below, with a reason each

    @property
    def rows(self) -> tuple[Row, ...]:
        """All of them."""
        return self.ranked + self.listed


@dataclass(frozen=True, slots=True)
class Ranking:
    """All tables of a season."""

    season: str
    track: str  # of all scenarios
    draws: Mapping[str, int]  # scenario -> how many
    weeks: float  # that carry the scores, for intervals of differences
    policies: Table
    methods: Table
    shown: tuple[Row, ...]  # references and tripwires, by score

    @property
    def rows(self) -> tuple[Row, ...]:
        """Of all tables."""
        return self.policies.rows + self.methods.rows + self.shown

    def difference(self, first: Row, second: Row) -> Interval:
        """Score of the first less that of the second on the same episodes, with its interval."""
        return difference(first, second, self.weeks)

    def peers(self, row: Row) -> tuple[Row, ...]:
        """Whom an entry that is not ranked stands with: what is ranked, and the references."""
        division = row.entered.record.entry.division
        table = self.methods if division == "method" else self.policies
        return _by_score([*table.ranked, *_of(self.shown, "reference")])

    def place(self, row: Row) -> tuple[int, int, int]:
        """Its place among its peers by score, and from best to worst in 95 % of draws."""
        peers = self.peers(row)
        low, high = rank_ranges(np.stack([one.draws.iqm for one in (row, *peers)]))
        better = sum(one.summary.iqm > row.summary.iqm for one in peers)
        return 1 + better, int(low[0]), int(high[0])


def difference(first: Row, second: Row, weeks: float) -> Interval:
    """Score of one row less another's, from draws that meet the same episodes."""
    point = first.summary.iqm - second.summary.iqm
    return interval(point, first.draws.iqm - second.draws.iqm, weeks)


def board_of(season: str, entries: Sequence[Entered]) -> Ranking:
    """The tables of some entries.

    Args:
        season: id.
        entries: of that season, as `entries.entered` reads them.

    Raises:
        RecordError: if there are none, or they were not played on the same draws, or of several
            tracks.
    """
    if not entries:
        raise RecordError(f"{season}: no entries to rank")
    costs = [scores.costs_of(one) for one in entries]
    first = costs[0]
    for one, own in zip(entries, costs, strict=True):
        scores.check_same_draws(one.name, own, entries[0].name, first)
    track = _track(season, first)
    chosen = scores.choose(first)
    weeks = scores.weeks(first)
    rows = [
        _row(one, own, scores.drawn(one.record.entry.package, own, chosen))
        for one, own in zip(entries, costs, strict=True)
    ]
    return Ranking(
        season=season,
        track=track,
        draws={one.scenario: len(one.rule_eur) for one in first},
        weeks=weeks,
        policies=_table(_of(rows, "policy"), weeks),
        methods=_table(_of(rows, "method"), weeks),
        shown=_by_score(_of(rows, "reference", "tripwire")),
    )


def _track(season: str, costs: Sequence[Costs]) -> str:
    """The one track of all scenarios: what is not comparable is not added up."""
    tracks = sorted({track_name(one.scenario) for one in costs})
    if len(tracks) > 1:
        raise RecordError(f"{season}: scores of {' and '.join(tracks)} are not added up")
    return tracks[0]


def _of(rows: Sequence[Row], *divisions: str) -> list[Row]:
    return [row for row in rows if row.entered.record.entry.division in divisions]


def _row(entered: Entered, costs: Sequence[Costs], draws: Draws) -> Row:
    """An entry by itself, not yet ranked."""
    own = card(track_name(costs[0].scenario))
    summary = scores.summary(entered.name, costs, draws)
    return Row(
        entered=entered,
        summary=summary,
        behind=Interval(0.0, 0.0, 0.0),
        scenarios=scores.by_scenario(costs, draws),
        columns=columns(entered.record, own),
        focal=focal_columns(entered.record),
        reasons=_reasons(entered, costs, summary, own.rule),
        draws=draws,
    )


def _reasons(
    entered: Entered, costs: Sequence[Costs], summary: Summary, rule: str
) -> tuple[str, ...]:
    """Why an entry is not ranked; none if it is."""
    entry, seeds = entered.record.entry, len(costs[0].own_eur)
    if entry.division in ("reference", "tripwire"):
        return (f"{entry.division}: shown, never ranked",)
    floored = float(np.mean([episode.failed for episode in entered.record.episodes]))
    gap = summary.iqm - summary.mean
    above = any(np.any(one.own_eur < one.best_eur - ABOVE_OPTIMUM_EUR) for one in costs)
    said = {
        "withdrawn": entered.withdrawn,
        _loose(entered.record): bool(_loose(entered.record)),
        f"{entered.tier}: the ledger has no signed line of an evaluator that executed it "
        "(leaderboard ledger add)": entered.tier not in RANKED,
        f"{seeds} networks of {METHOD_SEEDS}": entry.division == "method" and seeds < METHOD_SEEDS,
        "an episode costs less than the optimum: under examination": above,
        f"{100.0 * floored:.1f} % of its episodes failed": floored > FLOORED_SHARE,
        f"heavy tail: mean {gap:.1f} points below IQM": gap > MEAN_BELOW_IQM,
        f"worse than {rule} in {summary.worst_scenario}": summary.worst < 0.0,
    }
    return tuple(reason for reason, holds in said.items() if holds)


def _loose(record: Record) -> str:
    """By how little a stranger's network or code was held, in any episode; "" where by enough."""
    levels = record.environment.sandbox.split("; ")  # as many as its episodes saw
    if record.entry.kind == "python":
        enough = all(is_enough(level) for level in levels)
        return "" if enough else "its code was held by less than it must be"
    loose = record.entry.kind == "onnx" and not all(NAMESPACES in level for level in levels)
    return "its network was not held by namespaces" if loose else ""


def _table(rows: Sequence[Row], weeks: float) -> Table:
    """Rows of one kind, in their order, those that are ranked with ranges of ranks."""
    ranked = _by_score([row for row in rows if not row.reasons])
    listed = _by_score([row for row in rows if row.reasons])
    if not ranked:
        return Table((), listed)
    first, *_ = ranked = _with_ranks(ranked)
    ranked, listed = (
        tuple(replace(row, behind=difference(first, row, weeks)) for row in part)
        for part in (ranked, listed)
    )
    return Table(ranked, listed)


def _with_ranks(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Ranges of ranks from draws that all meet the same episodes."""
    low, high = rank_ranges(np.stack([row.draws.iqm for row in rows]))
    found = zip(rows, low, high, groups(low, high), strict=True)
    return tuple(
        replace(
            row,
            summary=replace(row.summary, rank_low=int(best), rank_high=int(last), group=int(group)),
        )
        for row, best, last, group in found
    )


def _by_score(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Best first; equal scores in the order of their names."""
    return tuple(sorted(rows, key=lambda row: (-row.summary.iqm, row.name)))
