"""A program, solved."""

from dataclasses import dataclass
from typing import Any, Final

import cvxpy as cp
import numpy as np
from scipy.sparse import coo_array

from p2p_market.records import FloatArray
from p2p_market.wholesale.optimum.program import (
    AT_LEAST,
    AT_MOST,
    EQUAL,
    Block,
    Program,
)

OPTIONS: Final = {"solver": "simplex", "threads": 1}
"""The dual simplex is five to eight times as fast as an interior point here, and its prices are
those of a vertex."""


@dataclass(frozen=True, slots=True)
class Solution:
    """What the solver found."""

    status: str
    objective_eur: float
    x: FloatArray
    prices: dict[str, FloatArray]  # block -> what one more of each limit costs

    def of(self, program: Program, name: str) -> FloatArray:
        """A quantity of the program, (step, unit)."""
        return np.asarray(self.x[program.places[name]])


def _matrix(block: Block, columns: int) -> Any:
    shape = (len(block.limit), columns)
    return coo_array((block.value, (block.row, block.column)), shape=shape).tocsr()


def solve(program: Program) -> Solution:
    """Solve a program; the status is cvxpy's, "optimal" where all went well."""
    x = cp.Variable(len(program.cost), bounds=[program.low, program.high])
    rows = {}
    for name, block in program.blocks.items():
        if not len(block.limit):
            continue
        left = _matrix(block, len(program.cost)) @ x
        if block.sense == EQUAL:
            rows[name] = left == block.limit
        else:
            rows[name] = left <= block.limit if block.sense == AT_MOST else left >= block.limit
    problem = cp.Problem(cp.Minimize(program.cost @ x + program.fixed_eur), list(rows.values()))
    problem.solve(solver=cp.HIGHS, highs_options=dict(OPTIONS))
    if problem.status != cp.OPTIMAL:
        return Solution(problem.status, np.nan, np.zeros(0), {})
    signs = {EQUAL: -1.0, AT_MOST: -1.0, AT_LEAST: 1.0}
    prices = {
        name: signs[program.blocks[name].sense] * np.asarray(row.dual_value, dtype=np.float64)
        for name, row in rows.items()
    }
    return Solution(problem.status, float(problem.value), np.asarray(x.value), prices)
