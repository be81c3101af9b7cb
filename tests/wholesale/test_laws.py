"""What holds whatever agents send, and whatever is drawn."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p_market.errors import InvariantError
from p2p_market.kit.defaults import stack, take
from p2p_market.registry import load_scenario
from p2p_market.wholesale import engine, invariants
from p2p_market.wholesale.records import LEVELS_EUR_PER_MWH, ROLES, SOCIAL
from p2p_market.wholesale.track import roles
from tests.every_scenario import ids_of
from tests.wholesale.cases import drawn, ledger, order, quiet, scenario, social_eur, state

SHIPPED = ids_of("wholesale")
STEPS = 60
CORNERS = "corners"


def sent(of, generator, kind, batch=1):
    """Actions of all roles: uniform, with NaN, or columns that jump between their ends."""
    made = {}
    for role in roles(of):
        shape = batch, len(role.agents), len(role.columns)
        choices = role.columns[0].choices
        if choices:
            values = generator.integers(choices, size=shape).astype(float)
            if kind == CORNERS:
                values = generator.choice([0.0, 4.0, 20.0, 24.0], size=shape)
        elif kind == CORNERS:
            values = generator.choice([-1.0, 1.0], size=shape)
        else:
            values = generator.uniform(-1.3, 1.3, size=shape)
        if kind == "broken":
            where = generator.random(shape) < 0.05
            values = np.where(where, generator.choice([np.nan, np.inf, 7.5, -1e300]), values)
        made[role.name] = values
    return made


def play(of, given_episode, generator, kind, steps=STEPS):
    now = engine.start(of, given_episode)
    for _ in range(min(steps, of.steps)):
        actions = sent(of, generator, kind, given_episode.batch)
        now = engine.act(of, given_episode, now, actions)  # raises where a law is broken
    return now


@settings(max_examples=12, deadline=None)
@given(
    st.sampled_from(SHIPPED),
    st.sampled_from(["uniform", CORNERS, "broken"]),
    st.integers(0, 10**6),
)
def test_any_actions_keep_every_law(name, kind, seed):
    play(load_scenario(name), drawn(name, "train", seed % 3), np.random.default_rng(seed), kind)


def test_a_broken_law_is_found():
    of, given_episode = scenario(), drawn()
    now = engine.start(of, given_episode)
    after = play(of, given_episode, np.random.default_rng(0), "uniform", 1)
    wrong = {
        "storage level": replace(after, level_mwh=after.level_mwh + 1e-3),
        "backlog": replace(after, backlog_mwh=after.backlog_mwh - 1e-3),
        "energy balance": replace(
            after, last=replace(after.last, output_mw=after.last.output_mw + 0.01)
        ),
        "money of the market": replace(
            after, last=replace(after.last, entries_eur=after.last.entries_eur + 0.01)
        ),
        "served load": replace(after, last=replace(after.last, lost_mw=after.last.lost_mw + 1.0)),
    }
    for law, broken in wrong.items():
        away = invariants.away_from(of, given_episode, now, broken)
        found = [np.abs(one).max() for what, one in away.items() if what.startswith(law)]
        assert max(found) > invariants.TOLERANCE, law
        with pytest.raises(InvariantError, match=r"wholesale-12-v0: .* is off by"):
            invariants.insist(of, given_episode, now, broken)


def test_the_ledger_adds_up_to_social_cost_and_transfers_to_nothing():
    of, given_episode = scenario(), drawn(week=3)
    generator, now = np.random.default_rng(1), engine.start(of, given_episode)
    for _ in range(200):
        now = engine.act(of, given_episode, now, sent(of, generator, "uniform"))
        entries = ledger(of, now.last)
        assert entries["market"] == pytest.approx(0.0, abs=1e-6)
        assert entries["response"] == pytest.approx(0.0, abs=1e-9)
        assert sum(entries.values()) == pytest.approx(float(social_eur(now.last)[0]), abs=1e-6)
        own = now.last.reward[0, :-1]
        assert own == pytest.approx(-now.last.entries_eur[0, :-1].sum(axis=1))
        assert now.last.reward[0, -1] == pytest.approx(-float(social_eur(now.last)[0]))
    assert set(SOCIAL) <= set(entries)


def test_units_of_one_owner_share_their_reward():
    of = load_scenario("market-power-v0")
    given_episode = drawn("market-power-v0")
    now = play(of, given_episode, np.random.default_rng(2), "uniform", 5)
    own = -now.last.entries_eur[0].sum(axis=1)
    first, second = own[[0, 2, 4]].sum(), own[[1, 3, 5]].sum()
    assert now.last.reward[0, [0, 2, 4]] == pytest.approx(np.full(3, first))
    assert now.last.reward[0, [1, 3, 5]] == pytest.approx(np.full(3, second))


def test_what_was_dispatched_is_dispatched_again():
    """The filter is idempotent: a storage asked for what it may do does the same."""
    of, given_episode = scenario(), drawn(week=2)
    generator, now = np.random.default_rng(3), engine.start(of, given_episode)
    for _ in range(50):
        actions = sent(of, generator, "uniform")
        after = engine.act(of, given_episode, now, actions)
        place = 2 * of.sizes[0]
        asked = after.last.order_mw[:, place : place + 2] / of.fleet.power_mw
        again = dict(actions)
        again["storage"] = actions["storage"].copy()
        again["storage"][..., 0] = asked
        repeated = engine.act(of, given_episode, now, again)
        assert repeated.last.order_mw == pytest.approx(after.last.order_mw, abs=1e-9)
        now = after


def test_a_batch_is_what_single_communities_are():
    of = scenario()
    episodes = [drawn(seed=seed) for seed in range(3)]

    joint, generator = stack(episodes), np.random.default_rng(4)
    now, singles = engine.start(of, joint), [engine.start(of, one) for one in episodes]
    for _ in range(30):
        actions = sent(of, generator, "uniform", 3)
        now = engine.act(of, joint, now, actions)
        for b, one in enumerate(episodes):
            own = {role: values[b : b + 1] for role, values in actions.items()}
            singles[b] = engine.act(of, one, singles[b], own)
            for name in ("entries_eur", "fill_mw", "reward", "voltage_pu", "deviation_hz"):
                whole = getattr(now.last, name)[b]
                assert np.array_equal(whole, getattr(singles[b].last, name)[0]), name
            seen = engine.observe(of, one, singles[b])
            for role, rows in zip(ROLES, engine.observe(of, joint, now), strict=True):
                assert np.array_equal(rows[b], getattr(seen, role)[0])
    assert np.array_equal(take(joint, 1).firm_mw, episodes[1].firm_mw)


def test_who_is_held_plays_the_fallback():
    of, given_episode = scenario(), drawn()
    now = play(of, given_episode, np.random.default_rng(5), "uniform", 3)
    actions = sent(of, np.random.default_rng(6), "uniform")
    for values in actions.values():
        values[:, 0, 0] = np.inf
    after = engine.act(of, given_episode, now, actions)
    done, (units, storages, _) = after.last, of.sizes
    assert done.bid_level[0, 0] == of.fleet.truthful[0]
    assert LEVELS_EUR_PER_MWH[done.bid_level[0, 0]] >= of.fleet.cost[0]
    assert done.offered_share[0, 0] == 1.0
    assert done.order_mw[0, 2 * units] == 0.0
    assert done.adjustment[0, 0] == 0.0
    assert done.reserve_level[0] == 1
    assert after.hold_steps[0, [0, units, units + storages, -1]].tolist() == [12] * 4
    assert (done.cause[0, [0, units, units + storages, -1]] == 2).all()
    quiet_actions = sent(of, np.random.default_rng(7), "uniform")
    held = engine.act(of, given_episode, after, quiet_actions)
    assert (held.last.cause[0, [0, units]] == 4).all()


def test_the_emergency_service_calls_storages_first():
    of = scenario()
    given_episode = quiet(of, available_mw=[0, 40.0, 0, 0, 0, 0], firm_mw=[50.0, 0, 0])
    now = state(of, given_episode, level_mwh=[50.0, 1.0])
    done = engine.step(of, given_episode, now, order(of, share=0.0)).last
    second = 1.0 / of.fleet.gain_discharge[1]
    assert -done.power_mw[0].sum() == pytest.approx(25.0 + second)
    assert done.output_mw[0, 1] == pytest.approx(50.0 - 25.0 - second)
    assert done.lost_mw.sum() == 0.0
    given_episode = quiet(of, available_mw=[0, 10.0, 0, 0, 0, 0], firm_mw=[60.0, 40.0, 0])
    now = state(of, given_episode, level_mwh=0.0)
    done = engine.step(of, given_episode, now, order(of, share=0.0)).last
    assert done.lost_mw[0].tolist() == pytest.approx([54.0, 36.0, 0.0])
    assert ledger(of, done)["lost_load"] == pytest.approx(90.0 * 8000.0 / 12.0)
    assert done.system_state[0] == 2


def test_the_state_of_the_system_needs_three_clean_steps():
    of = scenario()
    fluctuation = np.zeros((1, of.steps))
    fluctuation[0, 0] = 100.0
    given_episode = quiet(
        of,
        available_mw=[0, 40.0, 0, 0, 0, 0],
        firm_mw=[10.0, 0, 0],
        fluctuation_mw=fluctuation,
    )
    now, states = engine.start(of, given_episode), []
    for _ in range(5):
        now = engine.step(of, given_episode, now, order(of, share=1.0))
        states.append(int(now.last.system_state[0]))
    assert states[0] > 0
    assert states == [states[0]] * 3 + [0] * 2


@pytest.mark.compiled
@pytest.mark.parametrize("kind", ["uniform", CORNERS, "broken"])
def test_a_hundred_thousand_hostile_steps(kind):

    of = scenario()
    joint = stack([drawn(split="train", seed=seed) for seed in range(50)])
    play(of, joint, np.random.default_rng(8), kind, of.steps)
