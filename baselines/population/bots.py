"""Address in published seasons of the first population."""

from baselines.community.population.bots import FIRST

__all__ = ["FIRST"]
