"""Agent performance: money of each agent by entry of the ledger, fills, interventions."""

from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from p2p_market.wholesale.records import LEDGER_ENTRIES
from report.wholesale.view import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    View,
    panels,
)

SHOWN: Final = {
    "market": BLUE,
    "generation": "#6b4c2a",
    "wear": PURPLE,
    "discomfort": ORANGE,
    "response": GREEN,
    "lost_load": VERMILLION,
    "dumped": SKY,
    "terminal": GREY,
}
"""Entries with a colour of their own; the rest is summed."""


def figure(view: View, step: int) -> Any:
    """Money up to the step, what was asked and taken in it, and interventions so far."""
    titles = ["Earned so far", f"Power, {view.clock(step)}", "Held by the supervisor so far"]
    if view.rule is not None:
        titles.append("Earned beyond the default rule's play")
    rows = len(titles)
    shown = panels(titles, rows)
    _money(shown, view, step)
    _power(shown, view, step)
    _held(shown, view, step)
    if view.rule is not None:
        _beyond(shown, view, step)
    shown.update_layout(barmode="relative", hovermode="closest")
    return shown


def _money(shown: Any, view: View, step: int) -> None:
    paid = view.played.entries_eur[: step + 1, view.community].sum(axis=0)
    others = [name for name in LEDGER_ENTRIES if name not in SHOWN]
    parts = {name: paid[:, LEDGER_ENTRIES.index(name)] for name in SHOWN}
    parts["other"] = paid[:, [LEDGER_ENTRIES.index(name) for name in others]].sum(axis=1)
    for name, values in parts.items():
        shown.add_trace(
            go.Bar(
                x=list(view.names),
                y=-values,
                name=name.replace("_", " "),
                marker_color=SHOWN.get(name, "#bbbbbb"),
            ),
            row=1,
            col=1,
        )
    shown.update_yaxes(title_text="EUR", row=1, col=1)


def _power(shown: Any, view: View, step: int) -> None:
    """What each asked for in the auction, and what it got; sold is above zero."""
    units, kept, consumers = view.scenario.sizes
    first = 2 * units

    def by_agent(name: str) -> list[float]:
        rows = view.of(name)[step]
        sold = [-(rows[k] + rows[units + k]) for k in range(units)]
        stored = [-rows[first + k] for k in range(kept)]
        bought = [
            -sum(rows[first + kept + part * consumers + k] for part in range(3))
            for k in range(consumers)
        ]
        return [float(value) for value in (*sold, *stored, *bought)]

    for name, values, color in (
        ("asked", by_agent("order_mw"), "#bbbbbb"),
        ("taken", by_agent("fill_mw"), BLUE),
    ):
        shown.add_trace(
            go.Scatter(
                x=list(view.names[:-1]), y=values, name=name, mode="markers",
                marker={"color": color, "size": 14 if name == "asked" else 8},
            ),
            row=2, col=1,
        )  # fmt: skip
    shown.update_yaxes(title_text="MW sold", row=2, col=1)


def _held(shown: Any, view: View, step: int) -> None:
    held = np.count_nonzero(view.played.cause[: step + 1, view.community], axis=0)
    shown.add_trace(
        go.Bar(x=list(view.names), y=held, marker_color=ORANGE, showlegend=False, name="held"),
        row=3,
        col=1,
    )
    shown.update_yaxes(title_text="steps", rangemode="tozero", row=3, col=1)


def _beyond(shown: Any, view: View, step: int) -> None:
    """Against the same episodes with the default rule in every role."""
    rule: Any = view.rule
    own = view.played.entries_eur[: step + 1, view.community].sum(axis=(0, 2))
    other = rule.entries_eur[: step + 1, view.community].sum(axis=(0, 2))
    more = other - own
    color = np.where(more >= 0.0, GREEN, VERMILLION)
    shown.add_trace(
        go.Bar(x=list(view.names), y=more, marker_color=color, showlegend=False, name="more"),
        row=4,
        col=1,
    )
    shown.update_yaxes(title_text="EUR", row=4, col=1)
