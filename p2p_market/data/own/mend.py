"""What is mended or refused in a series: times that stand twice, ends, values out of range."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Final

import numpy as np

from p2p_market.data.own.plan import Wishes
from p2p_market.data.own.units import RANGES, STORED, Kind, Unit
from p2p_market.errors import DataError
from p2p_market.records import FloatArray, IntArray

WIDTHS_S: Final = (60, 300, 900, 1800, 3600)
STANDBY: Final = 0.02  # of a roof's highest power, drawn by its inverter at night
SHOWN: Final = 5  # rows of a kind that are told
SMALL_PRICE: Final = 2.0  # EUR/MWh: where nearly all prices are below, the unit is not that


def once(
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
            f"values {value[place]:g} and {value[place + 1]:g}; keep one, or if these are two "
            "homes, call the column that names them 'meter'"
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


def widths_of(start: IntArray) -> IntArray:
    """How long each row lasts: to its nearer neighbour, an hour at most; files may change step."""
    away = np.diff(start)
    nearer = np.minimum(np.append(away, away[-1]), np.append(away[0], away))
    widths = np.array(WIDTHS_S)
    own: IntArray = widths[np.maximum(np.searchsorted(widths, nearer, side="right") - 1, 0)]
    return own


def looks_ending(start: IntArray, width: IntArray, zone: tzinfo | None) -> bool:
    """Whether the first stamp is one step after midnight, and the last is a midnight."""
    first, last = (datetime.fromtimestamp(int(start[end]), UTC) for end in (0, -1))
    if zone is not None:
        first, last = first.astimezone(zone), last.astimezone(zone)
    after = timedelta(hours=first.hour, minutes=first.minute, seconds=first.second)
    return after == timedelta(seconds=int(width[0])) and last.hour == last.minute == 0


def in_range(
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
    """Values in stored units, checked for what kind of series they are.

    Raises:
        DataError: if the unit cannot be right, or a value is out of range and not to be cut.
    """
    low, high = RANGES[kind]
    if kind in ("pv", "irradiance"):
        standby = (value < 0.0) & (value >= -STANDBY * np.nanmax(value))
        if standby.any():
            what = "PV" if kind == "pv" else kind
            told.append(f"{int(standby.sum())} values of {what} a little below zero, set to zero")
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
