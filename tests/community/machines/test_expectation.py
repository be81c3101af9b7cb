"""Training days alone say what is expected, digests see the world, wishes go to the nearest."""

from dataclasses import replace

import numpy as np
import pytest

from p2p_market.community import engine
from p2p_market.community.actions import action_map, to_proposal
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.optimum.digest import WORLD, digest_of
from p2p_market.community.safety import feasibility
from p2p_market.community.scenario.laws import machine_year
from p2p_market.data import weather
from p2p_market.data.calendar import split_mask, step_means
from tests.community.machines.zoo import community


def test_expected_heat_is_that_of_training_days():
    own, building = weather.load("de2018"), "old_building_single_family_house"
    heat = own.of("heat_kw", building) + own.of("hot_water_kw", building)
    days = -step_means(heat, 1.0).reshape(365, 24)
    number = np.arange(365)
    near = np.isin(np.minimum(number // 28, 12), [4, 5, 6])
    expected = machine_year(community("heat_pump")).expected_kwh[5, :, 0, 0]
    assert expected == pytest.approx(days[near & split_mask("train")].mean(axis=0), abs=1e-3)
    assert np.abs(expected - days[near].mean(axis=0)).max() > 0.01  # test days would tell


@pytest.mark.parametrize("name", WORLD)
def test_a_digest_sees_what_the_world_does(name):
    scenario = community("heat_pump")
    episode = draw(scenario, choose_key(scenario, 0, "test", 1))
    series = getattr(episode, name).copy()
    series[3] += 0.001
    assert digest_of(scenario, episode) != digest_of(scenario, replace(episode, **{name: series}))


@pytest.mark.parametrize(("wish", "executed"), [(0.8, 0.0), (0.9, 1.8), (1.4, 1.8), (2.0, 2.0)])
def test_a_wish_below_the_least_load_goes_to_the_nearest(wish, executed):
    scenario = community("heat_pump_least")
    episode = draw(scenario, choose_key(scenario, 0, "test", 1))
    state = engine.start(scenario, episode)
    shape = 1, len(scenario.agents)
    physical = np.zeros((*shape, action_map(scenario).width))
    physical[0, 0, 0] = wish
    proposal = to_proposal(physical, np.ones(shape, dtype=np.bool_))
    action = feasibility.project(scenario, episode, state, proposal)
    assert action.setpoint_kw[0, 0, 0] == pytest.approx(executed)
