"""The figures of `docs/results.md`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from report.figures import BLUE, GREY, INK, LINES, STYLE
from tools.publish.numbers import Line, curve, validation_score
from tools.publish.plan import AGENT_STEPS, METHODS

BESIDE: Final = {"truthful": ":", "storage-value": "--", "mpc-alone": "-."}


def draw_curves(path: Path) -> None:
    """Validation score over agent-steps: mean of the trainings, and the lowest and highest."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10.4, 4.2), layout="constrained", facecolor="white")
        for axes, scenario in zip(figure.subplots(1, len(AGENT_STEPS)), AGENT_STEPS, strict=True):
            _curves(axes, scenario)
        figure.axes[0].set_ylabel("score on validation weeks")
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False)
        figure.savefig(path, metadata={"Date": None})


def _curves(axes: Axes, scenario: str) -> None:
    lowest = 100.0
    for color, (name, method) in zip(LINES, METHODS.items(), strict=False):
        found = curve(scenario, name)
        if found is None:
            continue
        million, mean = found.agent_steps / 1e6, found.score.mean(axis=0)
        axes.plot(million, mean, color=color, label=method.title)
        band = found.score.min(axis=0), found.score.max(axis=0)
        axes.fill_between(million, *band, color=color, alpha=0.15, linewidth=0)
        lowest = min(lowest, float(mean[len(mean) // 8 :].min()))
    for name, style in BESIDE.items():
        score = validation_score(scenario, name)
        axes.axhline(score, color=GREY, linestyle=style, linewidth=1.0, label=name)
        lowest = min(lowest, score)
    axes.set_title(scenario)
    axes.set_xlabel("million agent-steps")
    axes.set_ylim(bottom=lowest - 4.0)
    axes.grid(axis="y")


def draw_scores(boards: Mapping[str, Sequence[Line]], path: Path) -> None:
    """Scores on test weeks with their intervals, a panel per board; one axis for all."""
    with mpl.rc_context(STYLE):
        count = max(map(len, boards.values()))
        height = 1.0 + 0.3 * count
        figure = Figure(figsize=(10.4, 2.0 * height), layout="constrained", facecolor="white")
        panels = figure.subplots(2, 2, sharex=True, sharey=True).ravel()
        for axes, (title, lines) in zip(panels, boards.items(), strict=False):
            for place, line in enumerate(reversed(lines)):
                color = BLUE if line.trainings else INK
                axes.plot([line.score.low, line.score.high], [place] * 2, color=color, linewidth=2)
                axes.plot(line.score.point, place, "o", color=color, markersize=5)
            names = [line.title.strip("`") for line in reversed(lines)]
            axes.set_yticks(range(len(names)), names)
            axes.set_title(title)
            axes.grid(axis="x")
            for end in (0.0, 100.0):
                axes.axvline(end, color=GREY, linewidth=1.0)
            axes.tick_params(labelbottom=True)
            axes.set_xlabel("score on test weeks; 0: no trade, 100: optimum")
        figure.savefig(path, metadata={"Date": None})
