"""The track `battery` on the page."""

from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Final

from p2p_market.battery.labels import labels
from p2p_market.battery.scenario import Scenario
from p2p_market.data.dataset import card
from p2p_market.data.sources import PRICE_ARRAY
from p2p_market.evaluation.benchmark import ScenarioResult
from report.battery.week import week_picture
from report.columns import mean
from report.days import NEW_YEAR
from report.figures import BLUE, ORANGE, VERMILLION, Picture
from report.pages import Pages
from report.table import Column

EARNED: Final = "Earned"
COLUMNS: Final = (
    Column(EARNED, "day-ahead", "EUR {per}", None, mean("dam_profit")),
    Column(EARNED, "intraday", "EUR {per}", None, mean("intraday_profit")),
    Column(EARNED, "aFRR capacity", "EUR {per}", None, mean("afrr_capacity_profit")),
    Column(EARNED, "aFRR energy", "EUR {per}", None, mean("afrr_energy_profit")),
    Column(EARNED, "mFRR", "EUR {per}", None, mean("mfrr_profit")),
    Column("Delivery", "penalties", "EUR {per}", None, mean("penalties")),
    Column("Delivery", "missing", "MWh {per}", None, mean("missing"), True),
    Column("Battery", "full cycles", "{per}", 2, mean("cycles")),
    Column("Battery", "reserve", "MWh {per}", None, mean("reserve")),
    Column("Safety", "interventions", "battery-steps {per}", 0, mean("interventions"), True),
)
COLORS: Final = {
    "dam": "#56B4E9",
    "dam_penalty": "#8B0000",
    "afrr_capacity": "#009E73",
    "afrr_energy": "#F0E442",
    "afrr_penalty": VERMILLION,
    "intraday": BLUE,
    "mfrr": ORANGE,
    "degradation": "#CC79A7",
    "terminal": "#555555",
}
"""Okabe and Ito's colours, and two dark ones."""
WORDS: Final = {
    "dam": "day-ahead",
    "dam_penalty": "day-ahead penalty",
    "afrr_capacity": "aFRR capacity",
    "afrr_energy": "aFRR energy",
    "afrr_penalty": "aFRR penalty",
    "mfrr": "mFRR",
    "degradation": "wear",
    "terminal": "stored at the end",
}
"""Entries of the ledger as the table calls them."""
SERIES: Final = {
    "day_ahead": "day-ahead price",
    "intraday": "intraday price",
    "spread": "spread of intraday",
    "imbalance": "imbalance of the system",
    "afrr_up": "aFRR energy up",
    "afrr_down": "aFRR energy down",
    "afrr_cap_up": "aFRR capacity up",
    "afrr_cap_down": "aFRR capacity down",
    "marginal": "marginal aFRR offer",
    "activation": "aFRR activation",
    "mfrr_up": "mFRR energy up",
    "mfrr_down": "mFRR energy down",
    "mfrr_call": "mFRR call",
}
"""Columns of the market as a reader calls them, in the market's order."""


def _week(result: ScenarioResult) -> list[Picture]:
    return [week_picture(result)]


def data_labels(scenario: Scenario) -> str:
    """Measured, synthetic or the user's: for each series of the episodes."""
    found, label_of = labels(scenario), itemgetter(1)
    in_order = ((words, found[name]) for name, words in SERIES.items())
    told = [
        f"{label}: {', '.join(words for words, _ in group)}"
        for label, group in groupby(sorted(in_order, key=label_of), key=label_of)
    ]
    return f"{'; '.join(told)}. The battery and its position: assumed."


def sources(scenario: Scenario) -> list[str]:
    """Attribution and licence of the day-ahead prices, and of what comes with them."""
    array = card(scenario.data.name)["arrays"][PRICE_ARRAY]
    return [f"{array['attribution']} ({array['licence']})"]


PAGES: Final = Pages(
    guide=Path(__file__).with_name("guide.html"),
    zero="the battery delivers its day-ahead position and does nothing else",
    hundred="the perfect-foresight optimum of all batteries together in the same markets",
    new_year=NEW_YEAR,
    columns=COLUMNS,
    colors=COLORS,
    words=WORDS,
    income=": what is sold, what reserve earns, or more stored at the end than at the start",
    pictures=_week,
    data=data_labels,
    sources=sources,
)
