"""The rolling horizon of `baselines.community.mpc.policy`, each plan from where the last one ended.

Forecasts, prices, horizon and orders are those of `mpc-alone` and `mpc-community`, and each plan
costs what theirs would cost. Where plans tie it may choose another one. It takes a sixth of their
time: the program has less in it, and the simplex method starts from the basis of the plan made an
hour ago, moved on by an hour. That basis is part of the memory. Members who plan alone have a
program each, so that what one of them does depends on nothing that others see.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from baselines.community.duals.learn import Lessons, lessons
from baselines.community.mpc.acts import said_by_rule, standing
from baselines.community.mpc.forecasts import columns, forecast, start_day
from baselines.community.mpc.horizon import horizon
from baselines.community.mpc.lean import Lean, lean_program
from baselines.community.mpc.lean_data import data_of
from baselines.community.mpc.outlooks import outlook_of
from baselines.community.mpc.prices import PARTS, posted_prices
from baselines.community.mpc.simplex import Basis, solve_pieces
from baselines.community.mpc.worlds import allowed, steady
from p2p_market.community.actions import ActionMap, action_map
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.records import Float32Array, FloatArray

Bases = tuple[Basis, ...]  # one per piece of the program


class Memory(NamedTuple):
    """What the planner knows."""

    step: int
    days: tuple[int, ...]  # of the year on which each community began
    setpoint_kw: FloatArray  # in force, (batch, agent, asset)
    bases: tuple[Bases | None, ...]  # of each community's last plan


@dataclass(frozen=True, slots=True)
class WarmHorizon:
    """Plans on forecasts, `block_steps` steps of the scenario to a block."""

    scenario: Scenario
    ahead: Scenario  # the same community, as long as the horizon, in steps of a block
    program: Lean | None  # None where nobody has anything to plan
    table: ActionMap
    block_steps: int
    learnt: Lessons | None  # prices to expect, for plans of one's own

    def start(self, seeds: Sequence[int]) -> Memory:
        """Nothing is known of the communities yet."""
        nothing = np.zeros((len(seeds), *self.scenario.nodes.present.shape))
        return Memory(0, (), nothing, (None,) * len(seeds))

    def act(self, observation: Float32Array, memory: Memory) -> tuple[FloatArray, Memory]:
        """Set-points of the newest plan, one each block, and orders for what they leave.

        Raises:
            OptimumError: if the solver does not report an optimal plan.
        """
        step, days, setpoint, bases = memory
        if step == 0:
            days = tuple(start_day(self.scenario, first) for first in observation)
        seen = observation.astype(np.float64)
        if step % self.block_steps == 0 and self.program is not None:
            plans = [
                self._plan(self.program, *one, step) for one in zip(seen, days, bases, strict=True)
            ]
            setpoint, bases = np.stack([plan for plan, _ in plans]), tuple(b for _, b in plans)
        at = columns(self.scenario)
        power = standing(self.scenario, seen, allowed(self.scenario, seen, at, setpoint))
        net_load = seen[..., at["load"]] - seen[..., at["pv"]] + power.sum(axis=2)
        action = self.table.orders(power, net_load, said_by_rule(self.scenario, seen, step))
        return action, Memory(step + 1, days, setpoint, bases)

    def _plan(
        self, program: Lean, seen: FloatArray, day: int, bases: Bases | None, step: int
    ) -> tuple[FloatArray, Bases]:
        """Set-points of the first block, (agent, asset) [kW], and where the next plan starts."""
        expected = forecast(self.scenario, seen, day, step, self.ahead.steps, self.block_steps)
        outlook = outlook_of(self.scenario, self.ahead, seen, expected)
        posted = None
        if self.learnt is not None:
            posted = posted_prices(self.scenario, self.learnt, outlook, day, step, self.block_steps)
        values, kept = solve_pieces(
            program.pieces,
            data_of(program, outlook, posted),
            bases or (None,) * len(program.pieces),
            f"{self.scenario.spec.id}, day {day}, step {step}",
        )
        return steady(self.scenario, program.setpoint_kw(values), self.ahead.dt_h), kept


def _warm(scenario: Scenario, learnt: Lessons | None) -> WarmHorizon:
    ahead, block_steps = horizon(scenario)
    program = None
    if scenario.has_storage.any():
        program = lean_program(ahead, 0 if learnt is None else PARTS)
    return WarmHorizon(scenario, ahead, program, action_map(scenario), block_steps, learnt)


def community(scenario: Scenario) -> WarmHorizon:
    """One plan for all members, with the forecasts that they have."""
    return _warm(scenario, None)


def alone(scenario: Scenario) -> WarmHorizon:
    """Each member plans for itself, with its own forecasts and the learnt prices."""
    return _warm(scenario, lessons(scenario))
