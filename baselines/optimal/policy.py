"""The optimum as a planner: solved twice, once for the schedule and once for the bound."""

import hashlib
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

import cvxpy as cp
import numpy as np

from baselines.optimal.program import Program, columns, compile_program, fill
from p2p_market.episode import Episode
from p2p_market.errors import OptimumError
from p2p_market.evaluation.policy import Plan
from p2p_market.scenario import Scenario

CLARABEL_TOLERANCES: Final = {"tol_gap_abs": 1e-9, "tol_gap_rel": 1e-9, "tol_feas": 1e-9}


@dataclass(frozen=True, slots=True)
class Optimum:
    """Perfect foresight over a compiled program."""

    scenario: Scenario
    program: Program

    @property
    def identity(self) -> str:
        """Digest of this folder's code and the versions of the solvers."""
        digest = hashlib.sha256()
        for path in sorted(Path(__file__).parent.glob("*.py")):
            digest.update(path.read_bytes())
        for package in ("cvxpy", "highspy", "clarabel"):
            digest.update(f"{package} {version(package)}".encode())
        return digest.hexdigest()

    def plan(self, episode: Episode) -> Plan:
        """Cheapest schedule of an episode, and a bound that no schedule can beat.

        Raises:
            OptimumError: if a solver does not report an optimal solution.
        """
        fill(self.program, self.scenario, episode)
        bound = self._solve_bound(episode)
        objective = self._solve_schedule(episode)
        storage = self.program.storage
        setpoint = np.zeros((self.scenario.steps, *self.scenario.nodes.present.shape))
        assert storage.charge_kw.value is not None
        assert storage.discharge_kw.value is not None
        setpoint[:, columns(self.scenario.nodes)] = (
            storage.charge_kw.value - storage.discharge_kw.value
        )
        names = (f"HiGHS {version('highspy')}", f"Clarabel {version('clarabel')}")
        return Plan(setpoint, objective, bound, names)

    def _solve_schedule(self, episode: Episode) -> float:
        self.program.problem.solve(solver=cp.HIGHS)
        self._insist_optimal("HiGHS", episode)
        return float(self.program.problem.value)

    def _solve_bound(self, episode: Episode) -> float:
        """Dual objective of Clarabel, moved by the constant that cvxpy keeps outside the solver."""
        problem = self.program.problem
        options = dict(CLARABEL_TOLERANCES)
        data, chain, inverse = problem.get_problem_data(cp.CLARABEL, solver_opts=options)
        solution = chain.solve_via_data(problem, data, solver_opts=options)
        problem.unpack_results(solution, chain, inverse)
        self._insist_optimal("Clarabel", episode)
        constant = float(problem.value) - solution.obj_val
        return float(solution.obj_val_dual + constant)

    def _insist_optimal(self, solver: str, episode: Episode) -> None:
        status = self.program.problem.status
        if status != cp.OPTIMAL:
            raise OptimumError(
                f"{self.scenario.spec.id}, {episode.keys[0]}: {solver} reports {status!r}"
            )


def optimum(scenario: Scenario) -> Optimum:
    """The community's optimum, compiled once."""
    return Optimum(scenario, compile_program(scenario))
