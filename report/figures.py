"""Figures about all policies of a scenario: where they score, and where their money goes.

Matplotlib's objects only, no pyplot: nothing global changes. Each figure is an SVG in a data
address, the same bytes for the same result.
"""

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import cycle
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from p2p_market.evaluation.benchmark import Row, ScenarioResult, units_of
from p2p_market.registry import rule_of
from p2p_market.track import OPTIMUM
from p2p_market.tracks import track_of
from p2p_market.words import per
from report.days import day
from report.table import amount

# Okabe and Ito (2008): told apart by colour-blind readers
BLUE: Final = "#0072B2"
VERMILLION: Final = "#D55E00"
ORANGE: Final = "#E69F00"
INK: Final = "#222222"
GREY: Final = "#777777"
LIGHT: Final = "#d9d9d9"
LINES: Final = (BLUE, ORANGE, "#009E73", "#CC79A7", "#56B4E9", GREY)

LOWEST_SCORE: Final = -50.0  # what scores less stands at the edge, as an arrow
LONGEST_NAME: Final = 34

STYLE: Final[dict[Any, Any]] = {
    "axes.axisbelow": True,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10.5,
    "font.family": "DejaVu Sans",
    "font.size": 10.5,
    "grid.color": LIGHT,
    "grid.linewidth": 0.7,
    "svg.fonttype": "path",
    "svg.hashsalt": "p2p_market",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": INK,
    "ytick.color": INK,
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure as it stands on the page."""

    source: str  # data address
    alt: str
    title: str
    caption: str


def svg(draw: Callable[[Figure], None], height_in: float, width_in: float = 10.4) -> str:
    """Address of what `draw` puts on an empty figure; 10.4 inches are 1000 pixels on a screen."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width_in, height_in), layout="constrained", facecolor="white")
        draw(figure)
        _settle(figure)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _settle(figure: Figure) -> None:
    """Lay out once and round: the layout's solver differs in the last bit from call to call."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes in figure.axes:
        left, bottom, width, height = (round(edge, 4) for edge in axes.get_position().bounds)
        axes.set_position((left, bottom, width, height))


def score_picture(result: ScenarioResult) -> Picture:
    """Score of each policy on the line from the rule to the optimum."""
    rows, rule = result.rows, rule_of(result.scenario)
    between = [row for row in rows if row.policy not in (rule, OPTIMUM)]
    said = "; ".join(f"{row.policy} {amount(row.score.point, 1)}" for row in between)
    weeks = units_of(result.scenario, result.episode.keys)
    bars = (
        "Bars are 95 % intervals from resampling the weeks"
        if len(set(weeks.tolist())) > 1
        else "One week, so no intervals"
    )
    return Picture(
        svg(lambda figure: _draw_scores(figure.subplots(), rows, rule), 1.3 + 0.36 * len(rows)),
        alt=f"Scores between {rule} at 0 and the optimum at 100: {said or 'only the two ends'}.",
        title="Score of each policy",
        caption=f"Further right is better. {bars}. An arrow at the left edge stands for a score "
        "below the range shown; its number is on the right.",
    )


def gap_picture(result: ScenarioResult, meaning: str) -> Picture:
    """What each policy lost against the optimum, split into the gaps of its track.

    Args:
        meaning: of the gaps, a sentence each.
    """
    rows, names = result.played, tuple(track_of(result.scenario).CARD.gaps)
    unit = f"EUR {per(result.scenario.spec.days)}"
    said = "; ".join(
        f"{row.policy} "
        + " and ".join(amount(float(row.gaps_eur[name].mean()), 0) for name in names)
        for row in rows
    )
    return Picture(
        svg(
            lambda figure: _draw_gaps(figure.subplots(), rows, names, unit), 1.3 + 0.36 * len(rows)
        ),
        alt=f"{unit} lost against the optimum by {' and by '.join(names)}: {said}.",
        title="Where the gap to the optimum comes from",
        caption=" ".join(
            filter(
                None,
                [
                    "Shorter is better.",
                    meaning,
                    "Together they are exactly the cost above the optimum.",
                ],
            )
        ),
    )


def _draw_scores(axes: Axes, rows: Sequence[Row], rule: str) -> None:
    points = np.array([[row.score.point, row.score.low, row.score.high] for row in rows])
    left = max(LOWEST_SCORE, min(0.0, float(points.min())) - 4.0)
    axes.set_xlim(left, max(104.0, float(points.max()) + 4.0))
    for place, row in enumerate(rows):
        _draw_score(axes, place, row, left, row.policy in (rule, OPTIMUM))
    for end in (0.0, 100.0):
        axes.axvline(end, color=GREY, linewidth=1.0, zorder=0.5)
    top = axes.secondary_xaxis("top")
    top.set_xticks([0.0, 100.0], [f"0 = {rule}", f"100 = {OPTIMUM}"])
    top.tick_params(length=0)
    top.spines["top"].set_visible(False)
    axes.set_xlabel("score")
    list_policies(axes, rows)


def _draw_score(axes: Axes, place: int, row: Row, left: float, end: bool) -> None:
    """A point and its interval.

    Args:
        left: edge of the range shown.
        end: of the scale, not a contestant.
    """
    color, score = (INK if end else BLUE), row.score
    if score.high > left and not end:
        axes.plot([max(score.low, left), score.high], [place, place], color=color, alpha=0.45, lw=5)
    inside = score.point >= left
    marker = ("D" if end else "o") if inside else "<"
    axes.plot(max(score.point, left), place, marker, color=color, ms=8, clip_on=inside, zorder=3)
    across = axes.get_yaxis_transform()
    number = amount(score.point, 1)
    axes.text(1.075, place, number, transform=across, ha="right", va="center", weight="bold")
    if not end and score.high > score.low + 1e-9:
        interval = f"{amount(score.low, 1)} to {amount(score.high, 1)}"
        axes.text(1.09, place, interval, transform=across, va="center", color="#444444")


def _draw_gaps(axes: Axes, rows: Sequence[Row], names: Sequence[str], unit: str) -> None:
    places, total = np.arange(len(rows)), np.zeros(len(rows))
    for name, color in zip(names, cycle(LINES)):
        gap = np.array([row.gaps_eur[name].mean() for row in rows])
        axes.barh(places, gap, 0.6, left=total, color=color, label=name)
        total = total + gap
    reach = max(1e-9, float(total.max()))
    for place, value in enumerate(total):
        axes.text(max(value, 0.0) + 0.008 * reach, place, amount(value, 0), va="center")
    axes.set_xlim(min(0.0, float(total.min())), 1.09 * reach)
    axes.set_xlabel(f"cost above the optimum [{unit}]")
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=len(names), frameon=False)
    list_policies(axes, rows)


def list_policies(axes: Axes, rows: Sequence[Row]) -> None:
    """Policies down the vertical axis, in the order of the table."""
    axes.set_yticks(range(len(rows)), [short(row.policy) for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0, pad=9)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")


def short(name: str) -> str:
    """A name that fits beside an axis; of a long one the end, which says most."""
    return name if len(name) <= LONGEST_NAME else "…" + name[1 - LONGEST_NAME :]


def mark_days(panels: Sequence[Axes], start: date, days: int, clock: str) -> None:
    """Midnights as lines, names and dates of the days between them.

    Args:
        panels: one below the other, over hours of the episode; the last gets the names.
        start: first day.
        days: how many.
        clock: label of the time axis.
    """
    for axes in panels:
        axes.set_xticks(24.0 * np.arange(days + 1))
        axes.grid(axis="x")
        axes.tick_params(axis="x", which="major", labelbottom=False, length=0)
        axes.tick_params(axis="x", which="minor", length=0)
    names = [day(start + timedelta(days=number)) for number in range(days)]
    panels[-1].set_xticks(24.0 * np.arange(days) + 12.0, names, minor=True)
    panels[-1].set_xlabel(clock)
