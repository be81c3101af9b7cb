"""Benchmarks for peer-to-peer energy trading with learning agents."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from p2p_market.registry import load_scenario, make, make_batch, parallel_env
    from p2p_market.scenarios import scenario_ids

__version__ = "0.1.0"

__all__ = ["__version__", "load_scenario", "make", "make_batch", "parallel_env", "scenario_ids"]

_HOMES = {
    "make": "p2p_market.registry",
    "make_batch": "p2p_market.registry",
    "parallel_env": "p2p_market.registry",
    "load_scenario": "p2p_market.registry",
    "scenario_ids": "p2p_market.scenarios",
}


def __getattr__(name: str) -> Any:
    """Imported on use, so that the command line hears Ctrl-C before it imports anything."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
