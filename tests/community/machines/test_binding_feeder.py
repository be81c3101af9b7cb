"""Machines behind a binding feeder: both ends hold, and the cut leaves what levels force."""

from functools import lru_cache

import numpy as np
import pytest

from baselines.community.optimal.policy import optimum
from p2p_market.assets.node import power_limits
from p2p_market.community import engine
from p2p_market.community.actions import action_map, to_proposal
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.fused import board
from p2p_market.community.fused.boards import PureBoard
from p2p_market.community.kernel_inputs import packed_nodes, presence_of
from p2p_market.community.safety import feasibility
from p2p_market.community.scenario.scenario import build, validated
from tests.community.machines.test_zoo import played_by
from tests.community.machines.zoo import both_ends, content

pytestmark = pytest.mark.xdist_group("machines")  # one worker compiles for all

LIMITS = {
    "heat_pump": 13, "heated_room": 10, "cold_store": 19, "shiftable_load": 19, "pumped": 7,
    "hydrogen": 7, "outdoor_battery": 7, "biogas_chp": 7, "reservoir": 7, "heat_chp": 7,
    "heat_pump_least": 7, "hydrogen_least": 7, "biogas_ramp": 7, "biogas_least": 32, "pick_up": 37,
    "data_centre": 27,
}  # fmt: skip
"""The narrowest line that carries load and what levels force, in whole kW."""
WHOLE = ("biogas_chp", "reservoir", "heat_chp")
QUICK = ("heat_pump", "pumped", "biogas_chp")


@lru_cache
def narrow(name):
    """A machine and a neighbour with a large roof behind a narrow line."""
    feeder = {"limit_kw": LIMITS[name], "mode": "binding"}
    values = content(name, connection_limit_kw=150, feeder=feeder)
    for member, annual_kwh in zip(values["members"], (8000, 5000), strict=True):
        member["assets"][0]["annual_kwh"] = annual_kwh
    values["members"][1]["assets"][1]["peak_kw"] = 60
    if name in WHOLE:
        values["optimum"] = "mixed_integer"
    return build(validated(values, f"{name}.yaml"))


def later(names):
    return [pytest.param(one, marks=() if one in QUICK else pytest.mark.slow) for one in names]


@pytest.mark.compiled
@pytest.mark.parametrize("weeks", [(6,), pytest.param((1, 11), marks=pytest.mark.slow)], ids=str)
@pytest.mark.parametrize("name", later(LIMITS))
def test_both_ends_hold_and_no_policy_is_better(name, weeks):
    scenario = narrow(name)
    planner = optimum(scenario)
    for week in weeks:
        episode = draw(scenario, choose_key(scenario, 0, "test", week))
        played, _ = both_ends(scenario, episode, planner.plan(episode))
        assert not played.series["shed_kw"].any()


@pytest.mark.parametrize("name", later(LIMITS))
def test_whatever_is_asked_the_cut_stays_inside_what_machines_can_do_and_twice_is_once(name):
    scenario = narrow(name)
    episode = draw(scenario, choose_key(scenario, 0, "test", 6))
    state, generator = engine.start(scenario, episode), np.random.default_rng(0)
    everyone = np.ones((1, len(scenario.agents)), dtype=np.bool_)
    table, fixed = action_map(scenario), scenario.nodes.machines
    full = 0
    for step in range(scenario.steps):
        presence = presence_of(episode, step)
        limits = power_limits(packed_nodes(scenario), presence, state.energy_kwh, state.setpoint_kw)
        wish = generator.uniform(-1.0, 1.0, (1, len(scenario.agents), table.width))
        proposal = to_proposal(table.physical(wish), everyone)
        once = feasibility.project(scenario, episode, state, proposal)
        given = np.dstack([once.setpoint_kw, once.quantity_kw, once.price_eur_per_kwh])
        twice = feasibility.project(scenario, episode, state, to_proposal(given, everyone))
        for field in ("setpoint_kw", "curtailed_kw", "net_load_kw", "quantity_kw"):
            assert getattr(twice, field) == pytest.approx(getattr(once, field), abs=1e-9)
        power, flow = once.setpoint_kw, once.net_load_kw.sum()
        assert np.all((limits.low - 1e-9 <= power) & (power <= limits.high + 1e-9))
        running = power != 0.0
        assert np.all(np.where(power > 0.0, power >= fixed.charge_on_kw - 1e-9, True))
        assert np.all(np.where(power < 0.0, -power >= fixed.discharge_on_kw - 1e-9, True))
        assert abs(flow) <= scenario.spec.feeder.limit_kw + 1e-9
        assert not once.shed_kw.any()
        full += bool(once.curtailed_kw.any())
        assert not (once.curtailed_kw.any() and (running & (power < 0.0)).any())
        state, done = engine.step(scenario, episode, state, proposal)
        assert not done.cause.any()
    assert full or name in ("pick_up", "data_centre", "biogas_least")


@pytest.mark.parametrize("name", ["heat_pump", "biogas_chp", "heat_pump_least"])
def test_compiled_is_pure_bit_for_bit(name):
    scenario = narrow(name)
    episode = draw(scenario, choose_key(scenario, 3, "train"))
    state = engine.start(scenario, episode)
    boards = PureBoard(scenario, episode, state, True), board(scenario, episode, state, True)
    for pure, fast in zip(*(played_by(one, scenario, 60) for one in boards), strict=True):
        for one, other in zip(pure, fast, strict=True):
            assert np.array_equal(one, other)
