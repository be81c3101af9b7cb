"""The dual simplex method of HiGHS on plain arrays, from a basis that the caller keeps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import highspy
import numpy as np
from highspy import HighsBasisStatus, HighsModelStatus

from baselines.community.mpc.pattern import Data, Pattern, Piece
from p2p_market.errors import OptimumError
from p2p_market.records import FloatArray

FROM_A_BASIS: Final[Mapping[str, str | int]] = {
    "presolve": "off",  # would forget the basis
    "simplex_dual_edge_weight_strategy": 1,  # Devex: exact weights cost more than the steps saved
}
STATUS: Final = tuple(HighsBasisStatus.__members__.values())
assert [int(status) for status in STATUS] == list(range(len(STATUS)))


@dataclass(frozen=True, slots=True)
class Basis:
    """Which variables and rows are basic, or at which limit: a `HighsBasisStatus` in each byte."""

    variables: bytes
    rows: bytes

    def moved_on(self, pattern: Pattern) -> "Basis":
        """One block later; the last block stands in for the one behind it."""
        rows, variables = pattern.shape
        return Basis(
            self.variables[variables:] + self.variables[-variables:],
            self.rows[rows:] + self.rows[-rows:],
        )


@dataclass(frozen=True, slots=True)
class Solution:
    """Where the least cost is."""

    values: FloatArray  # (variable,), of all blocks
    basis: Basis


def solve_pieces(
    pieces: Sequence[Piece], data: Data, bases: Sequence[Basis | None], what: str
) -> tuple[FloatArray, tuple[Basis, ...]]:
    """Solve the pieces of a program one by one.

    Args:
        bases: to start from, one per piece.
        what: for the error.

    Returns:
        The solution, (block, variable), and the bases to start from when a block has gone by.

    Raises:
        OptimumError: if HiGHS does not report an optimal solution.
    """
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    values, kept = np.zeros(data.cost.shape), []
    for piece, basis in zip(pieces, bases, strict=True):
        found = solve(piece.pattern, data.of(piece), basis, what, solver)
        values[:, piece.variables] = found.values.reshape(len(values), -1)
        kept.append(found.basis.moved_on(piece.pattern))
    return values, tuple(kept)


def solve(
    pattern: Pattern, data: Data, basis: Basis | None, what: str, solver: highspy.Highs
) -> Solution:
    """Solve a program; all that depends on earlier solves is the basis.

    Args:
        basis: to start from; None, or one that HiGHS cannot get on from: from nothing.
        what: for the error.
        solver: whatever it solved before is forgotten.

    Raises:
        OptimumError: if HiGHS does not report an optimal solution.
    """
    _pass_model(solver, pattern, data)
    if basis is not None:
        for name, value in FROM_A_BASIS.items():
            solver.setOptionValue(name, value)
        start = highspy.HighsBasis()
        start.col_status = [STATUS[status] for status in basis.variables]
        start.row_status = [STATUS[status] for status in basis.rows]
        solver.setBasis(start)
    solver.run()
    if (status := solver.getModelStatus()) != HighsModelStatus.kOptimal:
        if basis is not None:
            return solve(pattern, data, None, what, solver)
        raise OptimumError(f"{what}: HiGHS reports {solver.modelStatusToString(status)!r}")
    return _solution(solver, data)


def _solution(solver: highspy.Highs, data: Data) -> Solution:
    """Of a solved program. Who is not basic stands at the limit that is nearer."""
    found = solver.getSolution()
    _, basic = solver.getBasicVariables()  # type: ignore[attr-defined]  # its stubs forget it
    variable, row = np.array(found.col_value), np.array(found.row_value)
    statuses = []
    for values, lower, upper, inside in (
        (variable, data.lower, data.upper, basic[basic >= 0]),
        (row, data.row_lower, data.row_upper, -1 - basic[basic < 0]),
    ):
        above = np.abs(values - upper.ravel()) < np.abs(values - lower.ravel())
        status = np.where(above, int(HighsBasisStatus.kUpper), int(HighsBasisStatus.kLower))
        status[inside] = int(HighsBasisStatus.kBasic)
        statuses.append(status.astype(np.uint8).tobytes())
    return Solution(variable, Basis(*statuses))


def _pass_model(solver: highspy.Highs, pattern: Pattern, data: Data) -> None:
    """Make a solver know this program and nothing else."""
    solver.clear()
    solver.silent()
    rows, variables = data.row_lower.size, data.cost.size
    solver.passModel(
        variables, rows, len(pattern.index), int(highspy.MatrixFormat.kColwise),
        int(highspy.ObjSense.kMinimize), 0.0,
        data.cost.ravel(), data.lower.ravel(), data.upper.ravel(),
        data.row_lower.ravel(), data.row_upper.ravel(),
        pattern.start, pattern.index, data.values.ravel()[pattern.order],
        np.zeros(variables, dtype=np.int32),
    )  # fmt: skip
