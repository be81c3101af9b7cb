"""The table of a scenario: its columns, and numbers as text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np

from p2p_market.evaluation.benchmark import Row, ScenarioResult
from p2p_market.evaluation.players.conduct import marks
from p2p_market.evaluation.statistics.summary import Summary
from p2p_market.track import OPTIMUM

MINUS: Final = "\N{MINUS SIGN}"
THIN: Final = "\N{NARROW NO-BREAK SPACE}"
NONE: Final = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Column:
    """One number per policy; over several weeks a sum, a mean or a maximum, as the unit says."""

    group: str
    name: str
    unit: str
    digits: int | None  # None: as many as its size asks for
    of: Callable[[Row], float]
    optional: bool = False  # left out where it is zero for all


def _interval(row: Row, end: float) -> float:
    """An end of the interval; nan if there is none: one week, or an end of the scale."""
    return end if row.score.high > row.score.low + 1e-9 else float("nan")


COLUMNS: Final = (
    Column("Score", "score", "", 1, lambda row: row.score.point),
    Column("Score", "95 % from", "", 1, lambda row: _interval(row, row.score.low)),
    Column("Score", "95 % to", "", 1, lambda row: _interval(row, row.score.high)),
    Column("Score", "mean", "of weeks", 1, lambda row: row.score.mean),
    Column("Score", "worst", "week", 1, lambda row: row.score.worst),
    Column("Money", "cost", "EUR", None, lambda row: row.social_cost_eur.sum()),
    Column("Money", "dispatch gap", "EUR", None, lambda row: row.gaps_eur["dispatch"].sum()),
    Column("Money", "allocation gap", "EUR", None, lambda row: row.gaps_eur["allocation"].sum()),
    Column("Energy and grid", "traded", "kWh", None, lambda row: row.metrics["traded"].sum()),
    Column("Energy and grid", "CO2", "kg", None, lambda row: row.metrics["co2"].sum()),
    Column("Energy and grid", "peak", "kW, max", 1, lambda row: row.metrics["peak"].max()),
    Column(
        "Energy and grid",
        "self-sufficiency",
        "%, mean",
        1,
        lambda row: 100.0 * row.metrics["self_sufficiency"].mean(),
    ),
    Column(
        "Energy and grid",
        "lost load",
        "kWh",
        None,
        lambda row: row.metrics["lost_load"].sum(),
        True,
    ),
    Column(
        "Energy and grid",
        "curtailed",
        "kWh",
        None,
        lambda row: row.metrics["curtailed"].sum(),
        True,
    ),
    Column("Members", "worse off", "%, mean", 1, lambda row: 100.0 * row.worse_off_share.mean()),
    Column("Members", "Jain index", "of savings", 2, lambda row: row.jain_index),
    Column("Safety", "filter", "kWh", 0, lambda row: row.metrics["corrected"].sum()),
    Column("Safety", "interventions", "count", 0, lambda row: row.metrics["interventions"].sum()),
)
"""The table walks this list; the name of the policy stands before it."""


SUMMARY_COLUMNS: Final = (
    "IQM",
    "95 % from",
    "95 % to",
    "mean",
    "CVaR 10 %",
    "worst scenario",
    "its score",
    "rank",
    "group",
)
"""Columns of the table over all scenarios."""


@dataclass(frozen=True, slots=True)
class Line:
    """One policy of the table."""

    policy: str
    cells: tuple[str, ...]  # one per column


def amount(value: float, digits: int) -> str:
    """A number as text: a true minus, no minus before zero, thin spaces between thousands."""
    if not np.isfinite(value):
        return NONE
    rounded = round(float(value), digits) + 0.0  # + 0.0 makes -0.0 positive
    return f"{rounded:,.{digits}f}".replace(",", THIN).replace("-", MINUS)


def columns(result: ScenarioResult) -> list[Column]:
    """The columns that say something about a scenario."""
    return [
        column
        for column in COLUMNS
        if not column.optional or any(column.of(row) != 0.0 for row in result.played)
    ]


def lines(result: ScenarioResult) -> list[Line]:
    """The table, row by row; all numbers of a column have the same digits."""
    shown = columns(result)
    values = np.array([[column.of(row) for column in shown] for row in result.rows])
    digits = [
        _digits(values[:, place]) if column.digits is None else column.digits
        for place, column in enumerate(shown)
    ]
    return [
        Line(named(row), tuple(map(amount, own, digits)))
        for row, own in zip(result.rows, values, strict=True)
    ]


def named(row: Row) -> str:
    """A policy with the letters of its marks; the end of the scale has none."""
    found = "" if row.policy == OPTIMUM else " ".join(marks(row.conduct))
    return f"{row.policy} ({found})" if found else row.policy


def summary_lines(summaries: Sequence[Summary]) -> list[Line]:
    """The table over all scenarios, the best policy first."""
    return [
        Line(
            one.policy,
            (
                *(amount(value, 1) for value in (one.iqm, one.low, one.high, one.mean, one.cvar)),
                one.worst_scenario,
                amount(one.worst, 1),
                str(one.rank_low)
                if one.rank_low == one.rank_high
                else f"{one.rank_low}{NONE}{one.rank_high}",
                str(one.group),
            ),
        )
        for one in sorted(summaries, key=lambda summary: -summary.iqm)
    ]


def groups(shown: Sequence[Column]) -> list[tuple[str, int]]:
    """Headings over the columns, with the number of columns below each."""
    return [(name, len(list(below))) for name, below in groupby(shown, lambda c: c.group)]


def _digits(values: np.ndarray) -> int:
    """Digits after the point that leave about four figures to the largest number."""
    largest = float(np.nanmax(np.abs(values)))
    return 2 if largest < 100.0 else 1 if largest < 10_000.0 else 0
