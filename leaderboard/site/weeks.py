"""A week as a picture that can be read step by step, and as a table of its days."""

from typing import Any, Final

import numpy as np
from markupsafe import Markup, escape

from leaderboard.site.content import Week
from leaderboard.site.text import shown
from leaderboard.tracks.card import Panel, Picture
from p2p_market.records import FloatArray
from report.table import amount

WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WIDTH: Final = 1000  # of the picture [pixels]
LEFT: Final = 58  # of the panels
RIGHT: Final = 8
TITLE: Final = 34  # above a panel
TALL: Final = 110  # a panel
DAYS: Final = 22  # names of the days at the bottom


def picture(week: Week, drawn: Picture) -> Markup:
    """All panels under one another, with a line that the script moves."""
    height = len(drawn.panels) * (TITLE + TALL) + DAYS
    parts = [_panel(one, place) for place, one in enumerate(drawn.panels)]
    parts.append(_days(week, _steps(drawn), height))
    parts.append(
        f'<line class="cursor" x1="{LEFT}" x2="{LEFT}" y1="{TITLE}" y2="{height - DAYS}"/>'
    )
    return Markup(
        f'<svg class="week" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{_text(drawn.alt)}">{"".join(parts)}</svg>'
    )


def readings(week: Week, drawn: Picture) -> dict[str, Any]:
    """What the script shows of each step, as JSON; null where a curve has no value."""
    curves = [(panel, curve) for panel in drawn.panels for curve in panel.curves]
    return {
        "steps_per_day": round(24.0 / week.dt_h),
        "first_day": week.first_day,
        "left": LEFT,
        "width": WIDTH - LEFT - RIGHT,
        "curves": [
            {
                "name": f"{curve.said} ({panel.title.partition(' [')[2].rstrip(']')})",
                "values": [
                    round(value, panel.digits) if np.isfinite(value) else None
                    for value in curve.values.tolist()
                ],
            }
            for panel, curve in curves
        ],
    }


def days(week: Week, drawn: Picture) -> list[tuple[str, tuple[str, ...]]]:
    """Name of each day, and what the table says of it."""
    return [(_name(week, number), cells) for number, cells in enumerate(drawn.days)]


def _panel(panel: Panel, place: int) -> str:
    top = place * (TITLE + TALL) + TITLE
    low, high = _range(panel)
    parts = [f'<text class="title" x="{LEFT}" y="{top - 10}">{_text(panel.title)}</text>']
    legend_end = WIDTH - RIGHT
    for curve in reversed(panel.curves):
        parts.append(f'<text class="key {_text(curve.name)}" x="{legend_end}" y="{top - 10}">')
        parts.append(f"{_text(curve.said)}</text>")
        legend_end -= 7 * len(curve.said) + 22
    parts += [_level(value, top, low, high, panel.digits) for value in _levels(low, high)]
    for curve in panel.curves:
        path = _path(curve.values, top, low, high)
        parts.append(f'<path class="curve {_text(curve.name)}" d="{path}"/>')
    return "".join(parts)


def _text(words: str) -> Markup:
    """A track's words as they stand in the picture."""
    return escape(shown(words))


def _range(panel: Panel) -> tuple[float, float]:
    if panel.ends is not None:
        return panel.ends
    values = np.concatenate([curve.values for curve in panel.curves])
    values = values[np.isfinite(values)]
    low, high = min(0.0, float(values.min(initial=0.0))), float(values.max(initial=0.0))
    return low, high if high > low else low + 1.0


def _levels(low: float, high: float) -> list[float]:
    return [low, 0.0, high] if low < -0.15 * (high - low) else [0.0, high]


def _level(value: float, top: float, low: float, high: float, digits: int) -> str:
    y = top + TALL * (high - value) / (high - low)
    label = amount(value, min(digits, 2) if high < 10.0 else 0)
    return (
        f'<path class="level" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
        f'<text class="tick" x="{LEFT - 6}" y="{y + 4:.1f}">{label}</text>'
    )


def _path(values: FloatArray, top: float, low: float, high: float) -> str:
    """A line with a step per value, broken where there is none."""
    places = LEFT + (WIDTH - LEFT - RIGHT) * np.arange(len(values) + 1) / len(values)
    heights = top + TALL * (high - values) / (high - low)
    parts, before = [], ""
    for number, height in enumerate(heights.tolist()):
        if not np.isfinite(height):
            before = ""
            continue
        level = f"{height:.1f}"
        if not before:
            parts.append(f"M{places[number]:.1f} {level}")
        elif level != before:
            parts.append(f"V{level}")
        parts.append(f"H{places[number + 1]:.1f}")
        before = level
    return "".join(parts)


def _steps(drawn: Picture) -> int:
    return len(drawn.panels[0].curves[0].values)


def _days(week: Week, steps: int, height: int) -> str:
    """Midnights as lines, names of the days between them."""
    count = steps / round(24.0 / week.dt_h)
    wide = (WIDTH - LEFT - RIGHT) / count
    lines = [f"M{LEFT + number * wide:.1f} {TITLE}V{height - DAYS}" for number in range(int(count))]
    names = [
        f'<text class="day" x="{LEFT + (number + 0.5) * wide:.1f}" y="{height - 6}">'
        f"{_name(week, number)}</text>"
        for number in range(int(count))
    ]
    return f'<path class="midnight" d="{"".join(lines)}"/>{"".join(names)}'


def _name(week: Week, number: int) -> str:
    """For example "Tue": the season's weeks have no year."""
    return WEEKDAYS[(week.first_day + number) % len(WEEKDAYS)]
