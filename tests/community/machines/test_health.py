"""What use and time take of a battery."""

import numpy as np
import pytest

from p2p_market.assets.battery import battery
from p2p_market.assets.health import soh_loss, wear_eur_per_kwh
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.health import health
from p2p_market.community.rules.policy import truthful
from p2p_market.evaluation.rollout import rollout
from tests.community.machines.zoo import community

pytestmark = pytest.mark.xdist_group("machines")  # one worker compiles for all


def test_a_week_of_a_home_battery():
    node = battery(capacity_kwh=20.0, power_kw=10.0, type="li-ion")
    assert soh_loss(140.0, 168.0, node) == pytest.approx(0.000385, abs=5e-7)


@pytest.mark.parametrize(
    ("chemistry", "eta", "depth", "cycles", "years"),
    [
        ("li-ion", 0.95, 0.9, 6000, 15),
        ("flow", 0.866, 1.0, 15000, 20),
        ("lead-acid", 0.894, 0.5, 1500, 10),
    ],
)
def test_types_of_batteries(chemistry, eta, depth, cycles, years):
    node = battery(capacity_kwh=20.0, power_kw=10.0, type=chemistry, soh=0.9)
    assert node.eta_charge == node.eta_discharge == eta
    assert node.energy_max_kwh == pytest.approx(18.0)
    assert node.energy_min_kwh == pytest.approx((1.0 - depth) * 18.0)
    for_use, for_time = soh_loss(2.0 * cycles * depth * 20.0, 0.0, node), 8760.0 * years
    assert for_use == pytest.approx(0.2)
    assert soh_loss(0.0, for_time, node) == pytest.approx(0.2)


def test_an_old_battery_ages_as_it_did_when_it_was_new():
    old = battery(capacity_kwh=20.0, power_kw=10.0, type="li-ion", soh=0.8)
    assert soh_loss(140.0, 168.0, old) == pytest.approx(0.000385, abs=5e-7)


def test_wear_pays_the_battery_back():
    assert wear_eur_per_kwh(400.0, 6000.0, 0.9) == pytest.approx(0.037, abs=5e-4)


def test_every_battery_with_a_type_is_told():
    scenario = community("outdoor_battery")
    episode = draw(scenario, choose_key(scenario, 0, "test", 6))
    played = rollout(scenario, episode, truthful(scenario), "truthful")
    found = health(scenario, played)
    used_kwh = np.abs(played.series["setpoint_kw"][:, 0, 0, 0]).sum()
    assert found.full_cycles[0, 0, 0] == pytest.approx(used_kwh / (2.0 * 0.9 * 20.0))
    assert found.full_cycles[0, 0, 0] > 0.1
    assert found.soh_loss[0, 0, 0] == pytest.approx(
        0.2 * (used_kwh / (2.0 * 6000.0 * 18.0) + 168.0 / (8760.0 * 15.0))
    )
    assert found.soh_loss_per_year == pytest.approx(found.soh_loss * 8760.0 / 168.0)
    assert found.soh_loss[0, 1, 0] == 0.0  # one without a type
