"""Differences and profiles: each policy against one of them, in a scenario and over all."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes

from p2p_market.evaluation.statistics.aggregates import interquartile_mean
from p2p_market.evaluation.statistics.bootstrap import Interval
from p2p_market.evaluation.statistics.paired import Improvement, pooled_blocks
from p2p_market.evaluation.statistics.profiles import Band
from p2p_market.evaluation.tables.comparison import Difference
from p2p_market.evaluation.tables.overview import Shared, profiles
from p2p_market.records import FloatArray
from p2p_market.track import OPTIMUM
from report.figures import GREY, LINES, LOWEST_SCORE, Picture, short, svg
from report.table import Line, amount

IMPROVEMENT_COLUMNS: Final = (
    ("IQM, difference", "points"),
    ("95 % from", "points"),
    ("95 % to", "points"),
    ("probability", "%"),
    ("95 % from", "%"),
    ("95 % to", "%"),
)
"""Columns of the table against the best rule."""

DIFFERENCE_COLUMNS: Final = (
    ("score, difference", "points"),
    ("95 % from", "points"),
    ("95 % to", "points"),
    ("cost, difference", "EUR {per}"),
    ("95 % from", "EUR {per}"),
    ("95 % to", "EUR {per}"),
)
"""Columns of the table against one policy in a scenario."""

STYLES: Final = ("-", "--", ":")  # when the colours are used up


def improvement_lines(found: Mapping[str, Improvement]) -> list[Line]:
    """The table against the best rule, the largest difference first."""
    order = sorted(found, key=lambda name: -found[name].iqm.point)
    return [
        Line(name, (*_cells(found[name].iqm, 1.0, 1), *_cells(found[name].probability, 100.0, 0)))
        for name in order
    ]


def difference_lines(found: Sequence[Difference]) -> list[Line]:
    """The table against one policy in a scenario, the largest difference of scores first."""
    order = sorted(found, key=lambda one: -one.score.point)
    return [
        Line(one.first, (*_cells(one.score, 1.0, 1), *_cells(one.cost_eur, 1.0, 2)))
        for one in order
    ]


def _cells(found: Interval, scale: float, digits: int) -> tuple[str, ...]:
    return tuple(amount(scale * end, digits) for end in (found.point, found.low, found.high))


def profile_picture(shared: Shared, rule: str) -> Picture:
    """Share of the block scores above each threshold, a line per policy but the rule at 0."""
    blocks = {
        name: pooled_blocks(shared.rule_eur, own, shared.best_eur)
        for name, own in zip(shared.policies, shared.own_eur, strict=True)
        if name != rule
    }
    names = sorted(blocks, key=lambda name: -float(interquartile_mean(blocks[name])))
    lowest = min([0.0, *(float(one.min()) for one in blocks.values())])
    tau = np.linspace(max(LOWEST_SCORE, lowest - 4.0), 102.0, 609)
    bands = profiles(shared, tau)
    curves = {name: bands[name] for name in names}
    said = "; ".join(f"{name} {_half(blocks[name])}" for name in names)
    return Picture(
        svg(lambda figure: _draw_profiles(figure.subplots(), tau, curves, rule), 4.6),
        alt=f"Performance profiles; share of blocks with a score above 50: {said or 'none'}.",
        title="Performance profiles",
        caption="How many of the blocks of weeks score more than the number below: higher is "
        "better. Of two lines that cross, one policy is better where scores are low, the other "
        "where they are high. A line that begins below 100 % has blocks left of the range shown. "
        "Bands are 95 % intervals, point by point, from resampling the weeks.",
    )


def _half(scores: FloatArray) -> str:
    return f"{amount(100.0 * float((scores > 50.0).mean()), 0)} %"


def _draw_profiles(axes: Axes, tau: FloatArray, curves: Mapping[str, Band], rule: str) -> None:
    for place, (name, curve) in enumerate(curves.items()):
        color, style = LINES[place % len(LINES)], STYLES[place // len(LINES) % len(STYLES)]
        low, high = 100.0 * curve.low, 100.0 * curve.high
        axes.fill_between(tau, low, high, step="post", color=color, alpha=0.12, linewidth=0.0)
        # the best lies on top and is the thinnest, so that lines on one another are all seen
        line = axes.step(tau, 100.0 * curve.point, style, where="post", color=color)
        line[0].set(linewidth=1.6 + 0.5 * place, zorder=3.0 - 0.01 * place, label=short(name))
    for end in (0.0, 100.0):
        axes.axvline(end, color=GREY, linewidth=1.0, zorder=0.5)
    axes.set_xlim(tau[0], tau[-1])
    axes.set_ylim(-2.0, 102.0)
    top = axes.secondary_xaxis("top")
    top.set_xticks([0.0, 100.0], [f"0 = {rule}", f"100 = {OPTIMUM}"])
    top.tick_params(length=0)
    top.spines["top"].set_visible(False)
    axes.set_xlabel("score of a block of weeks")
    axes.set_ylabel("blocks that score more [%]")
    axes.grid(axis="both")
    if curves:
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
