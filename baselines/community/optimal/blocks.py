"""Data of many steps as parameters of some steps each.

cvxpy compiles a parameter in time and memory that grow with the square of its size, so a year of
sixteen members as one parameter would never end. In blocks it grows with the number of steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cvxpy as cp
import numpy as np

from p2p_market.records import FloatArray

NUMBERS: Final = 1024  # in one parameter, about

Blocks = tuple[slice, ...]  # of steps


def blocks_of(steps: int, agents: int) -> Blocks:
    """Consecutive steps; a block has about `NUMBERS` numbers."""
    length = max(1, NUMBERS // agents)
    return tuple(slice(first, min(first + length, steps)) for first in range(0, steps, length))


@dataclass(frozen=True, slots=True)
class Series:
    """Data (step, column), a parameter for each block."""

    blocks: Blocks
    parts: tuple[cp.Parameter, ...]

    def __getitem__(self, number: int) -> cp.Parameter:
        """The parameter of a block."""
        return self.parts[number]

    def fill(self, values: FloatArray) -> None:
        """Put in the data of an episode, (step, column)."""
        for rows, part in zip(self.blocks, self.parts, strict=True):
            part.value = values[rows]


def series(blocks: Blocks, columns: int, nonneg: bool = True) -> Series:
    """Data to be filled in."""
    shapes = [(rows.stop - rows.start, columns) for rows in blocks]
    return Series(blocks, tuple(cp.Parameter(shape, nonneg=nonneg) for shape in shapes))


def duals(constraints: Sequence[cp.Constraint]) -> FloatArray:
    """Multipliers of one constraint per block, as one array."""
    return np.concatenate([np.asarray(one.dual_value, dtype=np.float64) for one in constraints])


def rows_of(values: FloatArray, like: cp.Expression) -> FloatArray:
    """The same row for every step of an expression."""
    return np.tile(values, (like.shape[0], 1))
