"""The year's grid: quarter-hours at UTC+1, day types, seasons and the split into 28-day cycles."""

from functools import lru_cache
from typing import Final, Literal

import numpy as np

from p2p_market.errors import ScenarioError
from p2p_market.records import BoolArray, Float32Array, FloatArray, IntArray

Split = Literal["train", "validation", "test"]

QUARTERS_PER_DAY: Final = 96
DAYS_PER_YEAR: Final = 365
CYCLE_DAYS: Final = 28
WEEKS_PER_SPLIT: Final = 13

SPLIT_DAYS: Final[dict[str, tuple[int, int]]] = {
    "train": (2, 10),
    "validation": (12, 19),
    "test": (21, 28),
}
"""First day and day after the last in each 28-day cycle from 1 January; days between are purged."""


def split_mask(split: str, days: int = DAYS_PER_YEAR) -> BoolArray:
    """Which days of a year belong to a split, (day,)."""
    first, end = SPLIT_DAYS[split]
    place = np.arange(days) % CYCLE_DAYS
    return (place >= first) & (place < end)


def start_days(split: str, days: int) -> IntArray:
    """Days of the year on which an episode of `days` days may start, all inside the split.

    Raises:
        ScenarioError: if the split is unknown.
    """
    if not isinstance(split, str) or split not in SPLIT_DAYS:
        raise ScenarioError(f"no split {split!r}; known: {', '.join(SPLIT_DAYS)}")
    return _start_days(split, days)


@lru_cache(maxsize=16)
def _start_days(split: str, days: int) -> IntArray:
    first, end = SPLIT_DAYS[split]
    offsets = np.arange(first, end - days + 1)
    found = (CYCLE_DAYS * np.arange(WEEKS_PER_SPLIT)[:, None] + offsets).ravel()
    found.setflags(write=False)
    return found


def local_quarters(summer_time: BoolArray) -> IntArray:
    """Quarter-hours since 1 January on the wall clock, (quarter,); an hour ahead in summer."""
    return np.arange(len(summer_time), dtype=np.int64) + 4 * summer_time.astype(np.int64)


def step_clock(summer_time: BoolArray, day: int, dt_h: float, steps: int) -> IntArray:
    """Quarter-hours since 1 January on the wall clock at the start of each step, (step,).

    Args:
        day: of the year, on which the first step starts.
        dt_h: step length [h].
    """
    per_step = round(4 * dt_h)
    first = QUARTERS_PER_DAY * day
    return local_quarters(summer_time)[first : first + per_step * steps : per_step]


def step_means(series: FloatArray, dt_h: float) -> FloatArray:
    """Means over the quarter-hours of each step, (step, ...).

    Args:
        series: whole steps of quarter-hours, (quarter, ...).
        dt_h: step length [h].
    """
    per_step = round(4 * dt_h)
    if per_step == 1:
        return series
    means: FloatArray = series.reshape(-1, per_step, *series.shape[1:]).mean(axis=1)
    return means


def highest_around(series: FloatArray | Float32Array, days: int = 15) -> FloatArray:
    """Highest value at the same quarter-hour of the days around each, (quarter,).

    Args:
        series: of a year, which is taken as a circle, (quarter,).
        days: how many before and after.
    """
    by_day = np.asarray(series, dtype=np.float64).reshape(-1, QUARTERS_PER_DAY)
    near = np.arange(-days, days + 1)[:, None] + np.arange(len(by_day))
    highest: FloatArray = by_day[near % len(by_day)].max(axis=0).ravel()
    return highest


def clearness_of(power: FloatArray) -> FloatArray:
    """Power over its envelope, 97th percentile of +-15 days at the same time, (day, time).

    Args:
        power: of one or many roofs, days of a year that is taken as a circle, (day, time).
    """
    near = (np.arange(-15, 16)[:, None] + np.arange(len(power))) % len(power)
    envelope = np.percentile(power[near], 97, axis=0)
    light = envelope >= 0.02 * envelope.max()
    return np.clip(np.where(light, power / np.where(light, envelope, 1.0), 0.0), 0.0, 1.1)


def day_type(weekday: IntArray) -> IntArray:
    """0 working day, 1 Saturday, 2 Sunday; public holidays count as their day of the week."""
    return np.maximum(weekday - 4, 0)


def season(day_of_year: IntArray) -> IntArray:
    """0 November to February, 1 transition, 2 May to August."""
    winter = (day_of_year < 59) | (day_of_year >= 304)
    summer = (day_of_year >= 120) & (day_of_year < 243)
    return np.where(winter, 0, np.where(summer, 2, 1))


def calendar_features(local_quarter: FloatArray, first_weekday: int = 0) -> FloatArray:
    """Sine and cosine of the time of day, of the week and of the year, (step, 6), rounded to 1e-4.

    Args:
        local_quarter: quarter-hours since 1 January on the local clock, (step,).
        first_weekday: weekday of 1 January, 0 = Monday.
    """
    days = local_quarter / QUARTERS_PER_DAY
    turns = np.stack(
        [days % 1.0, (days + first_weekday) / 7.0 % 1.0, days / DAYS_PER_YEAR], axis=-1
    )
    angles = 2.0 * np.pi * turns
    both = np.stack([np.sin(angles), np.cos(angles)], axis=-1)
    return np.round(both.reshape(len(days), 6), 4)
