"""Environmental metrics: CO2 intensity and tonnes, share of renewables, curtailment."""

from typing import Any

import numpy as np

from report.wholesale.view import GREEN, GREY, ORANGE, View, lines, now, panels


def figure(view: View, step: int) -> Any:
    """Intensity, emissions so far, share of renewables, what wind and sun could have given."""
    titles = [
        "CO2 intensity of the load",
        "Emissions so far",
        "Share of renewables",
        "Wind and sun",
    ]
    shown = panels(titles, 4)
    load = np.maximum(view.of("load_mw").sum(axis=1), 1e-9)
    tonnes = view.of("emissions_t").sum(axis=1)
    clean = (view.of("output_mw") * view.renewable).sum(axis=1)
    intensity = 1000.0 * tonnes / (view.scenario.dt_h * load)
    lines(shown, view, {"intensity": (intensity, GREY)}, 1)
    lines(shown, view, {"emissions": (tonnes.cumsum(), GREY)}, 2)
    lines(shown, view, {"share": (100.0 * clean / load, GREEN)}, 3)
    available = view.episode.available_mw[view.community, : view.steps] * view.renewable
    sold = ((view.of("output_mw") - view.of("dumped_mw")) * view.renewable).sum(axis=1)
    series = {
        "available": (available.sum(axis=1), GREY),
        "used": (sold, GREEN),
        "curtailed": (available.sum(axis=1) - sold, ORANGE),
    }
    lines(shown, view, series, 4)
    for row, unit in enumerate(("kg/MWh", "t", "% of the load", "MW"), start=1):
        now(shown, view, step, row)
        shown.update_yaxes(title_text=unit, rangemode="tozero", row=row, col=1)
    shown.update_traces(showlegend=False, selector=lambda one: one.name in ALONE)
    return shown


ALONE = ("intensity", "emissions", "share")
