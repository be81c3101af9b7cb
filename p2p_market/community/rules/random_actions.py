"""Uniformly random actions: what an untrained agent does."""

from p2p_market.community.actions import action_map
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.kit.policies import UniformActions


def uniform(scenario: Scenario) -> UniformActions:
    """Uniform actions for the widest agent of the scenario."""
    return UniformActions((0,) * action_map(scenario).width)
