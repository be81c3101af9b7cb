"""What a log says about a training with choices, a line for each number."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple


class Range(NamedTuple):
    """When a number is good, and when it is bad."""

    name: str
    good: str
    good_until: float
    bad: str
    bad_from: float


RANGES: Final = {
    "clipped": Range("share of rows at the clip", "below 0.15", 0.15, "above 0.30", 0.30),
    "divergence": Range("divergence of an update", "below 0.015", 0.015, "above 0.03", 0.03),
    "explained": Range("variance explained", "above 0.7", -0.7, "below 0", 0.0),
}
"""Column of the log -> its range; where more is better both ends are negated."""

PREMATURE: Final = 2.0
"""An entropy below it, before the second half of a training, has stopped looking around."""


def verdicts(rows: Sequence[Mapping[str, float]]) -> list[str]:
    """Lines about the mean of all rows, and about the entropy on the way; none without an entropy.

    The last rows alone would always please: the learning rate is 0 there.
    """
    if not rows or "entropy" not in rows[-1]:
        return []
    means = {column: sum(row[column] for row in rows) / len(rows) for column in RANGES}
    lines = [_line(one, means[column]) for column, one in RANGES.items()]
    first, middle, last = (rows[k]["entropy"] for k in (0, (len(rows) - 1) // 2, -1))
    said = "premature: below 2 by the middle" if middle < PREMATURE else "good"
    if first < PREMATURE:
        said = "low from the beginning, as after a warm start"
    return [*lines, f"entropy {first:.2f}, {middle:.2f}, {last:.2f} (start, middle, end): {said}"]


def _line(one: Range, value: float) -> str:
    way = -1.0 if one.good_until < 0.0 else 1.0
    if way * value < one.good_until:
        return f"{one.name} {value:.3f}: good ({one.good})"
    if way * value > one.bad_from:
        return f"{one.name} {value:.3f}: bad ({one.bad})"
    return f"{one.name} {value:.3f}: fair (good {one.good}, bad {one.bad})"
