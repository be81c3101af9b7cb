"""Benchmarks for peer-to-peer energy trading with learning agents."""

from p2p_market.registry import make, make_batch, parallel_env
from p2p_market.scenario import load_scenario, scenario_ids

__version__ = "0.1.0"

__all__ = ["__version__", "load_scenario", "make", "make_batch", "parallel_env", "scenario_ids"]
