"""A community whose members look back, played once for all tests."""

from functools import lru_cache

import numpy as np

from p2p_market.community import engine
from p2p_market.community.actions import action_map
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.fused.boards import PureBoard
from p2p_market.community.observation import features
from p2p_market.community.scenario.scenario import build
from p2p_market.registry import load_scenario

EVERYTHING = ("board", "portfolio")


@lru_cache
def looking_back(observe=EVERYTHING, base="few-sellers-v0", **settings):
    """A shipped scenario, whose members also see what is named."""
    spec = load_scenario(base).spec
    changed = {"id": "looking-back-v0", "observe": observe, "dt_h": 0.5, "days": 3}
    return build(spec.model_copy(update=changed | settings))


def bids(scenario, steps, seed=0):
    """Random set-points, and orders around the middle of the prices, (step, 1, agent, column)."""
    generator = np.random.default_rng(seed)
    width = action_map(scenario).width
    asked = generator.uniform(-1.0, 1.0, (steps, 1, len(scenario.agents), width))
    asked[generator.random(asked.shape[:3]) < 0.3, -2] = 0.0
    return asked


def play(where, scenario, asked):
    """Observations and rounds, step by step."""
    shape = asked.shape[1:3]
    everyone = np.ones(shape, dtype=np.bool_)
    seen, rounds = [], []
    for actions in asked:
        reward = np.empty(shape)
        one = np.empty((*shape, len(features(scenario))), dtype=np.float32)
        where.play(actions, everyone, reward, one)
        seen.append(one)
        rounds.append(where.outcome())
    return np.array(seen), rounds


@lru_cache
def played():
    """Scenario, episode, what was seen after each step, and the rounds."""
    scenario = looking_back()
    episode = draw(scenario, choose_key(scenario, 0, "test", 5))
    state = engine.start(scenario, episode)
    asked = bids(scenario, scenario.steps)
    seen, rounds = play(PureBoard(scenario, episode, state, True), scenario, asked)
    return scenario, episode, seen, rounds
