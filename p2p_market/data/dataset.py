"""Load a data set: an archive of arrays beside a card with sources, labels and digests."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from p2p_market.errors import DataError
from p2p_market.records import BoolArray, Float32Array, FloatArray, IntArray, Record

FOLDER: Final = Path(__file__).resolve().parent
NAMES: Final = ("de2018",)


@dataclass(frozen=True, slots=True, eq=False)
class Donor(Record):
    """A load shape whose days members borrow."""

    name: str
    kind: str  # household, commercial or farm
    label: str  # measured or simulated
    year: int
    first_weekday: int  # of 1 January, 0 = Monday
    shape: Float32Array  # (day, quarter) on the donor's local clock, mean one over the year


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
    """A year of market data and load donors; quarter-hours at UTC+1 from 1 January."""

    name: str
    digest: str
    day_ahead_eur_per_kwh: FloatArray  # (quarter,), measured, hourly values held
    co2_g_per_kwh: FloatArray  # (quarter,), from measured generation
    solar_clearness: FloatArray  # (quarter,), measured national power over its envelope
    wind_fraction: FloatArray  # (quarter,), measured onshore power over its maximum
    summer_time: BoolArray  # (quarter,), the clock on the wall is an hour ahead
    donors: tuple[Donor, ...]
    building_names: tuple[str, ...]
    heat_kw: FloatArray  # (building, quarter of 2021), simulated
    hot_water_kw: FloatArray  # (building, quarter of 2021), simulated
    feeder: FeederData


@lru_cache(maxsize=4)
def load(name: str) -> DataSet:
    """A data set by name; read once per process.

    Raises:
        DataError: if the name is unknown or the files are damaged.
    """
    arrays = _arrays(name)
    return DataSet(
        name=name,
        digest=card(name)["digest"],
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
    )


def card(name: str) -> dict[str, Any]:
    """Sources, labels, licences and digests of a data set, as in its JSON file.

    Raises:
        DataError: if the name is unknown or the file is damaged.
    """
    if name not in NAMES:
        raise DataError(f"no data set {name!r}; known are: {', '.join(NAMES)}")
    path = FOLDER / f"{name}.json"
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error}); install the package again") from error
    return content


def verify(name: str) -> None:
    """Recompute every digest of a data set.

    Raises:
        DataError: naming the first array that differs from the card.
    """
    described, arrays = card(name)["arrays"], _arrays(name)
    for array in sorted({*described, *arrays}):
        if array not in arrays or array not in described:
            raise DataError(f"{name}: array {array!r} is not in both archive and card")
        if content_digest(array, arrays[array]) != described[array]["sha256"]:
            raise DataError(f"{name}: array {array!r} is damaged; install the package again")


def content_digest(name: str, array: NDArray[Any]) -> str:
    """SHA-256 over name, dtype, shape and bytes of an array."""
    digest = hashlib.sha256(f"{name} {array.dtype.str} {array.shape}".encode())
    digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _arrays(name: str) -> Mapping[str, NDArray[Any]]:
    card(name)
    path = FOLDER / f"{name}.npz"
    try:
        with np.load(path, allow_pickle=False) as archive:
            return dict(archive)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error}); install the package again") from error


def _donors(arrays: Mapping[str, NDArray[Any]]) -> tuple[Donor, ...]:
    donors = []
    kinds = {"measured": arrays["donor_measured_kind"].tolist()}
    for label, year, weekday in (("measured", 2016, 4), ("simulated", 2021, 4)):
        shapes, scales = arrays[f"donor_{label}_shape"], arrays[f"donor_{label}_scale"]
        names = arrays[f"donor_{label}_name"].tolist()
        for i, name in enumerate(names):
            shape = (shapes[i] * scales[i]).astype(np.float32)
            kind = kinds.get(label, ["household"] * len(names))[i]
            donors.append(Donor(name, kind, label, year, weekday, shape))
    return tuple(donors)


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
