"""Market information: merit order of the step, clearing prices, what was expected of them."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from p2p_market.records import FloatArray
from p2p_market.wholesale.book import LEAST_MW
from p2p_market.wholesale.messages import book_of
from report.wholesale.view import BLUE, GREY, ORANGE, SKY, VERMILLION, View, lines, now, panels


def figure(view: View, step: int) -> Any:
    """Merit order with the clearing price; prices so far beside what was expected."""
    shown = panels([f"Merit order, {view.clock(step)}", "Prices"], 2)
    _merit_order(shown, view, step)
    _prices(shown, view, step)
    shown.update_layout(hovermode="closest")
    return shown


def _merit_order(shown: Any, view: View, step: int) -> None:
    """Offers from the cheapest on, bids from the dearest on; the marginal offer is marked.

    Bids far above all offers are drawn at the upper edge.
    """
    quantity, price = view.of("order_mw")[step], view.of("order_eur_per_mwh")[step]
    fills, cleared = view.of("fill_mw")[step], float(view.of("price_eur_per_mwh")[step])
    book = book_of(view.scenario)
    sells = np.flatnonzero(quantity < -LEAST_MW)
    buys = np.flatnonzero(quantity > LEAST_MW)
    most = 1.1 * max([cleared, *price[sells], 100.0])
    for name, places, sign, color in (
        ("offers", sells, 1.0, BLUE),
        ("bids", buys, -1.0, ORANGE),
    ):
        order = places[np.argsort(sign * price[places], kind="stable")]
        x, y = _stairs(np.abs(quantity[order]), np.minimum(price[order], most))
        told = [f"{view.names[book[k].agent]} ({book[k].name})" for k in order for _ in range(2)]
        shown.add_trace(
            go.Scatter(
                x=x, y=y, name=name, mode="lines", line={"color": color, "width": 2}, text=told,
                hovertemplate="%{text}<br>%{y:.2f} EUR/MWh<extra></extra>",
            ),
            row=1, col=1,
        )  # fmt: skip
    _marginal(shown, view, [int(k) for k in sells if fills[k] < -LEAST_MW], price, quantity)
    shown.add_hline(y=cleared, line={"color": GREY, "dash": "dot"}, row=1, col=1)
    shown.update_xaxes(title_text="MW", row=1, col=1)
    shown.update_yaxes(title_text="EUR/MWh", range=[-60.0, 1.05 * most], row=1, col=1)


def _stairs(widths: FloatArray, heights: FloatArray) -> tuple[FloatArray, FloatArray]:
    ends = np.concatenate([[0.0], np.cumsum(widths)])
    return np.repeat(ends, 2)[1:-1], np.repeat(heights, 2)


def _marginal(
    shown: Any, view: View, sold: list[int], price: FloatArray, quantity: FloatArray
) -> None:
    """The dearest offer of which something was taken."""
    if not sold:
        return
    last = max(sold, key=lambda place: price[place])
    below = sum(-quantity[k] for k in np.flatnonzero(quantity < 0.0) if price[k] < price[last])
    agent = view.names[book_of(view.scenario)[last].agent]
    shown.add_trace(
        go.Scatter(
            x=[below - quantity[last] / 2.0],
            y=[price[last]],
            mode="markers+text",
            text=[f"marginal: {agent}"],
            textposition="top center",
            marker={"color": VERMILLION, "size": 10},
            name="marginal offer",
        ),
        row=1,
        col=1,
    )


def _prices(shown: Any, view: View, step: int) -> None:
    """Clearing prices; truthful offers for expected net load; the same time a day before."""
    price = view.of("price_eur_per_mwh")
    expected = view.episode.expected_price_eur_per_mwh[view.community, : view.steps]
    day = round(24.0 / view.scenario.dt_h)
    series = {"clearing price": (price, BLUE), "expected": (expected, GREY)}
    if view.steps > day:
        before = np.concatenate([np.full(day, np.nan), price[:-day]])
        series["a day before"] = (before, SKY)
    lines(shown, view, series, 2)
    now(shown, view, step, 2)
    shown.update_yaxes(title_text="EUR/MWh", row=2, col=1)
