"""Optima on disk, so that an interrupted benchmark goes on where it stopped.

A stored schedule is certified each time it is used: replayed, and bounded by its stored prices.
"""

import hashlib
import io
import zipfile
import zlib
from dataclasses import fields
from pathlib import Path
from typing import Final

import numpy as np

from p2p_market.episode import Episode
from p2p_market.evaluation.files import write_bytes
from p2p_market.evaluation.policy import Plan, Prices
from p2p_market.scenario import Scenario

DAMAGES: Final = (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error)
"""What reading an archive raises if it is missing, cut short or changed."""

PRICES: Final = fields(Prices)


def plan_path(folder: Path, identity: str, scenario: Scenario, episode: Episode) -> Path:
    """Where the optimum of an episode stands; another program or series is another file.

    Args:
        identity: of the planner.
        episode: a batch of one.
    """
    return folder / f"{scenario.spec.id}-{_key(identity, scenario, episode)}.npz"


def _key(identity: str, scenario: Scenario, episode: Episode) -> str:
    """Short digest of all that an optimum depends on: program, solvers, scenario, every series."""
    digest = hashlib.sha256(f"{identity} {scenario.digest}".encode())
    for array in (scenario.feed_in_eur_per_kwh, scenario.network_fee_eur_per_kwh):
        digest.update(array.tobytes())
    for record in (scenario.nodes, episode):
        for field in fields(record):
            value = getattr(record, field.name)
            content = value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode()
            digest.update(content)
    return digest.hexdigest()[:16]


def write_plan(path: Path, plan: Plan) -> None:
    """Store an optimum, completely or not at all."""
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        setpoint_kw=plan.setpoint_kw,
        net_load_kw=plan.net_load_kw,
        trade_kw=plan.trade_kw,
        costs_eur=np.array([plan.objective_eur, plan.bound_eur]),
        solver=np.array(plan.solver),
        **({} if plan.prices is None else {f.name: getattr(plan.prices, f.name) for f in PRICES}),
    )
    write_bytes(path, buffer.getvalue())


def read_plan(path: Path) -> Plan | None:
    """A stored optimum, or None if there is none or it is damaged."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
            objective, bound = archive["costs_eur"].tolist()
            known = PRICES[0].name in archive
            return Plan(
                setpoint_kw=archive["setpoint_kw"],
                net_load_kw=archive["net_load_kw"],
                trade_kw=archive["trade_kw"],
                objective_eur=objective,
                bound_eur=bound,
                prices=Prices(*(archive[field.name] for field in PRICES)) if known else None,
                solver=archive["solver"].item(),
            )
    except DAMAGES:
        return None
