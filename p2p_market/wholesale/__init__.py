"""Track `wholesale`: a power system in five-minute steps, with frequency and voltage."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from p2p_market.wholesale.simulation import Simulation, simulate

__all__ = ["Simulation", "simulate"]


def __getattr__(name: str) -> Any:
    """Imported on use: importing the package does nothing."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("p2p_market.wholesale.simulation"), name)
