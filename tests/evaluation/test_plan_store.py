"""Stored optima: used again for the same episode, never for another."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from p2p_market.episode import choose_key, draw
from p2p_market.evaluation.plan_store import StoredPlanner
from p2p_market.evaluation.policy import Plan
from p2p_market.scenario import load_scenario


@dataclass
class Counting:
    identity: str = "one"
    calls: list[int] = field(default_factory=list)

    def plan(self, episode):
        self.calls.append(1)
        return Plan(np.full((168, 6, 1), 0.5), *np.ones((2, 168, 6)), 12.0, 11.9, ("a", "b"))


@pytest.fixture
def stored(tmp_path):
    scenario = load_scenario("classic-v0")
    return StoredPlanner(Counting(), scenario, tmp_path), draw(scenario, choose_key(scenario, 0))


def test_the_second_time_nothing_is_solved(stored):
    planner, episode = stored
    first, again = planner.plan(episode), planner.plan(episode)
    assert len(planner.planner.calls) == 1
    assert np.array_equal(first.setpoint_kw, again.setpoint_kw)
    assert (again.objective_eur, again.bound_eur, again.solvers) == (12.0, 11.9, ("a", "b"))


@pytest.mark.parametrize("name", ["load_kw", "retail_eur_per_kwh", "start_energy_kwh"])
def test_another_series_is_another_optimum(stored, name):
    planner, episode = stored
    planner.plan(episode)
    planner.plan(replace(episode, **{name: getattr(episode, name) + 0.001}))
    assert len(planner.planner.calls) == 2


def test_another_program_is_another_optimum(stored):
    planner, episode = stored
    planner.plan(episode)
    planner.planner.identity = "two"
    planner.plan(episode)
    assert len(planner.planner.calls) == 2


def test_a_damaged_file_is_solved_again(stored):
    planner, episode = stored
    planner.plan(episode)
    for path in planner.folder.iterdir():
        path.write_bytes(b"PK nothing")
    planner.plan(episode)
    assert len(planner.planner.calls) == 2
