"""Planners of machines: what they expect of the world, what they ask, and lean beside full."""

from dataclasses import replace

import numpy as np
import pytest

from baselines.community.mpc import policy as cold
from baselines.community.mpc import warm
from baselines.community.mpc.forecasts import columns, forecast
from baselines.community.mpc.lean import lean_program
from baselines.community.mpc.lean_data import data_of
from baselines.community.mpc.outlooks import outlook_of
from baselines.community.mpc.prices import PARTS, posted_prices
from baselines.community.mpc.worlds import allowed, steady
from p2p_market.community import engine
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.observation import features, observe
from p2p_market.community.scenario.laws import JOB_RANGE
from p2p_market.community.scenario.scenario import build, validated
from p2p_market.registry import load_scenario
from tests.baselines.mpc.test_warm import cost_in_full, solved
from tests.community.machines.zoo import community, content

pytestmark = pytest.mark.xdist_group("machines")  # one worker compiles for all

FORMS = {"community": (cold.community, 0), "alone": (cold.alone, PARTS)}


def slow_battery():
    """A battery that charges so slowly near full that no hour fills it."""
    values = content("battery_taper")
    values["members"][0]["assets"][-1]["power_kw"] = 4.0
    return build(validated(values, "taper.yaml"))


def nearly_full(ahead, told):
    """The same hours with batteries nearly full, and one of them cheap."""
    retail = np.where(np.arange(ahead.steps)[:, None, None] > 0, 0.9, told.retail_eur_per_kwh)
    full_kwh = ahead.nodes.energy_max_kwh[None]
    return replace(told, start_energy_kwh=0.9 * full_kwh, retail_eur_per_kwh=retail)


def expected(scenario, step):
    """A step of a summer's week as members see it, and what they expect from it on."""
    key = choose_key(scenario, 0, "test", 5)
    episode = draw(scenario, key)
    ahead, block_steps = warm.horizon(scenario)
    state = engine.state_at(scenario, episode, step, episode.start_energy_kwh)
    seen = observe(scenario, episode, state)[0].astype(np.float64)
    told = forecast(scenario, seen, key.start_day, step, ahead.steps, block_steps)
    return episode, ahead, told, outlook_of(scenario, ahead, seen, told)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["assets-12-v0", "taper"])
def test_lean_plans_of_machines_gain_what_full_ones_gain(name, form):
    scenario = slow_battery() if name == "taper" else load_scenario(name)
    _, ahead, _, told = expected(scenario, 8)
    if name == "taper":
        told = nearly_full(ahead, told)
    posted = posted_prices(scenario, warm.lessons(scenario), told, 147, 8, 1)
    make, parts = FORMS[form]
    planner, lean = make(scenario), lean_program(ahead, parts)
    gain, full_gain = [], []
    for outlook in (replace(told, plugged=np.zeros(told.plugged.shape)), told):
        gain.append(solved(lean, data_of(lean, outlook, posted if parts else None))[0])
        full_gain.append(cost_in_full(planner, ahead, outlook, posted))
    assert np.diff(full_gain)[0] < -0.5
    assert np.diff(gain)[0] == pytest.approx(np.diff(full_gain)[0], abs=1e-6)


@pytest.mark.parametrize("name", ["shiftable_load", "pick_up"])
def test_a_day_has_one_job_of_the_usual_size_at_its_hour(name):
    scenario = community(name)
    episode, _, told, _ = expected(scenario, 30)
    drift = told.world.drift_kwh[:, 0, 0]
    true = episode.drift_kwh[30:54, 0, 0, 0]
    assert np.flatnonzero(drift).tolist() == np.flatnonzero(true).tolist()
    assert JOB_RANGE[0] / JOB_RANGE[1] <= drift.sum() / true.sum() <= JOB_RANGE[1] / JOB_RANGE[0]


def test_heat_is_what_training_days_had_and_a_share_of_what_is_unusual_now():
    scenario = community("heat_pump")
    episode, _, told, _ = expected(scenario, 30)
    usual = episode.expected_drift_kwh[30:54, 0, 0, 0]
    unusual = episode.drift_kwh[30, 0, 0, 0] - usual[0]
    drift = told.world.drift_kwh[:, 0, 0]
    assert drift[0] == pytest.approx(episode.drift_kwh[30, 0, 0, 0], abs=1e-3)
    assert drift[1] == pytest.approx(min(usual[1] + 0.6 * unusual, 0.0), abs=1e-3)
    assert (drift <= 0.0).all()


def test_past_the_end_nothing_moves():
    scenario = community("pick_up")
    episode, _, told, outlook = expected(scenario, 160)
    assert told.world.inside[:, 0, 0].sum() == 8
    assert not told.world.drift_kwh[8:].any()
    assert not outlook.plugged[8:].any()
    assert outlook.plugged[:8, 0, 0, 0].all()
    assert episode.drift_kwh[160:, 0, 0, 0].any() == told.world.drift_kwh[:8].any()


@pytest.mark.parametrize(
    ("planned", "power"),
    [((0.0, 6.0, 0.0, 6.0), 3.0), ((6.0, 0.0, 0.0, 0.0), 3.0), ((0.0, 0.0, 0.0, 5.0), 0.0)],
)
def test_a_plan_in_turns_becomes_steady(planned, power):
    scenario = with_least(community("heat_pump_least"))
    blocks = np.zeros((24, 2, 1))
    blocks[:4, 0, 0] = planned
    assert steady(scenario, blocks, 1.0)[0, 0] == power
    plain = community("heat_pump")
    np.testing.assert_array_equal(steady(plain, blocks, 1.0), blocks[0])


def with_least(scenario):
    """The same with a least load of 3 kW for its machine."""
    least = np.array([[3.0], [0.0]])
    machines = replace(scenario.nodes.machines, charge_on_kw=least)
    return replace(scenario, nodes=replace(scenario.nodes, machines=machines))


@pytest.mark.parametrize(
    ("asked", "low", "high", "keep", "power"),
    [
        (1.0, 0.0, 6.0, 0.0, 0.0),  # nearer to standstill than to 3 kW
        (1.5, 0.0, 6.0, 0.0, 3.0),
        (0.2, 0.0, 6.0, 1.0, 3.0),  # the level needs something
        (4.0, 0.0, 6.0, 5.0, 5.0),
        (8.0, 0.0, 6.0, 0.0, 6.0),
        (2.0, 0.0, 0.0, 1.0, 0.0),  # a ramp or the top forbids it
    ],
)
def test_a_least_load_is_asked_whole_or_not_at_all(asked, low, high, keep, power):
    scenario = with_least(community("heat_pump_least"))
    at = columns(scenario)
    seen = np.zeros((1, 2, len(features(scenario))))
    for end, value in (("low", low), ("high", high), ("keep", keep)):
        seen[..., at[f"power_{end}_0"]] = value
    setpoint = np.full((1, 2, 1), asked)
    assert allowed(scenario, seen, at, setpoint)[0, 0, 0] == pytest.approx(power)
