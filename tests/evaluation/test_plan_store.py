"""Stored optima: found again for the same episode, never for another."""

from dataclasses import replace

import numpy as np
import pytest

from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.optimum.plan import Prices, plan_of
from p2p_market.evaluation.ends.plan_store import plan_path, read_plan, write_plan
from p2p_market.registry import load_scenario


@pytest.fixture
def asked(tmp_path):
    scenario = load_scenario("classic-v0")
    return tmp_path, "one", scenario, draw(scenario, choose_key(scenario, 0))


@pytest.fixture
def plan():
    prices = Prices(*np.ones((2, 168)), np.full((168, 6), 0.25), np.full((168, 6, 1), 0.3))
    return plan_of(np.full((168, 6, 1), 0.5), np.ones((168, 6)), 12.0, 11.9, prices, "a solver")


def test_what_was_stored_is_read(asked, plan):
    path = plan_path(*asked)
    assert read_plan(path, asked[2]) is None
    write_plan(path, plan)
    again = read_plan(plan_path(*asked), asked[2])
    assert np.array_equal(plan.schedule["setpoint_kw"], again.schedule["setpoint_kw"])
    assert (again.objective_eur, again.bound_eur, again.solver) == (12.0, 11.9, "a solver")
    for name in ("hub", "line", "meter", "stored"):
        column = f"{name}_eur_per_kwh"
        assert np.array_equal(plan.prices[column], again.prices[column])
    write_plan(path, replace(plan, prices=None))
    assert read_plan(path, asked[2]).prices is None


@pytest.mark.parametrize("name", ["load_kw", "retail_eur_per_kwh", "start_energy_kwh"])
def test_another_series_is_another_optimum(asked, name):
    folder, identity, scenario, episode = asked
    other = replace(episode, **{name: getattr(episode, name) + 0.001})
    assert plan_path(folder, identity, scenario, other) != plan_path(*asked)


def test_another_program_is_another_optimum(asked):
    folder, _, scenario, episode = asked
    assert plan_path(folder, "two", scenario, episode) != plan_path(*asked)


@pytest.mark.parametrize(
    "damage", [lambda b: b"PK nothing", lambda b: b[:900], lambda b: b"", lambda b: flip(b, 400)]
)
def test_a_damaged_file_is_as_if_it_were_not_there(asked, plan, damage):
    path = plan_path(*asked)
    write_plan(path, plan)
    path.write_bytes(damage(path.read_bytes()))
    assert read_plan(path, asked[2]) is None


def flip(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :]
