"""Eleven measured homes in California with their sun, tariff and CO2, out of the wheel `CityLearn`.

August 2016 to July 2017, hourly, all from one place; put on the calendar of 2018 by weekday.
"""

import zipfile
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from p2p_market.data import sources
from p2p_market.data.calendar import DAYS_PER_YEAR, clearness_of
from p2p_market.data.sources import Contents, make_card
from p2p_market.data.wheel_tables import MEND, days_by_weekday, numbers
from p2p_market.errors import DataError
from p2p_market.records import FloatArray, IntArray

BASE: Final = "citylearn/data/citylearn_challenge_2022_phase_all/"
HOMES: Final = (1, 2, 3, 6, 8, 9, 10, 13, 14, 16, 17)
"""Loads of 12 and 15 are really their PV, those of 4, 5, 7 and 11 follow the sun too closely."""
ROOFS: Final = tuple(home for home in HOMES if home != 14)  # that one is faulty
HOURS: Final = 8760
SHAPE_STEP: Final = 5e-4
FIRST_DAY: Final = (212, 0)  # 1 August, a Monday in 2016

COMMON: Final = {
    "label": "measured",
    "source": f"CityLearn 2.1.2: {BASE.removeprefix('citylearn/')}",
    "licence": "MIT",
    "attribution": "CityLearn Challenge 2022 (Nweye et al.), homes in Fontana, California",
}
SPECIAL: Final[dict[str, dict[str, Any]]] = {
    "day_ahead_eur_per_mwh": {
        "unit": "USD/MWh, taken as EUR",
        "done": "retail time-of-use tariff, no day-ahead price: use factor 1, adder 0",
    },
    "co2_g_per_kwh": {"unit": "g/kWh"},
    "solar_clearness": {
        "unit": "1",
        "done": "mean of ten roofs over the 97th percentile of +-15 days at the same hour, held",
    },
    "wind_fraction": {"unit": "1", "label": "synthetic", "done": "none measured: zero"},
    "donor_measured_shape": {"unit": "1", "done": "hours held over the quarter-hours, mean one"},
    "summer_time": {"unit": "bool", "done": "the stamps stay on standard time all year: false"},
}


def read_ca2017(archive: zipfile.ZipFile, name: str) -> Contents:
    """The community on the grid of 2018 at UTC-8; columns named prediction are never read.

    Raises:
        DataError: if a table is not what it should be.
    """
    files = {home: f"{BASE}Building_{home}.csv" for home in HOMES}
    _check_stamps(archive, files[HOMES[0]])
    loads = [_days(archive, files[h], "Equipment Electric Power [kWh]") for h in HOMES]
    suns = [_days(archive, files[h], "Solar Generation [W/kW]") for h in ROOFS]
    price = _days(archive, f"{BASE}pricing.csv", "Electricity Pricing [$/kWh]")
    co2 = _days(archive, f"{BASE}carbon_intensity.csv", "kg_CO2/kWh")
    quarters = 4 * HOURS
    shapes = np.stack([np.repeat(load / load.mean(), 4, axis=1) for load in loads])
    feeder = {k: v for k, v in sources.read_arrays("de2018").items() if k.startswith("feeder_")}
    arrays: dict[str, NDArray[Any]] = {
        "day_ahead_eur_per_mwh": np.round(1000.0 * price.ravel(), 2).astype(np.float32),
        "co2_g_per_kwh": np.round(1000.0 * np.repeat(co2.ravel(), 4)).astype(np.uint16),
        "solar_clearness": np.round(
            np.repeat(clearness_of(np.mean(suns, axis=0)).ravel(), 4), 4
        ).astype(np.float32),
        "wind_fraction": np.zeros(quarters, dtype=np.float32),
        "summer_time": np.zeros(quarters, dtype=np.bool_),
        "utc_offset_h": np.array(-8.0),
        "donor_measured_shape": np.round(shapes / SHAPE_STEP).astype(np.uint16),
        "donor_measured_scale": np.full(len(HOMES), SHAPE_STEP),
        "donor_measured_name": np.array([f"ca-{home}" for home in HOMES]),
        "donor_measured_kind": np.array(["household"] * len(HOMES)),
        "donor_measured_year": np.array([2018, 0]),
        "building_name": np.array([], dtype="<U1"),
        "heat_w": np.zeros((0, quarters), dtype=np.uint16),
        "hot_water_w": np.zeros((0, quarters), dtype=np.uint16),
        **feeder,
    }
    described = sources.read_card("de2018")["arrays"]
    entries = {key: {k: described[key][k] for k in COMMON} for key in feeder}
    return Contents(make_card(name, arrays, COMMON, {**SPECIAL, **entries}), arrays)


def _check_stamps(archive: zipfile.ZipFile, path: str) -> None:
    """Check the time stamps: hours end at theirs, so row one is hour 24, then days of 1 to 24."""
    hour = numbers(archive, path, "Hour", HOURS)
    expected = (np.arange(HOURS) - 1) % 24 + 1
    wrong = np.flatnonzero(hour != expected)
    if len(wrong):
        row = int(wrong[0])
        raise DataError(
            f"{path}, column 'Hour', row {row + 2}: {hour[row]:g}, expected {expected[row]}; {MEND}"
        )


def _days(archive: zipfile.ZipFile, path: str, column: str) -> FloatArray:
    """One column as days of 2018, (day, hour).

    The first row is the last hour of 31 July 2016; it closes the 31 July of the year after, whose
    own last hour is missing.
    """
    hourly = np.roll(numbers(archive, path, column, HOURS), -1)
    if np.any(hourly < 0.0):
        row = (int(np.argmax(hourly < 0.0)) + 1) % HOURS + 2
        raise DataError(f"{path}, column {column!r}, row {row}: below zero; {MEND}")
    days: IntArray = days_by_weekday(*FIRST_DAY, DAYS_PER_YEAR)
    taken: FloatArray = hourly.reshape(DAYS_PER_YEAR, 24)[days]
    return taken
