"""Lessons of the training weeks: the optimum's dual prices, averaged by season and hour.

`python -m tools.learn_duals` writes them anew; they carry the digests of scenario and program, and
are computed on the spot where they are missing or belong to another scenario.
"""

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

import cvxpy as cp
import numpy as np

from baselines.optimal.program import Pool, Program, columns, compile_program, fill
from p2p_market.calendar import QUARTERS_PER_DAY, WEEKS_PER_SPLIT, local_quarters, season
from p2p_market.episode import choose_key, draw
from p2p_market.errors import OptimumError
from p2p_market.records import FloatArray, IntArray, Record
from p2p_market.scenario import Scenario

FOLDER: Final = Path(__file__).parent / "lessons"
SEED: Final = 0
FILLINGS: Final = 3  # a storage is rather empty, half full, rather full


@dataclass(frozen=True, slots=True)
class Lessons(Record):
    """Averages over the training weeks, (season, hour of the day on the wall clock, ...)."""

    hub_eur_per_kwh: FloatArray  # (season, hour)
    value_eur_per_kwh: FloatArray  # (season, hour, filling, agent, asset), of a kWh in storage


def lessons(scenario: Scenario) -> Lessons:
    """The lessons of a scenario, from the repository or from thirteen optima solved here."""
    path = FOLDER / f"{scenario.spec.id}.json"
    if path.is_file():
        stored = json.loads(path.read_text(encoding="utf-8"))
        if stored["scenario"] == scenario.digest:
            return Lessons(
                np.array(stored["hub_eur_per_kwh"]), np.array(stored["value_eur_per_kwh"])
            )
    return learn(scenario)


@lru_cache(maxsize=8)
def learn(scenario: Scenario) -> Lessons:
    """Solve the training weeks and average their duals.

    Where a season or a filling was never seen at an hour, the average of the hour stands in, and
    where that is missing the terminal value of stored energy.

    Where the optimum needs whole numbers, its linear relaxation teaches.

    Raises:
        OptimumError: if a week is not solved.
    """
    relaxed = replace(scenario, spec=scenario.spec.model_copy(update={"optimum": "linear"}))
    program = compile_program(relaxed)
    hub, value = _Mean((3, 24)), _Mean((3, 24, FILLINGS, *scenario.nodes.present.shape))
    for week in range(WEEKS_PER_SPLIT):
        key = choose_key(scenario, SEED, "train", week)
        episode = draw(scenario, key)
        fill(program, relaxed, episode)
        program.problem.solve(solver=cp.HIGHS, warm_start=False)
        if program.problem.status != cp.OPTIMAL:
            raise OptimumError(f"{scenario.spec.id}, {key}: {program.problem.status!r}")
        when = seasons_and_hours(scenario, key.start_day)
        assert isinstance(program.market, Pool)
        hub.add(when, program.market.prices(scenario.dt_h)[0])
        _add_values(scenario, program, when, value)
    return Lessons(hub.filled(0.0), value.filled(scenario.spec.terminal_value_eur_per_kwh))


def seasons_and_hours(scenario: Scenario, day: int) -> tuple[IntArray, IntArray]:
    """Season and hour on the wall clock of each step of an episode, (step,) each."""
    per_step = round(4 * scenario.dt_h)
    first = QUARTERS_PER_DAY * day
    local = local_quarters(scenario.data.summer_time)[first : first + per_step * scenario.steps]
    local = local[::per_step]
    return season(local // QUARTERS_PER_DAY % 365), local // 4 % 24


def _add_values(
    scenario: Scenario, program: Program, when: tuple[IntArray, IntArray], value: "_Mean"
) -> None:
    """Duals of the power-node equation, by how full the storage is."""
    dual = np.asarray(program.stored.dual_value)
    own = columns(scenario.nodes)
    agent, asset = np.nonzero(own)
    capacity = np.maximum(scenario.nodes.energy_max_kwh[own], 1e-9)
    level = np.asarray(program.storage.level_kwh.value)[1:]
    for column in range(dual.shape[1]):
        filling = filling_of(level[:, column] / capacity[column])
        place = (
            *when,
            filling,
            np.full_like(filling, agent[column]),
            np.full_like(filling, asset[column]),
        )
        value.add(place, dual[:, column])


def filling_of(soc: FloatArray) -> IntArray:
    """Which third of its capacity a storage is in."""
    return np.clip((soc * FILLINGS).astype(np.int64), 0, FILLINGS - 1)


class _Mean:
    """Means over what was added at each place."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.total, self.count = np.zeros(shape), np.zeros(shape)

    def add(self, place: tuple[IntArray, ...], values: FloatArray) -> None:
        np.add.at(self.total, place, values)
        np.add.at(self.count, place, 1.0)

    def filled(self, otherwise: float) -> FloatArray:
        """Mean of each place; of all seasons and fillings where a place was never seen."""
        total, count = self.total, self.count
        wider = tuple(axis for axis in (0, 2) if axis < total.ndim)
        total_wide, count_wide = (x.sum(axis=wider, keepdims=True) for x in (total, count))
        wide = np.where(count_wide > 0, total_wide / np.maximum(count_wide, 1.0), otherwise)
        return np.where(count > 0, total / np.maximum(count, 1.0), wide)
