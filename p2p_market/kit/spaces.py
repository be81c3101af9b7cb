"""Spaces of what agents see and do."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete, MultiDiscrete, Space
from numpy.typing import NDArray

from p2p_market.errors import ScenarioError
from p2p_market.records import Feature, Role


def seen_by(features: Sequence[Feature]) -> Box:
    """Features in their ranges."""
    low, high = np.array([(one.low, one.high) for one in features], dtype=np.float32).T
    return Box(low, high, dtype=np.float32)


def sent_by(role: Role) -> Space[Any]:
    """Columns of a role: numbers in [-1, 1], or choices.

    Raises:
        ScenarioError: if the role mixes both.
    """
    choices = [column.choices for column in role.columns]
    if not any(choices):
        return Box(-1.0, 1.0, (len(choices),), np.float32)
    if not all(choices):
        raise ScenarioError(f"role {role.name!r} mixes choices and numbers; split it in two roles")
    return Discrete(choices[0]) if len(choices) == 1 else MultiDiscrete(choices)


def mask_for(sizes: Sequence[int], mask: NDArray[Any]) -> Any:
    """The mask of an agent as `Space.sample` takes it: one array, or one for each choice."""
    bits, first, parts = mask.view(np.int8), 0, []
    if len(sizes) == 1:
        return bits
    for size in sizes:
        parts.append(bits[first : first + size])
        first += size
    return tuple(parts)
