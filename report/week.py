"""A week of a result in panels, one below the other: what every track's picture shares."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from p2p_market.evaluation.benchmark import ScenarioResult
from p2p_market.records import FloatArray
from p2p_market.track import Trajectory
from report.days import day, first_day
from report.figures import mark_days, short

Panel = Callable[[Axes, "Week"], None]


@dataclass(frozen=True, slots=True)
class Week:
    """One episode of a result, and the policies shown in it, each with its colour."""

    result: ScenarioResult
    number: int  # in the batch
    shown: Mapping[str, str]  # policy -> colour

    @property
    def start(self) -> date:
        """First day."""
        return first_day(self.result.episode.keys[self.number].start_day)

    @property
    def told(self) -> str:
        """First and last day."""
        last = self.start + timedelta(days=self.result.scenario.spec.days - 1)
        return f"{day(self.start)} to {day(last)}"

    @property
    def middle(self) -> str:
        """The policy beside the optimum."""
        return next(iter(self.shown))

    def total(self, series: FloatArray) -> FloatArray:
        """Sum over the agents of this episode, (step,)."""
        return np.asarray(series[:, self.number].sum(axis=1))

    def played(self) -> list[tuple[str, str, Trajectory]]:
        """Policy, colour and trajectory of each policy shown."""
        return [(p, color, self.result.trajectories[p]) for p, color in self.shown.items()]

    def hours(self, points: int) -> FloatArray:
        """Hours since the start, a step apart."""
        return np.asarray(self.result.scenario.dt_h * np.arange(points, dtype=np.float64))


def panels(
    figure: Figure, week: Week, given: Sequence[tuple[Panel, float]], clock: str
) -> Sequence[Axes]:
    """Draw panels over common days; the axes, from the top down.

    Args:
        given: what draws each panel, and its share of the height.
        clock: label of the time axis.
    """
    heights = [height for _, height in given]
    rows: Sequence[Axes] = figure.subplots(len(given), sharex=True, height_ratios=heights)
    figure.set_layout_engine("constrained", hspace=0.05)
    for axes, (panel, _) in zip(rows, given, strict=True):
        panel(axes, week)
        axes.grid(axis="y")
        axes.margins(x=0.0)
    figure.align_ylabels(rows)
    mark_days(rows, week.start, week.result.scenario.spec.days, clock)
    return rows


def steps(
    axes: Axes, week: Week, values: FloatArray, color: str, style: str = "-", width: float = 1.3
) -> None:
    """A series that is constant within each step."""
    hours, last = week.hours(len(values) + 1), np.append(values, values[-1])
    axes.step(hours, last, style, where="post", color=color, linewidth=width)


def line(color: str, style: Literal["-", ":"] = "-") -> Line2D:
    """Sample of a line for a legend."""
    return Line2D([], [], color=color, linestyle=style, linewidth=2.0)


def policies(week: Week) -> dict[str, Artist]:
    """Samples of the policies' lines."""
    return {policy: line(color) for policy, color in week.shown.items()}


def legend(axes: Axes, title: str, entries: Mapping[str, Artist]) -> None:
    """Title on the left and legend on the right, both above the panel and its data."""
    axes.set_title(title, loc="left", weight="bold")
    axes.legend(
        list(entries.values()),
        [short(name) for name in entries],
        loc="lower right",
        bbox_to_anchor=(1.005, 0.97),
        ncols=len(entries),
        frameon=False,
        handlelength=1.4,
        columnspacing=1.2,
        borderpad=0.2,
    )
