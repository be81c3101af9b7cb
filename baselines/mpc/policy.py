"""Rolling horizon: plan the next hours on forecasts, do the first step, plan again.

Two forms on one program (`baselines.optimal.program`). `community` plans for all members at once,
as a cooperative with everybody's meters would. `alone` plans for each member by itself at posted
prices, which is what a household's controller can do. What remains after the set-points is ordered
at the price of the grid, the truth about the outside option.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cvxpy as cp
import numpy as np

from baselines.mpc.forecasts import Forecast, columns, forecast, start_day
from baselines.optimal.outlook import Outlook
from baselines.optimal.program import Posted, Program, compile_program, fill
from baselines.optimal.program import columns as columns_of_assets
from p2p_market.actions import ActionMap, action_map
from p2p_market.assets.node import coefficients
from p2p_market.errors import OptimumError
from p2p_market.records import Float32Array, FloatArray
from p2p_market.scenario import Scenario
from p2p_market.tariff import to_ticks

HORIZON_H = 24
BLOCK_H = 1.0

Memory = tuple[int, tuple[int, ...]]  # steps played, start day of each community


@dataclass(frozen=True, slots=True)
class RollingHorizon:
    """Plans on forecasts, `block_steps` steps of the scenario to a block."""

    scenario: Scenario
    ahead: Scenario  # the same community, as long as the horizon, in steps of a block
    program: Program
    table: ActionMap
    block_steps: int

    def start(self, seeds: Sequence[int]) -> Memory:
        """Nothing is known of the communities yet."""
        return 0, ()

    def act(self, observation: Float32Array, memory: Memory) -> tuple[FloatArray, Memory]:
        """The first step of a new plan, and orders for what it leaves.

        Raises:
            OptimumError: if the solver does not report an optimal plan.
        """
        step, days = memory
        if step == 0:
            days = tuple(start_day(self.scenario, first) for first in observation)
        seen = observation.astype(np.float64)
        setpoint = np.stack([self._plan(*one, step) for one in zip(seen, days, strict=True)])
        at = columns(self.scenario)
        net_load = seen[..., at["load"]] - seen[..., at["pv"]] + setpoint.sum(axis=2)
        price = np.where(net_load > 0.0, 2.0 * self.table.half[:, -1], 0.0)
        physical = np.concatenate([setpoint, net_load[..., None], price[..., None]], axis=-1)
        return self.table.normalised(physical), (step + 1, days)

    def _plan(self, seen: FloatArray, day: int, step: int) -> FloatArray:
        """Set-points of the first block, (agent, asset) [kW]."""
        expected = forecast(self.scenario, seen, day, step, self.ahead.steps, self.block_steps)
        outlook = self._outlook(seen, expected)
        fill(self.program, self.ahead, outlook)
        if isinstance(market := self.program.market, Posted):
            hub = self._hub_prices(outlook)
            market.hub_eur_per_kwh.value = hub
            market.congestion_eur_per_kwh.value = np.zeros_like(hub)
        problem = self.program.problem
        problem.solve(solver=cp.HIGHS)
        if problem.status != cp.OPTIMAL:
            raise OptimumError(
                f"{self.scenario.spec.id}, day {day}, step {step}: the plan is {problem.status!r}"
            )
        storage, own = self.program.storage, columns_of_assets(self.scenario.nodes)
        setpoint = np.zeros(own.shape)
        setpoint[own] = (storage.charge_kw - storage.discharge_kw).value[0]
        return setpoint

    def _hub_prices(self, outlook: Outlook) -> FloatArray:
        """What a member expects of the market, (block, agent): halfway between floor and cap."""
        middle = outlook.ask_floor_eur_per_kwh + outlook.bid_cap_eur_per_kwh
        return np.asarray(middle[:, 0] / 2.0)

    def _outlook(self, seen: FloatArray, expected: Forecast) -> Outlook:
        """The horizon as the program reads it."""
        scenario, at, blocks = self.scenario, columns(self.scenario), self.ahead.steps
        tick, fee = scenario.spec.tick_eur_per_kwh, scenario.network_fee_eur_per_kwh
        carbon = np.full((blocks, 1), seen[0, at["carbon_cost"]])
        worth = np.broadcast_to(scenario.feed_in_eur_per_kwh, expected.load_kw.shape)
        cap = to_ticks(expected.retail_eur_per_kwh + carbon - fee, tick)
        series = expected.load_kw, expected.pv_kw, expected.retail_eur_per_kwh
        load, pv, retail = (values[:, None] for values in series)
        grid = np.ones((blocks, 1))
        if "grid" in at:
            grid[0] = seen[0, at["grid"]]
        return Outlook(
            load, pv, retail, carbon, to_ticks(worth + fee, tick)[:, None], cap[:, None], grid,
            *self._stays(seen, at, blocks), self._levels(seen, at),
        )  # fmt: skip

    def _stays(
        self, seen: FloatArray, at: dict[str, int], blocks: int
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Plugged, departs, trip and floor: a vehicle stays until it leaves, then is away."""
        nodes = self.ahead.nodes
        shape = (blocks, 1, *nodes.present.shape)
        plugged, departs, trip_kwh = np.zeros((3, *shape))
        for asset in range(shape[-1]):
            here = seen[:, at[f"power_max_{asset}"]] > 0.0
            left_h = seen[:, at[f"hours_left_{asset}"]]
            last = np.ceil(left_h / self.ahead.dt_h - 1e-9).astype(np.int64) - 1
            leaves = left_h > 0.0
            until = np.where(leaves, last, blocks)
            plugged[:, 0, :, asset] = here & (np.arange(blocks)[:, None] <= until)
            departs[:, 0, :, asset] = leaves & (np.arange(blocks)[:, None] == last)
        floor_kwh = plugged * np.where(nodes.target_kwh > 0.0, 0.0, nodes.energy_min_kwh)
        return plugged, departs, trip_kwh, floor_kwh

    def _levels(self, seen: FloatArray, at: dict[str, int]) -> FloatArray:
        """Levels now, (1, agent, asset) [kWh]; that of a vehicle away does not matter."""
        nodes = self.ahead.nodes
        soc = np.stack([seen[:, at[f"soc_{k}"]] for k in range(nodes.present.shape[1])], axis=-1)
        levels = soc * nodes.energy_max_kwh
        return np.asarray(np.clip(levels, nodes.energy_min_kwh, nodes.energy_max_kwh)[None])


def _rolling(scenario: Scenario, posted: bool, block_h: float = BLOCK_H) -> RollingHorizon:
    block_steps = max(1, round(block_h / scenario.dt_h))
    dt_h = block_steps * scenario.dt_h
    ahead = replace(
        scenario,
        spec=scenario.spec.model_copy(update={"dt_h": dt_h, "optimum": "linear"}),
        steps=round(HORIZON_H / dt_h),
        steps_per_day=round(24 / dt_h),
        nodes=coefficients(scenario.flexible, dt_h),
    )
    program = compile_program(ahead, posted)
    return RollingHorizon(scenario, ahead, program, action_map(scenario), block_steps)


def community(scenario: Scenario) -> RollingHorizon:
    """One plan for all members, on the forecasts that they have."""
    return _rolling(scenario, posted=False)


def alone(scenario: Scenario) -> RollingHorizon:
    """A plan of each member for itself, on its own forecasts and a price forecast."""
    return _rolling(scenario, posted=True)
