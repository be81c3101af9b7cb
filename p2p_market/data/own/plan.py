"""How one file is read: which columns are times, homes and values, and what is known of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from p2p_market.data.own.cells import EMPTY, Sheet, looks_like_a_number
from p2p_market.data.own.layouts import (
    CLOCKS,
    DATES,
    ENDS,
    IDENTS,
    STARTS,
    Layout,
    layout_of,
    plain,
)
from p2p_market.data.own.stamps import EXAMPLE, excel, is_stamp, zone_in
from p2p_market.data.own.units import (
    KINDS,
    WEATHER,
    Kind,
    Unit,
    named,
    unit_of,
    without_unit,
)
from p2p_market.errors import DataError

LOOKED_AT: Final = 200
"""Rows in which a column must have a number to count as one of values."""


EXAMPLE_UNITS: Final[Mapping[Kind, str]] = {
    "load": "kWh",
    "pv": "kWh",
    "price": "EUR/MWh",
    "co2": "g/kWh",
}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user said of the files, beside their names."""

    zone: str | None = None
    stamps: str | None = None  # start or end
    units: Mapping[Kind, str] | None = None
    columns: Mapping[Kind, tuple[str, ...]] | None = None
    clip: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """How a file is read."""

    layout: Layout | None
    time: tuple[int, ...]  # places of one column, or of date and time of day
    ending: bool | None  # None: told by the stamps themselves
    stamps: str | None  # zone of the stamps
    zone: str | None  # of the days
    ident: int | None
    values: Mapping[str, tuple[int, ...]]  # name -> places to be added up
    units: Mapping[str, Unit]
    left_out: tuple[str, ...]  # headings that mean nothing here


def plan_of(sheet: Sheet, kind: Kind, wishes: Wishes) -> Plan:
    """Find out how a file is read.

    Raises:
        DataError: if times, values or units cannot be told.
    """
    layout = layout_of(sheet.header)
    time, ending, zone = _time(sheet, layout)
    ident = _place(sheet, layout.ident) if layout and layout.ident else _ident(sheet, layout, time)
    values = _values(sheet, kind, layout, wishes, {*time, *([] if ident is None else [ident])})
    headings = {name: sheet.header[places[0]] for name, places in values.items()}
    units = {name: _unit(sheet, kind, layout, wishes, one) for name, one in headings.items()}
    used = {*time, ident, *(place for places in values.values() for place in places)}
    if layout:
        used |= {_place(sheet, mark) for mark in layout.marks}
    return Plan(
        layout=layout,
        time=time,
        ending={"start": False, "end": True}.get(wishes.stamps or "", ending),
        stamps=(layout.stamps if layout else None) or zone or wishes.zone,
        zone=wishes.zone or (layout.zone if layout else None),
        ident=ident,
        values=values,
        units=units,
        left_out=tuple(h for place, h in enumerate(sheet.header) if place not in used and h),
    )


def _place(sheet: Sheet, heading: str) -> int:
    return [plain(own) for own in sheet.header].index(plain(heading))


def _time(sheet: Sheet, layout: Layout | None) -> tuple[tuple[int, ...], bool | None, str | None]:
    """Places of the times, whether they are ends, and the zone that their heading says."""
    if layout:
        return tuple(_place(sheet, heading) for heading in layout.time), layout.ending, None
    there = [plain(own) for own in sheet.header]
    dates = [place for place, own in enumerate(there) if own in DATES]
    clocks = [place for place, own in enumerate(there) if own in CLOCKS]
    if dates and clocks:
        return (dates[0], clocks[0]), None, None
    for words, ending in ((STARTS, None), (DATES, None), (ENDS, True)):
        for place, own in enumerate(there):
            if own in words or own.partition(" ")[0] in words:
                return (place,), ending, zone_in(own)
    _, first = next(sheet.rows(), (0, []))
    for place, cell in enumerate(first):
        if is_stamp(cell):
            return (place,), None, None
    hint = next(filter(None, map(excel, (*sheet.header, *first))), "")
    raise DataError(
        f"{sheet.path}: no column of times among {', '.join(map(repr, sheet.header))}; write them "
        f"like {EXAMPLE}{hint}"
    )


def _ident(sheet: Sheet, layout: Layout | None, time: tuple[int, ...]) -> int | None:
    if layout:
        return None
    found = [p for p, own in enumerate(sheet.header) if plain(own) in IDENTS and p not in time]
    return found[0] if found else None


def _values(
    sheet: Sheet, kind: Kind, layout: Layout | None, wishes: Wishes, taken: set[int]
) -> dict[str, tuple[int, ...]]:
    """Columns of values by name; a layout may say which are added up."""
    if kind in WEATHER:
        return weather_columns(sheet, kind)
    wanted = (wishes.columns or {}).get(kind, ())
    there = [plain(own) for own in sheet.header]
    if layout and layout.name == "Ausgrid":
        return {"": tuple(p for p, own in enumerate(sheet.header) if ":" in own)}
    if layout and kind in layout.sums:
        places = tuple(there.index(plain(own)) for own in layout.sums[kind] if plain(own) in there)
        if places:
            return {"" if layout.ident else sheet.path.stem: places}
    if layout and layout.ident:
        raise DataError(f"{sheet.path}: the layout {layout.name} has no {kind}")
    candidates = [place for place in _with_numbers(sheet, kind) if place not in taken]
    ident = any(plain(sheet.header[place]) in IDENTS for place in taken)
    one = kind in ("price", "co2") or ident
    if one and wanted and not ident:
        candidates = [p for p in candidates if any(_is(w, sheet.header[p]) for w in wanted)]
    if one and len(candidates) > 1:
        said = [p for p in candidates if unit_of(kind, sheet.header[p])]
        candidates = said if len(said) == 1 else candidates
    if not candidates or (one and len(candidates) > 1):
        _check_cells(sheet, kind, taken)
        known = ", ".join(repr(sheet.header[place]) for place in candidates) or "none"
        raise DataError(
            f"{sheet.path}: {len(candidates)} columns of {kind} ({known}); it needs "
            f"{'one: choose it with --column ' + kind + '=HEADING' if one else 'some'}"
        )
    if one:
        return {"" if ident else kind: (candidates[0],)}
    names = {place: name_of(without_unit(sheet.header[place]), kind) for place in candidates}
    if len(candidates) == 1 and names[candidates[0]] in (*KINDS, "", "power", "energy", "value"):
        names[candidates[0]] = name_of(sheet.path.stem, kind)
    chosen = {
        p: n for p, n in names.items() if not wanted or n in wanted or sheet.header[p] in wanted
    }
    if len({*chosen.values()}) != len(chosen) or not chosen:
        raise DataError(
            f"{sheet.path}: columns {', '.join(map(repr, names.values()))}; each needs a name of "
            "its own, and --column one of them"
        )
    return {name: (place,) for place, name in chosen.items()}


def weather_columns(sheet: Sheet, kind: Kind) -> dict[str, tuple[int, ...]]:
    """Columns of a file of weather that hold a kind of series, by name; of heat, by building."""
    heading = WEATHER[kind]
    if kind == "heat":
        return {
            each[len(heading) :]: (place,)
            for place, each in enumerate(sheet.header)
            if each.startswith(heading) and each != heading
        }
    return {kind: (sheet.header.index(heading),)} if heading in sheet.header else {}


def _check_cells(sheet: Sheet, kind: Kind, taken: set[int]) -> None:
    """Name the column whose cells hold more than a number, if there is one."""
    number, cells = next(sheet.rows(), (0, []))
    for place, cell in enumerate(cells):
        if place not in taken and cell[:1].isdigit() and not looks_like_a_number(cell):
            raise DataError(
                f"{sheet.path}, row {number}, column {sheet.header[place]!r}: {cell!r} is more "
                "than a number; leave the number alone in its cell, and write the unit into the "
                f"heading, like '{kind} [{EXAMPLE_UNITS[kind]}]'"
            )


def name_of(text: str, kind: str) -> str:
    """The name of a home or roof: a number gets `home-` before it, so that YAML reads a text."""
    text = text.strip()
    return f"home-{text}" if text.replace(".", "", 1).isdigit() else text


def _is(wanted: str, heading: str) -> bool:
    return plain(wanted) in plain(heading)


def _with_numbers(sheet: Sheet, kind: Kind) -> list[int]:
    """Places of columns in which the first cells that are not empty are numbers."""
    found: dict[int, bool] = {}
    for _, cells in islice(sheet.rows(), LOOKED_AT):
        for place, cell in enumerate(cells):
            if cell.lower() not in EMPTY:
                found.setdefault(place, looks_like_a_number(cell))
    return [place for place, number in sorted(found.items()) if number]


def _unit(sheet: Sheet, kind: Kind, layout: Layout | None, wishes: Wishes, heading: str) -> Unit:
    told = unit_of(kind, heading)
    if layout and kind in layout.units:
        told = named(kind, layout.units[kind])
    wished = (wishes.units or {}).get(kind)
    asked = named(kind, wished) if wished else None
    if told and asked and told != asked:
        raise DataError(
            f"{sheet.path}, column {heading!r}: the heading says {told.name}, --unit says "
            f"{asked.name}; correct one of them"
        )
    if not (unit := told or asked):
        example = EXAMPLE_UNITS[kind]
        raise DataError(
            f"{sheet.path}, column {heading!r} does not say its unit; write it into the heading, "
            f"like '{kind} [{example}]', or give it: --unit {kind}={example}"
        )
    return unit
