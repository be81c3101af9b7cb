"""What episodes of one start day share, and what each of them draws, computed the slow way."""

from dataclasses import fields

import numpy as np
import pytest

from p2p_market.community.episode import loads
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.episode.loads import DONOR_WINDOW_DAYS, draw_loads
from p2p_market.community.episode.window import Window, window
from p2p_market.community.scenario.scenario import build
from p2p_market.data.calendar import DAYS_PER_YEAR, day_type, split_mask, start_days
from p2p_market.data.streams import stream, words
from p2p_market.registry import load_scenario
from p2p_market.track import EpisodeKey
from tests.every_scenario import COMMUNITY

NAMES = [field.name for field in fields(Window)]
LIMITS = {"ask_floor_eur_per_kwh", "bid_cap_eur_per_kwh"}


@pytest.mark.parametrize("scenario_id", COMMUNITY)
def test_episodes_are_views_of_one_window(scenario_id):
    scenario = load_scenario(scenario_id)
    one, other = (draw(scenario, EpisodeKey("test", 21, seed)) for seed in (0, 1))
    shared = window(scenario, 21)
    own = LIMITS if scenario.spec.outages is not None else set()
    for name in NAMES:
        first, second = getattr(one, name), getattr(other, name)
        if not len(first):
            continue  # of machines, which no shipped community has
        assert np.shares_memory(first, second) == (name not in own)
        assert np.shares_memory(first, getattr(shared, name)) == (name not in own)
        assert not first.flags.writeable
        assert first.flags.c_contiguous
        if name not in own:
            assert np.array_equal(first[:, 0], getattr(shared, name))
    assert not np.shares_memory(one.load_kw, other.load_kw)


def test_a_window_belongs_to_its_scenario_and_day():
    scenario = load_scenario("community-16-v0")
    assert window(scenario, 21) is window(scenario, 21)
    assert window(scenario, 21) is not window(scenario, 49)
    dearer = build(scenario.spec.model_copy(update={"carbon_eur_per_kg": 0.05}))
    caps = [window(one, 21).bid_cap_eur_per_kwh for one in (scenario, dearer)]
    assert np.all(caps[0] <= caps[1])
    assert not np.array_equal(*caps)


def test_memory_bounds_the_windows_that_are_kept(monkeypatch):
    monkeypatch.setattr("p2p_market.community.episode.window.KEPT_BYTES", 0)
    scenario = build(load_scenario("classic-v0").spec)
    first = window(scenario, 2)
    assert window(scenario, 2) is first
    window(scenario, 3)
    window(scenario, 30)
    assert window(scenario, 2) is not first


def test_windows_of_all_training_weeks_are_kept():
    scenario = load_scenario("community-16-v0")
    days = start_days("train", scenario.spec.days).tolist()
    first = [window(scenario, day) for day in days]
    assert all(window(scenario, day) is one for day, one in zip(days, first, strict=True))


@pytest.mark.parametrize("scenario_id", ["outage-v0", "binding-feeder-v0"])
def test_an_outage_changes_limits_where_the_grid_is_gone(scenario_id):
    scenario = load_scenario(scenario_id)
    episode = draw(scenario, choose_key(scenario, 0, "test", 4))
    shared, fee = window(scenario, episode.keys[0].start_day), scenario.network_fee_eur_per_kwh
    there = episode.grid[:, 0] > 0.0
    assert there.all() == (scenario_id != "outage-v0")
    floor, cap = episode.ask_floor_eur_per_kwh[:, 0], episode.bid_cap_eur_per_kwh[:, 0]
    assert np.array_equal(floor[there], shared.ask_floor_eur_per_kwh[there])
    assert np.array_equal(cap[there], shared.bid_cap_eur_per_kwh[there])
    lost = scenario.spec.lost_load_eur_per_kwh
    assert floor[~there] == pytest.approx(np.broadcast_to(fee, floor[~there].shape))
    assert cap[~there] == pytest.approx(np.broadcast_to(lost - fee, cap[~there].shape))


def slow_loads(scenario, split, start_day, seed):
    """Day by day with sets and lists, from the children that the seed spawns."""
    days, taken, columns = range(start_day, start_day + scenario.spec.days), {}, []
    for agent, child in enumerate(seed.spawn(len(scenario.agents))):
        generator, pool = np.random.default_rng(child), scenario.donor_pools[agent][split]
        place = pool[int(generator.integers(len(pool)))] if len(pool) > 1 else pool[0]
        donor, column = scenario.data.donors[place], []
        own = np.arange(len(donor.shape))
        kind = day_type((donor.first_weekday + own) % 7)
        shift = int(generator.integers(-2, 3))
        for day in days:
            away = np.minimum(np.abs(own - day), DAYS_PER_YEAR - np.abs(own - day))
            fit = split_mask(split, len(own)) & (kind == day_type(np.array(day % 7)))
            candidates = np.flatnonzero(fit & (away <= DONOR_WINDOW_DAYS)).tolist()
            used = taken.setdefault((place, day), set())
            free = [one for one in candidates if one not in used] or candidates
            chosen = free[int(generator.integers(len(free)))]
            used.add(chosen)
            column.append(np.roll(donor.shape[chosen].astype(np.float64), shift))
        columns.append(scenario.demand[agent].scale_kw * np.concatenate(column))
    summer = scenario.data.summer_time[96 * start_day]
    return np.roll(np.stack(columns, axis=1), -4 if summer else 0, axis=0)


@pytest.mark.parametrize("start_day", [2, 149])  # winter and summer time
@pytest.mark.parametrize(
    "scenario_id", ["classic-v0", "community-16-v0", "held-out-households-v0", "crowded"]
)
def test_loads_are_days_of_donors(scenario_id, start_day, monkeypatch):
    if scenario_id == "crowded":  # more members of one donor than days that may stand in
        spec = load_scenario("classic-v0").spec
        scenario = build(spec.model_copy(update={"members": spec.members[:2] * 20}))
        assert loads._stand_ins(scenario.data, "train", start_day, 7).count.min() < 20
    else:
        scenario = load_scenario(scenario_id)
    seed = np.random.SeedSequence([5, start_day], spawn_key=(0,))
    drawn = draw_loads(scenario, "train", start_day, words([5, start_day], 0))
    assert np.array_equal(drawn, slow_loads(scenario, "train", start_day, seed))


def test_a_stream_is_the_child_that_spawn_gives():
    seed = np.random.SeedSequence([7, 21]).spawn(5)[3]
    for number, child in enumerate(seed.spawn(4)):
        own = np.random.default_rng(child)
        assert stream(seed, number).bit_generator.state == own.bit_generator.state


@pytest.mark.parametrize("scenario_id", ["community-16-v0", "few-sellers-v0"])
def test_members_under_one_sky_differ_by_their_own_clouds(scenario_id):
    scenario = load_scenario(scenario_id)
    pv_kw = draw(scenario, choose_key(scenario, 0, "test", 6)).pv_kw[:, 0]
    roofed = np.array([roof is not None for roof in scenario.roofs])
    assert np.all(pv_kw[:, ~roofed] == 0.0)
    assert np.all(pv_kw[:, roofed].max(axis=0) > 0.0)
    assert np.linalg.matrix_rank(pv_kw[:, roofed]) == roofed.sum()
