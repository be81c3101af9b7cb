"""Series of a user's file: times at UTC, in order, each once, with values in stored units."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Final

import numpy as np

from p2p_market.data.own.cells import open_sheet
from p2p_market.data.own.mend import in_range, looks_ending, once, widths_of
from p2p_market.data.own.plan import Plan, Wishes, plan_of
from p2p_market.data.own.raw import Raw, read_raw
from p2p_market.data.own.stamps import zone_of
from p2p_market.data.own.units import Kind
from p2p_market.errors import DataError
from p2p_market.records import FloatArray, IntArray

QUARTER_S: Final = 900
MOST_COLUMNS: Final = 500


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
    raw = read_raw(sheet, kind, plan, wishes, told)
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


def _series(
    path: Path,
    kind: Kind,
    name: str,
    raw: Raw,
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
    start, row, value = once(path, where, start, row, value, told)
    known = ~np.isnan(value)
    if len(start) < 2:
        raise DataError(f"{where}: a single time; it needs a series")
    width = widths_of(start)
    ending = plan.ending
    if ending is None and (ending := looks_ending(start, width, zone)):
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
    value = in_range(path, kind, name, unit, row, value * unit.factor, width, wishes, told)
    return Series(name, start, width, value, row)
