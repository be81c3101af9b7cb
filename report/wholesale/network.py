"""Communication network: agents on a circle, and how much they said to each other."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from p2p_market.messages import EVERYBODY, Message
from p2p_market.wholesale.messages import messages
from report.wholesale.view import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION, View

COLORS: Final = {
    "GENERATION_BID": BLUE,
    "DEMAND_RESPONSE_OFFER": GREEN,
    "MARKET_PRICE_UPDATE": ORANGE,
    "DISPATCH_INSTRUCTION": PURPLE,
    "EMERGENCY_SIGNAL": VERMILLION,
    "STATUS_UPDATE": SKY,
}
"""By kind; others are grey."""


def said(view: View, step: int, steps: int = 1) -> list[Message]:
    """Messages of a step and of those before it, the last first.

    Args:
        view: the play.
        step: the last one.
        steps: how many.
    """
    found: list[Message] = []
    for one in range(step, max(step - steps, -1), -1):
        found += messages(view.scenario, view.episode, view.played, one, view.community)
    return found


def figure(view: View, step: int, steps: int = 1) -> Any:
    """Edges are as thick as there were messages of a kind; what all hear goes to the middle."""
    told = said(view, step, steps)
    places = _circle(view.names)
    shown = go.Figure()
    pairs = Counter((one.kind, one.sender, one.receiver) for one in told)
    most = max(pairs.values(), default=1)
    kinds = sorted({kind for kind, _, _ in pairs})
    for rank, kind in enumerate(kinds):
        _edges(shown, kind, rank, {k: n for k, n in pairs.items() if k[0] == kind}, places, most)
    x, y = np.array([places[name] for name in view.names]).T
    shown.add_trace(
        go.Scatter(
            x=x, y=y, mode="markers+text", text=list(view.names), showlegend=False,
            textposition=["top center" if one >= 0.0 else "bottom center" for one in y],
            marker={"size": 15, "color": GREY}, hoverinfo="text", name="agents",
        )
    )  # fmt: skip
    between = view.clock(step) if steps == 1 else f"{steps} steps up to {view.clock(step)}"
    shown.update_layout(
        title={"text": f"{len(told)} messages, {between}", "font": {"size": 14}},
        height=560,
        template="none",
        margin={"l": 20, "r": 20, "t": 50, "b": 40},
        xaxis={"visible": False, "range": [-1.45, 1.45]},
        yaxis={"visible": False, "range": [-1.3, 1.3], "scaleanchor": "x"},
        legend={"orientation": "h", "y": -0.02},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
    )
    return shown


def _circle(names: Sequence[str]) -> dict[str, tuple[float, float]]:
    turn = 2.0 * np.pi * np.arange(len(names)) / len(names) + np.pi / 2.0
    x, y = np.cos(turn).tolist(), np.sin(turn).tolist()
    spots = zip(x, y, strict=True)
    return {**dict(zip(names, spots, strict=True)), EVERYBODY: (0.0, 0.0)}


def _edges(
    shown: Any,
    kind: str,
    rank: int,
    pairs: dict[tuple[str, str, str], int],
    places: dict[str, tuple[float, float]],
    most: int,
) -> None:
    """Lines of one kind, each bent a little more than those of the kinds before."""
    color = COLORS.get(kind, GREY)
    for number, ((_, sender, receiver), count) in enumerate(pairs.items()):
        (x0, y0), (x1, y1) = places[sender], places[receiver]
        bend = 0.04 * (rank + 1)
        middle = ((x0 + x1) / 2.0 - bend * (y1 - y0), (y0 + y1) / 2.0 + bend * (x1 - x0))
        shown.add_trace(
            go.Scatter(
                x=[x0, middle[0], x1],
                y=[y0, middle[1], y1],
                mode="lines",
                line={"color": color, "width": 1.0 + 4.0 * count / most, "shape": "spline"},
                opacity=0.7,
                name=kind.lower().replace("_", " "),
                legendgroup=kind,
                showlegend=number == 0,
                text=f"{sender} to {'all' if receiver == EVERYBODY else receiver}: {count}",
                hoverinfo="text",
            )
        )
