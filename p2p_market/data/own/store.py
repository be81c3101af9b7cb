"""Import a table of market data into the user's cache, and find its columns again."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from p2p_market.data import sources
from p2p_market.data.own.columns import COLUMNS, DAY_AHEAD
from p2p_market.data.own.table import read_table
from p2p_market.data.own.year import year_of
from p2p_market.errors import DataError
from p2p_market.records import FloatArray

LABEL: Final = "user's"


@dataclass(frozen=True, slots=True)
class Imported:
    """What was kept of a table."""

    name: str  # for the key `prices` of a scenario
    path: Path
    filled: Mapping[str, int]  # column -> quarter-hours without a value
    cut: Mapping[str, int]  # column -> rows out of range
    left_out: tuple[str, ...]  # headings that mean nothing here


def import_markets(
    name: str, table: Path, folder: Path, utc_offset_h: float = 1.0, clip: bool = False
) -> Imported:
    """Read a table, and keep it in the cache as the price year `own:<name>`.

    Args:
        name: lower-case letters, digits and hyphens.
        table: CSV; its columns stand in `p2p_market.data.own.columns`.
        folder: the cache; created if it is missing.
        utc_offset_h: of the standard time whose midnights begin the days.
        clip: cut values that are out of range.

    Raises:
        DataError: if the name breaks this rule, or anything in the table is wrong.
    """
    check_name(name)
    if not -12.0 <= utc_offset_h <= 14.0 or utc_offset_h % 0.25:
        raise DataError(f"UTC{utc_offset_h:+g} is no clock; give hours from -12 to 14")
    read = read_table(table)
    year = year_of(read, utc_offset_h, clip)
    arrays = {_array(column): values for column, values in year.columns.items()}
    arrays[sources.PRICE_ARRAY] = arrays[sources.PRICE_ARRAY].astype(np.float32)
    digest = hashlib.sha256(table.read_bytes()).hexdigest()
    common = {
        "label": LABEL,
        "source": f"{table.name}, SHA-256 {digest}",
        "licence": "that of the user's file",
        "attribution": "the user",
        "done": f"at UTC{utc_offset_h:+g}, gaps of up to 3 h filled, days by weekday",
    }
    entries = {
        _array(column): {
            "unit": COLUMNS[column].unit,
            "axes": "hour" if column == DAY_AHEAD else "quarter",
            "filled_quarters": year.filled[column],
            "cut_rows": year.cut[column],
        }
        for column in year.columns
    }
    known = f"{sources.OWN}:{name}"
    contents = sources.Contents(sources.make_card(known, arrays, common, entries), arrays)
    path = sources.write_cached(folder, contents)
    return Imported(known, path, year.filled, year.cut, read.left_out)


def check_name(name: str) -> None:
    """Whether a set may be called so.

    Raises:
        DataError: if it may not.
    """
    if len(name) > 40 or re.fullmatch(sources.OWN_NAME, name) is None:
        raise DataError(
            f"{name!r} is no name; use up to 40 lower-case letters, digits and single hyphens"
        )


def own_columns(prices: str) -> Mapping[str, FloatArray]:
    """Columns beside day-ahead of an imported price year, (quarter,); none of any other.

    Raises:
        DataError: if it was never imported, or is damaged.
    """
    if not sources.is_own(prices):
        return {}
    arrays = sources.read_cached(prices, sources.cache_folder()).arrays
    return {
        name.removeprefix(sources.MARKET_PREFIX): values
        for name, values in arrays.items()
        if name.startswith(sources.MARKET_PREFIX)
    }


def _array(column: str) -> str:
    return sources.PRICE_ARRAY if column == DAY_AHEAD else f"{sources.MARKET_PREFIX}{column}"
