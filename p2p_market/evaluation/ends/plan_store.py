"""Optima on disk, so that an interrupted benchmark goes on where it stopped.

A stored schedule is certified each time it is used: replayed, and bounded by its stored prices.
"""

import hashlib
import io
import zipfile
import zlib
from pathlib import Path
from typing import Final

import numpy as np

from p2p_market.files import safe_name, write_bytes
from p2p_market.track import AnyEpisode, AnyScenario, Plan, Series
from p2p_market.tracks import track_of

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


def plan_path(folder: Path, identity: str, scenario: AnyScenario, episode: AnyEpisode) -> Path:
    """File of the optimum of an episode; another program or series is another file.

    Args:
        identity: of the planner.
        episode: a batch of one.
    """
    known = track_of(scenario).digest(scenario, episode)
    digest = hashlib.sha256(f"{identity} {known}".encode())
    return folder / f"{safe_name(scenario.spec.id)}-{digest.hexdigest()[:16]}.npz"


def write_plan(path: Path, plan: Plan) -> None:
    """Store an optimum, completely or not at all."""
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        allow_pickle=False,
        costs_eur=np.array([plan.objective_eur, plan.bound_eur]),
        solver=np.array(plan.solver),
        **plan.schedule,
        **(plan.prices or {}),
    )
    write_bytes(path, buffer.getvalue())


def read_plan(path: Path, scenario: AnyScenario) -> Plan | None:
    """A stored optimum, or None if there is none or it is damaged."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
            objective, bound = archive["costs_eur"].tolist()
            solver = archive["solver"].item()
            series = {name: archive[name] for name in archive.files}
    except DAMAGES:
        return None
    del series["costs_eur"], series["solver"]
    return Plan(*split(scenario, series), objective, bound, solver)


def split(scenario: AnyScenario, series: Series) -> tuple[Series, Series | None]:
    """Schedule and prices out of stored arrays; None where no prices prove the bound."""
    names = track_of(scenario).CARD.prices
    schedule = {name: values for name, values in series.items() if name not in names}
    prices = {name: series[name] for name in names if name in series}
    return schedule, prices or None
