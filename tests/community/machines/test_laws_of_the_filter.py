"""The filter's three laws for machines, least loads and ramps included, and the energy balance."""

from dataclasses import replace

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from p2p_market.assets.machine import World, snapped
from p2p_market.assets.node import PowerNode, Presence, advance, coefficients, power_limits
from p2p_market.community import engine
from p2p_market.community.actions import action_map, to_proposal
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.safety import feasibility
from tests.community.machines.zoo import ANY, community

pytestmark = pytest.mark.xdist_group("machines")  # one worker compiles for all

share = st.floats(0.0, 1.0)


def one(value):
    return np.full((1, 1, 1), float(value))


@given(
    up=st.floats(0.0, 20.0), down=st.floats(0.0, 20.0), least=st.sampled_from([0.0, 0.2, 0.5]),
    ramp=st.sampled_from([np.inf, 15.0]), drift=st.floats(-30.0, 30.0), gain=st.floats(0.3, 2.0),
    level=share, before=st.floats(-1.0, 1.0), floor=share, wish=st.floats(-2.0, 2.0),
)  # fmt: skip
def test_limits_hold_and_the_floor_forces_what_it_can(
    up, down, least, ramp, drift, gain, level, before, floor, wish
):
    node = PowerNode(
        "setpoint", -down, up, 0.0, 50.0, law="any", charge_on_kw=least * up,
        discharge_on_kw=least * down, ramp_kw_per_h=ramp,
    )  # fmt: skip
    nodes = coefficients([[node]], 1.0)
    world = World(one(drift), one(gain), one(1.0), one(1.0), one(50.0))
    presence = Presence(one(1.0), one(50.0 * floor), one(0.0), one(0.0), world)
    last = one(before * (up if before > 0 else down))
    low, high = power_limits(nodes, presence, one(50.0 * level), last)
    assert low <= high
    assert max(-down, min(last.item(), 0.0) - ramp) <= low
    assert high <= min(up, max(last.item(), 0.0) + ramp)
    if least:
        assert low <= 0.0 <= high
        assert high == 0.0 or high >= least * up
        assert low == 0.0 or -low >= least * down
    elif ramp == np.inf:  # what is in reach of the floor is reached
        after = 50.0 * level + drift + gain * max(low.item(), 0.0) + min(low.item(), 0.0)
        assert after >= 50.0 * floor - 1e-6 or low in (high, up)
    power = np.clip(wish * 20.0, low, high)
    after, _ = advance(nodes, presence, one(50.0 * level), power)
    assert 0.0 <= after.item() <= 50.0


@pytest.mark.parametrize(
    ("power", "high", "snaps"), [(2.4, 20, 0), (2.5, 20, 5), (4.9999999, 20, 5), (3, 4, 0)]
)
def test_known_points_between_standstill_and_the_least_load(power, high, snaps):
    nodes = coefficients([[PowerNode("setpoint", 0.0, 20.0, 0.0, 1e3, charge_on_kw=5.0)]], 1.0)
    world = World(one(0.0), one(1.0), one(1.0), one(high / 20.0), one(1e3))
    presence = Presence(one(1.0), one(0.0), one(0.0), one(0.0), world)
    low, highest = power_limits(nodes, presence, one(0.0), one(0.0))
    inside = min(max(power, low.item()), highest.item())
    assert snapped(inside, 5.0, 0.0, 0.5) == snaps


@pytest.mark.parametrize("name", ANY)
def test_filtering_twice_is_filtering_once_and_moves_no_feasible_power(name):
    scenario = community(name)
    episode = draw(scenario, choose_key(scenario, 0, "test", 1))
    state, generator = engine.start(scenario, episode), np.random.default_rng(0)
    everyone = np.ones((1, len(scenario.agents)), dtype=np.bool_)
    table = action_map(scenario)
    for _ in range(scenario.steps):
        wish = generator.uniform(-1.0, 1.0, (1, len(scenario.agents), table.width))
        proposal = to_proposal(table.physical(wish), everyone, table.further)
        once = feasibility.project(scenario, episode, state, proposal)
        again = replace(
            proposal,
            setpoint_kw=once.setpoint_kw,
            quantity_kw=once.quantity_kw,
            price_eur_per_kwh=once.price_eur_per_kwh,
        )
        twice = feasibility.project(scenario, episode, state, again)
        assert np.allclose(once.setpoint_kw, twice.setpoint_kw, atol=1e-9)
        if once.fuel_kwh is not None:
            assert np.array_equal(once.fuel_kwh, twice.fuel_kwh)
        state, done = engine.step(scenario, episode, state, proposal)
        assert not done.cause.any()
