"""Many random steps, what masks allow and what they forbid: which of it is played."""

import sys

import numpy as np
import pytest

from p2p_market.battery import engine, mask_of
from p2p_market.battery.actions import ENERGIES, OFFERS, TIER_CHOICES
from p2p_market.battery.episode.episode import draw, keys
from p2p_market.battery.records import COLUMN, TIERS
from p2p_market.kit.defaults import stack
from p2p_market.registry import load_scenario

SIZES = OFFERS, TIER_CHOICES, ENERGIES
EDGE_MW = 1e-4  # what float32 hides of a level


def weeks(of, count, seed):
    """Weeks of the training split, each with draws of its own."""
    units = (keys(of, "train", seed + n)[n % 13] for n in range(count))
    return stack([draw(of, unit[0]) for unit in units])


def chosen(allowed, generator):
    """One of the allowed choices of each column, all alike."""
    picked = []
    for mask in np.split(allowed, np.cumsum(SIZES)[:-1], axis=-1):
        picked.append(np.where(mask, generator.random(mask.shape), -1.0).argmax(axis=-1))
    return np.stack(picked, axis=-1)


def of_choice(allowed, action):
    """Whether offer and energy of an action are allowed."""
    parts = np.split(allowed, np.cumsum(SIZES)[:-1], axis=-1)
    flags = [
        np.take_along_axis(mask, action[..., n, None], axis=-1)[..., 0]
        for n, mask in enumerate(parts)
    ]
    return flags[0], flags[2]


def step(of, episode, now, action):
    """State after a step that keeps all laws, what was played, and what was asked for."""
    position = now.position_mw[:, :, int(now.step * of.dt_h)]
    free = of.fleet.power_mw - np.abs(position)
    offer = action[..., 0] / 4.0 * free
    wish = (10.0 - action[..., 2]) * of.fleet.power_mw / 10.0
    after, done = engine.act(of, episode, now, action, strict=True)
    return after, done, free, offer, wish


def limit_mw(of, now, action):
    """Power that the level before a step allows in the direction of the trade."""
    fleet, buys = of.fleet, action[..., 2] < 10
    stored = (now.level_mwh - fleet.lowest_mwh) * fleet.eta / of.dt_h
    return np.where(buys, (fleet.highest_mwh - now.level_mwh) / fleet.eta / of.dt_h, stored)


def play_allowed(of, episode, seed):
    """Share of allowed trades that are cut, when only allowed choices are made."""
    generator, now = np.random.default_rng(seed), engine.start(of, episode)
    tiers, cut, asked = np.array(TIERS), 0, 0
    for t in range(of.steps):
        allowed = mask_of(of, engine.observe(of, episode, now))
        action = chosen(allowed, generator)
        now, done, free, offer, wish = step(of, episode, now, action)
        assert not done.cause.any()
        market = episode.market[:, t + 1, None]
        cheap = tiers[action[..., 1]] <= market[..., COLUMN["marginal"]]
        assert np.all(np.abs(done.accepted_mw - np.where(cheap, offer, 0.0)) <= EDGE_MW)
        called = (done.accepted_mw > 0.0) & (market[..., COLUMN["activation"]] != 0.0)
        assert not done.energy_mw[called].any()
        fits = ~called & (np.abs(wish) <= free - done.accepted_mw)
        missing = np.abs(wish) - np.abs(done.energy_mw)
        taken = np.where(np.sign(done.dam_mw) == np.sign(wish), np.abs(done.dam_mw), 0.0)
        assert np.all(missing[fits] <= taken[fits] + EDGE_MW)
        assert np.all(wish * done.energy_mw >= 0.0)
        cut += int((missing[fits] > EDGE_MW).sum())
        asked += int((wish[fits] != 0.0).sum())
    return cut / asked


def play_anything(of, episode, seed):
    """What the mask forbids is played only where the day-ahead delivery made it possible."""
    generator, now = np.random.default_rng(seed), engine.start(of, episode)
    forbidden = 0
    for _ in range(of.steps):
        allowed = mask_of(of, engine.observe(of, episode, now))
        action = generator.integers(SIZES, size=(episode.batch, len(of.agents), 3))
        offers, energies = of_choice(allowed, action)
        room = limit_mw(of, now, action)
        now, done, free, offer, wish = step(of, episode, now, action)
        assert np.all(done.accepted_mw[~offers] < offer[~offers] + EDGE_MW)
        energies |= np.abs(wish) <= np.minimum(free, room) + EDGE_MW
        made = (np.sign(done.dam_mw) == -np.sign(wish)) & (np.abs(done.dam_mw) > 0.0)
        assert np.all((np.abs(done.energy_mw) < np.abs(wish))[~energies & ~made])
        forbidden += int((~offers).sum() + (~energies).sum())
    return forbidden


@pytest.mark.parametrize("name", ["battery-146-v0", "battery-146-wide-v0"])
def test_the_filter_cuts_only_what_the_day_ahead_delivery_took(name):
    of = load_scenario(name)
    share = play_allowed(of, weeks(of, 12, 0), seed=1)
    assert 0.0 < share < 0.02


def test_what_is_forbidden_is_not_played_unless_a_delivery_allows_it():
    of = load_scenario("battery-146-v0")
    assert play_anything(of, weeks(of, 12, 0), seed=1) > 100


@pytest.mark.slow
def test_a_million_steps():
    of, shares = load_scenario("battery-146-v0"), []
    for seed in range(6):
        episode = weeks(of, 1000, 1000 * seed)
        shares.append(play_allowed(of, episode, seed))
        assert play_anything(of, episode, seed) > 0
    sys.stdout.write(f"{np.mean(shares):.4%} of the trades that masks allow are cut\n")  # -s
    assert 0.0 < np.mean(shares) < 0.02
