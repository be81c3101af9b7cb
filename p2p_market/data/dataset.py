"""Load a data set: an archive of arrays beside a card with sources, labels and digests."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from p2p_market.data import sources
from p2p_market.data.sources import content_digest
from p2p_market.errors import DataError
from p2p_market.records import BoolArray, Float32Array, FloatArray, IntArray, Record


@dataclass(frozen=True, slots=True, eq=False)
class Donor(Record):
    """A load shape whose days members borrow."""

    name: str
    kind: str  # household, commercial or farm
    label: str  # measured, simulated, synthetic or user's
    year: int
    first_weekday: int  # of 1 January, 0 = Monday
    shape: Float32Array  # (day, quarter) on the donor's local clock, mean one over the year
    mean_kw: float = 0.0  # of an imported load: what a member that names its column has


@dataclass(frozen=True, slots=True, eq=False)
class Roof(Record):
    """PV as the user measured it."""

    name: str
    power_kw: Float32Array  # (quarter,)


@dataclass(frozen=True, slots=True, eq=False)
class FeederData(Record):
    """A radial low-voltage feeder; node 0 is the transformer's low-voltage side."""

    parent: IntArray  # (node,), -1 for node 0
    length_km: FloatArray  # (node,), of the line to the parent
    r_ohm: FloatArray  # (node,)
    x_ohm: FloatArray  # (node,)
    current_limit_a: FloatArray  # (node,)
    distance_km: FloatArray  # (node,), along the lines to the transformer
    load_node: IntArray  # (connection point,), node of each
    transformer_kva: float


@dataclass(frozen=True, slots=True, eq=False)
class DataSet(Record):
    """A year of market data and load donors; quarter-hours of standard time from 1 January.

    All sets use the calendar of 2018. Labels, sources and licences are on the card.
    """

    name: str
    digest: str
    utc_offset_h: float  # of the grid: 1 in Germany
    day_ahead_eur_per_kwh: FloatArray  # (quarter,), hourly values held
    co2_g_per_kwh: FloatArray  # (quarter,)
    solar_clearness: FloatArray  # (quarter,), power of many roofs over its envelope
    wind_fraction: FloatArray  # (quarter,), onshore power over its maximum
    summer_time: BoolArray  # (quarter,), the clock on the wall is an hour ahead
    donors: tuple[Donor, ...]
    building_names: tuple[str, ...]
    heat_kw: FloatArray  # (building, quarter of 2021), simulated
    hot_water_kw: FloatArray  # (building, quarter of 2021), simulated
    feeder: FeederData
    roofs: tuple[Roof, ...] = ()  # of an imported set


def load(name: str) -> DataSet:
    """A data set by name; read once per process, and again when it was imported again.

    Args:
        name: `de2018`, `synthetic:<seed>`, `ca2017`, a price year like `nl2022`, or a set with
            the prices of another year, `de2018+nl2022`, or `own:<name>`, imported by the user;
            see `p2p_market.data.sources`.

    Raises:
        DataError: if the name is unknown, not fetched yet, or the files are damaged.
    """
    return _loaded(name, sources.stored_digest(name))


@lru_cache(maxsize=4)
def _loaded(name: str, stored_digest: str) -> DataSet:
    """A data set, as long as the cache holds it with this digest."""
    arrays = _arrays(name)
    return DataSet(
        name=name,
        digest=card(name)["digest"],
        utc_offset_h=float(arrays.get("utc_offset_h", 1.0)),
        day_ahead_eur_per_kwh=np.repeat(arrays["day_ahead_eur_per_mwh"].astype(np.float64), 4)
        / 1000.0,
        co2_g_per_kwh=arrays["co2_g_per_kwh"].astype(np.float64),
        solar_clearness=arrays["solar_clearness"].astype(np.float64),
        wind_fraction=arrays["wind_fraction"].astype(np.float64),
        summer_time=arrays["summer_time"],
        donors=_donors(arrays),
        building_names=tuple(arrays["building_name"].tolist()),
        heat_kw=arrays["heat_w"] / 1000.0,
        hot_water_kw=arrays["hot_water_w"] / 1000.0,
        feeder=_feeder(arrays),
        roofs=_roofs(arrays),
    )


def card(name: str) -> dict[str, Any]:
    """Sources, labels, licences and digests of a data set.

    Raises:
        DataError: if the name is unknown, not fetched yet, or its file damaged.
    """
    return sources.read_card(name)


def verify(name: str) -> None:
    """Recompute every digest of a data set.

    Raises:
        DataError: naming the first array that differs from the card.
    """
    compare_digests(name, card(name)["arrays"], _arrays(name))


def compare_digests(
    name: str, described: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> None:
    """Compare arrays with what the card of their set says.

    Raises:
        DataError: naming the first array that differs from the card.
    """
    for array in sorted({*described, *arrays}):
        if array not in arrays or array not in described:
            raise DataError(f"{name}: array {array!r} is not in both archive and card")
        if content_digest(array, arrays[array]) != described[array]["sha256"]:
            raise DataError(f"{name}: array {array!r} is damaged; install the package again")


def _arrays(name: str) -> Mapping[str, NDArray[Any]]:
    return sources.read_arrays(name)


_CALENDARS: Final = {"measured": (2016, 4), "simulated": (2021, 4)}
"""Year of the embedded donors and weekday of its 1 January; other sets say it themselves."""


def _donors(arrays: Mapping[str, NDArray[Any]]) -> tuple[Donor, ...]:
    donors = []
    for label in ("measured", "simulated", "synthetic"):
        if f"donor_{label}_name" not in arrays:
            continue
        shapes, scales = arrays[f"donor_{label}_shape"], arrays[f"donor_{label}_scale"]
        names = arrays[f"donor_{label}_name"].tolist()
        known_kinds = arrays.get(f"donor_{label}_kind")
        kinds = known_kinds.tolist() if known_kinds is not None else ["household"] * len(names)
        year, weekday = arrays.get(f"donor_{label}_year", _CALENDARS.get(label, (2018, 0)))
        for i, name in enumerate(names):
            shape = (shapes[i] * scales[i]).astype(np.float32)
            donors.append(Donor(name, kinds[i], label, int(year), int(weekday), shape))
    return (*donors, *_own_donors(arrays))


def _own_donors(arrays: Mapping[str, NDArray[Any]]) -> Iterator[Donor]:
    """Imported loads; they lie on the calendar of 2018 already."""
    if sources.OWN_LOADS not in arrays:
        return
    for name, load_kw in zip(
        arrays["user_load_name"].tolist(), arrays[sources.OWN_LOADS], strict=True
    ):
        mean_kw = float(load_kw.mean(dtype=np.float64))
        shape = (load_kw / mean_kw).astype(np.float32)
        yield Donor(name, "household", "user's", 2018, 0, shape, mean_kw)


def _roofs(arrays: Mapping[str, NDArray[Any]]) -> tuple[Roof, ...]:
    if "user_pv_kw" not in arrays:
        return ()
    pairs = zip(arrays["user_pv_name"].tolist(), arrays["user_pv_kw"], strict=True)
    return tuple(Roof(name, power_kw) for name, power_kw in pairs)


def _feeder(arrays: Mapping[str, NDArray[Any]]) -> FeederData:
    parent = arrays["feeder_parent"].astype(np.int64)
    length_km = arrays["feeder_length_km"]
    distance_km = np.zeros(len(parent))
    for node in range(1, len(parent)):  # parents stand before their children
        distance_km[node] = distance_km[parent[node]] + length_km[node]
    return FeederData(
        parent=parent,
        length_km=length_km,
        r_ohm=arrays["feeder_r_ohm"],
        x_ohm=arrays["feeder_x_ohm"],
        current_limit_a=arrays["feeder_current_limit_a"],
        distance_km=distance_km,
        load_node=arrays["feeder_load_node"].astype(np.int64),
        transformer_kva=float(arrays["feeder_transformer_kva"]),
    )
