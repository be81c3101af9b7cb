"""Episodes: splits without leaks, resampled loads, quantised draws, admission of the scenarios."""

import numpy as np
import pytest

from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.data.calendar import split_mask, start_days
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.evaluation.rollout import rollout
from p2p_market.registry import load_scenario
from p2p_market.track import EpisodeKey
from tests.every_scenario import COMMUNITY

IDS = COMMUNITY
SPLITS = ("train", "validation", "test")


def test_splits_are_disjoint_and_two_days_apart():
    masks = np.array([split_mask(split) for split in SPLITS])
    assert masks.sum(axis=0).max() == 1
    owner = np.where(masks.any(axis=0), masks.argmax(axis=0), -1)
    for day in range(365):
        near = owner[day : day + 3]
        assert len(set(near[near >= 0].tolist())) <= 1


@pytest.mark.parametrize("split", SPLITS)
def test_every_week_lies_in_its_split_and_there_are_thirteen(split):
    mask = split_mask(split)
    starts = start_days(split, 7)
    assert len(np.unique(starts // 28)) == 13
    assert all(mask[start : start + 7].all() for start in starts)


@pytest.mark.parametrize("scenario_id", IDS)
def test_draws_are_quantised_and_follow_the_key(scenario_id):
    scenario = load_scenario(scenario_id)
    episode = draw(scenario, choose_key(scenario, 3, "test", 5))
    for series in (episode.load_kw, episode.pv_kw, episode.start_energy_kwh):
        assert np.array_equal(series, np.round(series, 3))
        assert series.min() >= 0.0
    tick = scenario.spec.tick_eur_per_kwh
    for price in (episode.bid_cap_eur_per_kwh, episode.ask_floor_eur_per_kwh):
        assert np.array_equal(price, np.floor(price / tick + 0.5) * tick)
    again = draw(scenario, episode.keys[0])
    assert np.array_equal(episode.load_kw, again.load_kw)
    other = draw(scenario, EpisodeKey("test", episode.keys[0].start_day, 4))
    assert not np.array_equal(episode.load_kw, other.load_kw)
    assert not np.array_equal(episode.pv_kw, other.pv_kw)
    assert np.array_equal(episode.retail_eur_per_kwh, other.retail_eur_per_kwh)


def test_members_of_one_donor_have_different_days():
    scenario = load_scenario("community-16-v0")
    episode = draw(scenario, choose_key(scenario, 0, "test", 2))
    by_donor: dict[str, list[int]] = {}
    for agent, node in enumerate(scenario.demand):
        by_donor.setdefault(node.profile, []).append(agent)
    pairs = [agents for agents in by_donor.values() if len(agents) > 1]
    assert pairs
    for first, second, *_ in pairs:
        loads = episode.load_kw[:, 0, [first, second]]
        scaled = loads / [scenario.demand[a].scale_kw for a in (first, second)]
        assert np.corrcoef(scaled.T)[0, 1] < 0.95


def test_a_week_of_load_has_about_a_week_of_annual_energy():
    scenario = load_scenario("community-16-v0")
    totals = [
        draw(scenario, choose_key(scenario, week, "test", week)).load_kw.mean(axis=(0, 1))
        for week in range(13)
    ]
    mean_kw = np.array([node.scale_kw for node in scenario.demand])
    assert np.mean(totals, axis=0) == pytest.approx(mean_kw, rel=0.25)


@pytest.mark.parametrize("scenario_id", IDS)
def test_hours_are_the_means_of_their_quarters(scenario_id):
    from p2p_market.community.scenario.scenario import build

    spec = load_scenario(scenario_id).spec
    quarter, hour = (build(spec.model_copy(update={"dt_h": dt})) for dt in (0.25, 1.0))
    key = choose_key(quarter, 1, "test", 6)
    fine, coarse = draw(quarter, key), draw(hour, key)
    for name in ("load_kw", "pv_kw"):
        means = getattr(fine, name).reshape(-1, 4, *coarse.load_kw.shape[1:]).mean(axis=1)
        assert getattr(coarse, name) == pytest.approx(means, abs=2e-3)
    assert np.array_equal(fine.start_energy_kwh, coarse.start_energy_kwh)


@pytest.mark.compiled
@pytest.mark.parametrize("scenario_id", IDS)
def test_truthful_bids_trade_often_enough_for_admission(scenario_id):
    scenario = load_scenario(scenario_id)
    shares = []
    for week in (0, 3, 6, 9, 12):
        episode = draw(scenario, choose_key(scenario, 0, "test", week))
        played = rollout(scenario, episode, load_policy("truthful", scenario))
        shares.append((played.series["fill_kw"] > 0.0).any(axis=2).mean())
    assert np.mean(shares) >= 0.1
