"""Scenarios with agreements, and actions that speak of them by name."""

from functools import lru_cache

import numpy as np

from p2p_market.community import engine
from p2p_market.community.actions import action_map, to_proposal
from p2p_market.community.coordination.settings import Coordination
from p2p_market.community.coordination.words import words
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.further import place
from p2p_market.community.scenario.scenario import build
from p2p_market.registry import load_scenario

BASE = "few-sellers-v0"
NOTHING = Coordination()


@lru_cache
def agreeing(**settings):
    """`few-sellers-v0` with agreements."""
    spec = load_scenario(BASE).spec
    return build(spec.model_copy(update={"coordination": Coordination(**settings)}))


@lru_cache
def week_of(scenario, week=6):
    """A test week."""
    return draw(scenario, choose_key(scenario, 0, "test", week))


class Talk:
    """An episode in which members say what a test tells them to."""

    def __init__(self, scenario, week=6):
        self.scenario, self.episode = scenario, week_of(scenario, week)
        self.table, self.state = action_map(scenario), engine.start(scenario, self.episode)
        self.agents = len(scenario.agents)

    def step(self, *said, held=()):
        """Play a step; each of `said` is (member, {word: value}); all buy and sell truthfully."""
        t = self.state.step
        net = (self.episode.load_kw - self.episode.pv_kw)[t]
        physical = np.zeros((1, self.agents, self.table.width))
        physical[..., self.table.assets] = net
        physical[..., self.table.assets + 1] = np.where(net > 0.0, 1.0, 0.0)
        for member, values in said:
            for word, value in values.items():
                column = self.table.assets + 2 + place(self.scenario, word)
                physical[0, member, column] = value
        present = np.ones((1, self.agents), dtype=np.bool_)
        present[0, list(held)] = False
        proposal = to_proposal(physical, present, self.table.further)
        self.state, done = engine.step(self.scenario, self.episode, self.state, proposal)
        return done

    @property
    def agreed(self):
        return self.state.agreements


def wild(scenario, generator, batch=1):
    """Random actions, some of them no numbers, too large or missing, and who is present."""
    shape = (batch, len(scenario.agents), action_map(scenario).width)
    actions = generator.uniform(-1.3, 1.3, shape)
    actions[generator.random(shape) < 0.002] = np.nan
    actions[generator.random(shape) < 0.002] = 1e300
    return actions, generator.random(shape[:2]) > 0.01


def names(scenario):
    """Words of a scenario."""
    return [word[0] for word in words(scenario)]
