"""A sparse program for scipy, collected block by block: columns, inequalities, equalities."""

from dataclasses import dataclass, fields

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from p2p_market.records import FloatArray, IntArray

Term = tuple[IntArray, NDArray | float]  # columns and their coefficients


@dataclass(frozen=True)
class Blocks:
    """Column numbers of each variable block, in the shape of the block."""

    power: IntArray
    level: IntArray
    made_up: IntArray
    cycled: IntArray
    charges: IntArray
    net: IntArray
    hub: IntArray
    carried: IntArray
    bill: IntArray
    curtailed: IntArray
    shed: IntArray
    buys: IntArray
    overload: IntArray
    pv_share: IntArray
    load_share: IntArray
    cuts_pv: IntArray
    cuts_load: IntArray

    @property
    def count(self) -> int:
        """Number of all columns."""
        return 1 + int(self.cuts_load[-1])

    @property
    def whole(self) -> tuple[IntArray, ...]:
        """The blocks of whole numbers, 0 or 1."""
        return self.charges, self.buys, self.cuts_pv, self.cuts_load


def blocks(steps: int, agents: int, assets: int) -> Blocks:
    """Number the variables block by block."""
    shapes = 5 * [(steps, agents, assets)] + 7 * [(steps, agents)] + 5 * [(steps,)]
    ends = np.cumsum([np.prod(shape) for shape in shapes])
    numbers = [
        np.arange(end - np.prod(shape), end).reshape(shape)
        for shape, end in zip(shapes, ends, strict=True)
    ]
    return Blocks(**dict(zip([field.name for field in fields(Blocks)], numbers, strict=True)))


class Rows:
    """Rows `low <= sum of coefficient * column <= high`, collected as triplets."""

    def __init__(self) -> None:
        self.low: list[FloatArray] = []
        self.high: list[FloatArray] = []
        self.entries: list[tuple[IntArray, IntArray, FloatArray]] = []
        self.count = 0

    def between(self, low: FloatArray, high: FloatArray, *terms: Term) -> None:
        """One row per element of the bounds; a term with one more axis is summed over its last."""
        rows = self.count + np.arange(high.size).reshape(high.shape)
        for columns, coefficient in terms:
            own = rows if columns.ndim == rows.ndim else rows[..., None]
            triplet = np.broadcast_arrays(own, columns, np.asarray(coefficient, float))
            self.entries.append(tuple(part.ravel() for part in triplet))
        self.low.append(low.ravel())
        self.high.append(high.ravel())
        self.count += high.size

    def at_most(self, bound: FloatArray, *terms: Term) -> None:
        """The sum is no larger."""
        self.between(np.full(bound.shape, -np.inf), bound, *terms)

    def equal(self, value: FloatArray, *terms: Term) -> None:
        """The sum is just that."""
        self.between(value, value, *terms)

    def matrix(self, columns: int) -> scipy.sparse.csr_array:
        """The coefficients, (row, column)."""
        row, column, value = (np.concatenate(part) for part in zip(*self.entries, strict=True))
        return scipy.sparse.coo_array((value, (row, column)), (self.count, columns)).tocsr()
