"""Tables inside a wheel, read cell by cell: what is wrong is named by file, column and row."""

import csv
import io
import math
import zipfile
from collections.abc import Sequence
from typing import Final

import numpy as np

from p2p_market.data.calendar import DAYS_PER_YEAR
from p2p_market.errors import DataError
from p2p_market.records import FloatArray, IntArray

MEND: Final = "the wheel is not the one this version was written for; update p2p-market"


def read_table(archive: zipfile.ZipFile, path: str) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a comma-separated file, empty lines left out.

    Raises:
        DataError: if the file is missing, is not text, or a row is shorter than the header.
    """
    try:
        with archive.open(path) as file:
            rows = list(csv.reader(io.TextIOWrapper(file, "utf-8-sig", newline="")))
    except (KeyError, UnicodeDecodeError, csv.Error, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: cannot be read ({error}); {MEND}") from error
    if not rows:
        raise DataError(f"{path}: is empty; {MEND}")
    header = rows[0]
    for number, row in enumerate(rows[1:], start=2):
        if row and len(row) < len(header):
            raise DataError(
                f"{path}, row {number}: {len(row)} cells, the header has {len(header)}; {MEND}"
            )
    return header, [row for row in rows[1:] if row]


def column(path: str, header: Sequence[str], name: str) -> int:
    """Place of a column.

    Raises:
        DataError: if the table has no such column.
    """
    if name not in header:
        raise DataError(f"{path}: no column {name!r}; {MEND}")
    return list(header).index(name)


def number(path: str, name: str, row: int, text: str) -> float:
    """A finite number out of a cell; the header is row 1.

    Raises:
        DataError: if it is not one.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"{path}, column {name!r}, row {row}: {text!r} is not a number; {MEND}")
    return value


def numbers(archive: zipfile.ZipFile, path: str, name: str, rows: int) -> FloatArray:
    """One column as numbers, (row,).

    Raises:
        DataError: if it is missing, has another length, or a cell is not a number.
    """
    header, table = read_table(archive, path)
    place = column(path, header, name)
    if len(table) != rows:
        raise DataError(f"{path}: {len(table)} rows, expected {rows}; {MEND}")
    return np.array([number(path, name, i, row[place]) for i, row in enumerate(table, start=2)])


def days_by_weekday(first_day_of_year: int, first_weekday: int, days: int) -> IntArray:
    """Which day of a source is used for each day of 2018: same weekday, nearest in the year.

    The source is treated as a circle, so the last days of a year may come from its first.

    Args:
        first_day_of_year: of the source's first day, 0 = 1 January.
        first_weekday: of the source's first day, 0 = Monday.
        days: length of the source, 365 or 366.

    Returns:
        Place in the source of each day of 2018, (365,).
    """
    chosen = np.empty(DAYS_PER_YEAR, dtype=np.int64)
    for day in range(DAYS_PER_YEAR):
        near = ((day - first_day_of_year + away) % days for away in _AWAY)
        chosen[day] = next(d for d in near if (first_weekday + d) % 7 == day % 7)
    return chosen


_AWAY: Final = (0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6, 7, -7)
