"""Optima on disk, so that an interrupted benchmark goes on where it stopped.

A stored schedule is certified by replay each time it is used; its bound is as it was solved.
"""

import hashlib
import io
import zipfile
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from p2p_market.episode import Episode
from p2p_market.evaluation.files import write_bytes
from p2p_market.evaluation.policy import Plan, Planner
from p2p_market.scenario import Scenario


@dataclass(frozen=True, slots=True)
class StoredPlanner:
    """A planner that looks into a folder first and keeps there what it had to solve."""

    planner: Planner
    scenario: Scenario
    folder: Path

    @property
    def identity(self) -> str:
        """That of the planner behind."""
        return self.planner.identity

    def plan(self, episode: Episode) -> Plan:
        """Cheapest schedule of a batch of one, from the folder if it is there."""
        key = _key(self.planner, self.scenario, episode)
        path = self.folder / f"{self.scenario.spec.id}-{key}.npz"
        found = _read(path)
        if found is None:
            found = self.planner.plan(episode)
            _write(path, found)
        return found


def _key(planner: Planner, scenario: Scenario, episode: Episode) -> str:
    """Short digest of all that an optimum depends on: program, solvers, scenario, every series."""
    digest = hashlib.sha256(f"{planner.identity} {scenario.digest}".encode())
    for array in (scenario.feed_in_eur_per_kwh, scenario.network_fee_eur_per_kwh):
        digest.update(array.tobytes())
    for record in (scenario.nodes, episode):
        for field in fields(record):
            value = getattr(record, field.name)
            content = value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode()
            digest.update(content)
    return digest.hexdigest()[:16]


def _write(path: Path, plan: Plan) -> None:
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        setpoint_kw=plan.setpoint_kw,
        net_load_kw=plan.net_load_kw,
        trade_kw=plan.trade_kw,
        costs_eur=np.array([plan.objective_eur, plan.bound_eur]),
        solvers=np.array(plan.solvers),
    )
    write_bytes(path, buffer.getvalue())


def _read(path: Path) -> Plan | None:
    """A stored plan, or None if there is none or it is damaged."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
            objective, bound = archive["costs_eur"].tolist()
            first, second = archive["solvers"].tolist()
            setpoint_kw, net_load_kw = archive["setpoint_kw"], archive["net_load_kw"]
            trade_kw = archive["trade_kw"]
        return Plan(setpoint_kw, net_load_kw, trade_kw, objective, bound, (first, second))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return None
