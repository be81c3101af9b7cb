"""A user's table, read cell by cell: what is wrong is named by file, row and column."""

import csv
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from p2p_market.data.own.columns import ALIASES, COLUMNS, DAY_AHEAD
from p2p_market.data.own.times import TIMES, Reader
from p2p_market.errors import DataError

EMPTY: Final = ("", "-", "n/e", "n/a", "nan", "null")
"""Cells without a value, in any case of letters."""
SEPARATORS: Final = ",;\t"
_DECIMAL_COMMA: Final = re.compile(r"[+-]?\d+,\d+")
_NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")

Cells = Sequence[str]


@dataclass(frozen=True, slots=True)
class Row:
    """A row with a time; the header is row 1."""

    number: int
    start: datetime
    values: Mapping[str, float]  # by column; nan where the cell is empty


@dataclass(frozen=True, slots=True)
class Table:
    """A whole file."""

    path: str
    rows: tuple[Row, ...]  # in the order of time
    columns: tuple[str, ...]
    left_out: tuple[str, ...]  # headings that mean nothing here


def read_table(path: Path) -> Table:
    """Every row of a file.

    Raises:
        DataError: if the file cannot be read, or a cell is not what its column says.
    """
    header, cells, separator = _cells(path)
    places = _places(path, header)
    (time,) = (heading for heading in header if heading in TIMES)
    read, example = TIMES[time]
    comma = separator != "," and _has_decimal_comma(cells, tuple(places.values()))
    rows: list[Row] = []
    for number, own in cells:
        values = {
            name: _number(path, number, name, own[place], comma) for name, place in places.items()
        }
        before = rows[-1].start if rows else None
        start = _start(path, number, time, own[header.index(time)], before, read, example)
        if start is None and any(not math.isnan(value) for value in values.values()):
            raise DataError(
                f"{path}, row {number}, column {time!r}: the clock leaves out this hour in spring, "
                "yet it has values; give the times at UTC in a column time_utc"
            )
        if start is not None and _follows(path, rows, Row(number, start, values)):
            rows.append(Row(number, start, values))
    left_out = tuple(name for name in header if name not in TIMES and _known(name) not in places)
    return Table(str(path), tuple(rows), tuple(places), left_out)


def _cells(path: Path) -> tuple[list[str], list[tuple[int, list[str]]], str]:
    """The header, all rows that are not empty with their numbers, and the separator."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8") from error
    first = text.partition("\n")[0]
    separator = max(SEPARATORS, key=first.count)
    try:
        rows = [
            (number, [cell.strip() for cell in row])
            for number, row in enumerate(csv.reader(text.splitlines(), delimiter=separator), 1)
            if any(cell.strip() for cell in row)
        ]
    except csv.Error as error:
        raise DataError(f"{path}: not a table of values ({error})") from error
    if len(rows) < 2:
        raise DataError(f"{path}: needs a header and rows below it")
    header = rows[0][1]
    for number, row in rows[1:]:
        if len(row) != len(header):
            raise DataError(
                f"{path}, row {number}: {len(row)} cells, the header has {len(header)}; cells are "
                f"separated by {separator!r} here"
            )
    return header, rows[1:], separator


def _places(path: Path, header: Cells) -> dict[str, int]:
    """Position of each column in a row."""
    if len(times := [name for name in header if name in TIMES]) != 1:
        raise DataError(
            f"{path}: {len(times)} columns of times; it needs one of {', '.join(TIMES)}, and has "
            f"{', '.join(map(repr, header))}"
        )
    places: dict[str, int] = {}
    for place, heading in enumerate(header):
        name = _known(heading)
        if name in places:
            raise DataError(f"{path}: two columns {name!r}; keep one")
        if name in COLUMNS:
            places[name] = place
    if DAY_AHEAD not in places:
        raise DataError(f"{path}: no column {DAY_AHEAD!r} with day-ahead prices in EUR/MWh")
    return places


def _known(heading: str) -> str:
    return ALIASES.get(heading, heading)


def _has_decimal_comma(cells: Sequence[tuple[int, Cells]], places: Sequence[int]) -> bool:
    return any(_DECIMAL_COMMA.fullmatch(own[place]) for _, own in cells for place in places)


def _number(path: Path, number: int, name: str, text: str, comma: bool) -> float:
    if text.lower() in EMPTY:
        return math.nan
    plain = text.replace(",", ".") if comma and "." not in text else text
    wrong = (comma and "." in text) or _NUMBER.fullmatch(plain) is None
    if wrong or not math.isfinite(value := float(plain)):
        how = "1234,5 as other rows do" if comma else "1234.5"
        raise DataError(
            f"{path}, row {number}, column {name!r}: {text!r} is not a number; write {how}, "
            "without separators of thousands"
        )
    return value


def _start(
    path: Path,
    number: int,
    name: str,
    text: str,
    before: datetime | None,
    read: Reader,
    example: str,
) -> datetime | None:
    try:
        found = read(text, before)
    except (ValueError, OverflowError) as error:
        raise DataError(
            f"{path}, row {number}, column {name!r}: {text!r} is not a time; write {example}"
        ) from error
    if found is not None and (found.minute % 15 or found.second or found.microsecond):
        raise DataError(
            f"{path}, row {number}, column {name!r}: {text!r} is not the start of a quarter-hour"
        )
    return found


def _follows(path: Path, rows: Sequence[Row], row: Row) -> bool:
    """Whether a row is new; the same row twice in succession counts once."""
    if not rows or row.start > rows[-1].start:
        return True
    last = rows[-1]
    if row.start == last.start and str(row.values) == str(last.values):
        return False
    what = "is not after" if row.start < last.start else "is the same time, with other values, as"
    raise DataError(
        f"{path}, row {row.number}: {row.start:%Y-%m-%d %H:%M} UTC {what} row {last.number}; sort "
        "rows by time and keep one row for each (of several areas or auctions choose one)"
    )
