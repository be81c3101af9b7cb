"""A learning curve in a package: CSV that its author declares, and nobody checks.

The first line names the columns: `agent_steps` and one of `MEASURES`, after `seed` where several
trainings are told. What it shows is never part of a score.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from leaderboard.visible import visible
from p2p_market.errors import PackageError

STEPS, SEED = "agent_steps", "seed"
MEASURES: Final = {
    "validation_score": ("score on validation weeks", "0 to 100"),
    "validation_saving_eur": ("saved in a validation week", "EUR"),
}
"""What a curve may show -> in words, and its unit."""
BYTES: Final = 64 * 1024
POINTS: Final = 2000
MOST: Final = 2**53  # agent-steps
LARGEST: Final = 1e12  # of a measure


@dataclass(frozen=True, slots=True)
class Curve:
    """How trainings went."""

    measure: str  # one of MEASURES
    lines: Mapping[int, tuple[tuple[int, float], ...]]  # seed -> agent-steps and measure, in order


def read_curve(name: str, data: bytes) -> Curve:
    """The curve in a file.

    Args:
        name: of the file, for errors.
        data: of the file.

    Raises:
        PackageError: naming the line that is wrong.
    """
    if len(data) > BYTES:
        raise PackageError(f"{name}: has more than {BYTES} bytes; keep every second point")
    try:
        heading, *rows = data.decode("ascii").splitlines() or [""]
    except UnicodeDecodeError:
        raise PackageError(f"{name}: is not plain text; write numbers and commas") from None
    columns = heading.split(",")
    measure = columns[-1]
    if measure not in MEASURES or columns[:-1] not in ([STEPS], [SEED, STEPS]):
        raise PackageError(
            f"{name}: line 1 is {visible(heading, 80)!r}; write '{STEPS},MEASURE' or "
            f"'{SEED},{STEPS},MEASURE', where MEASURE is {' or '.join(MEASURES)}"
        )
    if not 1 <= len(rows) <= POINTS:
        raise PackageError(f"{name}: holds {len(rows)} points; give 1 to {POINTS}")
    lines: dict[int, list[tuple[int, float]]] = {}
    for number, row in enumerate(rows, start=2):
        seed, step, value = _point(f"{name}: line {number}", row, len(columns))
        line = lines.setdefault(seed, [])
        if line and step <= line[-1][0]:
            raise PackageError(f"{name}: line {number}: {STEPS} must rise within a training")
        line.append((step, value))
    return Curve(measure, {seed: tuple(line) for seed, line in lines.items()})


def _point(where: str, row: str, count: int) -> tuple[int, int, float]:
    """Seed, agent-steps and measure; the seed is 0 where none is told."""
    cells = row.split(",")
    whole, last = cells[:-1], cells[-1]
    try:
        value = float(last)
        sound = len(cells) == count and all(one.isdecimal() and len(one) < 17 for one in whole)
        sound = sound and "_" not in last and math.isfinite(value) and abs(value) <= LARGEST
        numbers = [int(one) for one in whole] if sound else [MOST + 1]
    except ValueError:
        numbers = [MOST + 1]
    if max(numbers) > MOST:
        raise PackageError(f"{where}: {visible(row, 60)!r} is not {count} numbers")
    return numbers[0] if count == 3 else 0, numbers[-1], value
