"""A user's own weather: what is stored of it, on the calendar of 2018."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from p2p_market.data.calendar import clearness_of
from p2p_market.data.own.cells import open_sheet
from p2p_market.data.own.plan import weather_columns
from p2p_market.data.own.units import WEATHER, Kind
from p2p_market.data.weather import OWN_BUILDINGS, OWN_HEAT, rank_of
from p2p_market.errors import DataError
from p2p_market.records import FloatArray

ARRAYS: Final[Mapping[str, Kind]] = {
    "user_temperature_c": "temperature",
    "user_wind_rank": "wind",
    "user_irradiance_wm2": "irradiance",
    "user_river_fraction": "flow",
    OWN_HEAT: "heat",
    OWN_BUILDINGS: "heat",
}
"""Array -> kind of series that it is made of."""


def weather_kinds(path: Path) -> list[Kind]:
    """Which series a file of weather holds.

    Raises:
        DataError: if the file cannot be read, or has no column that means anything here.
    """
    sheet = open_sheet(path)
    found = [kind for kind in WEATHER if weather_columns(sheet, kind)]
    if not found:
        known = ", ".join(name if kind != "heat" else f"{name}BUILDING" for kind, name in _KNOWN)
        raise DataError(
            f"{path}: no column of weather among {', '.join(map(repr, sheet.header))}; it may have "
            f"{known}"
        )
    return found


_KNOWN: Final = tuple(WEATHER.items())


def weather_arrays(
    years: Mapping[Kind, Sequence[FloatArray]], buildings: Sequence[str], has_roofs: bool
) -> dict[str, NDArray[Any]]:
    """Arrays of the set.

    Of wind only the order of its hours is kept, for each turbine has a mean of its own; of a river
    its flow over its mean.

    Args:
        years: of each kind, (day, quarter of the day).
        buildings: names of the series of heat.
        has_roofs: whether the sun is that of measured roofs; else it is that of the irradiance.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for year in years["temperature"]:
        arrays["user_temperature_c"] = np.round(year.ravel(), 2).astype(np.float32)
    for year in years["wind"]:
        arrays["user_wind_rank"] = rank_of(year.ravel())
    for year in years["irradiance"]:
        _insist(year, "irradiance_wm2")
        arrays["user_irradiance_wm2"] = np.round(year.ravel(), 1).astype(np.float32)
        if not has_roofs:
            clear = clearness_of(year / year.max())
            arrays["solar_clearness"] = np.round(clear, 4).astype(np.float32).ravel()
    for year in years["flow"]:
        _insist(year, "flow_m3s")
        arrays["user_river_fraction"] = np.round(year.ravel() / year.mean(), 4).astype(np.float32)
    if years["heat"]:
        heat = np.stack([year.ravel() for year in years["heat"]])
        arrays[OWN_HEAT] = np.round(heat, 3).astype(np.float32)
        arrays[OWN_BUILDINGS] = np.array(list(buildings))
    return arrays


def _insist(year: FloatArray, column: str) -> None:
    if not year.max() > 0.0:
        raise DataError(f"column {column!r} is zero all year; leave it out")
