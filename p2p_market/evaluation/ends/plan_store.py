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

from p2p_market.community.episode.episode import Episode
from p2p_market.community.optimum.digest import digest_of
from p2p_market.community.optimum.plan import Plan, Prices
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.files import safe_name, write_bytes

DAMAGES: Final = (
    OSError,
    EOFError,
    KeyError,
    ValueError,
    RuntimeError,  # encrypted, or packed in another way
    MemoryError,  # sizes that are not there
    zipfile.BadZipFile,
    zlib.error,
)
"""What reading an archive raises if it is missing, cut short or changed."""

PRICES: Final = fields(Prices)


def plan_path(folder: Path, identity: str, scenario: Scenario, episode: Episode) -> Path:
    """Where the optimum of an episode stands; another program or series is another file.

    Args:
        identity: of the planner.
        episode: a batch of one.
    """
    digest = hashlib.sha256(f"{identity} {digest_of(scenario, episode)}".encode())
    return folder / f"{safe_name(scenario.spec.id)}-{digest.hexdigest()[:16]}.npz"


def write_plan(path: Path, plan: Plan) -> None:
    """Store an optimum, completely or not at all."""
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        setpoint_kw=plan.setpoint_kw,
        order_kw=plan.order_kw,
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
                order_kw=archive["order_kw"],
                objective_eur=objective,
                bound_eur=bound,
                prices=Prices(*(archive[field.name] for field in PRICES)) if known else None,
                solver=archive["solver"].item(),
            )
    except DAMAGES:
        return None
