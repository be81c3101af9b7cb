"""Rows of a table on the year's grid of quarter-hours."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from p2p_market.data.calendar import QUARTERS_PER_DAY
from p2p_market.data.own.columns import COLUMNS, DAY_AHEAD, Column
from p2p_market.data.own.table import Table
from p2p_market.data.wheel_tables import days_by_weekday
from p2p_market.errors import DataError
from p2p_market.records import FloatArray, IntArray

QUARTER: Final = timedelta(minutes=15)
WIDTHS: Final = (1, 2, 4)  # quarter-hours of a row
LONGEST_GAP: Final = 12  # quarter-hours
YEARS: Final = (365, 366)  # days


@dataclass(frozen=True, slots=True)
class Year:
    """Columns on the calendar of 2018: day 0 is a Monday."""

    columns: Mapping[str, FloatArray]  # (quarter,); of day-ahead (hour,)
    filled: Mapping[str, int]  # quarter-hours that had no value
    cut: Mapping[str, int]  # rows that were out of range


@dataclass(frozen=True, slots=True)
class Grid:
    """Whole days of a table."""

    first: datetime  # midnight of the first one, on the clock of the data
    days: int
    row: IntArray  # (quarter,), place in `Table.rows`, -1 where there is none


def year_of(table: Table, utc_offset_h: float, clip: bool) -> Year:
    """One year of a table; weekdays stay weekdays.

    Args:
        utc_offset_h: of the clock of the data, which knows no summer time.
        clip: cut values that are out of range, instead of refusing them.

    Raises:
        DataError: if it is not a year, has a gap longer than 3 h, or a value out of its range.
    """
    grid = _grid(table, timedelta(hours=utc_offset_h))
    order = days_by_weekday(grid.first.timetuple().tm_yday - 1, grid.first.weekday(), grid.days)
    columns, filled, cut = {}, {}, {}
    for name in table.columns:
        values = np.array([row.values[name] for row in table.rows] + [np.nan])
        found, cut[name] = _in_range(table, name, values, clip)
        quarters = found[grid.row]
        filled[name] = int(np.isnan(quarters).sum())
        quarters = _without_gaps(table, name, grid, quarters)
        if name == DAY_AHEAD:
            quarters = quarters.reshape(-1, 4).mean(axis=1)
        columns[name] = np.round(quarters.reshape(grid.days, -1)[order].ravel(), 4)
    return Year(columns, filled, cut)


def _grid(table: Table, offset: timedelta) -> Grid:
    """Days that are covered, but for at most the longest allowed gap at either end."""
    starts = [row.start.replace(tzinfo=None) + offset for row in table.rows]
    origin = starts[0].replace(hour=0, minute=0)
    places = np.array([(start - origin) // QUARTER for start in starts])
    width = _widths(places)
    end = int(places[-1] + width[-1])
    first = 0 if places[0] <= LONGEST_GAP else 1
    last = (end + LONGEST_GAP) // QUARTERS_PER_DAY
    if last - first not in YEARS:
        clock = f"UTC{offset.total_seconds() / 3600:+g}"
        raise DataError(
            f"{table.path}: {last - first} whole days, from {starts[0]:%Y-%m-%d %H:%M} to "
            f"{starts[-1]:%Y-%m-%d %H:%M} at {clock}; it needs 365 or 366: one year, starting on "
            "any day"
        )
    row = np.full(QUARTERS_PER_DAY * max(last, end // QUARTERS_PER_DAY + 1), -1, dtype=np.int64)
    for number, (place, wide) in enumerate(zip(places, width, strict=True)):
        row[place : place + wide] = number
    inside = row[QUARTERS_PER_DAY * first : QUARTERS_PER_DAY * last]
    return Grid(origin + timedelta(days=first), last - first, inside)


def _widths(places: IntArray) -> IntArray:
    """Length of each row: the distance to its nearer neighbour, at most an hour."""
    away = np.diff(places)
    nearer = np.minimum(np.append(away, away[-1:]), np.append(away[:1], away)) if len(away) else [4]
    return np.array([max(wide for wide in WIDTHS if wide <= max(1, near)) for near in nearer])


def _in_range(table: Table, name: str, values: FloatArray, clip: bool) -> tuple[FloatArray, int]:
    column = COLUMNS[name]
    wrong = (values < column.low) | (values > column.high)
    if column.state:
        wrong |= ~np.isnan(values) & (values != np.round(values))
    if wrong.any() and (column.state or not clip):
        place = int(np.argmax(wrong))
        raise DataError(
            f"{table.path}, row {table.rows[place].number}, column {name!r}: {values[place]:g} "
            f"{_range(column)}"
        )
    return np.clip(values, column.low, column.high), int(wrong.sum())


def _range(column: Column) -> str:
    if column.state:
        return "is none of -1 (down), 0 (no) and 1 (up)"
    return (
        f"is outside {column.low:g} to {column.high:g} {column.unit}; mend the unit, or give "
        "--clip to cut such values"
    )


def _without_gaps(table: Table, name: str, grid: Grid, values: FloatArray) -> FloatArray:
    """Fill short gaps: numbers by interpolation, states by the last one; refuse longer gaps."""
    quarter, known = np.arange(len(values)), ~np.isnan(values)
    if not known.any():
        without = "it is required" if name == DAY_AHEAD else "leave the column out"
        raise DataError(f"{table.path}, column {name!r}: no value at all; {without}")
    edges = np.flatnonzero(np.diff(np.concatenate([[1], known, [1]])))
    for begin, end in edges.reshape(-1, 2):
        if end - begin > LONGEST_GAP:
            raise DataError(_too_long(table, name, grid, int(begin), int(end)))
    if COLUMNS[name].state:
        last = np.maximum.accumulate(np.where(known, quarter, -1))
        return np.where(last < 0, values[known][0], values[last])
    return np.interp(quarter, quarter[known], values[known])


def _too_long(table: Table, name: str, grid: Grid, begin: int, end: int) -> str:
    row = table.rows[max(grid.row[:begin], default=-1)].number if begin else table.rows[0].number
    since = grid.first + begin * QUARTER
    without = "" if name == DAY_AHEAD else ", or leave the column out"
    return (
        f"{table.path}, after row {row}, column {name!r}: no value for {(end - begin) / 4:g} h "
        f"from {since:%Y-%m-%d %H:%M} on; gaps of up to 3 h are filled: fill it yourself"
        f"{without}"
    )
