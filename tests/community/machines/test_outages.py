"""Machines without the grid: nothing is forced, both ends hold, no law is broken."""

from functools import lru_cache

import numpy as np
import pytest

from baselines.community.optimal.policy import optimum
from p2p_market.community import engine
from p2p_market.community.actions import action_map, to_proposal
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.fused import board
from p2p_market.community.fused.boards import PureBoard
from p2p_market.community.optimum.floors import kept_kwh
from p2p_market.community.scenario.scenario import build, validated
from p2p_market.errors import ScenarioError
from tests.community.machines.test_zoo import played_by
from tests.community.machines.zoo import LINEAR, both_ends, content

pytestmark = pytest.mark.xdist_group("machines")  # one worker compiles for all

QUICK = ("heat_pump", "data_centre", "heat_chp")
NAMES = [
    pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)
    for name in LINEAR
    if not name.startswith("vehicle")
]


@lru_cache
def dark(name):
    """A machine and a neighbour, three times a week without a grid for some hours."""
    outages = {"windows": 3, "hours": [3, 8]}
    values = content(name, connection_limit_kw=150, outages=outages)
    return build(validated(values, f"{name}.yaml"))


@pytest.mark.compiled
@pytest.mark.parametrize("weeks", [(6,), pytest.param((1, 11), marks=pytest.mark.slow)], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_both_ends_hold_and_no_policy_is_better(name, weeks):
    scenario = dark(name)
    planner = optimum(scenario)
    for week in weeks:
        episode = draw(scenario, choose_key(scenario, 0, "test", week))
        assert not episode.grid.all()
        both_ends(scenario, episode, planner.plan(episode))


@pytest.mark.parametrize("name", NAMES)
def test_random_members_break_no_law_and_stay_above_what_is_surely_kept(name):
    scenario = dark(name)
    episode = draw(scenario, choose_key(scenario, 0, "test", 6))
    state, generator = engine.start(scenario, episode), np.random.default_rng(0)
    everyone = np.ones((1, len(scenario.agents)), dtype=np.bool_)
    table, kept = action_map(scenario), kept_kwh(scenario.nodes, episode)
    forced = scenario.nodes.present & (scenario.nodes.power_min_kw == 0.0)
    for step in range(scenario.steps):
        wish = generator.uniform(-1.0, 1.0, (1, len(scenario.agents), table.width))
        proposal = to_proposal(table.physical(wish), everyone, table.further)
        state, done = engine.step(scenario, episode, state, proposal)
        assert not done.cause.any()
        assert np.all((state.energy_kwh[0] >= kept[step] - 1e-6)[forced])


def test_without_the_grid_a_cold_house_is_not_forced_to_heat():
    scenario = dark("heat_pump")
    episode = draw(scenario, choose_key(scenario, 0, "test", 1))
    gone = int(np.argmin(episode.grid[:, 0]))
    for step, runs in ((gone - 1, True), (gone, False)):
        state = engine.state_at(scenario, episode, step, 0.0 * episode.start_energy_kwh)
        rest = np.zeros((1, len(scenario.agents), action_map(scenario).width))
        everyone = np.ones((1, len(scenario.agents)), dtype=np.bool_)
        _, done = engine.step(scenario, episode, state, to_proposal(rest, everyone))
        assert (done.action.setpoint_kw[0, 0, 0] > 0.1) == runs
        assert (done.ledger.entry("shortfall")[0, 0] > 0.1) != runs


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("biogas_least", "outages and a least load of 15 kW cannot be combined"),
        ("pick_up", "would force it to charge without a grid"),
    ],
)
def test_what_has_to_run_without_the_grid_is_refused(name, told):
    values = content(name, connection_limit_kw=150, outages={"windows": 1, "hours": [1, 2]})
    if name == "pick_up":
        values["members"][0]["assets"][-1]["fuel_cell_kw"] = 15
    with pytest.raises(ScenarioError, match=told):
        build(validated(values, "zoo.yaml"))


@pytest.mark.slow
@pytest.mark.compiled
@pytest.mark.parametrize("name", ["heat_pump", "shiftable_load"])
def test_compiled_is_pure_bit_for_bit(name):
    scenario = dark(name)
    episode = draw(scenario, choose_key(scenario, 3, "train"))
    state = engine.start(scenario, episode)
    boards = PureBoard(scenario, episode, state, True), board(scenario, episode, state, True)
    for pure, fast in zip(*(played_by(one, scenario, 100) for one in boards), strict=True):
        for one, other in zip(pure, fast, strict=True):
            assert np.array_equal(one, other)
