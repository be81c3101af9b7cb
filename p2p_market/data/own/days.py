"""Series on whole days of a clock, and those days on the calendar of 2018."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Final

import numpy as np

from p2p_market.data.calendar import CYCLE_DAYS, DAYS_PER_YEAR, QUARTERS_PER_DAY
from p2p_market.data.own.series import QUARTER_S, Series
from p2p_market.data.wheel_tables import days_by_weekday
from p2p_market.errors import DataError
from p2p_market.records import BoolArray, FloatArray, IntArray

LONGEST_GAP: Final = 12  # quarter-hours that are interpolated
LEAST_CYCLES: Final = 4
LEFT_OUT_SHARE: Final = 0.1  # of the days, at most
COVERED: Final = 0.5  # of a quarter-hour that finer rows must cover
_YEARS: Final = (365, 366)
_AWAY: Final = (0, 1, -1, 2, -2, 3, -3)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Days:
    """A series on whole days of one clock."""

    name: str
    first: date
    value: FloatArray  # (day, quarter of the day); nan throughout on a day that is left out
    filled: int  # quarter-hours without a value that were interpolated
    gaps: tuple[str, ...] = ()  # every gap: how long, where, and what became of it

    @property
    def last(self) -> date:
        """The last day."""
        return self.first + (len(self.value) - 1) * _DAY

    @property
    def left_out(self) -> tuple[date, ...]:
        """Days with a gap longer than is interpolated."""
        places = np.flatnonzero(np.isnan(self.value[:, 0])).tolist()
        return tuple(self.first + place * _DAY for place in places)

    def cut(self, first: date, last: date) -> "Days":
        """Only the days from one to another; the count of filled quarters is that of all."""
        begin = (first - self.first).days
        value = self.value[begin : begin + (last - first).days + 1]
        return Days(self.name, first, value, self.filled, self.gaps)


def days_of(series: Series, zone: tzinfo) -> Days:
    """Whole days of a series: gaps up to 3 h lie on a line, days with longer ones are left out.

    On the day on which clocks go forward the missing hour is interpolated, on that on which they go
    back the double hour has the mean of both. At either end at most 3 h of a day may be missing.

    Args:
        series: with times at UTC.
        zone: whose midnights begin the days.
    """
    begin, quarters = _quarters(series)
    first = datetime.fromtimestamp(begin * QUARTER_S, UTC).astimezone(zone).date()
    end = (
        datetime.fromtimestamp((begin + len(quarters)) * QUARTER_S - 1, UTC).astimezone(zone).date()
    )
    midnights = [_midnight(first + place * _DAY, zone) for place in range((end - first).days + 2)]
    whole = np.full(midnights[-1] - midnights[0], np.nan)
    at = begin - midnights[0]
    whole[at : at + len(quarters)] = quarters
    whole, gaps = _interpolated(whole)
    texts = tuple(_text(series, midnights[0], begin, length) for begin, length in gaps)
    rows = [whole[a - midnights[0] : b - midnights[0]] for a, b in pairwise(midnights)]
    value = np.stack(
        [
            own if len(own) == QUARTERS_PER_DAY else _by_the_wall(own, first + place * _DAY, zone)
            for place, own in enumerate(rows)
        ]
    )
    value[np.isnan(value).any(axis=1)] = np.nan
    known = np.flatnonzero(~np.isnan(value[:, 0]))
    if not len(known):
        raise DataError(f"column {series.name!r}: no whole day; leave the column out")
    inside = slice(int(known[0]), int(known[-1]) + 1)
    filled = sum(length for _, length in gaps if length <= LONGEST_GAP)
    return Days(series.name, first + int(known[0]) * _DAY, value[inside], filled, texts)


def _text(series: Series, origin: int, begin: int, length: int) -> str:
    place = int(np.searchsorted(series.start, (origin + begin) * QUARTER_S)) - 1
    where = f"after row {series.row[place]}" if place >= 0 else f"before row {series.row[0]}"
    end = origin + begin + length >= (int(series.start[-1]) + int(series.width_s[-1])) // QUARTER_S
    what = "interpolated" if length <= LONGEST_GAP else "its days are left out"
    if place < 0 or end:
        what = "held" if length <= LONGEST_GAP else "the day is not whole and left out"
    return f"no value for {length / 4:g} h {where}: {what}"


def _quarters(series: Series) -> tuple[int, FloatArray]:
    """First quarter-hour since 1970 at UTC, and the means of it and those that follow."""
    place, width = series.start // QUARTER_S, series.width_s
    begin, end = int(place[0]), int(place[-1] + max(1, width[-1] // QUARTER_S))
    total, covered = np.zeros((2, end - begin))
    known = ~np.isnan(series.value)
    for quarter in range(4):
        longer = known & (width > quarter * QUARTER_S)
        share = np.minimum(width[longer] - quarter * QUARTER_S, QUARTER_S) / QUARTER_S
        np.add.at(total, place[longer] + quarter - begin, share * series.value[longer])
        np.add.at(covered, place[longer] + quarter - begin, share)
    enough = covered >= COVERED
    return begin, np.where(enough, total / np.where(enough, covered, 1.0), np.nan)


def _midnight(day: date, zone: tzinfo) -> int:
    """Quarter-hours since 1970 at UTC."""
    return round(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) // QUARTER_S


def _interpolated(values: FloatArray) -> tuple[FloatArray, list[tuple[int, int]]]:
    """Gaps that are short enough filled, the ends with the nearest value; begin, length of all."""
    known, quarter = ~np.isnan(values), np.arange(len(values))
    edges = np.flatnonzero(np.diff(np.concatenate([[1], known, [1]]))).reshape(-1, 2)
    out = values.copy()
    for begin, end in edges:
        if end - begin <= LONGEST_GAP:
            out[begin:end] = np.interp(quarter[begin:end], quarter[known], values[known])
    return out, [(int(begin), int(end - begin)) for begin, end in edges]


def _by_the_wall(values: FloatArray, day: date, zone: tzinfo) -> FloatArray:
    """A day of 23 or 25 hours as 96 quarter-hours of the clock on the wall."""
    begin, out = _midnight(day, zone), np.full(QUARTERS_PER_DAY, np.nan)
    for place in range(QUARTERS_PER_DAY):
        wall = datetime(day.year, day.month, day.day) + place * timedelta(minutes=15)
        found = []
        for fold in (0, 1):
            at = round(wall.replace(tzinfo=zone, fold=fold).timestamp()) // QUARTER_S
            back = datetime.fromtimestamp(at * QUARTER_S, UTC).astimezone(zone)
            if back.replace(tzinfo=None) == wall and at - begin < len(values):
                found.append(values[at - begin])
        if found:
            out[place] = np.mean(found)
    known = ~np.isnan(out)
    if np.isnan(values).any() or not known.any():
        return np.full(QUARTERS_PER_DAY, np.nan)
    every = np.arange(QUARTERS_PER_DAY)
    return np.asarray(np.interp(every, np.flatnonzero(known), out[known]))


def summer_of(first: date, days: int, zone: tzinfo, standard: timedelta) -> BoolArray:
    """Whether the clock is ahead of standard time, (day, quarter of the day in standard time)."""
    summer = np.zeros((days, QUARTERS_PER_DAY), dtype=np.bool_)
    for place in range(days):
        begin = datetime.combine(first + place * _DAY, datetime.min.time(), UTC) - standard
        ends = [_ahead(begin + q * timedelta(minutes=15), zone, standard) for q in (0, 95)]
        if ends[0] == ends[1]:
            summer[place] = ends[0]
        else:
            summer[place] = [
                _ahead(begin + q * timedelta(minutes=15), zone, standard)
                for q in range(QUARTERS_PER_DAY)
            ]
    return summer


def _ahead(at: datetime, zone: tzinfo, standard: timedelta) -> bool:
    return at.astimezone(zone).utcoffset() != standard


def places(first: date, days: int) -> IntArray:
    """Which day of a source stands for each day of 2018, (365,).

    Of a year, the nearest one with the same weekday, and the year is a circle. Of less, whole
    cycles of 28 days, repeated: so a day that is played in a test week is never one of training.

    Raises:
        DataError: if there are fewer than four cycles, or more than a year.
    """
    day_of_year = first.timetuple().tm_yday - 1
    if days in _YEARS:
        return days_by_weekday(day_of_year, first.weekday(), days)
    cycles = days // CYCLE_DAYS
    if not LEAST_CYCLES <= cycles <= DAYS_PER_YEAR // CYCLE_DAYS:
        raise DataError(
            f"{days} whole days from {first} on; it needs at least {LEAST_CYCLES * CYCLE_DAYS}, "
            f"{LEAST_CYCLES} cycles of {CYCLE_DAYS} days"
        )
    begin = next(
        day_of_year + away for away in _AWAY if (day_of_year + away) % 7 == first.weekday()
    )
    return (np.arange(DAYS_PER_YEAR) - begin) % (CYCLE_DAYS * cycles)


def year_of_days(days: Days) -> FloatArray:
    """A series on the calendar of 2018, (365, quarter of the day).

    A day that was left out is that of the nearest week 28, 56, ... days away, which has the same
    weekday and lies in the same split.

    Raises:
        DataError: if too many days were left out.
    """
    missing = len(days.left_out)
    if missing > LEFT_OUT_SHARE * len(days.value):
        raise DataError(
            f"column {days.name!r}: {missing} of {len(days.value)} days have gaps longer than "
            f"{LONGEST_GAP / 4:g} h, the first on {days.left_out[0]}; at most "
            f"{LEFT_OUT_SHARE:.0%} may: leave the column out"
        )
    year = days.value[places(days.first, len(days.value))]
    gone = np.isnan(year[:, 0])
    for day in np.flatnonzero(gone):
        others = np.arange(day % CYCLE_DAYS, DAYS_PER_YEAR, CYCLE_DAYS)
        others = others[~gone[others]]
        if not len(others):
            raise DataError(
                f"column {days.name!r}: every day that could stand for a day with a long gap has "
                "one, too; leave the column out"
            )
        year[day] = year[others[np.argmin(np.abs(others - day))]]
    return year
