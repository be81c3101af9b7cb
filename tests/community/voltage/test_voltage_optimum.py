"""The optimum under a voltage: bound = plan = replay, a bound at any prices, losses by cause."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from baselines.community.optimal.policy import optimum
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.optimum.duality import bound_eur, losses
from p2p_market.community.optimum.plan import Prices
from p2p_market.community.rules.policy import truthful
from p2p_market.community.rules.random_actions import uniform
from p2p_market.community.scenario.scenario import build, validated
from p2p_market.evaluation.ends.certificate import certify
from p2p_market.evaluation.rollout import rollout
from p2p_market.grid.reactive import LARGEST_SHARE, SLOPE
from tests.community.voltage.lines import BINDING, PRICED, RUN, VOLTAGES, line, values

pytestmark = RUN


@lru_cache
def planned(name, week):
    scenario = line(name)
    episode = draw(scenario, choose_key(scenario, 0, "test", week))
    return scenario, episode, optimum(scenario).plan(episode)


@pytest.mark.parametrize("week", [1, 6])
@pytest.mark.parametrize("name", VOLTAGES)
def test_bound_plan_and_replay_agree(name, week):
    scenario, episode, plan = planned(name, week)
    certificate, played = certify(scenario, episode, plan)
    assert certificate.holds, str(certificate)
    assert certificate.bound_eur == pytest.approx(certificate.plan_eur, abs=1e-9)
    assert certificate.replay_eur == pytest.approx(certificate.plan_eur, abs=1e-9)
    assert played.series["pulled_kw"].max() < 1e-6
    *_, free = planned("none", week)
    cured = name == "agent" and week == 6  # reactive power alone does it
    assert (plan.objective_eur > free.objective_eur + 1e-3) != cured


def test_reactive_power_at_choice_is_worth_something():
    for week in (1, 6):
        assert planned("agent", week)[2].objective_eur < planned("binding", week)[2].objective_eur
    room = np.abs(planned("agent_priced", 6)[2].schedule["reactive"]).max()
    assert room > 1.0


@pytest.mark.parametrize("name", VOLTAGES)
def test_any_prices_prove_less(name):
    scenario, episode, plan = planned(name, 6)
    generator = np.random.default_rng(1)
    best = Prices(**plan.prices)
    for size in (0.01, 0.1, 1.0):
        arrays = {key: series + size * generator.standard_normal(series.shape)
                  for key, series in plan.prices.items()}  # fmt: skip
        assert bound_eur(scenario, episode, Prices(**arrays)) < plan.objective_eur - 1e-6
        dear = best.voltage_eur_per_pu2_h * (1.0 + size * generator.uniform(-1.0, 1.0))
        wrong = replace(best, voltage_eur_per_pu2_h=dear)
        assert bound_eur(scenario, episode, wrong) < plan.objective_eur + 1e-9


@pytest.mark.parametrize("rule", [truthful, uniform])
@pytest.mark.parametrize("name", VOLTAGES)
def test_losses_add_up_to_what_is_lost(name, rule):
    scenario, episode, plan = planned(name, 6)
    played = rollout(scenario, episode, rule(scenario), "")
    lost = losses(scenario, episode, Prices(**plan.prices), played)
    parts = [getattr(lost, field) for field in type(lost).__slots__]
    assert min(part.min() for part in parts) > -1e-9
    total = sum(part.sum() for part in parts)
    bound = bound_eur(scenario, episode, Prices(**plan.prices))
    assert total == pytest.approx(played.social_cost_eur.item() - bound, abs=1e-8)


def test_no_power_beats_the_least_where_room_for_reactive_power_begins_to_shrink():
    scenario, episode, plan = planned("agent_priced", 6)
    most = 1.02 - SLOPE * LARGEST_SHARE  # of the rated power, room is whole up to there
    found, nodes = Prices(**plan.prices), scenario.nodes
    worth = np.full(found.meter_eur_per_kwh.shape, 5.0)
    gain = np.where(nodes.present, nodes.charge_gain_h / scenario.dt_h, 1.0)
    wear = nodes.degradation_eur_per_kwh  # charging pays, but less than a kvar does
    level = (found.meter_eur_per_kwh[..., None] + wear + 0.005) / gain
    prices = replace(found, voltage_eur_per_pu2_h=worth, stored_eur_per_kwh=level)
    played = rollout(scenario, episode, truthful(scenario), "")
    for power_kw in (most * nodes.power_max_kw, most * nodes.power_min_kw):
        steady = episode.plugged * power_kw
        tried = replace(played, series={**played.series, "setpoint_kw": steady})
        assert losses(scenario, episode, prices, tried).power.min() > -1e-12


PUMP = {"kind": "heat_pump", "power_kw": 6, "buffer_kwh": 25}
DEAR = {**PRICED, "band_pu": [0.99, 1.002], "eur_per_pu_h": 400.0}


def with_small_batteries(members):
    """They are full when the sun shines, and burn what they can if they may."""
    for member in without_vehicles(members)[:2]:
        member["assets"][-1]["capacity_kwh"] = 4
    return members


def without_vehicles(members):
    for member in members:
        own = member["assets"]
        member["assets"] = [asset for asset in own if asset["kind"] != "electric_vehicle"]
    return members


def with_pump(members, **parameters):
    members[3]["assets"].append({**PUMP, **parameters})
    return members


@pytest.mark.parametrize(
    ("voltage", "members", "optimum_is", "feeder"),
    [
        (DEAR, with_small_batteries(values()["members"]), "mixed_integer", None),
        (
            {**DEAR, "reactive": "agent"},
            with_small_batteries(values()["members"]),
            "mixed_integer",
            None,
        ),
        (PRICED, without_vehicles(values()["members"]), "mixed_integer", 15.0),
        ({**BINDING, "reactive": "agent"}, with_pump(values()["members"]), "linear", None),
        (PRICED, with_pump(values()["members"], least_share=0.3), "mixed_integer", None),
    ],
    ids=["burning-pays", "burning-and-reactive", "binding-feeder", "machine", "least-load"],
)
def test_plans_replay_beside_other_rules(voltage, members, optimum_is, feeder):
    changes = {"members": members, "optimum": optimum_is}
    if feeder is not None:
        changes["feeder"] = {"limit_kw": feeder, "mode": "binding"}
    scenario = build(validated(values(voltage, **changes), "line"))
    episode = draw(
        scenario, choose_key(scenario, 0, "test", 6 if voltage["mode"] == "priced" else 1)
    )
    certificate, played = certify(scenario, episode, optimum(scenario).plan(episode))
    assert certificate.holds, str(certificate)
    assert certificate.replay_eur == pytest.approx(certificate.plan_eur, abs=1e-9)
    assert not played.cause.any()
