"""Rolling horizons: what they may know, and what they reach."""

from dataclasses import replace

import numpy as np
import pytest

from baselines.community.duals.learn import FOLDER, learn, lessons, seasons_and_hours
from baselines.community.mpc import forecasts
from baselines.community.mpc.forecasts import columns, forecast, start_day
from baselines.community.mpc.foresight import foresight
from baselines.community.mpc.policy import alone, community
from p2p_market.community import engine
from p2p_market.community.episode.episode import choose_key, draw, stack
from p2p_market.community.episode.window import window
from p2p_market.community.observation import observe
from p2p_market.community.scenario.scenario import build
from p2p_market.data.calendar import start_days
from p2p_market.data.forecast import HORIZONS_H
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.evaluation.rollout import rollout
from p2p_market.registry import load_scenario
from p2p_market.track import EpisodeKey
from tests.every_scenario import COMMUNITY


@pytest.fixture(scope="module")
def classic():
    return load_scenario("classic-v0")


def cost(scenario, episode, policy):
    return rollout(scenario, episode, policy).social_cost_eur


@pytest.mark.parametrize("name", ["classic-v0", "community-16-v0"])
def test_the_day_is_read_from_the_calendar(name):
    scenario = load_scenario(name)
    for day in (*start_days("test", scenario.spec.days), *start_days("train", scenario.spec.days)):
        episode = draw(scenario, EpisodeKey("test", int(day), 0))
        first = observe(scenario, episode, engine.start(scenario, episode))[0]
        assert start_day(scenario, first) == day


@pytest.mark.parametrize("step", [0, 30, 47, 48, 51, 300, 655])  # 48: prices are published
def test_forecasts_are_those_of_the_observation(step):
    """At the four horizons that an observation shows; prices as far as they are published."""
    scenario = load_scenario("crisis-prices-v0")
    key = choose_key(scenario, 0, "test", 3)
    episode = draw(scenario, key)
    state = engine.state_at(scenario, episode, step, episode.start_energy_kwh)
    seen = observe(scenario, episode, state)[0].astype(np.float64)
    at = columns(scenario)
    told = forecast(scenario, seen, key.start_day, step, 25 * 4, 1)
    for hours in HORIZONS_H:
        row = round(hours / scenario.dt_h)
        for series, name in (
            (told.load_kw, "load"), (told.pv_kw, "pv"), (told.retail_eur_per_kwh, "retail"),
        ):  # fmt: skip
            np.testing.assert_allclose(series[row], seen[:, at[f"{name}_in_{hours}h"]], atol=2e-6)
    np.testing.assert_allclose(told.load_kw[0], seen[:, at["load"]], atol=1e-6)
    np.testing.assert_allclose(told.retail_eur_per_kwh[0], seen[:, at["retail"]], atol=1e-6)


@pytest.fixture
def crisis():
    """A scenario, a week's first day, what is expected of the week, and observations to change."""
    scenario = load_scenario("crisis-prices-v0")
    key = choose_key(scenario, 0, "test", 3)
    episode = draw(scenario, key)
    seen = observe(scenario, episode, engine.start(scenario, episode))[0].astype(np.float64)
    return scenario, key.start_day, window(scenario, key.start_day), seen


def test_a_faint_sun_says_nothing_of_the_next_hours(crisis):
    scenario, day, common, seen = crisis
    faint = (common.expected_pv_kw > 0.0) & (common.expected_pv_kw <= 0.01)
    step, agent = map(int, np.argwhere(faint)[0])
    seen[agent, columns(scenario)["pv"]] = 0.5
    told = forecast(scenario, seen, day, step, 96, 1)
    assert told.pv_kw[0, agent] == 0.5
    expected = common.expected_pv_kw[step + 1 : step + 96, agent]
    np.testing.assert_array_equal(told.pv_kw[1:, agent], expected)


def test_no_load_is_expected_below_zero(crisis):
    """Where the average falls and nothing is switched on now, persistence alone would say so."""
    scenario, day, common, seen = crisis
    average = common.expected_load_kw[: scenario.steps]
    step, agent = np.unravel_index(np.argmin(average[1:] / average[:-1]), average[1:].shape)
    seen[:, columns(scenario)["load"]] = 0.0
    told = forecast(scenario, seen, day, int(step), 96, 1)
    assert told.load_kw.min() == told.load_kw[1, agent] == 0.0


def test_a_block_is_the_mean_of_its_steps_and_begins_with_its_first(crisis):
    scenario, day, _, seen = crisis
    steps, blocks = (forecast(scenario, seen, day, 30, *size) for size in ((96, 1), (24, 4)))
    for name in ("load_kw", "pv_kw", "retail_eur_per_kwh"):
        expected = getattr(steps, name).reshape(24, 4, -1).mean(axis=1)
        np.testing.assert_allclose(getattr(blocks, name), expected, rtol=1e-12)
    np.testing.assert_array_equal(blocks.local_h, steps.local_h[::4])
    clock = seasons_and_hours(scenario, day)[1]  # whole hours
    np.testing.assert_array_equal(np.floor(steps.local_h[:60]), clock[30:90])
    assert np.all((steps.local_h >= 0.0) & (steps.local_h < 24.0))


def test_hours_begin_on_the_clock(classic):
    key = choose_key(classic, 0, "test", 5)
    episode = draw(classic, key)
    seen = observe(classic, episode, engine.start(classic, episode))[0].astype(np.float64)
    told = forecast(classic, seen, key.start_day, 5, 24, 1)
    expected = seasons_and_hours(classic, key.start_day)[1][5:29]
    assert told.local_h.tolist() == expected.tolist()


def test_past_the_window_the_day_before_stands_in(crisis):
    scenario, _, common, _ = crisis
    last, day = len(common.retail_eur_per_kwh) - 1, scenario.steps_per_day
    ahead = np.array([0, 1, day, day + 1, 2 * day, 2 * day + 1])
    rows = forecasts._inside(common, last + ahead, day)
    assert (rows - last).tolist() == [0, 1 - day, 0, 1 - day, 0, 1 - day]


@pytest.mark.parametrize(("step", "days"), [(0, 1), (47, 1), (48, 2)])
def test_no_price_is_known_before_it_is_published(crisis, monkeypatch, step, days):
    """A year whose prices differ from tomorrow on gives the same forecast until 13:00 today."""
    scenario, day, honest, seen = crisis

    def expected_if_dearer_from(first):
        retail = honest.retail_eur_per_kwh.copy()
        retail[first:] += 1.0
        other = replace(honest, retail_eur_per_kwh=retail)
        monkeypatch.setattr(forecasts, "window", lambda *_: other)
        return forecast(scenario, seen, day, step, 48, 4).retail_eur_per_kwh

    told = forecast(scenario, seen, day, step, 48, 4).retail_eur_per_kwh
    midnight = days * scenario.steps_per_day - 4  # in summer the wall clock is an hour ahead
    np.testing.assert_array_equal(expected_if_dearer_from(midnight), told)
    assert np.any(expected_if_dearer_from(midnight - 1) > told)


@pytest.mark.parametrize("days", [2, pytest.param(7, marks=pytest.mark.slow)])
def test_with_all_of_the_episode_in_view_it_is_the_optimum(classic, days):
    scenario = build(classic.spec.model_copy(update={"days": days}))
    episode = draw(scenario, choose_key(scenario, 0, "test", 5))
    rule = cost(scenario, episode, load_policy("no-trade", scenario))[0]
    best = load_policy("optimum", scenario).plan(episode).objective_eur
    whole = foresight(scenario, 24.0 * days).informed(episode)
    score = 100.0 * (rule - cost(scenario, episode, whole)[0]) / (rule - best)
    assert 99.9 <= score <= 100.0 + 1e-6


@pytest.mark.parametrize("weeks", [(5,), pytest.param((2, 5, 8), marks=pytest.mark.slow)])
def test_better_knowledge_and_more_coordination_cost_less(classic, weeks):
    episode = stack([draw(classic, choose_key(classic, 0, "test", week)) for week in weeks])
    told = foresight(classic).informed(episode)
    ladder = [
        cost(classic, episode, policy).sum()
        for policy in (told, community(classic), alone(classic), load_policy("truthful", classic))
    ]
    assert ladder == sorted(ladder)
    assert len(set(ladder)) == len(ladder)


@pytest.mark.parametrize("name", ["ev-12-v0", "outage-v0", "binding-feeder-v0", "resale-6-v0"])
def test_every_kind_of_scenario_is_planned_for_a_day(name):
    scenario = load_scenario(name)
    episode = draw(scenario, choose_key(scenario, 0, "test", 5))
    for policy in (community(scenario), alone(scenario)):
        played = rollout(replace(scenario, steps=scenario.steps_per_day), episode, policy)
        assert not played.cause.any()


@pytest.mark.parametrize("name", COMMUNITY)
def test_lessons_of_every_shipped_scenario_are_kept(name, monkeypatch):
    scenario = load_scenario(name)
    monkeypatch.setattr("baselines.community.duals.learn.learn", None)
    hub = lessons(scenario).hub_eur_per_kwh
    assert hub.shape == (3, 24)
    assert np.all((hub >= 0.0) & (hub <= scenario.spec.price_max_eur_per_kwh))


def test_lessons_are_what_is_learnt(classic, tmp_path, monkeypatch):
    kept = lessons(classic).hub_eur_per_kwh
    np.testing.assert_allclose(learn(classic).hub_eur_per_kwh, kept, atol=5e-5)
    monkeypatch.setattr("baselines.community.duals.learn.FOLDER", tmp_path)
    np.testing.assert_allclose(lessons(classic).hub_eur_per_kwh, kept, atol=5e-5)
    assert FOLDER.is_dir()


def test_season_and_hour_follow_the_wall_clock():
    scenario = load_scenario("community-16-v0")
    season, hour = seasons_and_hours(scenario, 180)  # 30 June: summer, and summer time
    assert set(season) == {2}
    assert hour[:5].tolist() == [1, 1, 1, 1, 2]
    season, hour = seasons_and_hours(scenario, 10)
    assert set(season) == {0}
    assert hour[:5].tolist() == [0, 0, 0, 0, 1]
