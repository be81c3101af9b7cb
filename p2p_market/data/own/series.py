"""Series of a user's file: times at UTC, in order, each once, with values in stored units."""

import math
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import numpy as np

from p2p_market.data.own.cells import Numbers, Sheet, open_sheet
from p2p_market.data.own.plan import Plan, Wishes, name_of, plan_of
from p2p_market.data.own.stamps import Stamps, is_month_first, zone_of
from p2p_market.data.own.units import RANGES, STORED, Kind, Unit
from p2p_market.errors import DataError
from p2p_market.records import FloatArray, IntArray

QUARTER_S = 900
WIDTHS_S = (60, 300, 900, 1800, 3600)
MOST_COLUMNS = 500
STANDBY = 0.02  # of a roof's highest power, drawn by its inverter at night
SHOWN = 5  # rows of a kind that are told
SMALL_PRICE = 2.0  # EUR/MWh: where nearly all prices are below, the unit is not that


@dataclass(frozen=True, slots=True)
class Series:
    """One column of a file."""

    name: str
    start: IntArray  # (row,) [s since 1970 at UTC]
    width_s: IntArray  # (row,)
    value: FloatArray  # (row,) as stored: kW, EUR/MWh or g/kWh; nan without one
    row: IntArray  # (row,), number in the file


@dataclass(frozen=True, slots=True)
class SeriesFile:
    """All series of a file, and what was found and mended in it."""

    path: Path
    kind: Kind
    series: tuple[Series, ...]
    zone: str | None  # of the days, where the layout or the user says it
    told: tuple[str, ...]


@dataclass(slots=True)
class _Raw:
    """Cells of one home or column, as they come."""

    start: "array[int]" = field(default_factory=lambda: array("q"))
    row: "array[int]" = field(default_factory=lambda: array("q"))
    value: "array[float]" = field(default_factory=lambda: array("d"))


def read_series(path: Path, kind: Kind, wishes: Wishes) -> SeriesFile:
    """Read a file.

    Raises:
        DataError: with file, row and column, where something cannot be told or is wrong.
    """
    sheet = open_sheet(path)
    plan = plan_of(sheet, kind, wishes)
    told = [f"layout {plan.layout.name}" if plan.layout else "read by its headings"]
    if plan.layout and plan.layout.note:
        told.append(plan.layout.note)
    raw = _raw(sheet, kind, plan, wishes, told)
    if len(raw) > MOST_COLUMNS:
        raise DataError(
            f"{path}: {len(raw)} homes; choose at most {MOST_COLUMNS} with --column {kind}=NAME"
        )
    zone = zone_of(plan.stamps) if plan.stamps else None
    found = tuple(
        _series(path, kind, name, own, plan, zone, wishes, told) for name, own in raw.items()
    )
    if plan.left_out:
        told.append(f"not read: {', '.join(plan.left_out)}")
    counted = Counter(told)
    lines = tuple(f"{text} ({n} columns)" if n > 1 else text for text, n in counted.items())
    return SeriesFile(path, kind, found, plan.zone, lines)


def _raw(sheet: Sheet, kind: Kind, plan: Plan, wishes: Wishes, told: list[str]) -> dict[str, _Raw]:
    """Cells of every home or column, by name, in the order in which they first occur."""
    heading = " ".join(sheet.header[place] for place in plan.time)
    stamps = Stamps(
        f"{sheet.path}, row {{}}, column {heading!r}",
        zone_of(plan.stamps) if plan.stamps else None,
        is_month_first(lambda: _times(sheet, plan), f"{sheet.path}, column {heading!r}"),
    )
    raw: dict[str, _Raw] = {}
    numbers, left_out = Numbers(sheet), array("q")
    wanted = (wishes.columns or {}).get(kind, ())
    for number, name, text, value in _records(sheet, kind, plan, numbers):
        if plan.ident is not None and wanted and name not in wanted:
            continue
        own = raw.setdefault(name, _Raw())
        start = stamps.read(number, text, own.start[-1] if own.start else None)
        if start is None:
            if not math.isnan(value):
                raise DataError(
                    f"{sheet.path}, row {number}: {text!r} is left out by the clock in spring, yet "
                    "it has a value; is the file on standard time all year? then give --zone UTC+1 "
                    "or what it is"
                )
            left_out.append(number)
            continue
        own.start.append(start)
        own.row.append(number)
        own.value.append(value)
    if left_out:
        told.append(f"no value in the hour that spring leaves out: {rows_of(left_out)}")
    if numbers.grouped:
        told.append("separators of thousands read")
    if numbers.mark == ",":
        told.append("decimal commas read")
    full = {name: own for name, own in raw.items() if not all(map(math.isnan, own.value))}
    if not full:
        raise DataError(f"{sheet.path}: no rows with values of {kind}")
    if plan.ident is None and len(full) < len(raw):
        empty = next(name for name in raw if name not in full)
        raise DataError(f"{sheet.path}, column {empty!r}: no values; leave the column out")
    if len(full) < len(raw):
        told.append(f"{len(raw) - len(full)} homes without values of {kind}, left out")
    return full


def _times(sheet: Sheet, plan: Plan) -> Iterator[str]:
    seen: set[str] = set()
    for _, cells in sheet.rows():
        text = cells[plan.time[0]]
        if "/" not in text and "-" not in text:
            return
        if (day := text[:10]) not in seen:
            seen.add(day)
            yield text


def _records(
    sheet: Sheet, kind: Kind, plan: Plan, numbers: Numbers
) -> Iterator[tuple[int, str, str, float]]:
    """Row, home or column, time and value of each cell that counts."""
    if plan.layout and plan.layout.name == "Ausgrid":
        yield from _half_hours(sheet, kind, plan, numbers)
        return
    only = plan.layout.only if plan.layout else None
    place = sheet.header.index(only[0]) if only else 0
    for number, cells in sheet.rows():
        if only and not cells[place].endswith(only[1]):
            continue
        text = " ".join(cells[one] for one in plan.time)
        for name, places in plan.values.items():
            who = name if plan.ident is None else name_of(cells[plan.ident], kind)
            yield number, who, text, _sum(sheet, numbers, number, cells, places)


def _sum(
    sheet: Sheet, numbers: Numbers, number: int, cells: list[str], places: tuple[int, ...]
) -> float:
    """Value of a cell, or the sum of several, in which empty ones after the first count as zero."""
    total = numbers.read(number, sheet.header[places[0]], cells[places[0]])
    for place in places[1:]:
        more = numbers.read(number, sheet.header[place], cells[place])
        total += 0.0 if math.isnan(more) else more
    return total


def _half_hours(
    sheet: Sheet, kind: Kind, plan: Plan, numbers: Numbers
) -> Iterator[tuple[int, str, str, float]]:
    """Ausgrid: a row is a day of a customer's meter; consumption is general plus controlled."""
    wanted = ("GC", "CL") if kind == "load" else ("GG",)
    category = [own.strip().lower() for own in sheet.header].index("consumption category")
    assert plan.ident is not None
    (places,) = plan.values.values()
    waiting: dict[tuple[str, str], tuple[int, list[float]]] = {}
    for number, cells in sheet.rows():
        if cells[category] not in wanted:
            continue
        day = cells[plan.ident], cells[plan.time[0]]
        values = [numbers.read(number, sheet.header[place], cells[place]) for place in places]
        first, before = waiting.get(day, (number, [0.0] * len(values)))
        waiting[day] = first, [a + b for a, b in zip(before, values, strict=True)]
    for (customer, date), (number, values) in waiting.items():
        for place, value in zip(places, values, strict=True):
            clock = sheet.header[place]
            text = f"{date} {'24:00' if clock in ('0:00', '00:00') else clock}"
            yield number, name_of(customer, kind), text, value


def _series(
    path: Path,
    kind: Kind,
    name: str,
    raw: _Raw,
    plan: Plan,
    zone: tzinfo | None,
    wishes: Wishes,
    told: list[str],
) -> Series:
    heading, unit = (
        next(iter(plan.units.items())) if name not in plan.units else (name, plan.units[name])
    )
    where = f"{path}, column {name or heading!r}"
    start, row, value = (np.array(own) for own in (raw.start, raw.row, raw.value))
    if np.any(np.diff(start) < 0):
        told.append("rows put in the order of time")
        order = np.argsort(start, kind="stable")
        start, row, value = start[order], row[order], value[order]
    start, row, value = _once(path, where, start, row, value, told)
    known = ~np.isnan(value)
    if len(start) < 2:
        raise DataError(f"{where}: a single time; it needs a series")
    width = _widths(start)
    ending = plan.ending
    if ending is None and (ending := _looks_ending(start, width, zone)):
        told.append("stamps are ends of intervals: the first is one step after midnight")
    if ending:
        start = start - width
    wrong = known & (np.where(width >= QUARTER_S, start % QUARTER_S, start % width) != 0)
    if wrong.any():
        at = datetime.fromtimestamp(int(start[wrong.argmax()]), UTC)
        raise DataError(
            f"{path}, row {row[wrong.argmax()]}: {at:%Y-%m-%d %H:%M:%S} UTC is not the start of a "
            "quarter-hour; correct it or leave the row out"
        )
    if unit.energy:
        value = value * 3600.0 / width
    value = _in_range(path, kind, name, unit, row, value * unit.factor, width, wishes, told)
    return Series(name, start, width, value, row)


def _once(
    path: Path, where: str, start: IntArray, row: IntArray, value: FloatArray, told: list[str]
) -> tuple[IntArray, IntArray, FloatArray]:
    """Rows of the same time once; with different values they are refused."""
    same = np.flatnonzero(np.diff(start) == 0)
    if not len(same):
        return start, row, value
    first, second = value[same], value[same + 1]
    differ = ~np.isnan(first) & ~np.isnan(second) & (first != second)
    if differ.any():
        place = same[differ.argmax()]
        at = datetime.fromtimestamp(int(start[place]), UTC)
        raise DataError(
            f"{path}, rows {row[place]} and {row[place + 1]}: {at:%Y-%m-%d %H:%M} UTC twice, with "
            f"values {value[place]:g} and {value[place + 1]:g}; keep one"
        )
    told.append(f"the same time twice, counted once: {rows_of(row[same + 1])}")
    value = value.copy()
    value[same + 1] = np.where(np.isnan(second), first, second)
    keep = np.setdiff1d(np.arange(len(start)), same)
    return start[keep], row[keep], value[keep]


def rows_of(rows: Sequence[int] | IntArray) -> str:
    """Numbers of rows, the first ones if there are many."""
    first = ", ".join(str(int(row)) for row in rows[:SHOWN])
    more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    return f"row{'s' if len(rows) > 1 else ''} {first}{more}"


def _widths(start: IntArray) -> IntArray:
    """How long each row lasts: to its nearer neighbour, an hour at most; files may change step."""
    away = np.diff(start)
    nearer = np.minimum(np.append(away, away[-1]), np.append(away[0], away))
    widths = np.array(WIDTHS_S)
    own: IntArray = widths[np.maximum(np.searchsorted(widths, nearer, side="right") - 1, 0)]
    return own


def _looks_ending(start: IntArray, width: IntArray, zone: tzinfo | None) -> bool:
    """Whether the first stamp is one step after midnight, and the last is a midnight."""
    first, last = (datetime.fromtimestamp(int(start[end]), UTC) for end in (0, -1))
    if zone is not None:
        first, last = first.astimezone(zone), last.astimezone(zone)
    after = timedelta(hours=first.hour, minutes=first.minute, seconds=first.second)
    return after == timedelta(seconds=int(width[0])) and last.hour == last.minute == 0


def _in_range(
    path: Path,
    kind: Kind,
    name: str,
    unit: Unit,
    row: IntArray,
    value: FloatArray,
    width: IntArray,
    wishes: Wishes,
    told: list[str],
) -> FloatArray:
    low, high = RANGES[kind]
    if kind == "pv":
        standby = (value < 0.0) & (value >= -STANDBY * np.nanmax(value))
        if standby.any():
            told.append(f"{int(standby.sum())} values of PV a little below zero, set to zero")
            value = np.where(standby, 0.0, value)
    known = value[~np.isnan(value)]
    if kind == "price" and np.quantile(np.abs(known), 0.95) < SMALL_PRICE:
        raise DataError(
            f"{path}: nearly all prices are below {SMALL_PRICE:g} EUR/MWh; is {unit.name} their "
            "unit? EUR/kWh would be a thousand times as much"
        )
    if (
        kind in ("load", "pv")
        and len(known) > 100
        and np.all(np.diff(known) >= 0.0)
        and known[0] < known[-1]
    ):
        raise DataError(
            f"{path}, column {name!r}: values never fall: this is the counter of a meter; give "
            "what was used in each interval"
        )
    wrong = (value < low) | (value > high)
    if wrong.any() and not wishes.clip:
        place = int(wrong.argmax())
        why = "correct the unit, or give --clip to cut such values"
        if kind in ("load", "pv") and value[place] < 0.0:
            why = (
                "a load or PV below zero is a net meter: give what was used and what was generated "
                "each on its own, or --clip to cut such values to zero"
            )
        raise DataError(
            f"{path}, row {row[place]}, column {name!r}: {value[place]:g} {STORED[kind]} is "
            f"outside {low:g} to {high:g}; {why}"
        )
    if wrong.any():
        told.append(f"values out of range cut: {rows_of(row[wrong])}")
    if kind == "price" and (below := int((value < 0.0).sum())):
        told.append(f"{below} prices below zero, kept")
    steps = Counter((width // 60).tolist())
    told.append(f"{unit.name} in steps of {' and '.join(f'{w} min' for w in sorted(steps))}")
    return np.clip(value, low, high)
