"""Fuel that is ordered: what fits, when it arrives, what it costs, and what it is worth."""

from dataclasses import replace

import numpy as np
import pytest

from baselines.community.mpc.foresight import foresight
from baselines.community.optimal.policy import optimum
from p2p_market.community import engine
from p2p_market.community.actions import action_map, to_proposal
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.observation import features, observe
from p2p_market.community.optimum.breakdown import losses
from p2p_market.community.optimum.duality import bound_eur
from p2p_market.community.optimum.plan import Prices
from p2p_market.community.rules.policy import truthful
from p2p_market.community.scenario.fuel import fuel_year_eur_per_kwh
from p2p_market.community.scenario.scenario import build, validated
from p2p_market.errors import ScenarioError
from p2p_market.evaluation.rollout import rollout
from tests.community.machines.zoo import PLAIN, community, content

pytestmark = [pytest.mark.xdist_group("machines"), *PLAIN]

SCENARIO = community("wood_chp")
EPISODE = draw(SCENARIO, choose_key(SCENARIO, 0, "test", 1))
FULL = 2000.0


def proposal(order_kwh, power_kw=0.0):
    table, shape = action_map(SCENARIO), (1, len(SCENARIO.agents))
    physical = np.zeros((*shape, table.width))
    physical[0, 0, 0], physical[0, 0, -1] = power_kw, order_kwh
    return to_proposal(physical, np.ones(shape, dtype=np.bool_), table.further)


def test_what_is_ordered_is_paid_at_once_and_arrives_a_day_later():
    state = engine.start(SCENARIO, EPISODE)
    start = state.energy_kwh[0, 0, 0]
    names = [one.name for one in features(SCENARIO)]
    for step in range(25):
        order = 300.0 if step == 0 else 0.0
        state, done = engine.step(SCENARIO, EPISODE, state, proposal(order))
        level = start + (300.0 if step >= 23 else 0.0)
        assert state.energy_kwh[0, 0, 0] == pytest.approx(level), step
        paid = order * EPISODE.fuel_eur_per_kwh[step, 0, 0]
        assert done.ledger.entry("degradation")[0, 0] == pytest.approx(paid)
        assert done.flows.delivered_kwh[0, 0] == (300.0 if step == 23 else 0.0)
        seen = dict(zip(names, observe(SCENARIO, EPISODE, state)[0, 0], strict=True))
        assert seen["fuel_under_way"] == (300.0 if step < 23 else 0.0)
        assert seen["fuel_price"] == pytest.approx(EPISODE.fuel_eur_per_kwh[step + 1, 0, 0])
    assert not done.cause.any()  # the supervisor expected the lorry


def test_an_order_is_cut_to_what_fits_and_what_fits_stays():
    state = engine.start(SCENARIO, EPISODE)
    room = FULL - state.energy_kwh[0, 0, 0]
    for wish, executed in ((-5.0, 0.0), (0.5 * room, 0.5 * room), (1e5, 0.5 * room), (9.0, 0.0)):
        state, done = engine.step(SCENARIO, EPISODE, state, proposal(wish))
        assert done.action.fuel_kwh[0, 0] == pytest.approx(executed)
        assert done.action.fuel_kwh[0, 1] == 0.0  # who burns none orders none


def test_whatever_is_ordered_no_bunker_overflows():
    generator, state = np.random.default_rng(3), engine.start(SCENARIO, EPISODE)
    ordered = burnt = 0.0
    start = state.energy_kwh[0, 0, 0]
    for _ in range(SCENARIO.steps):
        wish = proposal(generator.exponential(300.0), -generator.uniform(0.0, 40.0))
        state, done = engine.step(SCENARIO, EPISODE, state, wish)  # strict: energy balances
        assert state.energy_kwh[0, 0, 0] <= FULL + 1e-9
        ordered += done.action.fuel_kwh[0, 0]
        burnt += -done.action.setpoint_kw[0, 0, 0] / 0.28
    coming = state.fuel[0, 0, 1:].sum()
    assert start + ordered - burnt - coming == pytest.approx(state.energy_kwh[0, 0, 0])
    assert ordered > FULL


def test_room_has_a_price_and_orders_are_part_of_the_proof():
    plan = optimum(SCENARIO).plan(EPISODE)
    prices = Prices(**plan.prices)
    assert prices.room_eur_per_kwh.max() > 1e-4
    bound = bound_eur(SCENARIO, EPISODE, prices)
    assert bound == pytest.approx(plan.objective_eur, abs=1e-6)
    assert bound_eur(SCENARIO, EPISODE, replace(prices, room_eur_per_kwh=None)) < bound - 1e-2
    assert plan.schedule["fuel"].sum() > 100.0


def test_what_the_rule_loses_is_told_by_choice():
    prices = Prices(**optimum(SCENARIO).plan(EPISODE).prices)
    played = rollout(SCENARIO, EPISODE, truthful(SCENARIO), "truthful")
    assert played.series["fuel_kwh"].sum() > 500.0  # a bunker that is half empty is filled
    lost = losses(SCENARIO, EPISODE, prices, played)
    parts = [lost.exchange, lost.net_load, lost.power, lost.empty, lost.full, lost.line, lost.cuts]
    assert min(part.min() for part in parts) > -1e-9
    cost = played.social_cost_eur[0] - bound_eur(SCENARIO, EPISODE, prices)
    assert sum(part.sum() for part in parts) == pytest.approx(cost, abs=1e-6)


def test_the_price_of_a_year():
    year = fuel_year_eur_per_kwh(SCENARIO)[:, 0]
    assert year.mean() == pytest.approx(0.035, abs=0.004)
    assert year.std() == pytest.approx(0.005, rel=0.4)
    assert np.corrcoef(year[1:], year[:-1])[0, 1] > 0.8


def test_waste_is_a_fuel_that_pays_who_takes_it():
    values = content("wood_chp")
    values["members"][0]["assets"][-1]["fuel_eur_per_mwh"] = -30.0
    scenario = build(validated(values, "zoo.yaml"))
    episode = draw(scenario, choose_key(scenario, 0, "test", 1))
    _, done = engine.step(scenario, episode, engine.start(scenario, episode), proposal(300.0))
    got = done.ledger.entry("degradation")[0, 0]
    assert got == pytest.approx(300.0 * episode.fuel_eur_per_kwh[0, 0, 0])
    assert -300.0 * 0.05 < got < -300.0 * 0.01


def test_what_cannot_be_ordered_is_refused():
    values = content("wood_chp")
    values["members"][0]["assets"][-1]["lead_h"] = 1.0
    with pytest.raises(ScenarioError, match="less than two steps of 1 h"):
        build(validated(values, "zoo.yaml"))
    values = content("wood_chp")
    values["members"][0]["assets"].append(values["members"][0]["assets"][-1])
    with pytest.raises(ScenarioError, match="2 devices that order fuel"):
        build(validated(values, "zoo.yaml"))
    with pytest.raises(ScenarioError, match="a plan of some hours does not plan yet"):
        foresight(SCENARIO)
