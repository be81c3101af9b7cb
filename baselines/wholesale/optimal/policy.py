"""The optimum as a planner: a schedule, and the prices that prove that no schedule is cheaper."""

import hashlib
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import cvxpy as cp

from baselines.wholesale.optimal.solve import solve
from p2p_market.errors import OptimumError
from p2p_market.track import Plan
from p2p_market.wholesale.episode.episode import Episode
from p2p_market.wholesale.optimum.program import horizon_of, program_of
from p2p_market.wholesale.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Optimum:
    """Perfect foresight; every solve starts cold."""

    scenario: Scenario

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
        program = program_of(self.scenario, horizon_of(self.scenario, episode))
        found = solve(program)
        if found.status != cp.OPTIMAL:
            told = f"{self.scenario.spec.id}, {episode.keys[0]}: HiGHS reports {found.status!r}"
            raise OptimumError(told)
        schedule = {
            "output_mw": found.of(program, "output"),
            "power_mw": found.of(program, "charge") - found.of(program, "discharge"),
            "flexible_mw": found.of(program, "flexible"),
        }
        bound = program.bound_eur(found.prices)
        solver = f"HiGHS {version('highspy')}"
        return Plan(schedule, found.prices, found.objective_eur, bound, solver)


def optimum(scenario: Scenario) -> Optimum:
    """The optimum of all agents together."""
    return Optimum(scenario)
