"""Planners where fuel is ordered and maintenance must be: what they say, and what they count on."""

import numpy as np
import pytest

from baselines.community.mpc import policy as cold
from baselines.community.mpc import warm
from baselines.community.mpc.acts import running_share, said_by_rule, standing
from baselines.community.mpc.forecasts import columns
from baselines.community.storage_value.policy import bidder
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.observation import features
from p2p_market.community.rules.policy import truthful
from p2p_market.evaluation.rollout import rollout
from p2p_market.registry import load_scenario
from tests.community.machines.zoo import PLAIN, community

pytestmark = pytest.mark.xdist_group("machines")

PLANNERS = {"cold": cold.alone, "warm": warm.alone, "bidder": bidder}
SLOW = {"cold": [pytest.mark.slow], "warm": PLAIN, "bidder": PLAIN}


def seen_of(scenario, **values):
    """An observation of two members, in which the first sees some numbers."""
    seen = np.zeros((2, len(features(scenario))))
    for name, value in values.items():
        seen[0, columns(scenario)[name]] = value
    return seen


@pytest.mark.parametrize(
    ("left", "wait", "shares"),
    [
        (0.0, 20.5, {2: 0.5} | dict.fromkeys(range(3, 10), 0.0) | {10: 0.5}),
        (0.0, 18.0, dict.fromkeys(range(8), 0.0)),  # it begins now
        (3.0, 0.0, dict.fromkeys(range(3), 0.0)),
        (0.0, 0.0, {}),  # over
    ],
)
def test_a_plan_knows_when_maintenance_will_be(left, wait, shares):
    scenario = community("biogas_service")  # the rule begins 18 h before it must
    ahead, _ = warm.horizon(scenario)
    seen = seen_of(scenario, service_left=left, service_wait=wait)
    found = running_share(scenario, ahead, seen, columns(scenario))
    expected = [shares.get(block, 1.0) for block in range(ahead.steps)]
    assert found[:, 0, 0].tolist() == expected
    assert (found[:, 1] == 1.0).all()


@pytest.mark.parametrize(("wait", "power"), [(19.0, -9.0), (18.0, 0.0), (0.0, -9.0)])
def test_what_begins_now_is_not_asked_to_run(wait, power):
    scenario = community("biogas_service")
    seen = seen_of(scenario, service_wait=wait)[None]
    asked = standing(scenario, seen, np.full((1, 2, 1), -9.0))
    assert asked[0, :, 0].tolist() == [power, -9.0]


def test_what_a_plan_says_elsewhere_stays():
    scenario = load_scenario("voltage-10-v0")
    seen = np.zeros((1, len(scenario.agents), len(features(scenario))))
    planned = [np.full(seen.shape[:2], 3.0)]
    assert said_by_rule(scenario, seen, 0, planned) == planned
    assert not said_by_rule(scenario, seen, 0)[0].any()
    assert said_by_rule(load_scenario("classic-v0"), seen, 0) is None


@pytest.mark.parametrize(("step", "order"), [(0, 1500.0), (144, 1500.0), (145, 0.0)])
def test_fuel_that_would_arrive_after_the_end_is_not_ordered(step, order):
    scenario = community("wood_chp")  # a day ahead, into 2000 kWh
    seen = seen_of(scenario, soc_0=0.25)[None]
    assert said_by_rule(scenario, seen, step)[0].tolist() == [[order, 0.0]]


@pytest.mark.parametrize("name", [pytest.param(name, marks=marks) for name, marks in SLOW.items()])
def test_planners_fill_a_bunker_and_fit_maintenance_in(name):
    scenario = community("wood_chp")
    episode = draw(scenario, choose_key(scenario, 0, "test", 1))
    played = rollout(scenario, episode, PLANNERS[name](scenario), name)
    assert played.series["fuel_kwh"].sum() > 3000.0
    assert played.series["energy_kwh"][-1, 0, 0, 0] > 500.0

    scenario = community("biogas_service")
    episode = draw(scenario, choose_key(scenario, 0, "test", 1))
    played = rollout(scenario, episode, PLANNERS[name](scenario), name)
    assert not played.series["setpoint_kw"][94:102, 0, 0, 0].any()
    if name != "bidder":  # who does not plan for it
        rule = rollout(scenario, episode, truthful(scenario), "truthful")
        assert played.social_cost_eur < rule.social_cost_eur - 5.0
