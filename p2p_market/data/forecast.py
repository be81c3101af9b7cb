"""What an agent may expect: averages over training days, drawn towards the present by persistence.

Nothing here sees the future of an episode. A forecast `h` hours ahead is the average of the
training days at that time, plus a share `PERSISTENCE[h]` of how far the present is from its own
average; the half-width of its 80 % band is `BAND` standard deviations of what remains. Retail
prices are known once the day-ahead market has published them, at 13:00 for the next day; beyond
that, yesterday's price is used.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from p2p_market.data import DataSet, Donor
from p2p_market.data.calendar import (
    DAYS_PER_YEAR,
    QUARTERS_PER_DAY,
    day_type,
    season,
    split_mask,
)
from p2p_market.records import FloatArray, IntArray, Record

HORIZONS_H: Final = (1, 3, 8, 24)
PERSISTENCE: Final = (0.6, 0.35, 0.15, 0.1)  # share of today's deviation left after the horizon
BAND: Final = 1.28  # standard deviations of an 80 % band of a normal law
PUBLISHED_HOUR: Final = 13  # local time at which the next day's prices are known


@dataclass(frozen=True, slots=True)
class Expectation(Record):
    """Averages and standard deviations over training days; loads per 1 kW of mean power."""

    load: FloatArray  # (season, day type, quarter of the day, donor)
    load_spread: FloatArray  # same
    clearness: FloatArray  # (month of 28 days, 13): share of clear-sky power
    clearness_spread: FloatArray  # same
    day_ahead_spread_eur_per_kwh: float  # of the difference to the day before


def expect(data: DataSet) -> Expectation:
    """Averages over the training days of every donor and of the year's weather and prices."""
    loads = [_donor_table(donor) for donor in data.donors]
    train = np.repeat(split_mask("train"), QUARTERS_PER_DAY)
    light = train & (data.solar_clearness > 0.0)
    cycle = np.minimum(np.arange(len(train)) // (28 * QUARTERS_PER_DAY), 12)
    by_cycle = [data.solar_clearness[light & (cycle == c)] for c in range(13)]
    change = data.day_ahead_eur_per_kwh[QUARTERS_PER_DAY:]
    change = (change - data.day_ahead_eur_per_kwh[:-QUARTERS_PER_DAY])[train[QUARTERS_PER_DAY:]]
    return Expectation(
        load=np.stack([mean for mean, _ in loads], axis=-1),
        load_spread=np.stack([spread for _, spread in loads], axis=-1),
        clearness=np.array([values.mean() for values in by_cycle]),
        clearness_spread=np.array([values.std() for values in by_cycle]),
        day_ahead_spread_eur_per_kwh=float(change.std()),
    )


def pooled(
    mean: FloatArray, spread: FloatArray, pools: Sequence[Sequence[int]]
) -> tuple[FloatArray, FloatArray]:
    """Expectation of loads whose donor is drawn from a pool: the pool's average.

    Args:
        mean: of each donor, (season, day type, quarter of the day, donor).
        spread: same.
        pools: places of the *training* donors of each agent; a held-out donor is in none.

    Returns:
        Mean and standard deviation, including the spread between the pool's donors, (..., agent).
    """
    means = [mean[..., list(pool)].mean(axis=-1) for pool in pools]
    spreads = [
        spread[..., pool[0]]
        if len(pool) == 1
        else np.sqrt(
            (spread[..., list(pool)] ** 2).mean(axis=-1) + mean[..., list(pool)].var(axis=-1)
        )
        for pool in pools
    ]
    return np.stack(means, axis=-1), np.stack(spreads, axis=-1)


def _donor_table(donor: Donor) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of a donor's training days by season and day type."""
    days = len(donor.shape)
    train = split_mask("train", days)
    kind = day_type((donor.first_weekday + np.arange(days)) % 7)
    part = season(np.arange(days))
    mean, spread = np.empty((2, 3, 3, QUARTERS_PER_DAY))
    for s in range(3):
        for d in range(3):
            own = donor.shape[train & (part == s) & (kind == d)].astype(np.float64)
            mean[s, d], spread[s, d] = own.mean(axis=0), own.std(axis=0)
    return mean, spread


def load_expectation(
    table: FloatArray, local_quarter: IntArray, first_weekday: int = 0
) -> FloatArray:
    """Rows of a (season, day type, quarter, donor) table at given local times, (quarter, donor)."""
    day = local_quarter // QUARTERS_PER_DAY
    kind = day_type((day + first_weekday) % 7)
    rows: FloatArray = table[season(day % DAYS_PER_YEAR), kind, local_quarter % QUARTERS_PER_DAY]
    return rows


def known_price_steps(local_hour: FloatArray, steps: int, steps_per_day: int) -> IntArray:
    """Step whose price is shown for each horizon at each step, if published, (step, horizon).

    Args:
        local_hour: hours since the start of the first local day, at each step, (step,).
        steps: length of the episode.
        steps_per_day: steps of 24 hours.
    """
    today = np.floor(local_hour / 24.0)
    published_h = 24.0 * (today + np.where(local_hour % 24.0 >= PUBLISHED_HOUR, 2.0, 1.0))
    source = np.empty((steps, len(HORIZONS_H)), dtype=np.int64)
    for column, horizon in enumerate(HORIZONS_H):
        ahead = np.arange(steps) + horizon * steps_per_day // 24
        unknown = local_hour[:steps] + horizon >= published_h[:steps]
        source[:, column] = np.where(unknown, ahead - steps_per_day, ahead)
    return source
