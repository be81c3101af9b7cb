"""The reference table: both ends of the scale for every test episode of the shipped scenarios.

For each scenario `reference/<id>.json` holds costs, bounds and digests, `reference/<id>.npz` the
optimum's schedules and prices in units of 1e-8 kW and EUR/kWh. Scoring reads them and needs no
solver, and trusts none of it: a schedule is played, and bounded by its prices, each time.
"""

import hashlib
import io
import json
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from p2p_market.evaluation.ends.plan_store import DAMAGES, split
from p2p_market.files import write_bytes, write_text
from p2p_market.records import FloatArray
from p2p_market.track import AnyEpisode, AnyScenario, EpisodeKey, Plan, Series
from p2p_market.tracks import extra, folder_beside, track_of

SPLIT: Final = "test"
SEED: Final = 0  # of the episodes in the table, and of a benchmark by default
FOLDER: Final = Path(__file__).resolve().parents[2] / "reference"
SCHEMA: Final = "p2p_market/reference/1"
PER_UNIT: Final = 1e8  # stored numbers per kW and per EUR/kWh


@dataclass(frozen=True, slots=True)
class Entry:
    """Both ends of one episode."""

    split: str
    start_day: int
    seed: int
    episode: str  # digest of scenario and series
    rule_eur: float  # social cost of the no-trade rule
    rule_digest: str  # of its trajectory
    plan_eur: float  # cost of the optimum's schedule, by its solver
    bound_eur: float  # no schedule costs less
    second_solver_eur: float | None  # what another solver says of the bound; None: mixed-integer
    replay_eur: float  # cost of the schedule in the engine
    optimum_digest: str  # of its trajectory
    tolerance_eur: float
    holds: bool  # the certificate
    individual_eur: tuple[float, ...]  # each member's own optimum with the grid alone
    solver: str

    @property
    def key(self) -> EpisodeKey:
        """What the episode is drawn from."""
        return EpisodeKey(self.split, self.start_day, self.seed)


def folder_of(scenario: AnyScenario) -> Path:
    """Where its table is: here, or beside the track of another package."""
    return folder_beside(scenario.spec.track, "reference") or FOLDER


def reference_keys(scenario: AnyScenario) -> tuple[EpisodeKey, ...]:
    """The episodes of the table, in its order."""
    units = track_of(scenario).keys(scenario, SPLIT, SEED)
    return tuple(key for unit in units for key in unit)


def rounded(scenario: AnyScenario, episode: AnyEpisode, plan: Plan) -> Plan:
    """The plan of an episode (a batch of one) as the table holds it."""
    prices = None if plan.prices is None else _rounded(plan.prices)
    stored = _packed(scenario, episode, plan)
    schedule = _unpacked(scenario, episode, _rounded(stored.schedule))
    return replace(plan, schedule=schedule, prices=prices)


def _packed(scenario: AnyScenario, episode: AnyEpisode, plan: Plan) -> Plan:
    """The plan without series that follow from the others."""
    pack = extra(scenario, "pack")
    packed: Plan = plan if pack is None else pack(scenario, episode, plan)
    return packed


def _unpacked(scenario: AnyScenario, episode: AnyEpisode, schedule: Series) -> Series:
    unpack = extra(scenario, "unpack")
    unpacked: Series = schedule if unpack is None else unpack(scenario, episode, schedule)
    return unpacked


def _twin(scenario: AnyScenario) -> AnyScenario:
    """The scenario under whose id its optima are published."""
    find = extra(scenario, "twin")
    twin: AnyScenario = scenario if find is None else find(scenario)
    return twin


def _rounded(series: Series) -> Series:
    return {name: _from_units(_in_units(values)) for name, values in series.items()}


def _in_units(values: FloatArray) -> NDArray[np.int64]:
    return np.round(values * PER_UNIT).astype(np.int64)


def _from_units(units: NDArray[np.int64]) -> FloatArray:
    return np.asarray(units / PER_UNIT)


def published(
    scenario: AnyScenario, episode: AnyEpisode, folder: Path | None = None
) -> Plan | None:
    """The optimum of an episode out of the table; None if it is not there.

    A scenario that differs from a shipped one only in labels and mechanism has the same optima.

    Args:
        episode: a batch of one.
    """
    (key,), scenario = episode.keys, _twin(scenario)
    folder = folder or folder_of(scenario)
    track = track_of(scenario)
    for number, entry in enumerate(entries(scenario, folder)):
        if entry.key == key and entry.episode == track.digest(scenario, episode):
            return plan_of(scenario, episode, entry, number, folder)
    return None


def entries(scenario: AnyScenario, folder: Path | None = None) -> tuple[Entry, ...]:
    """The table of a scenario; empty if there is none, or it is of another version."""
    scenario = _twin(scenario)
    table = _table((folder or folder_of(scenario)) / f"{scenario.spec.id}.json")
    if table is None or table["scenario"] != scenario.digest:
        return ()
    return tuple(
        Entry(**entry | {"individual_eur": tuple(entry["individual_eur"])})
        for entry in table["episodes"]
    )


@lru_cache(maxsize=16)
def _table(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    table: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return table if table["schema"] == SCHEMA else None


@lru_cache(maxsize=2)
def _arrays(path: Path) -> dict[str, NDArray[np.int64]]:
    """All arrays of an archive, (episode, ...); empty if it is damaged."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except DAMAGES:
        return {}


def plan_of(
    scenario: AnyScenario, episode: AnyEpisode, entry: Entry, number: int, folder: Path
) -> Plan | None:
    """Schedule and prices of an entry; None if the archive is missing or damaged.

    Args:
        episode: of the entry, a batch of one.
        number: place of the entry in its table.
    """
    path = folder / f"{scenario.spec.id}.npz"
    stored = _arrays(path)
    if not stored:
        return None
    found = {name: _from_units(values[number]) for name, values in stored.items()}
    schedule, prices = split(scenario, found)
    return Plan(
        schedule=_unpacked(scenario, episode, schedule),
        prices=prices,
        objective_eur=entry.plan_eur,
        bound_eur=entry.bound_eur,
        solver=entry.solver,
    )


def write_table(
    scenario: AnyScenario,
    rows: list[tuple[Entry, Plan]],
    versions: dict[str, str],
    folder: Path | None = None,
) -> Path:
    """Write the table of a scenario, completely or not at all; returns the path of the JSON.

    Args:
        rows: in the order of the weeks; plans as `rounded` gives them.
        versions: of the packages that made it.
    """
    folder = folder or folder_of(scenario)
    keys = (entry.key for entry, _ in rows)
    single = [track_of(scenario).draw(scenario, key) for key in keys]
    plans = [_packed(scenario, one, plan) for one, (_, plan) in zip(single, rows, strict=True)]
    series = [{**plan.schedule, **(plan.prices or {})} for plan in plans]
    arrays = {name: np.stack([_in_units(one[name]) for one in series]) for name in series[0]}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    table = {
        "schema": SCHEMA,
        "scenario": _twin(scenario).digest,
        "data": scenario.data.digest,
        "versions": versions,
        "archive": hashlib.sha256(buffer.getvalue()).hexdigest(),
        "episodes": [asdict(entry) for entry, _ in rows],
    }
    write_bytes(folder / f"{scenario.spec.id}.npz", buffer.getvalue())
    path = folder / f"{scenario.spec.id}.json"
    write_text(path, json.dumps(table, indent=1, allow_nan=False) + "\n")
    return path
