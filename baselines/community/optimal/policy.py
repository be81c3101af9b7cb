"""The optimum as a planner: a schedule, and the prices that prove that no schedule is cheaper."""

import hashlib
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

import cvxpy as cp
import numpy as np

from baselines.community.optimal.blocks import duals
from baselines.community.optimal.program import Pool, Program, compile_program, fill, further_of
from p2p_market.community.episode.episode import Episode
from p2p_market.community.optimum.duality import bound_eur
from p2p_market.community.optimum.plan import Prices, plan_of
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.errors import OptimumError
from p2p_market.records import FloatArray
from p2p_market.track import Plan

CLARABEL_TOLERANCES: Final = {"tol_gap_abs": 1e-9, "tol_gap_rel": 1e-9, "tol_feas": 1e-9}
PROVED_EUR: Final = 1e-6
"""Gap between schedule and bound where the published optima of whole numbers are made."""
MANY_WHOLE: Final = 500
"""With more whole numbers than that, a published optimum ends after PROVED_NODES of the tree."""
PROVED_NODES: Final = 400
GAP_SHARE: Final = 5e-4
"""The same elsewhere, as a share of what load and PV would pay and earn at the grid."""
MOST_NODES: Final = 10_000
"""Of the search tree elsewhere; then the gap is what it is. A time limit would not repeat."""
HEURISTIC_EFFORT: Final = 0.3
"""Share of the work that looks for schedules; HiGHS' own is 0.05, which finds good ones later."""
ENDS: Final = ("kOptimal", "kSolutionLimit")  # the gap is small enough, or all nodes are used
BOUNDS: Final = (cp.settings.LOWER_BOUNDS, cp.settings.UPPER_BOUNDS)


@dataclass(frozen=True, slots=True)
class Optimum:
    """Perfect foresight over a compiled program.

    Every solve starts cold: an episode's schedule does not depend on what was solved before it.
    """

    scenario: Scenario
    program: Program
    proved: bool = False  # search until the gap is closed, however long a few whole numbers take

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
        if self.program.problem.is_mixed_integer():
            objective, bound = self._solve_mixed_integer(episode)
        else:
            objective = self._solve_schedule(episode)
            prices = prices_of(self.program, self.scenario)
            bound = bound_eur(self.scenario, episode, prices)
        trades = self.program.trades
        return plan_of(
            setpoint_kw=self.program.storage.setpoint_kw(),
            order_kw=np.where(
                episode.grid > 0.0,
                _solved(trades.net_load_kw),
                _solved(trades.buy_kw - trades.sell_kw),
            ),
            objective_eur=objective,
            bound_eur=bound,
            prices=prices,
            solver=f"HiGHS {version('highspy')}",
            further=further_of(self.program),
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
        """Cost of the best schedule found, and the tree's proof that none costs less.

        The schedule is solved again with the whole numbers that were found: then it is as exact as
        that of a linear program, and does nothing at once that the engine does not.
        """
        problem = self.program.problem
        data, chain, inverse = problem.get_problem_data(cp.HIGHS)
        limits = self._limits(episode, len(data[cp.settings.BOOL_IDX]))
        found = chain.solve_via_data(problem, data, solver_opts=limits)
        if found["model_status"] not in ENDS or not np.isfinite(found["info"].mip_gap):
            raise OptimumError(self._told("HiGHS", episode, found["model_status"]))
        whole, low, high = data[cp.settings.BOOL_IDX], *(data[name].copy() for name in BOUNDS)
        low[whole] = high[whole] = np.round(np.array(found["solution"].col_value)[whole])
        fixed = data | dict(zip(BOUNDS, (low, high), strict=True)) | {cp.settings.BOOL_IDX: []}
        solved = chain.solve_via_data(problem, fixed)
        problem.unpack_results(solved, chain, inverse)
        self._insist_optimal("HiGHS", episode)
        objective = float(problem.value)
        constant = objective - solved["info"].objective_function_value  # outside the solver
        return objective, float(found["info"].mip_dual_bound + constant)

    def _limits(self, episode: Episode, whole: int) -> dict[str, float]:
        """When the search may end: at a gap in EUR alone, as a cost may be near zero."""
        if self.proved:
            closed = {"mip_rel_gap": 0.0, "mip_abs_gap": PROVED_EUR}
            early = {"mip_max_nodes": PROVED_NODES, "mip_heuristic_effort": HEURISTIC_EFFORT}
            return closed | (early if whole > MANY_WHOLE else {})
        scenario, idle = self.scenario, (episode.load_kw - episode.pv_kw)[:, 0]
        price = episode.retail_eur_per_kwh[: scenario.steps, 0] + episode.carbon_eur_per_kwh
        feed_in = episode.feed_in_eur_per_kwh[: scenario.steps, 0]
        paid = np.where(idle > 0.0, price, feed_in) * np.abs(idle)
        gap = GAP_SHARE * float(paid.sum()) * scenario.dt_h
        return {
            "mip_rel_gap": 0.0,
            "mip_abs_gap": gap,
            "mip_max_nodes": MOST_NODES,
            "mip_heuristic_effort": HEURISTIC_EFFORT,
        }

    def _insist_optimal(self, solver: str, episode: Episode) -> None:
        status = self.program.problem.status
        if status != cp.OPTIMAL:
            raise OptimumError(self._told(solver, episode, status))

    def _told(self, solver: str, episode: Episode, status: str) -> str:
        return f"{self.scenario.spec.id}, {episode.keys[0]}: {solver} reports {status!r}"


def prices_of(program: Program, scenario: Scenario) -> Prices:
    """The duals of a solved program of a whole community, per kWh."""
    assert isinstance(program.market, Pool)
    hub, line = program.market.prices(scenario.dt_h)
    meter = duals(program.meters) / scenario.dt_h
    storage, tapers, voltages = program.storage, program.tapers, program.market.voltages
    slowed = None if storage.taper is None else storage.taper.prices(tapers, scenario.dt_h)
    voltage = None if voltages is None else voltages.prices(scenario.dt_h)
    stored, ramp = storage.by_asset(duals(program.equations)), None
    if program.ramps is not None:
        ramp = np.stack([storage.by_asset(one) for one in program.ramps.prices_eur_per_kw()], -1)
    fuel, rooms = storage.fuel, program.rooms
    room = None if fuel is None else fuel.room_prices(rooms, len(scenario.agents))
    return Prices(hub, line, meter, stored, slowed, voltage, ramp, room)


def _solved(expression: cp.Expression) -> FloatArray:
    value = expression.value
    assert value is not None
    return np.asarray(value, dtype=np.float64)


def optimum(scenario: Scenario, proved: bool = False) -> Optimum:
    """The community's optimum, compiled once.

    Args:
        proved: close the gap of a mixed-integer optimum, however long it takes.
    """
    return Optimum(scenario, compile_program(scenario), proved)
