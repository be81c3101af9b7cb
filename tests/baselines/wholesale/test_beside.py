"""Bots beside an agent of a power system, and a storage that knows what energy is worth."""

from dataclasses import replace

import numpy as np
import pytest

from baselines.wholesale.population.bots import FIRST
from p2p_market.evaluation.players.policy import load_cast
from p2p_market.evaluation.rollout import rollout
from p2p_market.testing import check_policy
from p2p_market.track import EpisodeKey
from p2p_market.tracks import track_of
from p2p_market.wholesale.records import ROLES
from p2p_market.wholesale.rules.default import places
from p2p_market.wholesale.rules.storage_value import HORIZONS, VALUES, Known, spread_mw, value_of
from tests.wholesale.cases import drawn, scenario

STEPS = 288
OWN = [name for name, bot in FIRST.bots.items() if bot.target.startswith("baselines")]


def bot(name):
    found = FIRST.bots[name]
    return load_cast(f"{found.role}={found.target}", scenario())[found.role]


@pytest.fixture(scope="module")
def actions():
    """Of each bot in a day, the default rule beside it, (step, agent, column)."""
    rule, made = load_cast("default", scenario()), {}
    for name, one in FIRST.bots.items():
        played = rollout(scenario(), drawn(), {**rule, one.role: bot(name)}, steps=STEPS)
        made[name] = played.actions[one.role][:, 0]
    return made


@pytest.mark.compiled
@pytest.mark.parametrize("name", OWN)
def test_every_bot_of_the_population_is_sound(name):
    check_policy(bot(name), scenario(), role=FIRST.bots[name].role)


@pytest.mark.compiled
def test_bots_of_a_role_differ(actions):
    for role in ROLES:
        own = [actions[name].tobytes() for name in FIRST.of_role(role)]
        assert len(set(own)) == len(own) >= 3


@pytest.mark.compiled
def test_dearer_units_bid_higher_and_withholding_ones_offer_less(actions):
    cost = actions["truthful"][..., 0]
    assert (actions["one-level-up"][..., 0] > cost - 1e-12).all()
    assert (actions["three-levels-up"][..., 0] >= actions["one-level-up"][..., 0]).all()
    assert np.allclose(actions["withholding"][..., 1], 0.8)
    assert (actions["two-reserves"][..., 0] // 5 == 2).all()


def test_stored_energy_is_worth_what_the_last_unit_will_bid():
    of = scenario()
    at, known = places(of, "storage"), Known(of, 0.0)
    seen = np.zeros((1, 1, 48))
    seen[..., at["capacity"]] = 100.0
    seen[..., at["level"]] = 50.0
    ahead = [at[f"net_load_forecast_{horizon}"] for horizon in HORIZONS]
    for net_load_mw, bid in ((-20.0, VALUES[0]), (20.0, 45.0), (60.0, 65.0), (140.0, VALUES[1])):
        seen[..., at["net_load_forecast_12h"]] = seen[..., at["net_load_forecast_24h"]] = (
            net_load_mw
        )
        assert value_of(known, seen)[0, 0] == pytest.approx(bid)
    seen[..., ahead] = 20.0
    values = []
    for level in (0.0, 50.0, 100.0):
        seen[..., at["level"]] = level
        values.append(value_of(known, seen)[0, 0])
    assert values == pytest.approx([54.0, 45.0, 36.0])
    assert 20.0 < spread_mw(of) < 40.0


@pytest.mark.slow
def test_the_storage_earns_more_than_thresholds_on_a_validation_week():
    of = scenario()
    track = track_of(of)
    key = replace(track.keys(of, "validation", 0)[4][0], seed=0)
    assert isinstance(key, EpisodeKey)
    episode = track.draw(of, key)
    costs = [
        rollout(of, episode, load_cast(name, of)).social_cost_eur[0]
        for name in ("default", "storage=storage-value")
    ]
    assert costs[1] < costs[0]
