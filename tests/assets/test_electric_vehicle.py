"""Electric vehicles: stays, the viability tube, departures and shortfalls."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_market.assets.electric_vehicle import electric_vehicle
from p2p_market.assets.mobility import ARRIVALS_WORKING_DAY, draw_stays, schedule
from p2p_market.assets.viability import level_floor
from p2p_market.community import engine
from p2p_market.community.actions import action_map, to_proposal
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.observation import features, observe
from p2p_market.community.records import LEDGER_COLUMN
from p2p_market.community.scenario.scenario import build
from p2p_market.evaluation.rollout import Recorded, rollout
from p2p_market.registry import load_scenario

CAR = electric_vehicle(capacity_kwh=60.0, power_kw=11.0, stays_per_day=0.7)


@pytest.mark.parametrize("capacity_kwh", [50.0006, 50.0004, 1.0, 77.7777])
def test_a_vehicle_starts_in_its_tube_and_below_its_capacity(capacity_kwh):
    """Levels are whole watt-hours, capacities need not be."""
    car = electric_vehicle(capacity_kwh=capacity_kwh, power_kw=11.0, target_soc=1.0)
    for seed in range(40):
        own = schedule(car, 0, 48, 0.5, 0, 20.0, np.random.default_rng(seed))
        assert own.start_kwh <= capacity_kwh
        first = int(np.argmax(own.plugged))
        if own.plugged[first]:
            most = 11.0 * 0.5 * car.eta_charge  # in a step
            assert own.start_kwh + most >= own.floor_kwh[first] - 1e-9


def test_floor_by_hand():
    floor = level_floor(20.0, 40.0, power_kw=10.0, charge_gain_h=0.5, steps=6)
    assert floor.tolist() == [15.0, 20.0, 25.0, 30.0, 35.0, 40.0]


def test_a_target_out_of_reach_is_followed_at_full_power():
    floor = level_floor(20.0, 60.0, power_kw=10.0, charge_gain_h=0.5, steps=3)
    assert floor.tolist() == [25.0, 30.0, 35.0]


@given(
    start=st.floats(0.0, 50.0),
    target=st.floats(0.0, 60.0),
    power=st.floats(0.0, 22.0),
    steps=st.integers(1, 40),
    choices=st.lists(st.floats(0.0, 1.0), min_size=40, max_size=40),
)
def test_inside_the_tube_some_power_always_keeps_inside(start, target, power, steps, choices):
    floor = level_floor(start, target, power, 0.2, steps)
    level = start
    for after, share in zip(floor, choices, strict=False):
        least = max((after - level) / 0.2, 0.0)
        assert least <= power + 1e-9
        level += 0.2 * (least + share * (power - least))
        assert level >= after - 1e-9
    assert level >= min(target, start + 0.2 * power * steps) - 1e-6


def test_stays_are_in_order_apart_and_deliverable():
    for seed in range(300):
        stays = draw_stays(CAR, seed % 7, 7, 0, np.random.default_rng(seed))
        for stay in stays:
            assert stay.departure > stay.arrival
            assert (
                0.0 < stay.trip_kwh <= 0.25 * (stay.departure - stay.arrival) * 11.0 * 0.93 + 1e-3
            )
        gaps = [b.arrival - a.departure for a, b in pairwise(stays)]
        assert all(gap >= 4 for gap in gaps)


def test_arrivals_follow_the_published_histogram():
    hours = [
        stay.arrival // 4 % 24
        for seed in range(3000)
        for stay in draw_stays(CAR, 0, 3, 0, np.random.default_rng(seed))
        if 0 <= stay.arrival < 5 * 96  # Monday to Friday
    ]
    shares = np.bincount(hours, minlength=24) / len(hours)
    expected = np.array(ARRIVALS_WORKING_DAY) / np.sum(ARRIVALS_WORKING_DAY)
    assert shares[15:21] == pytest.approx(expected[15:21], abs=0.025)


@pytest.mark.parametrize("dt_h", [0.25, 1.0])
def test_schedules_leave_with_the_announced_step(dt_h):
    steps = round(168 / dt_h)
    for seed in range(50):
        own = schedule(CAR, 0, steps, dt_h, 0, 20.0, np.random.default_rng(seed))
        for t in range(steps - 1):
            ends = own.plugged[t] == 1.0 and own.hours_left[t] == pytest.approx(dt_h)
            assert own.departs[t] == float(ends)
            if own.plugged[t] and not own.departs[t]:
                assert own.hours_left[t] - own.hours_left[t + 1] == pytest.approx(dt_h)
        assert np.all((own.plugged == 1.0) == (own.hours_left > 0.0))
        assert np.all(own.floor_kwh[own.plugged == 0.0] == 0.0)
        assert 0.0 <= own.start_kwh <= CAR.target_kwh


def week():
    scenario = build(load_scenario("ev-12-v0").spec.model_copy(update={"days": 4}))
    return scenario, draw(scenario, choose_key(scenario, 3, "test", 6))


@pytest.mark.parametrize("seed", [0, 1])
def test_no_action_keeps_a_vehicle_from_a_target_in_reach(seed):
    scenario, episode = week()
    shape = (scenario.steps, 1, len(scenario.agents), action_map(scenario).width)
    generator = np.random.default_rng(seed)
    wild = generator.uniform(-1.0, 0.2, shape) if seed else np.full(shape, -1.0)
    played = rollout(scenario, episode, Recorded(wild))
    departs = episode.departs[:, 0] > 0.0
    assert departs.any()
    target = np.broadcast_to(scenario.nodes.target_kwh, departs.shape)
    missing = target - episode.floor_kwh[:, 0]
    short_eur = played.entries_eur[..., LEDGER_COLUMN["shortfall"]].sum()
    most_eur = scenario.spec.shortfall_eur_per_kwh * missing[departs].clip(0.0).sum()
    assert short_eur <= most_eur + 1e-6


def test_a_shortfall_is_priced_made_up_and_balanced():
    scenario, episode = week()
    t, agent, asset = (int(place[0]) for place in np.nonzero(episode.departs[:, 0]))
    state = replace(
        engine.start(scenario, episode),
        step=t,
        energy_kwh=np.where(scenario.nodes.target_kwh > 0.0, 1.0, 0.0)[None],
    )
    calm = np.zeros((1, len(scenario.agents), action_map(scenario).width))
    after, outcome = engine.step(
        scenario, episode, state, to_proposal(calm, np.ones(calm.shape[:2], dtype=np.bool_))
    )
    target = scenario.nodes.target_kwh[agent, asset]
    missing = outcome.flows.shortfall_kwh[0, agent, asset]
    assert missing > 0.5 * target
    assert after.energy_kwh[0, agent, asset] == pytest.approx(
        target - episode.trip_kwh[t, 0, agent, asset]
    )
    assert outcome.ledger.entry("shortfall")[0, agent] == pytest.approx(
        missing * scenario.spec.shortfall_eur_per_kwh
    )


def test_a_departure_is_observed_from_plug_in_on_and_not_before():
    scenario, episode = week()
    names = [feature.name for feature in features(scenario)]
    agent = 2  # its only flexible asset is a vehicle
    plugged = episode.plugged[:, 0, agent, 0]
    arrival = int(np.flatnonzero(np.diff(plugged) > 0.0)[0]) + 1
    for step, known in ((arrival - 1, False), (arrival, True)):
        state = replace(engine.start(scenario, episode), step=step)
        row = observe(scenario, episode, state)[0, agent]
        assert (row[names.index("hours_left_0")] > 0.0) == known
        assert (row[names.index("target_soc_0")] > 0.0) == known
        assert (row[names.index("power_max_0")] > 0.0) == known
    later = episode.departs.copy()
    later[arrival:] = 0.0
    changed = replace(episode, departs=later, trip_kwh=0.0 * episode.trip_kwh)
    state = replace(engine.start(scenario, episode), step=arrival - 1)
    np.testing.assert_array_equal(
        observe(scenario, episode, state), observe(scenario, changed, state)
    )
