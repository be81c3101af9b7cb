"""What a member may expect of the next hours, out of its observations and of public knowledge.

Public is what the scenario fixes: averages over training days, contracts with their prices as far
as the day-ahead market has published them. Everything else comes from the observations. Forecasts
are those of `p2p_market.data.forecast`, for every hour and not for its four horizons alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from baselines.community.mpc.worlds import WorldAhead, world_ahead
from p2p_market.community.episode.window import Window, window
from p2p_market.community.observation import features
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.data.calendar import (
    DAYS_PER_YEAR,
    QUARTERS_PER_DAY,
    calendar_features,
    local_quarters,
    step_means,
)
from p2p_market.data.forecast import HORIZONS_H, PERSISTENCE, PUBLISHED_HOUR
from p2p_market.records import Float32Array, FloatArray, IntArray

CALENDAR: Final = ("sin_day", "cos_day", "sin_week", "cos_week", "sin_year", "cos_year")


@lru_cache(maxsize=8)
def columns(scenario: Scenario) -> Mapping[str, int]:
    """Column of each feature of an observation."""
    return {feature.name: column for column, feature in enumerate(features(scenario))}


def start_day(scenario: Scenario, first: Float32Array) -> int:
    """Day of the year on which an episode began, from its first observation (agent, feature)."""
    told = first[0, [columns(scenario)[name] for name in CALENDAR]]
    days = _first_steps(scenario)
    return int(np.abs(days - told).max(axis=1).argmin())


@lru_cache(maxsize=8)
def _first_steps(scenario: Scenario) -> FloatArray:
    """Calendar features of the first step of each day of the year, (day, 6)."""
    local = local_quarters(scenario.data.summer_time).astype(np.float64)
    per_step = round(4 * scenario.dt_h)
    first = np.arange(DAYS_PER_YEAR)[:, None] * QUARTERS_PER_DAY + np.arange(per_step)
    return calendar_features(local[first].mean(axis=1))


@dataclass(frozen=True, slots=True)
class Forecast:
    """Means of blocks of steps, the first of which begins now, (block, agent)."""

    load_kw: FloatArray
    pv_kw: FloatArray
    retail_eur_per_kwh: FloatArray
    feed_in_eur_per_kwh: FloatArray
    local_h: FloatArray  # (block,), hour on the wall clock at the start
    world: WorldAhead | None  # of machines; None where there are none


def forecast(
    scenario: Scenario, seen: FloatArray, day: int, step: int, blocks: int, block_steps: int
) -> Forecast:
    """What is expected from this step on; a step past the window repeats the day before.

    Args:
        seen: observations of this step, (agent, feature).
        day: day of the year on which the episode began.
        step: steps played since.
    """
    common, at = window(scenario, day), columns(scenario)
    lead = np.arange(blocks * block_steps)
    row = _inside(common, step + lead, scenario.steps_per_day)
    share = np.interp(lead * scenario.dt_h, (0.0, *HORIZONS_H), (1.0, *PERSISTENCE))[:, None]
    expected_load, expected_pv = common.expected_load_kw[row], common.expected_pv_kw[row]
    load_kw = np.maximum(expected_load + share * (seen[:, at["load"]] - expected_load[0]), 0.0)
    bright = expected_pv[0] > 0.01
    ratio = np.where(bright, seen[:, at["pv"]] / np.where(bright, expected_pv[0], 1.0), 1.0)
    pv_kw = expected_pv * (1.0 + share * (ratio - 1.0))
    pv_kw[0] = seen[:, at["pv"]]
    local_h = _local_hours(scenario, day)
    known = _known(local_h, step, lead, scenario)
    priced = _inside(common, known, scenario.steps_per_day)

    def mean(series: FloatArray) -> FloatArray:
        """Of each block."""
        means: FloatArray = series.reshape(blocks, block_steps, -1).mean(axis=1)
        return means

    hours = local_h[_inside(common, step + lead[::block_steps], scenario.steps_per_day)]
    retail, feed_in = common.retail_eur_per_kwh[priced], common.feed_in_eur_per_kwh[priced]
    feed_in = feed_in[0] + mean(feed_in - feed_in[0])  # a fixed tariff keeps its last digit
    drift_kwh = common.expected_drift_kwh[row] if scenario.nodes.machines is not None else share
    world = world_ahead(scenario, seen, at, drift_kwh, share[:, 0], row, day, step, block_steps)
    return Forecast(mean(load_kw), mean(pv_kw), mean(retail), feed_in, hours % 24.0, world)


def _inside(common: Window, row: IntArray, steps_per_day: int) -> IntArray:
    """Rows of a window; what lies past its end stands a day or more before."""
    last = len(common.retail_eur_per_kwh) - 1
    past = np.maximum(row - last, 0)
    inside: IntArray = row + (-past // steps_per_day) * steps_per_day
    return inside


@lru_cache(maxsize=128)
def _local_hours(scenario: Scenario, day: int) -> FloatArray:
    """Hours on the wall clock since the first local midnight, at each step and a day on."""
    first = QUARTERS_PER_DAY * day
    quarter = slice(first, first + QUARTERS_PER_DAY * (scenario.spec.days + 1))
    local = local_quarters(scenario.data.summer_time)[quarter]
    since = (local - local[0] // QUARTERS_PER_DAY * QUARTERS_PER_DAY) / 4.0
    return np.asarray(step_means(since, scenario.dt_h) - (scenario.dt_h - 0.25) / 2.0)


def _known(local_h: FloatArray, step: int, lead: IntArray, scenario: Scenario) -> IntArray:
    """Step whose price stands for each lead in what is published now."""
    now = local_h[step]
    days = 2.0 if now % 24.0 >= PUBLISHED_HOUR else 1.0
    published_h = 24.0 * (np.floor(now / 24.0) + days)
    ahead = step + lead
    unknown = now + lead * scenario.dt_h >= published_h
    back = np.where(unknown, scenario.steps_per_day, 0)
    still = (now + (ahead - back - step) * scenario.dt_h >= published_h) & unknown
    known: IntArray = ahead - back - np.where(still, scenario.steps_per_day, 0)
    return np.maximum(known, 0)  # nothing is older than the episode
