"""What stands between a role and a network: the rows that it is shown, and what its outputs do."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from p2p_market.records import Float32Array, FloatArray, IntArray

Outputs = NDArray[np.floating[Any]]


def made_for_others(made_for: Sequence[str], names: Sequence[str], scenario: str) -> str:
    """Why a network cannot play here, as the end of a sentence; empty if its columns fit."""
    if list(made_for) == list(names):
        return ""
    lists = {
        "not here": [name for name in made_for if name not in names],
        "not in the network": [name for name in names if name not in made_for],
    }
    told = [f"{', '.join(own[:5])} ({where})" for where, own in lists.items() if own]
    return (
        f"was made for other observations than those of {scenario}: "
        f"{', '.join(told) or 'their order'}; train it in this scenario, or play it in one that "
        "shows the same"
    )


class Decision(Protocol):
    """Rows for a network, and actions from its outputs; a row describes its own agent alone."""

    @property
    def names(self) -> tuple[str, ...]:
        """Columns of a row."""

    @property
    def owners(self) -> IntArray:
        """The agent of each row, (row,), by its place in the role."""

    @property
    def width(self) -> int:
        """Outputs per row."""

    def rows(self, observation: Float32Array) -> Float32Array:
        """What a network is shown, (batch, row, column).

        Args:
            observation: of the role, (batch, agent, feature).
        """

    def actions(self, observation: Float32Array, output: Outputs) -> FloatArray:
        """Normalised actions, (batch, agent, column).

        Args:
            observation: of the role, (batch, agent, feature).
            output: (batch, row, width); values outside [-1, 1] count as the nearest end.
        """
