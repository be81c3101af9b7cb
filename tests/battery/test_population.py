"""Bots beside a battery in focus: what each is for."""

import numpy as np
import pytest

from baselines.battery.population.bots import FIRST
from p2p_market.battery.actions import ENERGIES, OFFERS, TIER_CHOICES
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.evaluation.rollout import rollout
from p2p_market.registry import load_scenario
from p2p_market.testing import check_policy
from p2p_market.tracks import track_of


@pytest.fixture(scope="module")
def fleet():
    return load_scenario("battery-fleet-4-v0")


@pytest.fixture(scope="module")
def actions(fleet):
    """Of each bot in a week, (step, agent, column)."""
    track = track_of(fleet)
    episode = track.draw(fleet, track.keys(fleet, "test", 0)[2][0])
    return {
        name: rollout(fleet, episode, load_policy(bot.target, fleet), name).actions["battery"][:, 0]
        for name, bot in FIRST.bots.items()
    }


@pytest.mark.parametrize("name", FIRST.bots)
def test_every_bot_is_a_sound_policy(fleet, name):
    check_policy(load_policy(FIRST.bots[name].target, fleet), fleet)


def test_bots_differ(actions):
    found = {name: one.tobytes() for name, one in actions.items()}
    assert len(set(found.values())) == len(found) == 7
    assert set(np.unique(actions["reserve-cheap"][..., 1])) == {0.0}
    assert set(np.unique(actions["reserve-dear"][..., 1])) == {4.0}
    assert np.array_equal(
        actions["dam-only"][..., 2], np.full_like(actions["dam-only"][..., 2], 10)
    )


@pytest.mark.parametrize(("name", "steps"), [("trader", 3), ("bold-trader", 10)])
def test_traders_buy_and_sell_within_their_power(actions, name, steps):
    energy = actions[name][..., 2] - 10.0
    assert np.abs(energy).max() == steps
    assert energy.min() < 0.0 < energy.max()
    assert not actions[name][..., 0].any()


def test_traders_ask_for_nothing_that_is_masked(fleet, actions):
    track = track_of(fleet)
    episode = track.draw(fleet, track.keys(fleet, "test", 0)[2][0])
    for name in ("trader", "bold-trader", "random-masked"):
        own = actions[name]
        state = track.start(fleet, episode)
        for action in own:
            seen = track.observe(fleet, episode, state)["battery"]
            mask = track.masks(fleet, "battery", seen)[0]
            places = action.astype(int) + np.array([0, OFFERS, OFFERS + TIER_CHOICES])
            assert np.take_along_axis(mask, places, axis=1).all(), name
            assert places.max() < OFFERS + TIER_CHOICES + ENERGIES
            state, _ = track.step(fleet, episode, state, {"battery": action[None]}, False)
