"""A vehicle that serves its own house, and charging that slows down near full."""

from dataclasses import replace

import numpy as np
import pytest

from baselines.community.optimal.policy import optimum
from p2p_market.assets.battery import battery
from p2p_market.assets.electric_vehicle import electric_vehicle
from p2p_market.assets.node import power_limits
from p2p_market.community import engine
from p2p_market.community.actions import action_map, to_proposal
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.kernel_inputs import packed_nodes, presence_of
from p2p_market.community.optimum.breakdown import losses
from p2p_market.community.optimum.duality import bound_eur
from p2p_market.community.optimum.plan import Prices
from p2p_market.community.rules.policy import truthful
from p2p_market.evaluation.ends.certificate import certify
from p2p_market.evaluation.rollout import rollout
from tests.community.machines.zoo import community

pytestmark = pytest.mark.xdist_group("machines")  # one worker compiles for all

VEHICLE = {"capacity_kwh": 60.0, "power_kw": 11.0}


def episode_of(name, dt_h=1.0):
    scenario = community(name, dt_h)
    return scenario, draw(scenario, choose_key(scenario, 0, "test", 1))


def test_a_vehicle_gives_no_more_than_its_house_takes():
    scenario, episode = episode_of("vehicle_to_house")
    own_kw = np.maximum(episode.load_kw - episode.pv_kw, 0.0)[:, 0, 0]
    most_kw = episode.low_share[:, 0, 0, 0] * -scenario.nodes.power_min_kw[0, 0]
    assert (most_kw <= own_kw + 1e-12).all()
    assert most_kw == pytest.approx(np.minimum(own_kw, 10.0), abs=2e-5)
    state, table = engine.start(scenario, episode), action_map(scenario)
    physical, gave_kw = np.zeros((1, 2, table.width)), []
    physical[0, 0, 0] = -10.0
    proposal = to_proposal(physical, np.ones((1, 2), dtype=np.bool_))
    for _ in range(scenario.steps):
        state, done = engine.step(scenario, episode, state, proposal)
        gave_kw.append(-done.action.setpoint_kw[0, 0, 0])
        assert done.action.net_load_kw[0, 0] >= -1e-12  # it never feeds the grid
    assert max(gave_kw) > 0.5


@pytest.mark.parametrize("share", [0.5, 0.8, 0.9, 0.95, 1.0])
def test_charging_slows_down_over_the_last_fifth(share):
    scenario, episode = episode_of("battery_taper", 0.25)
    level = np.full_like(episode.start_energy_kwh, 30.0 * share)
    at = packed_nodes(scenario), presence_of(episode, 0), level, np.zeros_like(level)
    most_kw = power_limits(*at).high[0, 0, 0]
    assert most_kw == pytest.approx(min(15.0, 15.0 * (1.0 - share) / 0.2))


def test_the_taper_has_a_price_without_which_the_bound_is_lower():
    scenario, episode = episode_of("battery_taper", 0.25)
    plan = optimum(scenario).plan(episode)
    prices = Prices(**plan.prices)
    assert prices.taper_eur_per_kwh.max() > 1e-3
    bound = bound_eur(scenario, episode, prices)
    assert bound == pytest.approx(plan.objective_eur, abs=1e-5)
    assert bound_eur(scenario, episode, replace(prices, taper_eur_per_kwh=None)) < bound - 1e-3


@pytest.mark.compiled
def test_both_ends_hold_where_a_vehicle_charges_slowly_near_full():
    scenario, episode = episode_of("vehicle_taper", 0.25)
    certificate, _ = certify(scenario, episode, optimum(scenario).plan(episode))
    assert certificate.holds, str(certificate)


def test_what_a_rule_loses_is_told_by_choice():
    scenario, episode = episode_of("battery_taper", 0.25)
    prices = Prices(**optimum(scenario).plan(episode).prices)
    played = rollout(scenario, episode, truthful(scenario), "truthful")
    lost = losses(scenario, episode, prices, played)
    parts = [lost.exchange, lost.net_load, lost.power, lost.empty, lost.full, lost.line, lost.cuts]
    assert min(part.min() for part in parts) > -1e-9
    total = sum(part.sum() for part in parts)
    cost = played.social_cost_eur[0] - bound_eur(scenario, episode, prices)
    assert total == pytest.approx(cost, abs=1e-6)


def test_what_would_miss_an_announced_departure_is_refused():
    with pytest.raises(ValueError, match=r"target_soc 0\.9 must be at most 0\.8"):
        electric_vehicle(**VEHICLE, target_soc=0.9, taper=True)
    with pytest.raises(ValueError, match="needs a discharge_power_kw"):
        electric_vehicle(**VEHICLE, discharge_to="house")


def test_a_type_alone_makes_no_machine():
    assert not battery(capacity_kwh=20.0, power_kw=5.0, type="flow", soh=0.9).is_machine
