"""The track `community` on the page."""

from pathlib import Path
from typing import Final

from p2p_market.assets.measured import COLUMN
from p2p_market.community.optimum.full_matching import FULL_MATCHING
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.community.scenario.schema import DynamicContract
from p2p_market.data.dataset import card
from p2p_market.evaluation.benchmark import ScenarioResult
from report.columns import mean, shares
from report.community.agreements import agreement_pictures
from report.community.health import health_tables
from report.community.losses import why
from report.community.machines import machines_picture
from report.community.portfolio import portfolio_table
from report.community.savings import savings_picture
from report.community.voltage import voltage_pictures
from report.community.weather import weather_labels, weather_sources
from report.community.week import telling_week, week_picture
from report.days import NEW_YEAR
from report.figures import BLUE, ORANGE, VERMILLION, Picture
from report.pages import Pages
from report.table import Column

SHARED_ARRAYS: Final = (
    "day_ahead_eur_per_mwh",
    "co2_g_per_kwh",
    "solar_clearness",
    "feeder_parent",
)
"""Arrays of the data card that every community's episode is drawn from, beside its donors."""
OWN_ARRAYS: Final = ("user_load_kw", "user_pv_kw")
"""Arrays of an imported set."""

ENERGY: Final = "Energy and grid"
COLUMNS: Final = (
    Column(ENERGY, "traded", "kWh {per}", None, mean("traded")),
    Column(ENERGY, "CO2", "kg {per}", None, mean("co2")),
    Column(ENERGY, "peak", "kW, max", 1, lambda row: row.metrics["peak"].max()),
    Column(
        ENERGY,
        "self-sufficiency",
        "%, mean",
        1,
        lambda row: 100.0 * row.metrics["self_sufficiency"].mean(),
    ),
    Column(ENERGY, "lost load", "kWh {per}", None, mean("lost_load"), True),
    Column(ENERGY, "curtailed", "kWh {per}", None, mean("curtailed"), True),
    *shares("Members"),
    Column("Safety", "filter", "kWh {per}", 0, mean("corrected")),
    Column("Safety", "interventions", "agent-steps {per}", 0, mean("interventions")),
)
COLORS: Final = {
    "grid_import": "#56B4E9",
    "grid_export": "#009E73",
    "network_fee": "#F0E442",
    "degradation": "#CC79A7",
    "carbon": "#555555",
    "overload": VERMILLION,
    "lost_load": "#8B0000",
    "shortfall": ORANGE,
    "terminal_value": BLUE,
}
"""Okabe and Ito's colours, and two dark ones."""


def market_of_the_optimum(result: ScenarioResult) -> str:
    """Under which mechanism the optimum trades, where it is another than the scenario's."""
    mechanism = result.scenario.spec.mechanism
    if mechanism == FULL_MATCHING:
        return ""
    return (
        f" The mechanism is {mechanism}; the optimum trades under {FULL_MATCHING}, which matches "
        "all volume."
    )


def _at_the_end(result: ScenarioResult) -> list[Picture]:
    week = telling_week(result)
    machines = machines_picture(week)
    pictures = [savings_picture(result), week_picture(week), *([machines] if machines else [])]
    return [*pictures, *voltage_pictures(week), *agreement_pictures(week)]


def _donor_labels(scenario: Scenario) -> list[str]:
    """Measured, simulated or the user's: what the days of the members' donors are."""
    places = {
        i
        for pools, node in zip(scenario.donor_pools, scenario.demand, strict=True)
        if not node.profile.startswith(COLUMN)
        for pool in pools.values()
        for i in pool
    }
    return sorted({scenario.data.donors[place].label for place in places})


def _loads(scenario: Scenario) -> str:
    columns = any(node.profile.startswith(COLUMN) for node in scenario.demand)
    labels = " and ".join(_donor_labels(scenario))
    drawn = [f"resampled from {labels} donor days"] if labels else []
    own = ["user's, as measured"] if columns else []
    return f"Loads: {' and '.join([*own, *drawn])}. "


def _roofs(scenario: Scenario, clearness: str) -> str:
    roofs = [roof for roof in scenario.roofs if roof is not None]
    measured = any(roof.profile for roof in roofs)
    own = ["user's, as measured"] if measured else []
    if any(not roof.profile for roof in roofs):
        own.append(f"synthetic sky on {clearness} clearness")
    return f"PV: {' and '.join(own) or 'none'}. "


def data_labels(scenario: Scenario) -> str:
    """Measured, resampled, simulated or synthetic: for each series of the episodes."""
    dynamic = [isinstance(c, DynamicContract) for c in scenario.spec.contracts.values()]
    arrays = card(scenario.data.name)["arrays"]
    label = {name: arrays[name]["label"] for name in SHARED_ARRAYS}
    day_ahead = f"{label['day_ahead_eur_per_mwh']} day-ahead price plus assumed margins"
    prices = day_ahead if any(dynamic) else "assumed tariffs"
    paid = f"Feed-in tariffs: {day_ahead}. " if scenario.feed_in_follows.any() else ""
    return (
        f"{_loads(scenario)}Retail prices: {prices}. {paid}"
        f"CO2 intensity: {label['co2_g_per_kwh']}. "
        f"{_roofs(scenario, label['solar_clearness'])}Devices and places on the feeder: assumed."
        f"{weather_labels(scenario)}"
    )


def sources(scenario: Scenario) -> list[str]:
    """Attribution and licence of each source, once."""
    arrays = card(scenario.data.name)["arrays"]
    donors = [f"donor_{label}_shape" for label in _donor_labels(scenario)]
    used = [arrays[name] for name in (*donors, *OWN_ARRAYS, *SHARED_ARRAYS) if name in arrays]
    told = [f"{array['attribution']} ({array['licence']})" for array in used]
    return list(dict.fromkeys([*told, *weather_sources(scenario)]))


PAGES: Final = Pages(
    guide=Path(__file__).with_name("guide.html"),
    zero="nobody trades and every member runs the self-consumption rule",
    hundred="the perfect-foresight optimum of the same community, weather and devices",
    ends=market_of_the_optimum,
    new_year=NEW_YEAR,
    columns=COLUMNS,
    colors=COLORS,
    income=": energy sold to the grid, or more stored at the end than at the start",
    cancels=" Payments between members cancel and are not shown.",
    gaps="Dispatch: what better use of the storage would have saved. Allocation: what better "
    "matching of the same surpluses and deficits would have saved.",
    why=why,
    tables=lambda result: [portfolio_table(result), *health_tables(result)],
    pictures=_at_the_end,
    data=data_labels,
    sources=sources,
)
