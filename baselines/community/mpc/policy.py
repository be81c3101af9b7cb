"""Rolling horizon: plan the next hours on forecasts, do what the first hour says, plan again.

Two forms on one program (`optimal.program`). `community` plans for all members at once,
as a cooperative with everybody's meters would. `alone` plans for each member by itself against the
prices that training weeks taught (`duals`), which is what a household's controller can
do. A member that expected to trade any quantity at those prices would do what all others do in the
same hour. So it expects a price that its own trade moves, in `PARTS` parts from the hub's price to
the grid's, which is reached at `REACH` times the mean net load of the community's members. What
remains after the set-points is ordered at the price of the grid, the truth about the outside
option.

`alone` solves one program for all members. Where plans tie, the solver returns any of them, so ties
can make members' plans depend on each other, and the policy counts as centralised.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cvxpy as cp
import numpy as np

from baselines.community.duals.learn import Lessons, lessons
from baselines.community.mpc.acts import said_by_rule, standing
from baselines.community.mpc.forecasts import columns, forecast, start_day
from baselines.community.mpc.horizon import horizon
from baselines.community.mpc.outlooks import outlook_of
from baselines.community.mpc.prices import PARTS, posted_prices
from baselines.community.mpc.worlds import allowed, steady
from baselines.community.optimal.outlook import Outlook
from baselines.community.optimal.program import (
    Posted,
    Program,
    compile_program,
    fill,
    further_of,
)
from p2p_market.community.actions import ActionMap, action_map
from p2p_market.community.further import further_columns
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.errors import OptimumError
from p2p_market.records import Float32Array, FloatArray

Memory = tuple[int, tuple[int, ...], FloatArray, FloatArray]
"""Steps played, start days; in force: set-points, further columns (column, batch, agent)."""


@dataclass(frozen=True, slots=True)
class RollingHorizon:
    """Plans on forecasts, `block_steps` steps of the scenario to a block."""

    scenario: Scenario
    ahead: Scenario  # the same community, as long as the horizon, in steps of a block
    program: Program
    table: ActionMap
    block_steps: int
    learnt: Lessons | None  # prices to expect, for plans of one's own

    def start(self, seeds: Sequence[int]) -> Memory:
        """Nothing is known of the communities yet."""
        return 0, (), np.zeros(0), np.zeros(0)

    def act(self, observation: Float32Array, memory: Memory) -> tuple[FloatArray, Memory]:
        """Set-points of the newest plan, one each block, and orders for what they leave.

        Raises:
            OptimumError: if the solver does not report an optimal plan.
        """
        step, days, setpoint, said = memory
        if step == 0:
            days = tuple(start_day(self.scenario, first) for first in observation)
        seen = observation.astype(np.float64)
        if step % self.block_steps == 0:
            plans = [self._plan(*one, step) for one in zip(seen, days, strict=True)]
            setpoint, said = np.stack([p for p, _ in plans]), np.stack([s for _, s in plans], 1)
        at = columns(self.scenario)
        power = standing(self.scenario, seen, allowed(self.scenario, seen, at, setpoint))
        net_load = seen[..., at["load"]] - seen[..., at["pv"]] + power.sum(axis=2)
        words = said_by_rule(self.scenario, seen, step, list(said))
        action = self.table.orders(power, net_load, words)
        return action, (step + 1, days, setpoint, said)

    def _plan(self, seen: FloatArray, day: int, step: int) -> tuple[FloatArray, FloatArray]:
        """Of the first block: set-points, (agent, asset) [kW]; further columns, (column, agent)."""
        expected = forecast(self.scenario, seen, day, step, self.ahead.steps, self.block_steps)
        outlook = outlook_of(self.scenario, self.ahead, seen, expected)
        fill(self.program, self.ahead, outlook)
        if self.learnt is not None:
            self._believe(self.learnt, outlook, day, step)
        solve(self.program, f"{self.scenario.spec.id}, day {day}, step {step}")
        setpoint_kw = self.program.storage.setpoint_kw()
        power_kw = steady(self.scenario, setpoint_kw, self.ahead.dt_h)
        return power_kw, said_first(self.program, self.scenario)

    def _believe(self, learnt: Lessons, outlook: Outlook, day: int, step: int) -> None:
        """Put in the prices to expect, and how much to count on."""
        market = self.program.market
        assert isinstance(market, Posted)
        told = posted_prices(self.scenario, learnt, outlook, day, step, self.block_steps)
        market.line_eur_per_kwh.fill(np.zeros(told.most_kw.shape))
        for number, part in enumerate(market.parts):
            part.most_kw.fill(told.most_kw)
            part.buy_eur_per_kwh.fill(told.buy_eur_per_kwh[number])
            part.sell_eur_per_kwh.fill(told.sell_eur_per_kwh[number])


def said_first(program: Program, scenario: Scenario) -> FloatArray:
    """What a solved program says in further columns in its first block, (column, agent)."""
    planned, nothing = further_of(program), np.zeros((1, len(scenario.agents)))
    names = [column.name for column in further_columns(scenario)]
    said = [planned.get(name, nothing)[0] for name in names]
    return np.array(said).reshape(len(names), len(scenario.agents))


def solve(program: Program, what: str) -> None:
    """Solve a filled program, from a cold start so that no plan depends on the one before.

    Raises:
        OptimumError: if the solver does not report an optimal plan.
    """
    program.problem.solve(solver=cp.HIGHS, warm_start=False)
    if program.problem.status != cp.OPTIMAL:
        raise OptimumError(f"{what}: the plan is {program.problem.status!r}")


def _rolling(scenario: Scenario, learnt: Lessons | None) -> RollingHorizon:
    ahead, block_steps = horizon(scenario)
    program = compile_program(ahead, posted_parts=0 if learnt is None else PARTS)
    return RollingHorizon(scenario, ahead, program, action_map(scenario), block_steps, learnt)


def community(scenario: Scenario) -> RollingHorizon:
    """One plan for all members, with the forecasts that they have."""
    return _rolling(scenario, None)


def alone(scenario: Scenario) -> RollingHorizon:
    """Each member plans for itself, with its own forecasts and the learnt prices."""
    return _rolling(scenario, lessons(scenario))
