"""Stays of electric vehicles: when they plug in, how long, how much the last trip took.

Statistics of private chargers by ElaadNL (open data): share of arrivals per hour on working days
and at the weekend, quantiles of connection time and of energy. Between the quantiles the law is
linear.
"""

import math
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Final

import numpy as np

from p2p_market.assets.node import PowerNode
from p2p_market.assets.viability import level_floor
from p2p_market.records import FloatArray, Record

ARRIVALS_WORKING_DAY: Final = (
    2.1, 0.5, 0.2, 0.1, 0.1, 0.1, 0.2, 0.6, 1.4, 1.1, 1.1, 1.5,
    2.2, 2.2, 2.7, 3.7, 5.7, 12.1, 17.0, 11.5, 9.1, 8.9, 9.1, 6.6,
)  # fmt: skip
ARRIVALS_WEEKEND: Final = (
    4.1, 2.0, 0.8, 0.3, 0.2, 0.1, 0.1, 0.4, 0.9, 1.7, 3.0, 4.8,
    6.0, 6.2, 6.2, 6.9, 8.8, 10.2, 7.9, 6.5, 6.8, 6.2, 5.8, 4.1,
)  # fmt: skip
QUANTILES: Final = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
STAY_H: Final = (0.5, 1.0, 4.2, 11.0, 14.6, 29.3, 48.0)
LONGEST_STAY_H: Final = STAY_H[-1]
TRIP_KWH: Final = (0.5, 1.8, 8.2, 19.4, 35.8, 59.6, 75.0)


@dataclass(frozen=True, slots=True)
class Stay:
    """One stay at the charger, in quarter-hours from the start of the episode's first day."""

    arrival: int
    departure: int  # the first quarter-hour without the vehicle
    trip_kwh: float  # taken by the trip before this stay


def draw_stays(
    node: PowerNode,
    first_weekday: int,
    days: int,
    wall_clock_ahead: int,
    generator: np.random.Generator,
) -> list[Stay]:
    """Stays of a vehicle from two days before an episode to the day after it, in order.

    Args:
        node: the vehicle.
        first_weekday: weekday of the episode's first day, 0 = Monday.
        days: length of the episode.
        wall_clock_ahead: quarter-hours that the clock on the wall is ahead of the grid's.
        generator: draws the same count of numbers for every vehicle.
    """
    draws = generator.random((days + 3, 4))
    plugs_in = (draws[:, 0] < node.stays_per_day).tolist()
    weekend = (first_weekday + np.arange(-2, days + 1)) % 7 >= 5
    hours = np.where(
        weekend,
        _arrival_hours(ARRIVALS_WEEKEND, draws[:, 1]),
        _arrival_hours(ARRIVALS_WORKING_DAY, draws[:, 1]),
    ).tolist()
    stays_h = np.interp(draws[:, 2], QUANTILES, STAY_H).tolist()
    trips_kwh = np.interp(draws[:, 3], QUANTILES, TRIP_KWH).tolist()
    stays: list[Stay] = []
    for row, day in enumerate(range(-2, days + 1)):
        arrival = 96 * day + round(4.0 * hours[row]) - wall_clock_ahead
        free_from = stays[-1].departure + 4 if stays else arrival
        if not plugs_in[row] or arrival < free_from:
            continue
        length = max(2, round(4.0 * stays_h[row]))
        # A charger delivers no more than its power times the time: nor do the measured sessions.
        most = min(0.9 * node.target_kwh, 0.25 * length * node.power_max_kw * node.eta_charge)
        stays.append(Stay(arrival, arrival + length, round(min(trips_kwh[row], most), 3)))
    return stays


def _arrival_hours(shares: tuple[float, ...], draws: FloatArray) -> FloatArray:
    """Hours of the day, linear inside each hour of the histogram."""
    hours: FloatArray = np.interp(draws, _share_before(shares), np.arange(25.0))
    return hours


@cache
def _share_before(shares: tuple[float, ...]) -> FloatArray:
    """Share of the arrivals before each hour of the day, (25,)."""
    edges = np.concatenate([[0.0], np.cumsum(shares) / np.sum(shares)])
    edges.setflags(write=False)
    return edges


@dataclass(frozen=True, slots=True)
class Schedule(Record):
    """What a flexible asset may do in each step of an episode, (step,)."""

    plugged: FloatArray  # 1 when it can move, 0 when it is away
    departs: FloatArray  # 1 where a stay ends with this step
    trip_kwh: FloatArray  # taken from the level at the end of the step
    floor_kwh: FloatArray  # viability tube: lowest level after the step, before a departure
    hours_left: FloatArray  # until the announced departure, at the start of the step
    start_kwh: float


def schedule(
    node: PowerNode,
    first_weekday: int,
    steps: int,
    dt_h: float,
    wall_clock_ahead: int,
    free_kw: float,
    generator: np.random.Generator,
) -> Schedule:
    """Stays of a vehicle during an episode, with the viability tube of each.

    Args:
        node: the vehicle.
        first_weekday: weekday of the episode's first day, 0 = Monday.
        steps: length of the episode.
        dt_h: step length [h].
        wall_clock_ahead: quarter-hours that the clock on the wall is ahead of the grid's.
        free_kw: connection limit less the contracted peak load [kW].
        generator: draws the stays.
    """
    per_step = round(4.0 * dt_h)
    drawn = draw_stays(node, first_weekday, round(steps * dt_h / 24.0), wall_clock_ahead, generator)
    stays = [
        stay for stay in drawn if stay.departure > per_step and stay.arrival // per_step < steps
    ]
    plugged, departs, trip_kwh, floor_kwh, hours_left = np.zeros((5, steps))
    power_kw = max(min(node.power_max_kw, free_kw), 0.0)
    for stay, after in pairwise([*stays, None]):
        assert stay is not None
        first = max(-(-stay.arrival // per_step), 0)
        end = max(stay.departure // per_step, first + 1)
        inside = slice(first, min(end, steps))
        floor = level_floor(
            node.target_kwh - stay.trip_kwh,
            node.target_kwh,
            power_kw,
            dt_h * node.eta_charge,
            end - first,
        )
        plugged[inside] = 1.0
        floor_kwh[inside] = floor[: inside.stop - first]
        hours_left[inside] = dt_h * (end - np.arange(first, inside.stop))
        if end <= steps:
            departs[end - 1] = 1.0
            trip_kwh[end - 1] = after.trip_kwh if after is not None else 0.0
    start_kwh = node.target_kwh - (stays[0].trip_kwh if stays else 0.0)
    # Up to a watt-hour, for the tube begins at no less, but not above the capacity.
    start_kwh = min(math.ceil(1000.0 * start_kwh - 1e-6) / 1000.0, node.energy_max_kwh)
    return Schedule(plugged, departs, trip_kwh, floor_kwh, hours_left, start_kwh)
