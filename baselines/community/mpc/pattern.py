"""A linear program whose blocks look alike, as arrays for a solver.

All blocks have the same variables and rows, and a row may reach back one block. So data are arrays
(block, variable) and (block, row), and a basis moves on by a block when time does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from p2p_market.records import FloatArray, IntArray

Names = Mapping[str, slice]


def names_of(sizes: Mapping[str, int]) -> Names:
    """Where each group stands in a block, in this order."""
    ends = np.cumsum(list(sizes.values())).tolist()
    return {
        name: slice(end - size, end) for (name, size), end in zip(sizes.items(), ends, strict=True)
    }


@dataclass(frozen=True, slots=True)
class Data:
    """Least cost x, with bounds on x and on rows; a matrix as its coefficients."""

    values: FloatArray  # (block, coefficient)
    cost: FloatArray  # (block, variable)
    lower: FloatArray
    upper: FloatArray
    row_lower: FloatArray  # (block, row)
    row_upper: FloatArray

    def fix(self, rows: slice, values: FloatArray) -> None:
        """Rows that are equal to something."""
        self.row_lower[:, rows] = values
        self.row_upper[:, rows] = values

    def of(self, piece: "Piece") -> "Data":
        """The data of a piece; it keeps the coefficients of the whole."""
        variables, rows = piece.variables, piece.rows
        return Data(
            self.values,
            self.cost[:, variables],
            self.lower[:, variables],
            self.upper[:, variables],
            self.row_lower[:, rows],
            self.row_upper[:, rows],
        )


@dataclass(frozen=True, slots=True)
class Pattern:
    """Where the coefficients of all blocks stand, column by column."""

    rows: Names  # in a block
    variables: Names  # in a block
    shape: tuple[int, int]  # rows and variables of a block
    values: FloatArray  # (coefficient,), of each block
    start: NDArray[np.int32]
    index: NDArray[np.int32]
    order: IntArray  # number of each coefficient in (block, coefficient)

    def empty(self, blocks: int) -> Data:
        """Variables of at least 0 and without a cost; rows that are 0."""
        rows, variables = ((blocks, size) for size in self.shape)
        limits = np.zeros(variables), np.zeros(variables), np.full(variables, np.inf)
        return Data(np.tile(self.values, (blocks, 1)), *limits, np.zeros(rows), np.zeros(rows))

    def pieces(self) -> tuple["Piece", ...]:
        """Parts of the program that have nothing in common, such as members who plan alone."""
        height, width = self.shape
        blocks = (len(self.start) - 1) // width
        variable = np.repeat(np.arange(width * blocks), np.diff(self.start))
        edges = (self.index % height, height + variable % width)
        graph = coo_array((np.ones(len(variable)), edges), (height + width, height + width))
        count, piece_of = connected_components(graph, directed=False)
        return tuple(
            self._piece(
                np.flatnonzero(piece_of[:height] == number),
                np.flatnonzero(piece_of[height:] == number),
                variable,
            )
            for number in range(count)
        )

    def _piece(self, rows: IntArray, variables: IntArray, variable: IntArray) -> "Piece":
        """Some rows and all variables in them.

        Args:
            variable: of each coefficient.
        """
        height, width = self.shape
        inside = np.isin(variable % width, variables)
        row, column = self.index[inside], variable[inside]
        row = row // height * len(rows) + np.searchsorted(rows, row % height)
        column = column // width * len(variables) + np.searchsorted(variables, column % width)
        blocks = (len(self.start) - 1) // width
        count = np.bincount(column, minlength=len(variables) * blocks)
        pattern = Pattern(
            {}, {}, (len(rows), len(variables)), self.values,
            np.concatenate([[0], count.cumsum()]).astype(np.int32), row.astype(np.int32),
            self.order[inside],
        )  # fmt: skip
        return Piece(pattern, rows, variables)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some rows and variables of every block of a program."""

    pattern: Pattern
    rows: IntArray  # of a block of the whole
    variables: IntArray


@dataclass(frozen=True, slots=True)
class Block:
    """Coefficients of one block, gathered group by group."""

    rows: Names
    variables: Names
    _gathered: list[tuple[NDArray[Any], ...]] = field(default_factory=list)

    def row(self, group: str) -> IntArray:
        """Numbers of the rows of a group."""
        return np.arange(self.rows[group].start, self.rows[group].stop)

    def variable(self, group: str) -> IntArray:
        """Numbers of the variables of a group."""
        return np.arange(self.variables[group].start, self.variables[group].stop)

    def put(self, row: ArrayLike, variable: ArrayLike, value: ArrayLike, back: int = 0) -> IntArray:
        """Add coefficients and tell their numbers; all arguments are broadcast to one shape.

        Args:
            back: 1 for variables of the block before.
        """
        arrays = np.broadcast_arrays(row, variable, value, back)
        first = sum(len(known[0]) for known in self._gathered)
        self._gathered.append(tuple(array.ravel() for array in arrays))
        return first + np.arange(arrays[0].size).reshape(arrays[0].shape)

    def repeated(self, blocks: int) -> Pattern:
        """So many blocks in a row."""
        row, variable, values, back = map(np.concatenate, zip(*self._gathered, strict=True))
        height, width = (max(one.stop for one in n.values()) for n in (self.rows, self.variables))
        block = np.arange(blocks)[:, None]
        rows, variables = row + height * block, variable + width * (block - back)
        there = np.flatnonzero(variables.ravel() >= 0)
        rows, variables = rows.ravel()[there], variables.ravel()[there]
        order = np.lexsort((rows, variables))
        count = np.bincount(variables, minlength=width * blocks)
        return Pattern(
            self.rows, self.variables, (height, width), values,
            np.concatenate([[0], count.cumsum()]).astype(np.int32),
            rows[order].astype(np.int32), there[order],
        )  # fmt: skip
