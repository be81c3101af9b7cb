"""Weather of the year beside the sun: what devices are driven by, each series with its label.

The set `de2018-weather` holds a typical year's temperature and the flow of rivers in 2018. Wind is
derived from `de2018`, heat and hot water are those of `de2018`. An imported set may bring each of
them itself. All series are means of quarter-hours, like those of every set.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from p2p_market.data import dataset, sources
from p2p_market.data.calendar import DAYS_PER_YEAR, QUARTERS_PER_DAY
from p2p_market.data.synthetic import autoregression
from p2p_market.errors import DataError
from p2p_market.records import FloatArray, Record

SET: Final = "de2018-weather"
LABELS: Final = {
    "wind_rank": "derived",
    "temperature_c": "typical year",
    "river_fraction": "measured",
    "heat_kw": "simulated",
    "hot_water_kw": "simulated",
}
"""Series of Germany -> where they come from; local wind speed is derived and synthetic."""
LOSS_KW_PER_K: Final = {
    "old_building_single_family_house": 0.376,
    "passive_single_family_house": 0.056,
    "old_building_multi_party_house": 0.699,
    "passive_multi_party_house": 0.187,
}
"""Heat of the four buildings per degree below `HEATED_BELOW_C`, fitted to the days of a year."""
HEATED_BELOW_C: Final = 15.0
FLOW_OF_MONTHS: Final = (1.10, 1.03, 0.89, 1.18, 1.34, 1.30, 1.03, 0.91, 0.89, 0.75, 0.74, 0.84)
"""Flow of rivers over its mean, January to December: run-of-river output of Germany in 2018."""
OWN_LABEL: Final = "user's"
OWN_ARRAYS: Final = {
    "user_temperature_c": "temperature_c",
    "user_wind_rank": "wind_rank",
    "user_irradiance_wm2": "irradiance_wm2",
    "user_river_fraction": "river_fraction",
}
"""Arrays of an imported set -> series that they are."""
OWN_HEAT: Final = "user_heat_kw"
OWN_BUILDINGS: Final = "user_heat_name"
"""Of heat that is imported; it holds the hot water."""


@dataclass(frozen=True, slots=True, eq=False)
class Weather(Record):
    """Series that a data set has, in quarter-hours of standard time from 1 January."""

    name: str
    digest: str  # of what is embedded
    series: Mapping[str, FloatArray]  # (quarter,), of buildings (building, quarter)
    labels: Mapping[str, str]  # derived, typical year, measured, simulated or synthetic
    building_names: tuple[str, ...]

    def of(self, name: str, building: str = "") -> FloatArray:
        """A series by name, (quarter,).

        Args:
            name: `wind_rank` (share of the year with less wind), `temperature_c`, `river_fraction`
                (flow over its mean), `heat_kw` or `hot_water_kw`; of imported sets also
                `irradiance_wm2`.
            building: whose heat.

        Raises:
            DataError: if the data set has no such series, or no such building.
        """
        if name not in self.series:
            has = ", ".join(self.series) or "none"
            raise DataError(
                f"data set {self.name!r} has no series {name!r} (of weather it has: {has}); "
                f"use de2018, or a device that needs none"
            )
        values = self.series[name]
        if values.ndim == 1:
            return values
        if building not in self.building_names:
            known = ", ".join(self.building_names)
            raise DataError(f"{self.name}: no building {building!r}; known: {known}")
        return np.asarray(values[self.building_names.index(building)])


def load(name: str) -> Weather:
    """Weather of a data set by the name of the set, as `p2p_market.data.load` takes it.

    Raises:
        DataError: if the name is unknown, not fetched yet, or the files are damaged.
    """
    return _loaded(name, sources.stored_digest(name))


@lru_cache(maxsize=4)
def _loaded(name: str, stored_digest: str) -> Weather:
    """Weather of a set, as long as the cache holds it with this digest."""
    family = sources.split_name(name)[0].partition(":")[0]
    data, digest = dataset.load(name), card()["digest"]
    if family == "ca2017":
        return Weather(name, digest, {}, {}, ())
    if family == "synthetic":
        return _synthetic(name, data.wind_fraction, digest)
    stored = arrays()
    series: dict[str, FloatArray] = {
        "wind_rank": rank_of(data.wind_fraction),
        "temperature_c": _decimal(stored["temperature_c"], 2),
        "river_fraction": _decimal(stored["river_fraction"], 4),
        "heat_kw": data.heat_kw,
        "hot_water_kw": data.hot_water_kw,
    }
    if family != sources.OWN:
        return Weather(name, digest, series, LABELS, data.building_names)
    return _with_own(Weather(name, data.digest, series, LABELS, data.building_names))


def _with_own(below: Weather) -> Weather:
    """The weather of an imported set: its own series, and those of `de2018` for the rest."""
    stored = sources.read_arrays(below.name)
    series, labels, names = dict(below.series), dict(below.labels), below.building_names
    for array, name in OWN_ARRAYS.items():
        if array in stored:
            series[name], labels[name] = stored[array].astype(np.float64), OWN_LABEL
    if OWN_HEAT in stored:
        own = stored[OWN_HEAT].astype(np.float64)
        series["heat_kw"] = np.concatenate([own, series["heat_kw"]])
        series["hot_water_kw"] = np.concatenate([np.zeros_like(own), series["hot_water_kw"]])
        names = (*stored[OWN_BUILDINGS].tolist(), *names)
        labels["heat_kw"] = f"{OWN_LABEL}, {labels['heat_kw']}"
    return Weather(below.name, below.digest, series, labels, names)


def _decimal(stored: NDArray[Any], decimals: int) -> FloatArray:
    """The decimal numbers that were stored in single precision."""
    return stored.astype(np.float64).round(decimals)


def rank_of(values: FloatArray) -> FloatArray:
    """Share of a year with lower values, (quarter,), above 0 and below 1; equals rank by time."""
    rank = np.empty(len(values))
    rank[np.argsort(values, kind="stable")] = (np.arange(len(values)) + 0.5) / len(values)
    return rank


def _synthetic(name: str, wind_fraction: FloatArray, digest: str) -> Weather:
    """An invented year: its own wind, temperature and rivers, heat by the day's temperature."""
    seed = sources.seed_of(sources.split_name(name)[0])
    temperature_c = synthetic_temperature_c(seed)
    buildings = dataset.load(sources.BASE)
    series = {
        "wind_rank": rank_of(wind_fraction),
        "temperature_c": temperature_c,
        "river_fraction": synthetic_river_fraction(seed),
        "heat_kw": heat_by_temperature_kw(temperature_c),
        "hot_water_kw": buildings.hot_water_kw,
    }
    labels = dict.fromkeys(series, "synthetic") | {"hot_water_kw": "simulated"}
    return Weather(name, digest, series, labels, buildings.building_names)


def synthetic_temperature_c(seed: int) -> FloatArray:
    """Temperature of an invented year, (quarter,) [C], rounded to 0.01.

    Season, days around it that remember the day before, and a rhythm of the day, with the figures
    of a test reference year of Germany (DWD 2010).
    """
    days = np.arange(DAYS_PER_YEAR)
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, _STREAM])))
    season = 9.5 - 9.4 * np.cos(2.0 * np.pi * (days - 13.0) / DAYS_PER_YEAR)
    daily = season + 3.6 * autoregression(generator.standard_normal(DAYS_PER_YEAR), 0.72)
    hour = (np.arange(DAYS_PER_YEAR * QUARTERS_PER_DAY) + 0.5) / 4.0
    middles = np.interp(hour / 24.0, days + 0.5, daily)
    values: FloatArray = np.round(middles + 4.0 * np.cos(2.0 * np.pi * (hour - 15.0) / 24.0), 2)
    return values


_STREAM: Final = int.from_bytes(b"warmth")


def synthetic_river_fraction(seed: int) -> FloatArray:
    """Flow of the rivers of an invented year over their mean, (quarter,), rounded to 0.0001.

    Months and the memory of days are those of German run-of-river plants in 2018: full in spring,
    low in autumn, and a day much like the one before.
    """
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, _RIVER])))
    days = np.arange(DAYS_PER_YEAR) + 0.5
    middles = (np.arange(-1, 13) + 0.5) * DAYS_PER_YEAR / 12.0
    flow = np.array(FLOW_OF_MONTHS)[np.arange(-1, 13) % 12]
    wave = 0.11 * autoregression(generator.standard_normal(DAYS_PER_YEAR), 0.85)
    daily = np.interp(days, middles, flow) * np.exp(wave - 0.11**2 / 2.0)
    hour = (np.arange(DAYS_PER_YEAR * QUARTERS_PER_DAY) + 0.5) / 4.0
    values: FloatArray = np.round(np.interp(hour / 24.0, days, daily), 4)
    return values


_RIVER: Final = int.from_bytes(b"rivers")


def heat_by_temperature_kw(temperature_c: FloatArray) -> FloatArray:
    """Heat of the four buildings in quarter-hours of whole days, (building, quarter) [kW].

    Proportional to what a day's mean lacks to 15 C, even over the day; rounded to 1 W.
    """
    mean_c = temperature_c.reshape(-1, QUARTERS_PER_DAY).mean(axis=1)
    lack_k = np.repeat(np.maximum(HEATED_BELOW_C - mean_c, 0.0), QUARTERS_PER_DAY)
    heat: FloatArray = np.round(np.array(list(LOSS_KW_PER_K.values()))[:, None] * lack_k, 3)
    return heat


def card() -> dict[str, Any]:
    """Sources, labels, licences and digests of `de2018-weather`."""
    return sources.embedded_card(SET)


def arrays() -> Mapping[str, NDArray[Any]]:
    """Arrays of `de2018-weather` as stored."""
    return sources.embedded_arrays(SET)


def verify() -> None:
    """Recompute every digest of `de2018-weather`.

    Raises:
        DataError: naming the first array that differs from the card.
    """
    dataset.compare_digests(SET, card()["arrays"], arrays())
