"""System charts: who serves the load, what is stored, what waits, what it costs."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from p2p_market.wholesale.records import SOCIAL
from report.wholesale.view import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, View, lines, now, panels


def figure(view: View, step: int) -> Any:
    """Dispatch stack with the load, levels, backlogs, cost."""
    titles = ["Dispatch and load", "Stored energy", "Load that waits", "Social cost so far"]
    shown = panels(titles, 4)
    _dispatch(shown, view)
    colors = (BLUE, GREEN, ORANGE, PURPLE, SKY)
    level, backlog = view.of("level_mwh"), view.of("backlog_mwh")
    for row, names, values in ((2, view.storages, level), (3, view.consumers, backlog)):
        series = {name: (values[:, k], colors[k]) for k, name in enumerate(names)}
        lines(shown, view, series, row)
        most = max(1.0, 1.05 * float(values.max()))
        shown.update_yaxes(title_text="MWh", range=[0.0, most], row=row, col=1)
    cost = view.entry_eur(*SOCIAL).sum(axis=1).cumsum() / 1000.0
    lines(shown, view, {"social cost": (cost, GREY)}, 4)
    shown.update_yaxes(title_text="kEUR", row=4, col=1)
    for row in range(1, 5):
        now(shown, view, step, row)
    return shown


def _dispatch(shown: Any, view: View) -> None:
    output = view.of("output_mw") - view.of("dumped_mw")
    power = view.of("power_mw")
    order = np.argsort(view.scenario.fleet.cost, kind="stable")
    parts = [(view.units[k], output[:, k], view.color(k)) for k in order]
    parts.append(("discharge", np.maximum(-power, 0.0).sum(axis=1), GREEN))
    for name, values, color in parts:
        shown.add_trace(
            go.Scatter(
                x=view.hours, y=values, name=name, mode="lines", stackgroup="served",
                line={"width": 0, "shape": "hv"}, fillcolor=color,
            ),
            row=1, col=1,
        )  # fmt: skip
    load = view.of("load_mw").sum(axis=1)
    lines(shown, view, {"load": (load, GREY)}, 1)
    shown.update_yaxes(title_text="MW", rangemode="tozero", row=1, col=1)
