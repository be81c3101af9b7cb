"""The scripted episode that golden files hold."""

from p2p_market.community.trace import scripted_actions, traced_episode
from p2p_market.evaluation.rollout import Recorded, rollout


def record_episode(scenario, seed=0):
    episode = traced_episode(scenario, seed)
    return episode, rollout(scenario, episode, Recorded(scripted_actions(scenario, seed)), "script")
