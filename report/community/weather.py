"""What moves the devices of a community: each series with where it comes from."""

from typing import Final

from p2p_market.assets.drivers import GENERATION, LAWS, series_of
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.data import weather
from p2p_market.data.dataset import card

WORDS: Final = {
    "wind_rank": "wind",
    "temperature_c": "temperature",
    "river_fraction": "rivers",
    "heat_kw": "heat",
    "hot_water_kw": "hot water",
}
"""Series -> what it is called; others are no weather, or that of the sun."""
READ: Final = {"wind_speed_ms": "wind_rank", "wind_ms": "wind_rank", "flow_m3s": "river_fraction"}
"""What a law reads -> the series that it is derived from."""
STORED: Final = {
    "wind_rank": "wind_fraction",
    "heat_kw": "heat_w",
    "hot_water_kw": "hot_water_w",
}
"""Series -> array of the data set that it is made of; the rest are arrays of the weather's own."""


def driven_by(scenario: Scenario) -> list[str]:
    """Names of the series of weather that some device of a scenario follows, in a fixed order."""
    laws = [LAWS[node.law] for own in scenario.flexible for node in own if node.law]
    laws += [GENERATION[node.law] for own in scenario.generators for node in own]  # type: ignore[misc]
    needed = {READ.get(name, name) for law in laws for name in series_of(law)}
    return [name for name in WORDS if name in needed]


def weather_labels(scenario: Scenario) -> str:
    """A sentence per kind of series, after a blank; nothing where no weather moves anything."""
    names = driven_by(scenario)
    if not names:
        return ""
    found = weather.load(scenario.data.name).labels
    told = [f"{WORDS[name]}: {_label(name, found)}" for name in names]
    return f" {', '.join(told).capitalize()}."


def _label(name: str, labels: object) -> str:
    label = str(dict(labels).get(name, "synthetic"))  # type: ignore[call-overload]
    return f"{label}, local gusts synthetic" if name == "wind_rank" else label


def weather_sources(scenario: Scenario) -> list[str]:
    """Attribution and licence of what is embedded of them, each once."""
    arrays = {**card(scenario.data.name)["arrays"], **weather.card()["arrays"]}
    used = [arrays.get(STORED.get(name, name)) for name in driven_by(scenario)]
    return [f"{array['attribution']} ({array['licence']})" for array in used if array]
