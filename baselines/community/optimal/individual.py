"""Each member's own optimum: perfect foresight, the grid, and no neighbours."""

from dataclasses import dataclass, replace

import cvxpy as cp
import numpy as np

from baselines.community.optimal.program import Posted, Program, compile_program, fill
from p2p_market.community.episode.episode import Episode
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.errors import OptimumError
from p2p_market.records import FloatArray


@dataclass(frozen=True, slots=True)
class Individual:
    """What foresight alone is worth; the limit of the line is ignored here."""

    scenario: Scenario
    program: Program

    def costs_eur(self, episode: Episode) -> FloatArray:
        """Least private cost of each member in an episode (a batch of one), (agent,) [EUR].

        Raises:
            OptimumError: if the solver does not report an optimal solution.
        """
        market = self.program.market
        assert isinstance(market, Posted)
        fill(self.program, self.scenario, episode)
        nothing = np.zeros((self.scenario.steps, len(self.scenario.agents)))
        (part,) = market.parts
        prices = (part.buy_eur_per_kwh, part.sell_eur_per_kwh, market.line_eur_per_kwh)
        for data in (*prices, part.most_kw):
            data.fill(nothing)
        self.program.problem.solve(solver=cp.HIGHS, warm_start=False)
        if self.program.problem.status != cp.OPTIMAL:
            raise OptimumError(
                f"{self.scenario.spec.id}, {episode.keys[0]}: the individual optimum is "
                f"{self.program.problem.status!r}"
            )
        return np.asarray(self.program.cost_eur.value)


def individual(scenario: Scenario) -> Individual:
    """All members at once, compiled once; without neighbours nothing needs integer variables."""
    linear = replace(scenario, spec=scenario.spec.model_copy(update={"optimum": "linear"}))
    return Individual(linear, compile_program(linear, posted_parts=1))
