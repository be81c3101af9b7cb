"""The reference table: both ends of the scale for every test episode of the shipped scenarios.

For each scenario `reference/<id>.json` holds costs, bounds and digests, `reference/<id>.npz` the
optimum's schedules and prices in units of 1e-8 kW and EUR/kWh. Scoring reads them and needs no
solver, and believes none of it: a schedule is played, and bounded by its prices, each time.
"""

import hashlib
import io
import json
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from p2p_market.community.episode.episode import (
    REFERENCE_SEED,
    REFERENCE_SPLIT,
    Episode,
    EpisodeKey,
)
from p2p_market.community.optimum.digest import digest_of
from p2p_market.community.optimum.full_matching import fully_matched, shipped_twin
from p2p_market.community.optimum.plan import Plan, Prices
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.evaluation.ends.plan_store import DAMAGES
from p2p_market.files import write_bytes, write_text
from p2p_market.records import FloatArray

SPLIT: Final = REFERENCE_SPLIT
SEED: Final = REFERENCE_SEED
FOLDER: Final = Path(__file__).resolve().parents[2] / "reference"
SCHEMA: Final = "p2p_market/reference/1"
PER_UNIT: Final = 1e8  # stored numbers per kW and per EUR/kWh
PRICES: Final = tuple(field.name for field in fields(Prices))


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


def rounded(scenario: Scenario, episode: Episode, plan: Plan) -> Plan:
    """The plan of an episode (a batch of one) as the table holds it."""
    prices = None
    if plan.prices is not None:
        prices = Prices(*(_from_units(_in_units(getattr(plan.prices, name))) for name in PRICES))
    setpoint_kw, order_kw = (_from_units(_in_units(a)) for a in (plan.setpoint_kw, plan.order_kw))
    if not scenario.cuts:
        order_kw = _left(episode, setpoint_kw)
    return replace(plan, setpoint_kw=setpoint_kw, order_kw=order_kw, prices=prices)


def _left(episode: Episode, setpoint_kw: FloatArray) -> FloatArray:
    """What load, PV and set-points leave to be ordered where nothing may be cut, (step, agent)."""
    return np.asarray((episode.load_kw - episode.pv_kw)[:, 0] + setpoint_kw.sum(axis=2))


def _in_units(values: FloatArray) -> NDArray[np.int64]:
    return np.round(values * PER_UNIT).astype(np.int64)


def _from_units(units: NDArray[np.int64]) -> FloatArray:
    return np.asarray(units / PER_UNIT)


def published(scenario: Scenario, episode: Episode, folder: Path = FOLDER) -> Plan | None:
    """The optimum of an episode out of the table; None if it does not stand there.

    A scenario that differs from a shipped one in labels and mechanism only has its optima.

    Args:
        episode: a batch of one.
    """
    (key,), scenario = episode.keys, shipped_twin(scenario)
    for number, entry in enumerate(entries(scenario, folder)):
        if entry.key == key and entry.episode == digest_of(scenario, episode):
            return plan_of(scenario, episode, entry, number, folder)
    return None


def entries(scenario: Scenario, folder: Path = FOLDER) -> tuple[Entry, ...]:
    """The table of a scenario; empty if there is none, or it is of another version."""
    table = _table(folder / f"{scenario.spec.id}.json")
    if table is None or table["scenario"] != fully_matched(scenario).digest:
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
    scenario: Scenario, episode: Episode, entry: Entry, number: int, folder: Path
) -> Plan | None:
    """Schedule and prices of an entry; None if the archive is missing or damaged.

    Where nothing may be cut, orders are what load, PV and set-points leave, and are not stored.

    Args:
        episode: of the entry, a batch of one.
        number: place of the entry in its table.
    """
    path = folder / f"{scenario.spec.id}.npz"
    stored = _arrays(path)
    if not stored:
        return None
    found = {name: _from_units(values[number]) for name, values in stored.items()}
    linear = scenario.spec.optimum == "linear"
    return Plan(
        setpoint_kw=found["setpoint_kw"],
        order_kw=found.get("order_kw", _left(episode, found["setpoint_kw"])),
        objective_eur=entry.plan_eur,
        bound_eur=entry.bound_eur,
        prices=Prices(*(found[name] for name in PRICES)) if linear else None,
        solver=entry.solver,
    )


def write_table(
    scenario: Scenario,
    rows: list[tuple[Entry, Plan]],
    versions: dict[str, str],
    folder: Path = FOLDER,
) -> Path:
    """Write the table of a scenario, completely or not at all; returns the path of the JSON.

    Args:
        rows: in the order of the weeks; plans as `rounded` gives them.
        versions: of the packages that made it.
    """
    schedule = ("setpoint_kw", "order_kw") if scenario.cuts else ("setpoint_kw",)
    arrays = {name: np.stack([_in_units(getattr(p, name)) for _, p in rows]) for name in schedule}
    proofs = [plan.prices for _, plan in rows if plan.prices is not None]
    if proofs:
        arrays |= {name: np.stack([_in_units(getattr(p, name)) for p in proofs]) for name in PRICES}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    table = {
        "schema": SCHEMA,
        "scenario": fully_matched(scenario).digest,
        "data": scenario.data.digest,
        "versions": versions,
        "archive": hashlib.sha256(buffer.getvalue()).hexdigest(),
        "episodes": [asdict(entry) for entry, _ in rows],
    }
    write_bytes(folder / f"{scenario.spec.id}.npz", buffer.getvalue())
    path = folder / f"{scenario.spec.id}.json"
    write_text(path, json.dumps(table, indent=1, allow_nan=False) + "\n")
    return path
