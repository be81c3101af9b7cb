"""Loads of an episode: each member takes days of its donor."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from p2p_market.community.scenario.scenario import Scenario
from p2p_market.compilation import kernel
from p2p_market.data import DataSet, Donor
from p2p_market.data.calendar import DAYS_PER_YEAR, QUARTERS_PER_DAY, day_type, split_mask
from p2p_market.data.streams import stream
from p2p_market.records import BoolArray, Float32Array, FloatArray, IntArray, Record

DONOR_WINDOW_DAYS: Final = 35  # a day stands in for days of its kind at most this far away
SHIFT_QUARTERS: Final = 2  # a member lives up to this much earlier or later than its donor


@dataclass(frozen=True, slots=True, eq=False)
class _StandIns(Record):
    """Days of each donor that may stand in for the days of an episode."""

    days: IntArray  # (donor, day of the episode, place), ascending; -1 after the last
    count: IntArray  # (donor, day of the episode)


def draw_loads(
    scenario: Scenario, split: str, start_day: int, seed: np.random.SeedSequence
) -> FloatArray:
    """Each member takes days of its donor: same split, same kind of day, near in the year.

    Two members with one donor never take the same day on one date as long as there are enough.

    Returns:
        Load in each quarter-hour, (quarter, agent) [kW].
    """
    days, agents = scenario.spec.days, len(scenario.demand)
    stand_ins = _stand_ins(scenario.data, split, start_day, days)
    place, shift = np.empty((2, agents), dtype=np.int64)
    pick = np.empty((agents, days), dtype=np.int64)
    earlier = [0] * len(scenario.data.donors)  # members that have taken days of a donor
    for agent, pools in enumerate(scenario.donor_pools):
        generator, pool = stream(seed, agent), pools[split]
        donor = pool[0] if len(pool) == 1 else pool[int(generator.integers(len(pool)))]
        place[agent] = donor
        shift[agent] = generator.integers(-SHIFT_QUARTERS, SHIFT_QUARTERS + 1)
        count = stand_ins.count[donor]
        free = count - earlier[donor]
        pick[agent] = generator.integers(np.where(free > 0, free, count))
        earlier[donor] += 1
    scale_kw = np.array([node.scale_kw for node in scenario.demand])
    ahead = 4 if scenario.data.summer_time[QUARTERS_PER_DAY * start_day] else 0
    load_kw = np.empty((QUARTERS_PER_DAY * days, agents))
    _borrow(
        _shapes(scenario.data), stand_ins.days, stand_ins.count, place, shift, scale_kw, pick,
        ahead, load_kw,
    )  # fmt: skip
    return load_kw


@kernel
def _borrow(  # type: ignore[no-untyped-def]
    shapes, days, count, place, shift, scale, pick, ahead, out
):
    """Fill in the picked day of each member and date: a pick counts the days not taken yet."""
    taken = np.zeros(days.shape, dtype=np.bool_)
    quarters = shapes.shape[2]
    for i in range(pick.shape[0]):
        donor = place[i]
        for d in range(pick.shape[1]):
            free = 0
            for slot in range(count[donor, d]):
                free += not taken[donor, d, slot]
            slot, left = -1, pick[i, d]
            while left >= 0:
                slot += 1
                if free == 0 or not taken[donor, d, slot]:
                    left -= 1
            taken[donor, d, slot] = True
            shape = shapes[donor, days[donor, d, slot]]
            for q in range(quarters):
                t = (quarters * d + q - ahead) % out.shape[0]
                out[t, i] = scale[i] * np.float64(shape[(q - shift[i]) % quarters])


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
    """The days that may stand in, for an episode of a split that starts on a day of the year."""
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
    """Days of a donor that may stand in for a day of the year."""
    own = np.arange(len(donor.shape))
    kind = day_type((donor.first_weekday + own) % 7)
    away = np.abs(own - day)
    near = np.minimum(away, DAYS_PER_YEAR - away) <= DONOR_WINDOW_DAYS
    wanted: BoolArray = split_mask(split, len(own)) & near & (kind == day_type(np.array(day % 7)))
    return np.flatnonzero(wanted)
