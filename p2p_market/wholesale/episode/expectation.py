"""What may be known of demand, wind and sun before they come: averages of training days.

A forecast is the average at that time, and a share of how far the present is from its own average.
The shares are regressed on training days alone, one for each horizon.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from p2p_market.data import system
from p2p_market.data.calendar import (
    CYCLE_DAYS,
    DAYS_PER_YEAR,
    QUARTERS_PER_DAY,
    day_type,
    season,
    split_mask,
)
from p2p_market.records import BoolArray, FloatArray, IntArray, Record

SERIES: Final = ("demand", "wind", "solar")
MEAN_H: Final = (0.25, 1.0, 3.0, 12.0, 24.0)
"""Horizons of forecasts of a mean, from now on."""
POINT_H: Final = (0.25, 1.0, 3.0)
"""Horizons of forecasts of a moment."""


@dataclass(frozen=True, slots=True)
class Expectation(Record):
    """Averages in quarter-hours of the year, and what of a deviation is left later."""

    demand: FloatArray  # (quarter,)
    wind: FloatArray  # (quarter,)
    solar: FloatArray  # (quarter,)
    left_of_mean: FloatArray  # (series, horizon of MEAN_H)
    left_of_point: FloatArray  # (series, horizon of POINT_H)

    def of(self, name: str) -> FloatArray:
        """Average of a series, (quarter,)."""
        return np.asarray(getattr(self, name))


@lru_cache(maxsize=1)
def expectation() -> Expectation:
    """Averages by season, kind of day and time: of demand; of sun by 28 days and time; of wind."""
    year = system.load()
    train = np.repeat(split_mask("train"), QUARTERS_PER_DAY)
    quarter = np.arange(DAYS_PER_YEAR * QUARTERS_PER_DAY)
    day, time = quarter // QUARTERS_PER_DAY, quarter % QUARTERS_PER_DAY
    part, cycle = season(day), np.minimum(day // CYCLE_DAYS, 12)
    measured = {
        "demand": (year.demand_fraction, (part * 3 + day_type(day % 7)) * QUARTERS_PER_DAY + time),
        "wind": (year.wind_fraction, part),
        "solar": (year.solar_fraction, cycle * QUARTERS_PER_DAY + time),
    }
    averages = {name: _averages(values, group, train) for name, (values, group) in measured.items()}
    away = [measured[name][0] - averages[name] for name in SERIES]
    means = [[_left(one, train, h, True) for h in MEAN_H] for one in away]
    points = [[_left(one, train, h, False) for h in POINT_H] for one in away]
    return Expectation(**averages, left_of_mean=np.array(means), left_of_point=np.array(points))


def _averages(values: FloatArray, group: IntArray, train: BoolArray) -> FloatArray:
    """Average of the training quarter-hours of each group, at every quarter-hour of the year."""
    count = int(group.max()) + 1
    total = np.bincount(group[train], values[train], count)
    return np.asarray(
        np.round(total / np.maximum(np.bincount(group[train], minlength=count), 1), 5)[group]
    )


def _left(away: FloatArray, train: BoolArray, horizon_h: float, mean: bool) -> float:
    """Share of a deviation that is left: slope of later on now, both on training days."""
    ahead = round(4 * horizon_h)
    sums = np.concatenate([[0.0], np.cumsum(away)])
    now = np.arange(len(away) - ahead)
    later = (sums[now + 1 + ahead] - sums[now + 1]) / ahead if mean else away[now + ahead]
    both = train[now] & train[now + ahead]
    first = away[now][both]
    return float(np.round(first @ later[both] / (first @ first), 3))
