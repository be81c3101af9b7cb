"""Bootstrap over weeks, with percentiles that are corrected for few weeks."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from p2p_market.records import FloatArray, IntArray

RESAMPLES: Final = 10_000
NORMAL_QUANTILE: Final = 1.959963984540054  # 0.975
FEW_WEEKS: Final = 10
"""A bootstrap over fewer gives intervals that are too narrow."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A number with its 95 % interval."""

    point: float
    low: float
    high: float


def few_weeks(count: int) -> str:
    """What is to be said of intervals from so many weeks; nothing if there are enough."""
    if count >= FEW_WEEKS:
        return ""
    if count == 1:
        return "One week is too little for an interval."
    return f"{count} weeks are few: the intervals are too narrow, take them as a hint."


def named_generator(name: str) -> np.random.Generator:
    """The stream of this name: the same draws on every machine and in every process."""
    return np.random.default_rng(list(name.encode()))


def draw_weeks(
    generator: np.random.Generator, scenarios: int, weeks: int, resamples: int = RESAMPLES
) -> IntArray:
    """Weeks drawn with replacement inside each scenario, (resample, scenario, week).

    With `scenarios` = 1 all scenarios meet the same draw: right where they share the weather and
    the prices of the same calendar weeks. With their number each draws for itself.
    """
    return generator.integers(weeks, size=(resamples, scenarios, weeks))


def unit_sums(values: FloatArray, units: IntArray | None) -> FloatArray:
    """Sums over the episodes of each unit, which a bootstrap draws whole; units stand in a row.

    Args:
        values: (..., episode).
        units: number of each episode's unit, (episode,); None: each episode is one.

    Returns:
        (..., unit).
    """
    if units is None:
        return values
    first = np.flatnonzero(np.diff(units, prepend=-1))
    sums: FloatArray = np.add.reduceat(values, first, axis=-1)
    return sums


def resample(values: FloatArray, chosen: IntArray) -> FloatArray:
    """Values of the weeks that were drawn, all policies together.

    Args:
        values: (week,) or (..., scenario, week).
        chosen: (resample, week) or (resample, scenario or 1, week).

    Returns:
        (resample, week) or (..., resample, scenario, week).
    """
    if chosen.ndim == 2:
        return values[chosen]
    extra = (1,) * (values.ndim - 2)
    found: FloatArray = np.take_along_axis(
        values[..., None, :, :], chosen.reshape(*extra, *chosen.shape), axis=-1
    )
    return found


def effective_weeks(possible_eur: FloatArray) -> float:
    """Weeks that carry a ratio of sums: (sum w)^2 / sum w^2, mean over scenarios; Kish (1965).

    Args:
        possible_eur: rule less optimum, (..., week) [EUR].
    """
    weight = np.maximum(possible_eur, 0.0)
    squares = (weight * weight).sum(axis=-1)
    total = weight.sum(axis=-1)
    ones = np.ones_like(squares)
    return float(np.divide(total * total, squares, out=ones, where=squares > 0.0).mean())


def interval(point: float, draws: FloatArray, weeks: float) -> Interval:
    """95 % percentile interval at levels widened for few weeks.

    Levels are Phi(-+ sqrt(n / (n - 1)) t) with the t quantile of n - 1 degrees of freedom: the
    "expanded percentile" of Hesterberg (2015), doi 10.1080/00031305.2015.1089789.

    Args:
        draws: bootstrap draws of the statistic, (resample,).
        weeks: n, need not be an integer; at least 2 is used.
    """
    tail = tail_level(weeks)
    low, high = np.quantile(draws, [tail, 1.0 - tail])
    return Interval(float(point), float(low), float(high))


def tail_level(weeks: float) -> float:
    """Share of draws beyond each end of an interval; six digits, the same on every machine."""
    count = max(float(weeks), 2.0)
    reach = math.sqrt(count / (count - 1.0)) * t_quantile(count - 1.0)
    return round(0.5 * math.erfc(reach / math.sqrt(2.0)), 6)


def t_quantile(freedom: float) -> float:
    """0.975 quantile of Student's t by its expansion; Abramowitz and Stegun (1964), 26.7.5.

    Good to 0.01 from 4 degrees of freedom.
    """
    z = NORMAL_QUANTILE
    return (
        z
        + (z**3 + z) / (4.0 * freedom)
        + (5.0 * z**5 + 16.0 * z**3 + 3.0 * z) / (96.0 * freedom**2)
        + (3.0 * z**7 + 19.0 * z**5 + 17.0 * z**3 - 15.0 * z) / (384.0 * freedom**3)
    )
