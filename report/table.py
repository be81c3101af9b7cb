"""The table of a scenario: its columns, and numbers as text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np

from p2p_market.evaluation.benchmark import Row, ScenarioResult
from p2p_market.evaluation.statistics.summary import Summary
from p2p_market.evaluation.tables.marks import marks_of

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


def lines(result: ScenarioResult, shown: Sequence[Column]) -> list[Line]:
    """The table, row by row; all numbers of a column have the same digits."""
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
    found = " ".join(marks_of(row))
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
