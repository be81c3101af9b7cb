"""A week as a picture that can be read step by step, and as a table of its days."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from markupsafe import Markup

from leaderboard.site.content import Week
from p2p_market.records import FloatArray
from report.table import amount

WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WIDTH: Final = 1000  # of the picture [pixels]
LEFT: Final = 58  # of the panels
RIGHT: Final = 8
TITLE: Final = 34  # above a panel
TALL: Final = 110  # a panel
DAYS: Final = 22  # names of the days at the bottom


@dataclass(frozen=True, slots=True)
class Curve:
    """A line of a panel; its name is its class on the page."""

    name: str
    said: str
    values: FloatArray


@dataclass(frozen=True, slots=True)
class Panel:
    """Curves that share an axis."""

    title: str
    curves: tuple[Curve, ...]
    digits: int


def panels(week: Week) -> tuple[Panel, ...]:
    """What is drawn, from top to bottom."""
    return (
        Panel(
            "Price [EUR/kWh]",
            (
                Curve("cap", "highest bid", week.cap_eur_per_kwh),
                Curve("floor", "lowest ask", week.floor_eur_per_kwh),
                Curve("price", "clearing price", week.price_eur_per_kwh),
            ),
            3,
        ),
        Panel(
            "Load and sun [kW]",
            (Curve("sun", "PV", week.pv_kw), Curve("load", "load", week.load_kw)),
            1,
        ),
        Panel(
            "Trade and grid [kW]",
            (
                Curve("grid", "grid, import above 0", week.grid_kw),
                Curve("traded", "traded", week.traded_kw),
            ),
            1,
        ),
        Panel("State of charge [%]", (Curve("soc", "stored", 100.0 * week.soc),), 0),
    )


def picture(week: Week) -> Markup:
    """All panels under one another, with a line that the script moves."""
    shown = panels(week)
    height = len(shown) * (TITLE + TALL) + DAYS
    parts = [_panel(one, place, week) for place, one in enumerate(shown)]
    parts.append(_days(week, height))
    parts.append(
        f'<line class="cursor" x1="{LEFT}" x2="{LEFT}" y1="{TITLE}" y2="{height - DAYS}"/>'
    )
    return Markup(
        f'<svg class="week" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="Prices, load, trade and storage of the week, step by step; the table below '
        f'has the sums of its days.">{"".join(parts)}</svg>'
    )


def readings(week: Week) -> dict[str, Any]:
    """What the script shows of each step, as JSON; null where nothing was traded."""
    curves = [(panel, curve) for panel in panels(week) for curve in panel.curves]
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


def days(week: Week) -> list[tuple[str, list[str]]]:
    """Name of each day, and its sums as text: see `DAY_COLUMNS`."""
    steps = round(24.0 / week.dt_h)
    found = []
    for first in range(0, len(week.load_kw), steps):
        part = slice(first, first + steps)
        traded = week.traded_kw[part]
        price = np.nan_to_num(week.price_eur_per_kwh[part])
        mean = (price * traded).sum() / traded.sum() if traded.sum() > 0.0 else np.nan
        sums = [
            week.dt_h * float(series[part].sum())
            for series in (
                week.load_kw,
                week.pv_kw,
                week.traded_kw,
                np.maximum(week.grid_kw, 0.0),
                np.maximum(-week.grid_kw, 0.0),
            )
        ]
        end = 100.0 * float(week.soc[part][-1])
        cells = [*(amount(one, 0) for one in sums), amount(mean, 3), amount(end, 0)]
        found.append((_name(week, first // steps), cells))
    return found


DAY_COLUMNS: Final = (
    ("load", "kWh"),
    ("PV", "kWh"),
    ("traded", "kWh"),
    ("net import", "kWh"),
    ("net export", "kWh"),
    ("mean price", "EUR/kWh"),
    ("stored at the end", "%"),
)


def _panel(panel: Panel, place: int, week: Week) -> str:
    top = place * (TITLE + TALL) + TITLE
    low, high = _range(panel)
    parts = [f'<text class="title" x="{LEFT}" y="{top - 10}">{panel.title}</text>']
    legend_end = WIDTH - RIGHT
    for curve in reversed(panel.curves):
        parts.append(f'<text class="key {curve.name}" x="{legend_end}" y="{top - 10}">')
        parts.append(f"{curve.said}</text>")
        legend_end -= 7 * len(curve.said) + 22
    parts += [_level(value, top, low, high, panel.digits) for value in _levels(low, high)]
    for curve in panel.curves:
        path = _path(curve.values, top, low, high)
        parts.append(f'<path class="curve {curve.name}" d="{path}"/>')
    return "".join(parts)


def _range(panel: Panel) -> tuple[float, float]:
    values = np.concatenate([curve.values for curve in panel.curves])
    values = values[np.isfinite(values)]
    if panel.title.startswith("State"):
        return 0.0, 100.0
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


def _days(week: Week, height: int) -> str:
    """Midnights as lines, names of the days between them."""
    steps = round(24.0 / week.dt_h)
    count = len(week.load_kw) / steps
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
