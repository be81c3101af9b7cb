"""Import loads, prices, CO2, PV and weather of a user's own community into the cache."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta, timezone, tzinfo
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from p2p_market.data import sources
from p2p_market.data.calendar import clearness_of
from p2p_market.data.own.days import Days, days_of, places, summer_of, year_of_days
from p2p_market.data.own.plan import Wishes
from p2p_market.data.own.series import SeriesFile, read_series
from p2p_market.data.own.stamps import standard_offset, zone_of
from p2p_market.data.own.store import LABEL, check_name
from p2p_market.data.own.units import EVERY, STORED, Kind
from p2p_market.data.own.weather import ARRAYS, weather_arrays
from p2p_market.errors import DataError

HOURS_PER_YEAR: Final = 8760.0
SHOWN_GAPS: Final = 20
LIKELY_KWH: Final = (300.0, 40_000.0)
"""A year of a household; a load outside is told, for its unit may be wrong."""
SINGLE: Final[tuple[Kind, ...]] = (
    "price", "co2", "temperature", "wind", "irradiance", "flow",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ImportedColumn:
    """What became of one column."""

    kind: Kind
    name: str
    first: date
    last: date
    filled_h: float  # of gaps up to 3 h
    left_out: tuple[date, ...]  # days with longer ones
    size: str  # yearly energy or mean


@dataclass(frozen=True, slots=True)
class ImportedCommunity:
    """What was kept of a user's files."""

    name: str  # for the key `data` of a scenario
    path: Path
    columns: tuple[ImportedColumn, ...]
    told: tuple[str, ...]


def import_community(
    name: str, files: Mapping[Kind, Sequence[Path]], folder: Path, wishes: Wishes | None = None
) -> ImportedCommunity:
    """Read a community's files, and keep them in the cache as the data set `own:<name>`.

    Args:
        name: lower-case letters, digits and hyphens.
        files: of loads, PV, day-ahead prices, CO2 and weather; whatever is left out is that of
            `de2018`.
        folder: the cache; created if it is missing.
        wishes: what the files do not say themselves.

    Raises:
        DataError: if the name is none, or anything of a file is wrong or cannot be told.
    """
    check_name(name)
    wishes = wishes or Wishes()
    read = [read_series(path, kind, wishes) for kind in EVERY for path in files.get(kind, ())]
    if not read:
        raise DataError("no file; give at least one of --load, --pv, --price, --co2, --weather")
    zone = _zone(read, wishes)
    told = [f"{own.path.name}: {text}" for own in read for text in own.told]
    days = _days(read, zone, told)
    arrays = _arrays(days, zone, told)
    path = sources.write_cached(folder, sources.Contents(_card(name, read, days, arrays), arrays))
    columns = tuple(_column(kind, own) for kind in EVERY for own in days[kind])
    told += [
        f"{own.kind} {own.name}: {own.size}; is its unit right?"
        for own, series in zip(columns, (d for kind in EVERY for d in days[kind]), strict=True)
        if own.kind == "load" and not LIKELY_KWH[0] <= _annual_kwh(series) <= LIKELY_KWH[1]
    ]
    return ImportedCommunity(f"{sources.OWN}:{name}", path, columns, tuple(told))


def _zone(read: Sequence[SeriesFile], wishes: Wishes) -> tzinfo:
    """The zone whose midnights begin the days: as wished, or that of the first layout with one."""
    known = [wishes.zone, *(own.zone for own in read)]
    if (name := next((own for own in known if own), None)) is None:
        raise DataError(
            f"{read[0].path}: in which time zone do its days begin? give it, for example with "
            "--zone Europe/Berlin"
        )
    return zone_of(name)


def _days(
    read: Sequence[SeriesFile], zone: tzinfo, told: list[str]
) -> dict[Kind, tuple[Days, ...]]:
    """All series on whole days: loads by the clock on the wall, the others by standard time."""
    year = _year_of(read[0])
    standard = timezone(standard_offset(zone, year))
    found: dict[Kind, tuple[Days, ...]] = {}
    for kind in EVERY:
        clock = zone if kind == "load" else standard
        found[kind] = tuple(
            days_of(series, clock) for own in read if own.kind == kind for series in own.series
        )
        names = [own.name for own in found[kind]]
        if kind in SINGLE and len(names) > 1:
            raise DataError(f"{len(names)} series of {kind}; give one file with one column")
        if twice := sorted({one for one in names if names.count(one) > 1}):
            raise DataError(f"two columns of {kind} are called {twice[0]!r}; rename one")
        told += _gaps(kind, found[kind])
    common = _common([own for kind in EVERY for own in found[kind]], found["load"])
    cut = {kind: tuple(_cut(own, common) for own in found[kind]) for kind in EVERY}
    spans = {(own.first, own.last) for kind in EVERY for own in cut[kind]}
    if len(spans) > 1:
        told.append(
            "series of different dates are put on one calendar by weekday: what happened on the "
            "same day no longer stands on the same day"
        )
    return cut


def _gaps(kind: Kind, days: Sequence[Days]) -> list[str]:
    """Every gap once, with the columns that have it."""
    columns: dict[str, list[str]] = {}
    for own in days:
        for text in own.gaps:
            columns.setdefault(text, []).append(own.name)
    lines = [f"{kind} {_names(names)}: {text}" for text, names in columns.items()]
    more = [f"and {len(lines) - SHOWN_GAPS} more gaps"] if len(lines) > SHOWN_GAPS else []
    return [*lines[:SHOWN_GAPS], *more]


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _year_of(own: SeriesFile) -> int:
    return date.fromtimestamp(0).year + int(own.series[0].start[0] // (365.2425 * 86400))


def _common(every: Sequence[Days], loads: Sequence[Days]) -> tuple[date, date]:
    """The last year that all loads, or else all series, have in common; or what they have of it."""
    group = loads or every
    first, last = max(own.first for own in group), min(own.last for own in group)
    if all(own.first <= first and own.last >= last for own in every) and last >= first:
        pass
    elif loads:  # prices may begin later than loads, and still share a year with them
        later = max(own.first for own in every), min(own.last for own in every)
        if (later[1] - later[0]).days + 1 >= 365:
            first, last = later
    if (last - first).days + 1 > 366:
        first = last - timedelta(days=364)
    return first, last


def _cut(own: Days, common: tuple[date, date]) -> Days:
    """The common days where a series has them all, else its own last year."""
    if own.first <= common[0] and own.last >= common[1] and _is_enough(common):
        return own.cut(*common)
    if len(own.value) > 366:
        return own.cut(own.last - timedelta(days=364), own.last)
    return own


def _is_enough(span: tuple[date, date]) -> bool:
    return (span[1] - span[0]).days + 1 >= 112


def _arrays(
    days: Mapping[Kind, Sequence[Days]], zone: tzinfo, told: list[str]
) -> dict[str, NDArray[Any]]:
    """What is stored, on the calendar of 2018."""
    arrays: dict[str, NDArray[Any]] = {}
    every = [own for kind in EVERY for own in days[kind]]
    standard = standard_offset(zone, every[0].first.year)
    summer = summer_of(every[0].first, len(every[0].value), zone, standard)
    arrays["summer_time"] = summer[places(every[0].first, len(summer))].ravel()
    arrays["utc_offset_h"] = np.array(standard / timedelta(hours=1))
    years = {kind: [year_of_days(own) for own in days[kind]] for kind in EVERY}
    stored: tuple[tuple[Kind, str], ...] = (("load", sources.OWN_LOADS), ("pv", "user_pv_kw"))
    for kind, array in stored:
        if years[kind]:
            arrays[array] = np.stack(years[kind]).astype(np.float32)
            arrays[f"user_{kind}_name"] = np.array([own.name for own in days[kind]])
            _check_not_zero(kind, days[kind], arrays[array])
    if years["pv"]:
        arrays["user_pv_kw"] = arrays["user_pv_kw"].reshape(len(years["pv"]), -1)
        shares = [power / power.max() for power in years["pv"]]
        clear = clearness_of(np.mean(shares, axis=0))
        arrays["solar_clearness"] = np.round(clear, 4).astype(np.float32).ravel()
    for price in years["price"]:
        hourly = price.reshape(-1, 4).mean(axis=1)
        arrays[sources.PRICE_ARRAY] = np.round(hourly, 2).astype(np.float32)
    for co2 in years["co2"]:
        arrays["co2_g_per_kwh"] = np.round(co2.ravel(), 1).astype(np.float32)
    arrays |= weather_arrays(years, [own.name for own in days["heat"]], bool(days["pv"]))
    for own in {(own.first, len(own.value)): own for own in every}.values():
        if len(own.value) < 365:
            cycles = len(own.value) // 28
            told.append(
                f"{len(own.value)} days from {own.first} on are {cycles} cycles of 28 days, less "
                f"than a year: they are repeated, so 13 test weeks are {cycles} different ones"
            )
    return arrays


def _check_not_zero(kind: Kind, days: Sequence[Days], power_kw: NDArray[Any]) -> None:
    for own, column in zip(days, power_kw, strict=True):
        if not column.max() > 0.0:
            raise DataError(f"column {own.name!r} of {kind} is zero all year; leave it out")


def _card(
    name: str,
    read: Sequence[SeriesFile],
    days: Mapping[Kind, Sequence[Days]],
    arrays: Mapping[str, NDArray[Any]],
) -> sources.Card:
    """Label, files and digests; what the arrays hold is nowhere but in the arrays."""
    digests = {
        kind: ", ".join(
            f"{own.path.name}, SHA-256 {hashlib.sha256(own.path.read_bytes()).hexdigest()}"
            for own in read
            if own.kind == kind
        )
        for kind in EVERY
    }
    common = {
        "label": LABEL,
        "source": "; ".join(text for text in digests.values() if text),
        "licence": "that of the user's files",
        "attribution": "the user",
        "done": "gaps of up to 3 h interpolated, days with longer ones from 28 days away",
    }
    kinds: dict[str, Kind] = {
        sources.OWN_LOADS: "load",
        "user_load_name": "load",
        "user_pv_kw": "pv",
        "user_pv_name": "pv",
        "solar_clearness": "pv",
        sources.PRICE_ARRAY: "price",
        "co2_g_per_kwh": "co2",
        **ARRAYS,
    }
    if not days["pv"]:
        kinds["solar_clearness"] = "irradiance"
    entries: dict[str, dict[str, Any]] = {}
    for array, kind in kinds.items():
        if array in arrays and days[kind]:
            entries[array] = {
                "unit": STORED[kind],
                "source": digests[kind],
                "from": str(min(own.first for own in days[kind])),
                "to": str(max(own.last for own in days[kind])),
                "filled_quarters": sum(own.filled for own in days[kind]),
                "days_left_out": sum(len(own.left_out) for own in days[kind]),
            }
    return sources.make_card(f"{sources.OWN}:{name}", arrays, common, entries)


def _annual_kwh(own: Days) -> float:
    return float(np.nanmean(own.value)) * HOURS_PER_YEAR


def _column(kind: Kind, own: Days) -> ImportedColumn:
    mean = float(np.nanmean(own.value))
    if kind in ("load", "pv"):
        peak = float(np.nanmax(own.value))
        size = f"{_annual_kwh(own):.0f} kWh a year, at most {peak:.3g} kW"
    else:
        size = f"mean {mean:.4g} {STORED[kind]}"
    filled_h = own.filled / 4.0
    return ImportedColumn(kind, own.name, own.first, own.last, filled_h, own.left_out, size)
