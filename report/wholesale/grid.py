"""Grid overview: frequency and voltage in their bands, balance, reserve, state."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from p2p_market.grid.frequency import NOMINAL_HZ
from p2p_market.wholesale.events import DOWN, UP
from p2p_market.wholesale.messages import STATES
from p2p_market.wholesale.scenario import BAND_PU
from report.wholesale.view import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    VERMILLION,
    View,
    band,
    lines,
    now,
    panels,
)


def figure(view: View, step: int) -> Any:
    """Frequency, voltages of the step, balance of the step, reserve and state."""
    at = view.clock(step)
    shown = panels(["Frequency", f"Voltage, {at}", "Reserve and state", f"Balance, {at}"], 4)
    _frequency(shown, view, step)
    _voltage(shown, view, step)
    _reserve(shown, view, step)
    _balance(shown, view, step)
    return shown


def _frequency(shown: Any, view: View, step: int) -> None:
    deviation, width = view.of("deviation_hz"), view.scenario.rules.band_hz
    series = {
        "lowest": (NOMINAL_HZ - deviation[:, UP], BLUE),
        "highest": (NOMINAL_HZ + deviation[:, DOWN], ORANGE),
    }
    lines(shown, view, series, 1)
    band(shown, NOMINAL_HZ - width, NOMINAL_HZ + width, 1)
    now(shown, view, step, 1)
    shown.update_yaxes(title_text="Hz", row=1, col=1)


def _voltage(shown: Any, view: View, step: int) -> None:
    volts = view.of("voltage_pu")[step]
    outside = (volts < BAND_PU[0]) | (volts > BAND_PU[1])
    shown.add_trace(
        go.Scatter(
            x=[f"bus {bus}" for bus in range(len(volts))],
            y=volts,
            mode="lines+markers",
            name="voltage",
            marker={"size": 9, "color": np.where(outside, VERMILLION, GREEN)},
            line={"color": GREY, "width": 1},
            showlegend=False,
        ),
        row=2,
        col=1,
    )
    band(shown, *BAND_PU, 2)
    reach = max(0.07, float(np.abs(volts - 1.0).max()) + 0.01)
    shown.update_yaxes(title_text="pu", range=[1.0 - reach, 1.0 + reach], row=2, col=1)


def _reserve(shown: Any, view: View, step: int) -> None:
    state = view.of("system_state")
    series = {"reserve level": (view.of("reserve_level"), BLUE), "tap": (view.of("tap"), GREY)}
    lines(shown, view, series, 3)
    for place, color in ((1, ORANGE), (2, VERMILLION)):
        at = np.flatnonzero(state == place)
        shown.add_trace(
            go.Scatter(
                x=view.hours[at],
                y=np.full(len(at), 4.5),
                mode="markers",
                name=STATES[place],
                marker={"color": color, "symbol": "square", "size": 7},
            ),
            row=3,
            col=1,
        )
    now(shown, view, step, 3)
    shown.update_yaxes(title_text="level, steps", range=[-2.5, 5.0], row=3, col=1)


def _balance(shown: Any, view: View, step: int) -> None:
    power = view.of("power_mw")[step]
    parts = {
        "generation": float(view.of("output_mw")[step].sum()),
        "discharge": float(-power[power < 0.0].sum()),
        "load": -float(view.of("load_mw")[step].sum()),
        "charge": -float(power[power > 0.0].sum()),
        "dumped": -float(view.of("dumped_mw")[step].sum()),
        "lost": float(view.of("lost_mw")[step].sum()),
    }
    shown.add_trace(
        go.Bar(
            x=list(parts),
            y=list(parts.values()),
            marker_color=[GREEN, BLUE, GREY, BLUE, ORANGE, VERMILLION],
            showlegend=False,
            name="balance",
        ),
        row=4,
        col=1,
    )
    shown.update_yaxes(title_text="MW into the net", row=4, col=1)
