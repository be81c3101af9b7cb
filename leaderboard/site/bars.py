"""Intervals as small pictures: SVG without a style of its own, so that pages may forbid styles."""

from collections.abc import Iterable
from typing import Final

from markupsafe import Markup, escape

from p2p_market.evaluation.statistics.bootstrap import Interval
from report.table import amount

WIDTH: Final = 200  # pixels
HEIGHT: Final = 20
LOWEST: Final = -30.0  # scores below stand at the edge, as an arrow
TOP: Final = 104.0
MARGIN: Final = 4.0  # score beyond the lowest one


def said(found: Interval, digits: int = 1) -> str:
    """A number with its interval, in words."""
    text = amount(found.point, digits)
    if found.high <= found.low:
        return text
    return f"{text}, 95 % interval {amount(found.low, digits)} to {amount(found.high, digits)}"


def score_scale(scores: Iterable[Interval]) -> tuple[float, float]:
    """Scores at the left and the right edge of the bars of one table."""
    lowest = min([0.0, *(min(one.low, one.point) for one in scores)])
    return max(LOWEST, lowest) - MARGIN, TOP


def difference_scale(differences: Iterable[Interval]) -> tuple[float, float]:
    """The same for differences: 0 in the middle."""
    reach = max([1.0, *(max(abs(one.low), abs(one.high)) for one in differences)])
    return -1.05 * reach, 1.05 * reach


def bar(
    found: Interval, scale: tuple[float, float], marks: tuple[float, ...], kind: str = ""
) -> Markup:
    """A dot with its interval on a line from left to right.

    Args:
        scale: values at both edges.
        marks: values that get a vertical line.
        kind: class of the picture: "end" is drawn in ink, "reference" hollow.
    """
    parts = [f'<path class="mark" d="{"".join(_mark(mark, scale) for mark in marks)}"/>']
    low, high = (_place(end, scale) for end in (found.low, found.high))
    if found.high > found.low:
        width = max(high - low, 1.0)
        parts.append(
            f'<rect class="interval" x="{low:.1f}" y="3" width="{width:.1f}" height="14" rx="2"/>'
        )
    parts.append(_dot(found.point, scale))
    return Markup(
        f'<svg class="bar {escape(kind)}" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" role="img" aria-label="{escape(said(found))}">{"".join(parts)}</svg>'
    )


def _dot(value: float, scale: tuple[float, float]) -> str:
    """A dot, or an arrow at the edge that it is beyond."""
    left, right = scale
    if value < left:
        return '<path class="dot" d="M1 10l8-5v10z"/>'
    if value > right:
        return f'<path class="dot" d="M{WIDTH - 1} 10l-8-5v10z"/>'
    return f'<circle class="dot" cx="{_place(value, scale):.1f}" cy="10" r="3"/>'


def _mark(value: float, scale: tuple[float, float]) -> str:
    return f"M{_place(value, scale):.1f} 0v{HEIGHT}"


def _place(value: float, scale: tuple[float, float]) -> float:
    left, right = scale
    return WIDTH * (min(max(value, left), right) - left) / (right - left)
