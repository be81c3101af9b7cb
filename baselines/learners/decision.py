"""What stands between a role and a network: the rows that it is shown, and what its outputs do."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from p2p_market.records import Float32Array, FloatArray, IntArray

Outputs = NDArray[np.floating[Any]]


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
