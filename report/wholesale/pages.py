"""The track `wholesale` on the page, and the six views on a page beside it."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import plotly.io
from jinja2 import Environment

from p2p_market.evaluation.benchmark import ScenarioResult
from p2p_market.files import safe_name, write_text
from p2p_market.registry import rule_of
from p2p_market.track import OPTIMUM
from report.figures import BLUE, ORANGE, VERMILLION
from report.pages import Pages
from report.wholesale.view import View
from report.wholesale.views import VIEWS

COLORS: Final = {
    "market": BLUE,
    "generation": "#6b4c2a",
    "wear": "#CC79A7",
    "discomfort": "#F0E442",
    "backlog": "#8c8c00",
    "lost_load": VERMILLION,
    "shed_load": "#8B0000",
    "dumped": ORANGE,
    "response": "#009E73",
    "frequency": "#56B4E9",
    "voltage": "#004060",
    "terminal": "#555555",
}
"""Okabe and Ito's colours, and darker ones."""
WORDS: Final = {
    "market": "energy",
    "generation": "fuel and carbon",
    "discomfort": "discomfort",
    "backlog": "load deferred beyond the end",
    "lost_load": "lost load",
    "shed_load": "load shed by relays",
    "dumped": "dumped energy",
    "response": "room for response",
    "frequency": "frequency outside its band",
    "voltage": "voltage outside its band",
    "terminal": "stored at the end",
}
"""Entries of the ledger as the table calls them."""
SHOWN_DAYS: Final = 2
"""Days around the moment that is shown; more would make the page slow."""
CONFIG: Final = {"displaylogo": False, "responsive": True, "displayModeBar": False}
TEMPLATE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 1100px; padding: 0 12px; }
h2 { margin-bottom: 0; }
p { margin-top: 4px; }
</style>
<script>{{ library|safe }}</script>
</head>
<body>
<h1>{{ title }}</h1>
<p>The moment that cost most in the weeks of this run, under its best policy between the ends.
<code>p2p-market dashboard</code> shows every other moment of the same record.</p>
{% for name, caption, drawn in views %}
<h2>{{ name }}</h2>
<p>{{ caption }}</p>
{{ drawn|safe }}
{% endfor %}
</body>
</html>
"""


def _dearest(result: ScenarioResult) -> tuple[str, int, int]:
    """Best policy beside the ends, the week and the step in which it costs most."""
    ends = rule_of(result.scenario), OPTIMUM
    between = [row for row in result.played if row.policy not in ends]
    best = max(between, key=lambda row: row.score.point).policy if between else ends[0]
    played = result.trajectories[best]
    cost = played.entries_eur[..., list(played.social)].sum(axis=(2, 3))
    step, week = np.unravel_index(int(cost.argmax()), cost.shape)
    return best, int(week), int(step)


def views(result: ScenarioResult, folder: Path) -> dict[str, str]:
    """Write the six views of a moment, around the step that cost most; title -> file name."""
    policy, week, step = _dearest(result)
    scenario: Any = result.scenario
    view = View(scenario, result.episode, result.trajectories[policy], week)
    drawn = []
    for name, shown in VIEWS.items():
        figure = shown.figure(view, step)
        _near(figure, view, step)
        html = plotly.io.to_html(
            figure, full_html=False, include_plotlyjs=False, config=CONFIG, div_id=safe_name(name)
        )
        drawn.append((name, shown.caption, html))
    spec = scenario.spec
    title = f"{spec.title}: {policy}, {view.clock(step)} of week {week + 1}"
    page = (
        Environment(autoescape=True)
        .from_string(TEMPLATE)
        .render(
            title=title,
            library=plotly.offline.get_plotlyjs(),
            views=drawn,
        )
    )
    name = f"views-{safe_name(spec.id)}.html"
    write_text(folder / name, page)
    return {"Six views of the moment that cost most": name}


def _near(figure: Any, view: View, step: int) -> None:
    """Show the days around a moment on axes of time."""
    middle, half = float(view.hours[step]), 12.0 * SHOWN_DAYS
    figure.update_xaxes(
        range=[max(0.0, middle - half), min(float(view.hours[-1]), middle + half)],
        selector=lambda axis: axis.title.text == "hours since the start",
    )


PAGES: Final = Pages(
    guide=Path(__file__).with_name("guide.html"),
    zero="everybody plays the documented rule of its role",
    hundred="the perfect-foresight optimum of all units together, in the same physics",
    colors=COLORS,
    words=WORDS,
    income=": more stored at the end than at the start",
    cancels="What is traded cancels over all agents.",
    beside=views,
)
