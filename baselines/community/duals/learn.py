"""Lessons of the training weeks: the optimum's dual prices, averaged by season and hour.

`python -m tools.learn_duals` writes them again; they carry the digests of scenario and program, and
are computed on the spot where they are missing or belong to another scenario.
"""

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from baselines.community.mpc.worlds import linear
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.data.calendar import QUARTERS_PER_DAY, WEEKS_PER_SPLIT, season, step_clock
from p2p_market.errors import OptimumError
from p2p_market.records import FloatArray, IntArray, Record

FOLDER: Final = Path(__file__).parent / "lessons"
SEED: Final = 0
SEASONS: Final = 3


@dataclass(frozen=True, slots=True)
class Lessons(Record):
    """Averages over the training weeks, (season, hour of the day on the wall clock)."""

    hub_eur_per_kwh: FloatArray


def lessons(scenario: Scenario) -> Lessons:
    """The lessons of a scenario, from the repository or from thirteen optima solved here."""
    path = FOLDER / f"{scenario.spec.id}.json"
    if path.is_file():
        stored = json.loads(path.read_text(encoding="utf-8"))
        if stored["scenario"] == scenario.digest:
            return Lessons(np.array(stored["hub_eur_per_kwh"]))
    return learn(scenario)


@lru_cache(maxsize=8)
def learn(scenario: Scenario) -> Lessons:
    """Solve the training weeks and average their duals.

    Where a season was never seen at an hour, the average of the hour is used. Where the optimum
    has integer variables, its linear relaxation is used, without least loads, starts and ramps.

    Raises:
        OptimumError: if a week is not solved.
    """
    # Whoever plays by stored lessons needs no solver.
    import cvxpy as cp

    from baselines.community.optimal.program import Pool, compile_program, fill

    relaxed = replace(scenario, spec=scenario.spec.model_copy(update={"optimum": "linear"}))
    if (machines := scenario.nodes.machines) is not None:
        relaxed = replace(relaxed, nodes=replace(relaxed.nodes, machines=linear(machines)))
    program = compile_program(relaxed)
    assert isinstance(program.market, Pool)
    total, count = np.zeros((2, SEASONS, 24))
    for week in range(WEEKS_PER_SPLIT):
        key = choose_key(scenario, SEED, "train", week)
        fill(program, relaxed, draw(scenario, key))
        program.problem.solve(solver=cp.HIGHS, warm_start=False)
        if program.problem.status != cp.OPTIMAL:
            raise OptimumError(f"{scenario.spec.id}, {key}: {program.problem.status!r}")
        hub, _ = program.market.prices(scenario.dt_h)
        when = seasons_and_hours(scenario, key.start_day)
        np.add.at(total, when, hub)
        np.add.at(count, when, 1.0)
    of_hour = total.sum(axis=0) / np.maximum(count.sum(axis=0), 1.0)
    return Lessons(np.where(count > 0.0, total / np.maximum(count, 1.0), of_hour))


def seasons_and_hours(scenario: Scenario, day: int) -> tuple[IntArray, IntArray]:
    """Season and hour on the wall clock of each step of an episode, (step,) each."""
    local = step_clock(scenario.data.summer_time, day, scenario.dt_h, scenario.steps)
    return season(local // QUARTERS_PER_DAY % 365), local // 4 % 24
