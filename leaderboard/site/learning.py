"""A learning curve as a picture: what trainings reached on validation weeks, by agent-steps."""

import math
from typing import Final

from markupsafe import Markup, escape

from leaderboard.site.content import Learning
from leaderboard.site.text import shown
from report.table import amount

WIDTH, HEIGHT = 640, 260  # of the picture [pixels]
LEFT, RIGHT, TOP, BOTTOM = 70, 16, 34, 40  # around the lines
LEVELS: Final = 4  # at most, on each axis, beside its beginning
NICE: Final = (1.0, 2.0, 2.5, 5.0, 10.0)
UNITS: Final = ((1e9, " G"), (1e6, " M"), (1e3, " k"), (1.0, ""))


def picture(learning: Learning) -> Markup:
    """A line for each training, with both axes."""
    values = [value for line in learning.lines for _, value in line]
    last = float(max(line[-1][0] for line in learning.lines)) or 1.0
    across = _marks(0.0, last)
    up = _marks(min(0.0, *values), max(0.0, *values))
    low, high = up[0], up[-1] if up[-1] > up[0] else up[0] + 1.0
    scale = (across[-1], low, high)
    parts = [f'<text class="title" x="{LEFT}" y="18">{_title(learning)}</text>']
    for level in up:
        y = _y(level, scale)
        parts.append(
            f'<path class="level" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
            f'<text class="tick" x="{LEFT - 6}" y="{y + 4:.1f}">{_number(level, up)}</text>'
        )
    for step in across:
        parts.append(
            f'<text class="tick" x="{_x(step, scale) + 8:.1f}" y="{HEIGHT - BOTTOM + 18}">'
            f"{_steps(step, across[-1])}</text>"
        )
    parts.append(f'<text class="tick" x="{WIDTH - RIGHT}" y="{HEIGHT - 6}">agent-steps</text>')
    parts += [_line(line, scale) for line in learning.lines]
    return Markup(
        f'<svg class="learning" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(shown(caption(learning)))}">{"".join(parts)}</svg>'
    )


def caption(learning: Learning) -> str:
    """What the picture shows, in words."""
    best, step = max((value, step) for line in learning.lines for step, value in line)
    count, unit = len(learning.lines), f" {learning.unit}" if learning.unit == "EUR" else ""
    whose = "One training" if count == 1 else f"{count} trainings"
    points = sum(map(len, learning.lines))
    return (
        f"{whose}, {points} point{'s' * (points != 1)}: {learning.said}; the best is "
        f"{amount(best, 1)}{unit} after {step:,} agent-steps."
    )


def _title(learning: Learning) -> Markup:
    return escape(shown(f"{learning.said} [{learning.unit}]"))


def _line(line: tuple[tuple[int, float], ...], scale: tuple[float, float, float]) -> str:
    """A line, or a dot where there is one point alone."""
    places = [f"{_x(step, scale):.1f} {_y(value, scale):.1f}" for step, value in line]
    if len(places) == 1:
        x, y = places[0].split(" ")
        return f'<circle class="dot" cx="{x}" cy="{y}" r="3"/>'
    return f'<path class="curve" d="M{"L".join(places)}"/>'


def _x(step: float, scale: tuple[float, float, float]) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * step / scale[0]


def _y(value: float, scale: tuple[float, float, float]) -> float:
    _, low, high = scale
    return TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low)


def _marks(low: float, high: float) -> list[float]:
    """Round numbers that reach from below `low` to above `high`."""
    reach = (high - low) or 1.0
    size = 10.0 ** math.floor(math.log10(reach / LEVELS))
    gap = next(nice * size for nice in NICE if reach / (nice * size) <= LEVELS)
    first, last = math.floor(low / gap), math.ceil(high / gap)
    return [gap * number for number in range(first, last + 1)]


def _number(level: float, levels: list[float]) -> str:
    gap = levels[1] - levels[0] if len(levels) > 1 else 1.0
    return amount(level, max(0, min(6, -math.floor(math.log10(gap) + 1e-9))))


def _steps(step: float, last: float) -> str:
    """Agent-steps in the unit of the last mark."""
    size, unit = next((size, unit) for size, unit in UNITS if last >= size or size == 1.0)
    return f"{step / size:g}{unit if step else ''}"
