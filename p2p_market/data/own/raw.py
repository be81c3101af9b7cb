"""Cells of a user's file by home or column, with their times at UTC."""

import math
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

from p2p_market.data.own.cells import Numbers, Sheet
from p2p_market.data.own.mend import rows_of
from p2p_market.data.own.plan import Plan, Wishes, name_of
from p2p_market.data.own.stamps import Stamps, is_month_first, zone_of
from p2p_market.data.own.units import Kind
from p2p_market.errors import DataError


@dataclass(slots=True)
class Raw:
    """Cells of one home or column, as they come."""

    start: "array[int]" = field(default_factory=lambda: array("q"))
    row: "array[int]" = field(default_factory=lambda: array("q"))
    value: "array[float]" = field(default_factory=lambda: array("d"))


def read_raw(
    sheet: Sheet, kind: Kind, plan: Plan, wishes: Wishes, told: list[str]
) -> dict[str, Raw]:
    """Cells of every home or column, by name, in the order in which they first occur."""
    heading = " ".join(sheet.header[place] for place in plan.time)
    stamps = Stamps(
        f"{sheet.path}, row {{}}, column {heading!r}",
        zone_of(plan.stamps) if plan.stamps else None,
        is_month_first(lambda: _times(sheet, plan), f"{sheet.path}, column {heading!r}"),
    )
    raw: dict[str, Raw] = {}
    numbers, left_out = Numbers(sheet), array("q")
    wanted = (wishes.columns or {}).get(kind, ())
    for number, name, text, value in _records(sheet, kind, plan, numbers):
        if plan.ident is not None and wanted and name not in wanted:
            continue
        own = raw.setdefault(name, Raw())
        start = stamps.read(number, text, own.start[-1] if own.start else None)
        if start is None:
            if not math.isnan(value):
                raise DataError(
                    f"{sheet.path}, row {number}: {text!r} is left out by the clock in spring, but "
                    "has a value; if the file is on standard time all year, give --zone UTC+1 or "
                    "what it is, else empty the cell"
                )
            left_out.append(number)
            continue
        own.start.append(start)
        own.row.append(number)
        own.value.append(value)
    numbers.insist_on_one_meaning()
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
        if only and cells[place][-1:].isdigit() and not cells[place].endswith(only[1]):
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
