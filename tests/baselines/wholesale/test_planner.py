"""The planner of the power system: what it expects, what its prices mean, and that it cannot know
what comes."""

from dataclasses import replace

import numpy as np
import pytest

from baselines.wholesale.mpc.outlook import BLOCK_H, day_ahead, outlook, start_day
from baselines.wholesale.mpc.plan import as_bid, horizon_ahead, plan
from baselines.wholesale.mpc.reserve import expected_cost
from baselines.wholesale.optimal.policy import optimum
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.evaluation.rollout import rollout
from p2p_market.registry import load_scenario
from p2p_market.track import EpisodeKey
from p2p_market.wholesale.features import FORECASTS
from p2p_market.wholesale.records import ROLES
from p2p_market.wholesale.rules.default import places
from p2p_market.wholesale.scenario import build
from p2p_market.wholesale.track import draw, observe, start

WEEK = load_scenario("wholesale-12-v0")
DAY = build(WEEK.spec.model_copy(update={"days": 1}))
KEY = EpisodeKey("train", 1, 0)
CALM = {"demand": 0.0, "wind": 0.0, "solar": 0.0, "outages_per_week": 0.0}
FLUCTUATIONS = ("fluctuation_demand", "fluctuation_wind", "fluctuation_solar")


def cast(name="mpc", scenario=DAY):
    return {role: load_policy(name, scenario, role) for role in ROLES}


def first_seen(scenario, key=KEY, role="storage"):
    episode = draw(scenario, key)
    seen = observe(scenario, episode, start(scenario, episode))
    return seen[role][0].astype(np.float64)


def known_day():
    """A day without anything random: demand, wind and sun are at their highest throughout."""
    draws = WEEK.spec.draws.model_copy(update=CALM | dict.fromkeys(FLUCTUATIONS, 0.0))
    units = tuple(
        unit.model_copy(update={"max_mw": 20.0}) if unit.source else unit
        for unit in day_ahead(WEEK).spec.generators
    )
    changed = {"data": "constant", "draws": draws, "generators": units}
    return build(day_ahead(WEEK).spec.model_copy(update=changed))


def test_the_first_forecasts_tell_days_with_other_averages_apart():
    for day in (1, 100, 200, 300):
        row = first_seen(WEEK, EpisodeKey("train", day, 0))[0]
        found = start_day(WEEK, "storage", row)
        assert outlook(WEEK, "storage", row, found, 0).firm_mw == pytest.approx(
            outlook(WEEK, "storage", row, day, 0).firm_mw, abs=0.01
        )


def test_the_outlook_keeps_the_means_that_were_told():
    row = first_seen(WEEK, role="consumer")[0].copy()
    at = places(WEEK, "consumer")
    first = at[f"net_load_forecast_{FORECASTS[0]}"]
    row[first : first + len(FORECASTS)] += np.array([6.0, 5.0, 4.0, 2.0, 1.0])
    expected = outlook(WEEK, "consumer", row, KEY.start_day, 0)
    net = expected.firm_mw.sum(axis=1) + expected.flexible_mw.sum(axis=1)
    net = net - expected.wind_mw - expected.solar_mw
    for place, horizon_h in enumerate((0.25, 1.0, 3.0)):
        count = round(horizon_h / BLOCK_H)
        assert net[:count].mean() == pytest.approx(row[first + place], abs=0.01)


def test_the_last_plans_end_where_the_episode_ends():
    row = first_seen(DAY)[0]
    assert len(outlook(DAY, "storage", row, KEY.start_day, 0).wind_mw) == 96
    assert len(outlook(DAY, "storage", row, KEY.start_day, DAY.steps - 12).wind_mw) == 4


def test_a_plan_on_what_comes_is_the_optimum():
    scenario = known_day()
    row = first_seen(scenario)[0]
    expected = outlook(scenario, "storage", row, 0, 0)
    planned = plan(scenario, expected, scenario.fleet.start_mwh, np.zeros(3))
    best = optimum(scenario).plan(draw(scenario, KEY))
    assert planned.objective_eur == pytest.approx(best.objective_eur, rel=1e-6)


def test_a_stored_mwh_is_worth_what_more_of_it_saves():
    row = first_seen(WEEK)[0]
    expected = outlook(WEEK, "storage", row, KEY.start_day, 0)
    level = WEEK.fleet.start_mwh
    less, more = (
        plan(WEEK, expected, level + np.array([moved, 0.0]), np.zeros(3)) for moved in (0.0, 0.1)
    )
    saved = (less.objective_eur - more.objective_eur) / 0.1
    between = sorted((more.stored_eur_per_mwh[0], less.stored_eur_per_mwh[0]))
    assert between[0] - 0.5 <= saved <= between[1] + 0.5


def test_costs_as_bids():
    assert as_bid(WEEK, np.array([0.0, 45.0, 65.0, 75.0])) == pytest.approx([20.0, 45, 65, 75])
    assert as_bid(WEEK, np.array([-10.0, 160.0]))[0] == pytest.approx(10.0)


def test_reserve_costs_generation_and_saves_deviations():
    row = first_seen(WEEK, role="operator")[0]
    expected = outlook(WEEK, "operator", row, KEY.start_day, 0)
    calm = WEEK.spec.draws.model_copy(update=dict.fromkeys(FLUCTUATIONS, 0.0))
    quiet = build(WEEK.spec.model_copy(update={"draws": calm}))
    cost = expected_cost(quiet, row, expected)
    assert np.all(np.diff(cost) >= -1e-9)  # without fluctuation nothing speaks for reserve
    assert np.all(expected_cost(WEEK, row, expected) >= cost - 1e-9)


def test_nothing_of_the_future_is_known():
    episode, steps = draw(DAY, KEY), 24
    other = draw(DAY, replace(KEY, seed=5))
    mixed = {
        name: np.concatenate(
            [getattr(episode, name)[:, :steps], getattr(other, name)[:, steps:]], axis=1
        )
        for name in ("firm_mw", "flexible_mw", "available_mw", "must_mw", "trips")
    }
    plain = rollout(DAY, episode, cast(), steps=steps)
    moved = rollout(DAY, replace(episode, **mixed), cast(), steps=steps)
    for role in ROLES:
        assert np.array_equal(plain.actions[role], moved.actions[role])


@pytest.mark.slow
def test_the_last_hour_is_planned_and_every_action_is_finite():
    played = rollout(DAY, draw(DAY, KEY), cast())
    assert all(np.isfinite(played.actions[role]).all() for role in ROLES)
    assert np.all(played.cause == 0)
    assert horizon_ahead(
        day_ahead(DAY), outlook(DAY, "storage", first_seen(DAY)[0], 1, 0), DAY.fleet.start_mwh,
        np.zeros(3),
    ).ends  # fmt: skip


@pytest.mark.slow
def test_it_beats_the_rule_on_a_day():
    episode = draw(DAY, EpisodeKey("train", 4, 0))
    cost = {
        name: rollout(DAY, episode, cast(name)).social_cost_eur[0] for name in ("mpc", "default")
    }
    assert cost["mpc"] < cost["default"]
