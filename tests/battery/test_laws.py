"""What holds whatever batteries ask for, and whatever is drawn."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_market.battery import engine, invariants
from p2p_market.battery.actions import columns, masks
from p2p_market.battery.episode.episode import DRAWS, Episode, draw, keys, window
from p2p_market.battery.observation import BACK_H, calendar_table, with_market
from p2p_market.battery.records import COLUMN, MARKET, SOCIAL
from p2p_market.battery.scenario import in_numbers
from p2p_market.errors import InvariantError
from p2p_market.registry import load_scenario
from tests.battery.cases import episode, order, scenario, state
from tests.every_scenario import ids_of

SHIPPED = ids_of("battery")
STEPS = 48


def drawn(of, seed=0):
    return draw(of, keys(of, "train", DRAWS * seed)[seed % 13][0])


def play(of, given, actions, strict=True):
    """All observations and dispatches of some steps, (step, batch, agent, column) of actions."""
    now, seen, done = engine.start(of, given), [], []
    for action in actions:
        seen.append(engine.observe(of, given, now))
        now, dispatch = engine.act(of, given, now, action, strict)
        done.append(dispatch)
    return now, seen, done


def chance(of, steps, seed):
    sizes = [column.choices for column in columns(of)]
    shape = steps, 1, len(of.agents), len(sizes)
    return np.random.default_rng(seed).integers(sizes, size=shape).astype(float)


@settings(max_examples=10, deadline=None)
@given(st.sampled_from(SHIPPED), st.integers(0, 10**6))
def test_any_choices_keep_every_law(name, seed):
    of = load_scenario(name)
    play(of, drawn(of, seed % 5), chance(of, STEPS, seed))  # raises where a law is broken


@settings(max_examples=10, deadline=None)
@given(st.sampled_from(SHIPPED), st.integers(0, 10**6))
def test_any_numbers_keep_every_law(name, seed):
    of = in_numbers(load_scenario(name))
    shape = STEPS, 1, len(of.agents), len(columns(of))
    noise = np.random.default_rng(seed).normal(scale=2.0, size=shape)
    noise[seed % STEPS] = np.nan
    play(of, drawn(of, seed % 5), noise)


def test_a_broken_law_is_found():
    of = scenario()
    given = episode(of, 10.0)
    now = state(of, given)
    _, done = engine.step(of, given, now, order(of, wish_mw=5.0))
    wrong = {
        "level": replace(done, level_mwh=done.level_mwh + 100.0),
        "power": replace(done, energy_mw=done.energy_mw + 20.0),
        "energy": replace(done, level_mwh=done.level_mwh + 1e-3),
        "money": replace(done, entries_eur=done.entries_eur + 0.01),
    }
    for law, broken in wrong.items():
        assert invariants.residuals(of, given, now, broken)[law].max() > invariants.TOLERANCE
        with pytest.raises(InvariantError, match=r"battery-146-v0: step 0: \w+ is off by"):
            invariants.insist(of, given, now, broken)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_what_was_played_is_played_again(seed):
    """The filter is idempotent: asked for what it let pass, it lets the same pass."""
    of = load_scenario("battery-fleet-4-v0")
    given = drawn(of, seed % 5)
    now = engine.start(of, given)
    for action in chance(of, 12, seed):
        after, done = engine.act(of, given, now, action)
        asked = order(of)
        tier = action[..., 1].astype(np.int64)
        again = replace(asked, offer_mw=done.accepted_mw, tier=tier, wish_mw=done.energy_mw)
        _, repeated = engine.step(of, given, now, again)
        assert np.allclose(repeated.energy_mw, done.energy_mw, rtol=0.0, atol=1e-9)
        assert np.allclose(repeated.accepted_mw, done.accepted_mw, rtol=0.0, atol=1e-9)
        now = after


@pytest.mark.parametrize("name", ["battery-146-v0", "battery-fleet-4-v0", "battery-146-quarter-v0"])
def test_masks_are_what_level_and_position_allow(name):
    of, fleet = load_scenario(name), load_scenario(name).fleet
    given = drawn(of, 3)
    now = engine.start(of, given)
    for step, action in enumerate(chance(of, STEPS, 0)):
        allowed = masks(of, engine.observe(of, given, now))[0]
        free = fleet.power_mw - np.abs(now.position_mw[0, :, int(step * of.dt_h)])
        stored = (now.level_mwh[0] - fleet.lowest_mwh) * fleet.eta
        room = (fleet.highest_mwh - now.level_mwh[0]) / fleet.eta
        for i, mask in enumerate(allowed):
            served = min(stored[i], room[i]) / of.rules.reserve_h
            offers = [k * free[i] / 4.0 <= served + 1e-4 for k in range(5)]
            wishes = [(10 - k) * fleet.power_mw[i] / 10.0 for k in range(21)]
            energies = [
                abs(w) <= 1e-4 + min(free[i], (room[i] if w > 0.0 else stored[i]) / of.dt_h)
                for w in wishes
            ]
            offers[0], energies[10] = True, True
            assert mask.tolist() == offers + [True] * 5 + energies
        now, _ = engine.act(of, given, now, action)


def test_bids_are_possible_before_the_gate_alone():
    of = load_scenario("battery-146-bidding-v0")
    given = drawn(of)
    now = engine.start(of, given)
    open_hours = []
    for step in range(STEPS):
        (mask,) = masks(of, engine.observe(of, given, now))[0]
        open_hours += [step] if mask[31:].all() else []
        assert mask[31:].reshape(24, 11).any(axis=1).all()
        now, _ = engine.act(of, given, now, chance(of, 1, step)[0])
    assert open_hours == [13, 37]
    assert np.all(now.position_mw[0, 0, :24] == given.position_mw[0, 0, :24])
    assert np.any(now.position_mw[0, 0, 24:72])
    assert not np.any(now.position_mw[0, 0, 72:])


@pytest.mark.parametrize("name", ["battery-146-v0", "battery-146-quarter-v0"])
@pytest.mark.parametrize("step", [0, 5, 13, 14, 30])
def test_nothing_is_seen_before_its_time(name, step):
    """Other series from this step on, and other prices once they are published, change nothing."""
    of = load_scenario(name)
    key = keys(of, "test", 0)[3][0]
    shared, given = window(of, key.start_day), draw(of, key)
    market = np.array(given.market[0])
    later = slice(step + 1, None)  # of the market, whose first row is the step before the first
    quoted = [COLUMN[n] for n in ("day_ahead", "spread", "afrr_cap_up", "afrr_cap_down")]
    hidden = [COLUMN[n] for n in MARKET if COLUMN[n] not in quoted]
    market[later, hidden] = np.abs(market[later, hidden]) * 1.5 + 0.1
    market[step + 2 :, quoted] += 7.0
    hour = int(step * of.dt_h)
    published = BACK_H + 24 * (hour // 24 + 1) + (24 if hour % 24 >= 14 else 0)
    prices = np.array(shared.day_ahead)
    prices[published:] += 50.0
    table = with_market(of, calendar_table(of, key.start_day, prices), market)
    position = np.array(given.position_mw)
    position[:, :, published - BACK_H :] += 3.0
    other = Episode(given.keys, market[None], position, table[None])
    seen, changed = (
        play(of, one, chance(of, step + 1, 1), strict=False)[1] for one in (given, other)
    )
    for before, after in zip(seen, changed, strict=True):
        assert before.tobytes() == after.tobytes()


@pytest.mark.parametrize("name", SHIPPED)
def test_the_rule_never_falls_short(name):
    of = load_scenario(name)
    if of.rules.bidding:
        pytest.skip("the rule bids nothing")
    missing = SOCIAL.index("dam_penalty")
    for unit in keys(of, "test", 0)[::4]:
        given = draw(of, unit[0])
        now = engine.start(of, given)
        for _ in range(of.steps):
            now, done = engine.step(of, given, now, order(of), strict=False)
            assert not done.entries_eur[..., missing].any()


def test_a_larger_volume_is_rationed_by_tier_and_pro_rata():
    of = load_scenario("battery-fleet-4-v0")
    given = episode(of)
    asked = order(of, offer_mw=20.0)
    small, smallest = 0.45 * of.fleet.capacity_mwh[2:] * of.fleet.eta[2:]  # what they can promise
    tiers = np.array([[2, 0, 2, 4]])
    _, done = engine.step(of, given, state(of, given), replace(asked, tier=tiers))
    assert done.accepted_mw[0] == pytest.approx([20.0, 20.0, small, 20.0 - small])
    _, done = engine.step(of, given, state(of, given), asked)
    offered = np.array([20.0, 20.0, small, smallest])
    assert done.accepted_mw[0] == pytest.approx(60.0 * offered / offered.sum())


def test_the_fleet_moves_the_price_for_all():
    of = load_scenario("battery-fleet-4-v0")
    given = episode(of)
    _, done = engine.step(of, given, state(of, given), order(of, wish_mw=5.0))
    assert done.energy_mw.sum() == pytest.approx(20.0)
    assert done.intraday_eur_per_mwh[0] == pytest.approx(102.0)
    paid = done.entries_eur[0, :, SOCIAL.index("intraday")]
    assert paid == pytest.approx(np.full(4, 5.0 * 104.0))
