"""Loads and PV that are played as they were measured, and what is expected of a roof."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from p2p_market.assets.measured import COLUMN
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.data.calendar import (
    CYCLE_DAYS,
    QUARTERS_PER_DAY,
    WEEKS_PER_SPLIT,
    local_quarters,
    split_mask,
)
from p2p_market.records import FloatArray, IntArray, Record

_NEAR: Final = (-1, 0, 1)  # cycles of 28 days whose training days tell of one


@dataclass(frozen=True, slots=True, eq=False)
class Measured(Record):
    """Series of some agents."""

    agents: IntArray  # (column,)
    power_kw: FloatArray  # (quarter of the year, column)


@dataclass(frozen=True, slots=True, eq=False)
class ExpectedRoofs(Record):
    """Averages and standard deviations of measured roofs over their training days."""

    agents: IntArray  # (roof,)
    mean_kw: FloatArray  # (28-day cycle, quarter of the day, roof)
    spread_kw: FloatArray  # same


def put_measured(measured: Measured, start_day: int, out_kw: FloatArray) -> FloatArray:
    """Put measured series in the place of what was drawn.

    Args:
        measured: of the year.
        start_day: of the episode.
        out_kw: whole days, (quarter, agent); written in place, and returned.
    """
    first = QUARTERS_PER_DAY * start_day
    out_kw[:, measured.agents] = measured.power_kw[first : first + len(out_kw)]
    return out_kw


@lru_cache(maxsize=8)
def measured_loads(scenario: Scenario) -> Measured:
    """Loads of the members that name a column, on the clock of the grid.

    They are kept by the clock on the wall: an hour that it shows twice has the mean of both.
    """
    data = scenario.data
    donors = {f"{COLUMN}{donor.name}": donor for donor in data.donors}
    local = local_quarters(data.summer_time) % len(data.summer_time)
    agents = [i for i, node in enumerate(scenario.demand) if node.profile.startswith(COLUMN)]
    nodes = [scenario.demand[i] for i in agents]
    columns = [
        node.scale_kw * donors[node.profile].shape.ravel()[local].astype(np.float64)
        for node in nodes
    ]
    return _measured(agents, columns, len(local))


@lru_cache(maxsize=8)
def measured_pv(scenario: Scenario) -> Measured:
    """PV of the members that name a column."""
    power_kw = {f"{COLUMN}{roof.name}": roof.power_kw for roof in scenario.data.roofs}
    found = [
        (i, roof) for i, roof in enumerate(scenario.roofs) if roof is not None and roof.profile
    ]
    columns = [power_kw[roof.profile].astype(np.float64) for _, roof in found]
    return _measured([i for i, _ in found], columns, len(scenario.data.solar_clearness))


def _measured(agents: list[int], columns: list[FloatArray], quarters: int) -> Measured:
    power_kw = np.stack(columns, axis=-1) if columns else np.zeros((quarters, 0))
    return Measured(np.array(agents, dtype=np.int64), power_kw)


@lru_cache(maxsize=8)
def expected_measured_pv(scenario: Scenario) -> ExpectedRoofs:
    """Means over the training days of each cycle of 28 days and of those beside it."""
    measured = measured_pv(scenario)
    quarters, roofs = measured.power_kw.shape
    days = measured.power_kw.reshape(quarters // QUARTERS_PER_DAY, QUARTERS_PER_DAY, roofs)
    cycle = np.minimum(np.arange(len(days)) // CYCLE_DAYS, WEEKS_PER_SPLIT - 1)
    train = split_mask("train", len(days))
    near = [
        days[train & np.isin(cycle, [(c + away) % WEEKS_PER_SPLIT for away in _NEAR])]
        for c in range(WEEKS_PER_SPLIT)
    ]
    mean = np.stack([own.mean(axis=0) for own in near])
    return ExpectedRoofs(measured.agents, mean, np.stack([own.std(axis=0) for own in near]))
