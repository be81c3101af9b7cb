"""Loads of an episode: each member takes days of its donor."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final, NamedTuple

import numpy as np

from p2p_market.community.episode.measured import measured_loads, put_measured
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.compilation import Packed, inner, kernel
from p2p_market.data import DataSet, Donor
from p2p_market.data.calendar import DAYS_PER_YEAR, QUARTERS_PER_DAY, day_type, split_mask
from p2p_market.data.streams import Words, below, opened
from p2p_market.records import BoolArray, Float32Array, FloatArray, IntArray, Record

DONOR_WINDOW_DAYS: Final = 35  # a day stands in for days of its kind at most this far away
SHIFT_QUARTERS: Final = 2  # a member lives up to this much earlier or later than its donor


@dataclass(frozen=True, slots=True, eq=False)
class _StandIns(Record):
    """Days of each donor whose load may be used for the days of an episode."""

    days: IntArray  # (donor, day of the episode, place), ascending; -1 after the last
    count: IntArray  # (donor, day of the episode)


class _Houses(NamedTuple):
    """The data that loads are drawn from, for one split and start day."""

    shapes: Float32Array  # (donor, day, quarter of the day)
    days: IntArray  # (donor, day of the episode, place)
    choices: IntArray  # (donor, day of the episode), how many
    pools: IntArray  # donors of all members, one after the other
    pool_start: IntArray  # (agent + 1,), where the donors of each begin
    scale_kw: FloatArray  # (agent,)
    ahead: int  # quarter-hours that the clock on the wall is ahead of the grid's


def draw_loads(scenario: Scenario, split: str, start_day: int, root: Words) -> FloatArray:
    """Each member takes days of its donor: same split, same kind of day, near in the year.

    Two members with one donor never take the same day on one date as long as there are enough.
    A load that names its own column has what was measured on the date.

    Args:
        root: what the streams of the members are opened from.

    Returns:
        Load in each quarter-hour, (quarter, agent) [kW].
    """
    load_kw = np.empty((QUARTERS_PER_DAY * scenario.spec.days, len(scenario.agents)))
    _draw_kernel(_houses_of(scenario)(split, start_day), root, load_kw)
    return put_measured(measured_loads(scenario), start_day, load_kw)


@inner
def _choose(houses, root, out_shift, out_donor, out_day):  # type: ignore[no-untyped-def]
    """Shift [quarters] and donor of each member, and the donor's day for each date."""
    taken = np.zeros(houses.days.shape, dtype=np.bool_)
    earlier = np.zeros(houses.days.shape[0], dtype=np.int64)  # members with the same donor
    for i in range(out_day.shape[0]):
        member, begin = opened(root, i), houses.pool_start[i]
        donor = houses.pools[begin + below(member, houses.pool_start[i + 1] - begin)]
        out_donor[i] = donor
        out_shift[i] = below(member, 2 * SHIFT_QUARTERS + 1) - SHIFT_QUARTERS
        for d in range(out_day.shape[1]):
            count = houses.choices[donor, d]
            free = count - earlier[donor]
            left, slot, fresh = below(member, free if free > 0 else count), -1, 0
            for place in range(count):
                fresh += not taken[donor, d, place]
            while left >= 0:  # a pick counts the days not taken yet
                slot += 1
                if fresh == 0 or not taken[donor, d, slot]:
                    left -= 1
            taken[donor, d, slot] = True
            out_day[i, d] = houses.days[donor, d, slot]
        earlier[donor] += 1


@kernel
def _draw_kernel(houses, root, out):  # type: ignore[no-untyped-def]
    """See `draw_loads`."""
    agents, dates, quarters = out.shape[1], houses.days.shape[1], houses.shapes.shape[2]
    shift, donor = np.empty(agents, dtype=np.int64), np.empty(agents, dtype=np.int64)
    day = np.empty((agents, dates), dtype=np.int64)
    _choose(houses, root, shift, donor, day)
    shapes, ahead = houses.shapes, houses.ahead
    for d in range(dates):
        for i in range(agents):
            scale_kw, later, shape = houses.scale_kw[i], shift[i], shapes[donor[i], day[i, d]]
            for q in range(quarters):
                t, source = quarters * d + q - ahead, q - later
                if t < 0:
                    t += out.shape[0]
                if source < 0:
                    source += quarters
                elif source >= quarters:
                    source -= quarters
                out[t, i] = scale_kw * np.float64(shape[source])


@lru_cache(maxsize=8)
def _houses_of(scenario: Scenario) -> Callable[[str, int], Any]:
    """Cache of the scenario's houses by split and start day."""
    return lru_cache(maxsize=DAYS_PER_YEAR)(partial(_houses, scenario))


def _houses(scenario: Scenario, split: str, start_day: int) -> Any:
    """The data that loads are drawn from, as the compiled code takes it."""
    stand_ins = _stand_ins(scenario.data, split, start_day, scenario.spec.days)
    pools = [own[split] for own in scenario.donor_pools]
    houses = _Houses(
        shapes=_shapes(scenario.data),
        days=stand_ins.days,
        choices=stand_ins.count,
        pools=np.concatenate([np.array(own, dtype=np.int64) for own in pools]),
        pool_start=np.cumsum([0, *map(len, pools)]),
        scale_kw=np.array([node.scale_kw for node in scenario.demand]),
        ahead=4 if scenario.data.summer_time[QUARTERS_PER_DAY * start_day] else 0,
    )
    return Packed(houses)


@lru_cache(maxsize=4)
def _shapes(data: DataSet) -> Float32Array:
    """Shapes of all donors, (donor, day, quarter of the day), zero after a donor's last day."""
    most = max(len(donor.shape) for donor in data.donors)
    shapes = np.zeros((len(data.donors), most, QUARTERS_PER_DAY), dtype=np.float32)
    for own, donor in zip(shapes, data.donors, strict=True):
        own[: len(donor.shape)] = donor.shape
    shapes.setflags(write=False)
    return shapes


@lru_cache(maxsize=256)
def _stand_ins(data: DataSet, split: str, start_day: int, days: int) -> _StandIns:
    """Donor days that may be used in an episode of this split and start day."""
    found = [
        [_candidates(donor, split, start_day + day) for day in range(days)] for donor in data.donors
    ]
    count = np.array([[len(own) for own in dates] for dates in found], dtype=np.int64)
    table = np.full((*count.shape, int(count.max())), -1, dtype=np.int64)
    for donor, dates in enumerate(found):
        for day, own in enumerate(dates):
            table[donor, day, : len(own)] = own
    return _StandIns(table, count)


def _candidates(donor: Donor, split: str, day: int) -> IntArray:
    """Days of a donor that may be used for a day of the year."""
    own = np.arange(len(donor.shape))
    kind = day_type((donor.first_weekday + own) % 7)
    away = np.abs(own - day)
    near = np.minimum(away, DAYS_PER_YEAR - away) <= DONOR_WINDOW_DAYS
    wanted: BoolArray = split_mask(split, len(own)) & near & (kind == day_type(np.array(day % 7)))
    return np.flatnonzero(wanted)
