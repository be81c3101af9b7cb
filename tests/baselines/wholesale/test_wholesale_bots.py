"""The population of the power system: who there is, and that each bot plays what it played."""

import numpy as np
import pytest

from baselines.wholesale.population.bots import FIRST
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.evaluation.players.population import load_population, seated
from p2p_market.evaluation.rollout import rollout
from p2p_market.registry import load_scenario
from p2p_market.track import EpisodeKey
from p2p_market.wholesale.records import ROLES
from p2p_market.wholesale.scenario import build
from p2p_market.wholesale.track import CARD, draw

DAY = build(load_scenario("wholesale-12-v0").spec.model_copy(update={"days": 1}))
KEY = EpisodeKey("train", 1, 0)
EPISODE = draw(DAY, KEY)
STEPS = 144


def test_every_role_has_bots_of_two_behaviours_at_least():
    assert load_population(CARD.extras["population"]) is FIRST
    for role in ROLES:
        assert len({FIRST.bots[name].behaviour for name in FIRST.of_role(role)}) >= 2


def test_bots_sit_on_seats_of_their_role():
    for seed in range(20):
        drawn = seated(DAY, FIRST, EpisodeKey("train", 1, seed))
        roles = np.repeat(ROLES, [*DAY.sizes, 1])
        assert all(
            FIRST.bots[name].role in ("", role) for name, role in zip(drawn, roles, strict=True)
        )


def social_eur(name):
    """Social cost of half a day in which a bot plays all of its role, and the rule the others."""
    bot = FIRST.bots[name]
    cast = {role: load_policy("default", DAY, role) for role in ROLES}
    cast |= {
        role: load_policy(bot.target, DAY, role) for role in ([bot.role] if bot.role else ROLES)
    }
    return float(rollout(DAY, EPISODE, cast, steps=STEPS).social_cost_eur[0])


# Rounded. Another number is another population: give it another name in
# `baselines/wholesale/population/bots.py`.
FROZEN = {
    "default": 8793.17,
    "climbing": 14663.86,
    "marking-up": 5839.63,
    "selling-half": 29438.22,
    "valuing": 8783.19,
    "narrow": 13949.82,
    "half-power": 13935.09,
    "inflexible": 8793.17,
    "eager": 8786.20,
    "by-weather": 8793.17,
    "careful": 8793.17,
    "random-consumer": 9502.73,
    "random-storage": 16506.94,
}


@pytest.mark.parametrize("name", FIRST.bots)
def test_bots_are_frozen(name):
    assert social_eur(name) == pytest.approx(FROZEN[name], abs=0.01)
