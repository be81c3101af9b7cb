"""The optimum as a planner: the best schedule found, and the tree's proof that none costs less."""

import hashlib
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

import cvxpy as cp
import numpy as np

from baselines.battery.optimal.program import Program, compile_program, fill
from baselines.battery.optimal.series import data_of
from p2p_market.battery.episode.episode import Episode
from p2p_market.battery.kernel import LEAST_MW
from p2p_market.battery.scenario import Scenario
from p2p_market.errors import OptimumError
from p2p_market.records import FloatArray
from p2p_market.track import Plan

GAP: Final = 1e-7
"""Between schedule and bound, as a share of the cost."""
LESS_MW: Final = 1e-6
"""How much less is offered where a call takes the last of the level: there a rounding of the plan,
as tables have it, would leave a hair too little, which costs the penalty of a failed call."""
BOUNDS: Final = (cp.settings.LOWER_BOUNDS, cp.settings.UPPER_BOUNDS)


@dataclass(frozen=True, slots=True)
class Optimum:
    """Perfect foresight over a compiled program; every solve starts cold."""

    scenario: Scenario
    program: Program

    @property
    def identity(self) -> str:
        """Digest of this folder's code and the versions of the solvers."""
        digest = hashlib.sha256()
        for path in sorted(Path(__file__).parent.glob("*.py")):
            digest.update(path.read_bytes())
        for package in ("cvxpy", "highspy"):
            digest.update(f"{package} {version(package)}".encode())
        return digest.hexdigest()

    def plan(self, episode: Episode) -> Plan:
        """Cheapest schedule of an episode (a batch of one), and a bound that none can beat.

        Raises:
            OptimumError: if the solver does not report an optimal solution.
        """
        data = data_of(self.scenario, episode)
        fill(self.program, data)
        objective, bound = self._solve(episode)
        offer = _solved(self.program.offer_mw)
        short = (data.up + data.down > 0.0) & (_solved(self.program.called_mw) < offer - LESS_MW)
        offer -= LESS_MW * short
        schedule = {
            "offer_mw": np.where(offer < LEAST_MW, 0.0, offer),
            "tier": np.tile(data.tier[:, None], (1, offer.shape[1])),
            "wish_mw": _solved(self.program.wish_mw),
        }
        if self.scenario.bids:
            schedule["position_mw"] = _solved(self.program.position_mw)
        return Plan(schedule, None, objective, bound, f"HiGHS {version('highspy')}")

    def _solve(self, episode: Episode) -> tuple[float, float]:
        """Cost of the schedule, and the bound.

        It is solved again with the whole numbers that were found: then it is as exact as that of a
        linear program.
        """
        problem = self.program.problem
        data, chain, inverse = problem.get_problem_data(cp.HIGHS)
        limits = {"mip_rel_gap": GAP, "mip_abs_gap": 1e-6}
        found = chain.solve_via_data(problem, data, solver_opts=limits)
        if found["model_status"] != "kOptimal":
            raise OptimumError(self._told(episode, found["model_status"]))
        whole, low, high = data[cp.settings.BOOL_IDX], *(data[name].copy() for name in BOUNDS)
        low[whole] = high[whole] = np.round(np.array(found["solution"].col_value)[whole])
        fixed = data | dict(zip(BOUNDS, (low, high), strict=True)) | {cp.settings.BOOL_IDX: []}
        solved = chain.solve_via_data(problem, fixed)
        problem.unpack_results(solved, chain, inverse)
        if problem.status != cp.OPTIMAL:
            raise OptimumError(self._told(episode, problem.status))
        objective = float(problem.value)
        constant = objective - solved["info"].objective_function_value  # outside the solver
        return objective, float(found["info"].mip_dual_bound + constant)

    def _told(self, episode: Episode, status: str) -> str:
        return f"{self.scenario.spec.id}, {episode.keys[0]}: HiGHS reports {status!r}"


def _solved(expression: cp.Expression) -> FloatArray:
    value = expression.value
    assert value is not None
    return np.asarray(value, dtype=np.float64)


def optimum(scenario: Scenario) -> Optimum:
    """The optimum of all batteries together, compiled once."""
    return Optimum(scenario, compile_program(scenario))
