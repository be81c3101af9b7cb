"""The optimum as a planner: a schedule, and the prices that prove that none is cheaper."""

import hashlib
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

import cvxpy as cp
import numpy as np

from baselines.optimal.blocks import duals
from baselines.optimal.program import Pool, Program, compile_program, fill
from p2p_market.episode import Episode
from p2p_market.errors import OptimumError
from p2p_market.evaluation.duality import bound_eur
from p2p_market.evaluation.policy import Plan, Prices
from p2p_market.records import FloatArray
from p2p_market.scenario import Scenario

CLARABEL_TOLERANCES: Final = {"tol_gap_abs": 1e-9, "tol_gap_rel": 1e-9, "tol_feas": 1e-9}
MIXED_INTEGER_GAPS: Final = {"mip_rel_gap": 3e-3, "mip_abs_gap": 0.02}
"""Between the best schedule found and the bound: a share of the cost, or EUR; one is enough."""


@dataclass(frozen=True, slots=True)
class Optimum:
    """Perfect foresight over a compiled program.

    Every solve starts cold: an episode's schedule does not depend on what was solved before it.
    """

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
        prices = None
        if self.scenario.spec.optimum == "mixed_integer":
            objective, bound = self._solve_mixed_integer(episode)
        else:
            objective = self._solve_schedule(episode)
            prices = prices_of(self.program, self.scenario)
            bound = bound_eur(self.scenario, episode, prices)
        trades = self.program.trades
        return Plan(
            setpoint_kw=self.program.storage.setpoint_kw(),
            net_load_kw=_solved(trades.net_load_kw),
            trade_kw=_solved(trades.buy_kw - trades.sell_kw),
            objective_eur=objective,
            bound_eur=bound,
            prices=prices,
            solver=f"HiGHS {version('highspy')}",
        )

    def second_opinion_eur(self, episode: Episode) -> float:
        """What another solver says no schedule can cost less than: Clarabel's dual objective.

        Raises:
            OptimumError: if it does not report an optimal solution.
        """
        fill(self.program, self.scenario, episode)
        problem, options = self.program.problem, dict(CLARABEL_TOLERANCES)
        data, chain, inverse = problem.get_problem_data(cp.CLARABEL, solver_opts=options)
        solution = chain.solve_via_data(problem, data, solver_opts=options)
        problem.unpack_results(solution, chain, inverse)
        self._insist_optimal("Clarabel", episode)
        constant = float(problem.value) - solution.obj_val  # cvxpy keeps it outside the solver
        return float(solution.obj_val_dual + constant)

    def _solve_schedule(self, episode: Episode) -> float:
        self.program.problem.solve(solver=cp.HIGHS, warm_start=False)
        self._insist_optimal("HiGHS", episode)
        return float(self.program.problem.value)

    def _solve_mixed_integer(self, episode: Episode) -> tuple[float, float]:
        """Cost of the best schedule found, and the tree's proof that none costs less."""
        problem = self.program.problem
        problem.solve(solver=cp.HIGHS, warm_start=False, **MIXED_INTEGER_GAPS)
        self._insist_optimal("HiGHS", episode)
        info, objective = problem.solver_stats.extra_stats, float(problem.value)
        return objective, float(info.mip_dual_bound + objective - info.objective_function_value)

    def _insist_optimal(self, solver: str, episode: Episode) -> None:
        status = self.program.problem.status
        if status != cp.OPTIMAL:
            raise OptimumError(
                f"{self.scenario.spec.id}, {episode.keys[0]}: {solver} reports {status!r}"
            )


def prices_of(program: Program, scenario: Scenario) -> Prices:
    """The duals of a solved program of a whole community, per kWh."""
    assert isinstance(program.market, Pool)
    hub, line = program.market.prices(scenario.dt_h)
    meter = duals(program.meters) / scenario.dt_h
    return Prices(hub, line, meter, program.storage.by_asset(duals(program.equations)))


def _solved(expression: cp.Expression) -> FloatArray:
    value = expression.value
    assert value is not None
    return np.asarray(value, dtype=np.float64)


def optimum(scenario: Scenario) -> Optimum:
    """The community's optimum, compiled once."""
    return Optimum(scenario, compile_program(scenario))
