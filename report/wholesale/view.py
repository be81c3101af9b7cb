"""What all views share: a play with its scenario, its colours, its clock, its axes."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from p2p_market.records import FloatArray, Trajectory
from p2p_market.wholesale.episode.episode import Episode
from p2p_market.wholesale.records import LEDGER_ENTRIES
from p2p_market.wholesale.scenario import INVERTER, Scenario

# Okabe and Ito (2008): told apart by colour-blind readers
BLUE, SKY, GREEN, YELLOW = "#0072B2", "#56B4E9", "#009E73", "#F0E442"
ORANGE, VERMILLION, PURPLE, GREY = "#E69F00", "#D55E00", "#CC79A7", "#7f7f7f"
UNITS: Final = ("#6b4c2a", VERMILLION, PURPLE, "#8B0000", ORANGE, SKY, GREEN, BLUE)
"""Colours of generators without a source, in the file's order."""
SOURCES: Final = {"solar": "#E6B800", "wind": SKY}
HEIGHT: Final = 330  # pixels of a panel


@dataclass(frozen=True)
class View:
    """One episode of a play."""

    scenario: Scenario
    episode: Episode
    played: Trajectory
    community: int = 0  # place in the batch
    rule: Trajectory | None = None  # the same episodes under the default rule, to compare with

    @property
    def steps(self) -> int:
        """How many were played."""
        return self.played.steps

    @cached_property
    def hours(self) -> FloatArray:
        """Beginning of each step since midnight of the first day, (step,) [h]."""
        return np.asarray(self.scenario.dt_h * np.arange(self.steps))

    @property
    def names(self) -> tuple[str, ...]:
        """All agents."""
        return self.scenario.agents

    @property
    def units(self) -> tuple[str, ...]:
        """Generators."""
        return self.names[: self.scenario.sizes[0]]

    @property
    def storages(self) -> tuple[str, ...]:
        """Storages."""
        first = self.scenario.sizes[0]
        return self.names[first : first + self.scenario.sizes[1]]

    @property
    def consumers(self) -> tuple[str, ...]:
        """Consumers."""
        return self.names[sum(self.scenario.sizes[:2]) : -1]

    @cached_property
    def renewable(self) -> FloatArray:
        """1 for generators behind an inverter, (generator,)."""
        return np.asarray(self.scenario.fleet.kind == INVERTER, dtype=np.float64)

    def of(self, name: str) -> FloatArray:
        """A series of this episode, (step, ...)."""
        return np.asarray(self.played.series[name][:, self.community])

    def entry_eur(self, *names: str) -> FloatArray:
        """Entries of the ledger, summed over their names, (step, agent) [EUR]."""
        places = [LEDGER_ENTRIES.index(name) for name in names]
        return np.asarray(self.played.entries_eur[:, self.community][..., places].sum(axis=-1))

    def color(self, place: int) -> str:
        """Of a generator."""
        source = self.scenario.spec.generators[place].source
        return SOURCES.get(source or "", UNITS[place % len(UNITS)])

    def clock(self, step: int) -> str:
        """Day and time at which a step begins."""
        minutes = round(60.0 * self.scenario.dt_h * step)
        return f"day {minutes // 1440 + 1}, {minutes // 60 % 24:02d}:{minutes % 60:02d}"


def panels(titles: list[str], rows: int) -> Any:
    """An empty figure with panels, one below the other, so that a phone shows them as well."""
    figure = make_subplots(
        rows=rows, cols=1, subplot_titles=titles, vertical_spacing=0.42 / max(rows, 2)
    )
    figure.update_annotations(font_size=14)
    figure.update_layout(
        height=HEIGHT * rows + 60,
        margin={"l": 60, "r": 20, "t": 40, "b": 50},
        legend={"orientation": "h", "yanchor": "top", "y": -0.26 / rows, "x": 0},
        hovermode="x unified",
        template="none",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
    )
    grid = {"gridcolor": "rgba(128,128,128,0.25)", "zerolinecolor": "rgba(128,128,128,0.6)"}
    figure.update_xaxes(**grid)
    figure.update_yaxes(**grid)
    return figure


def lines(
    figure: Any,
    view: View,
    series: dict[str, tuple[FloatArray, str]],
    row: int,
) -> None:
    """Series that are constant within each step: name -> values and colour."""
    for name, (values, color) in series.items():
        figure.add_trace(
            go.Scatter(
                x=view.hours,
                y=values,
                name=name,
                line={"color": color, "width": 1.5, "shape": "hv"},
                mode="lines",
            ),
            row=row,
            col=1,
        )


def now(figure: Any, view: View, step: int, row: int) -> None:
    """Mark the step, and name the axis."""
    figure.add_vline(
        x=float(view.hours[step]), line={"color": GREY, "width": 1.5, "dash": "dot"},
        row=row, col=1,
    )  # fmt: skip
    figure.update_xaxes(title_text="hours since the start", row=row, col=1)


def band(figure: Any, low: float, high: float, row: int) -> None:
    """Limits of what is allowed."""
    for value in (low, high):
        figure.add_hline(
            y=value, line={"color": VERMILLION, "width": 1.0, "dash": "dash"}, row=row, col=1
        )
