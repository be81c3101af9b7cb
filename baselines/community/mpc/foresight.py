"""The community's rolling horizon with perfect forecasts: all it loses is due to its short horizon.

The difference to `mpc-community` is the value of information. With a horizon as long as the
episode it is the optimum, step by step.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from baselines.community.mpc.horizon import HORIZON_H, shortened
from baselines.community.mpc.policy import said_first, solve
from baselines.community.optimal.outlook import Outlook
from baselines.community.optimal.program import Program, compile_program, fill
from baselines.community.optimal.storage import columns
from p2p_market.community.actions import ActionMap, action_map
from p2p_market.community.episode.episode import Episode
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.community.scenario.service import no_further_acts
from p2p_market.records import Float32Array, FloatArray

BY_STEP: Final = (
    "load_kw", "pv_kw", "retail_eur_per_kwh", "feed_in_eur_per_kwh", "carbon_eur_per_kwh",
    "ask_floor_eur_per_kwh", "bid_cap_eur_per_kwh", "grid", "plugged", "departs",
    "trip_kwh", "floor_kwh",
)  # fmt: skip
WORLD: Final = ("drift_kwh", "charge_share", "low_share", "high_share", "top_kwh")

Memory = tuple[int, FloatArray]  # steps played, levels of each community [kWh]


@dataclass(frozen=True, slots=True)
class Foresight:
    """Given an episode, it returns a policy for it: a reference, because it sees the future."""

    scenario: Scenario
    ahead: Scenario
    program: Program

    def informed(self, episode: Episode) -> "ForesightPolicy":
        """The policy that knows this batch of episodes."""
        return ForesightPolicy(self, episode, action_map(self.scenario))


@dataclass(frozen=True, slots=True)
class ForesightPolicy:
    """Plans with the true values in every step."""

    planner: Foresight
    episode: Episode
    table: ActionMap

    def start(self, seeds: Sequence[int]) -> Memory:
        """Levels at the start."""
        return 0, self.episode.start_energy_kwh.copy()

    def act(self, observation: Float32Array, memory: Memory) -> tuple[FloatArray, Memory]:
        """The first step of a new plan; levels are followed by the plan itself."""
        step, levels = memory
        setpoint, after = np.zeros_like(levels), levels.copy()
        net_load = np.zeros(observation.shape[:2])
        said = np.zeros((self.table.further, *net_load.shape))
        for community in range(len(observation)):
            program = self._planned(community, step, levels[community])
            setpoint[community] = program.storage.setpoint_kw()[0]
            own = columns(self.planner.scenario.nodes)
            after[community][own] = program.storage.level_kwh.value[1]
            net_load[community] = program.trades.net_load_kw.value[0]
            said[:, community] = said_first(program, self.planner.scenario)
        return self.table.orders(setpoint, net_load, list(said)), (step + 1, after)

    def _planned(self, community: int, step: int, level_kwh: FloatArray) -> Program:
        """The solved program of the hours ahead."""
        scenario, ahead, program = self.planner.scenario, self.planner.ahead, self.planner.program
        rows = min(ahead.steps, scenario.steps - step)
        series: dict[str, FloatArray] = {}
        world = WORLD if scenario.nodes.machines is not None else ()
        for name in (*BY_STEP, *world):
            true = getattr(self.episode, name)[step : step + rows, community : community + 1]
            short = [(0, ahead.steps - rows), *([(0, 0)] * (true.ndim - 1))]
            dear = scenario.spec.price_max_eur_per_kwh if name == "retail_eur_per_kwh" else 0.0
            # Past the end nothing flows.
            series[name] = np.pad(true, short, constant_values=dear)
            if name == "top_kwh":
                series[name][rows:] = ahead.nodes.energy_max_kwh
        fill(program, ahead, Outlook(**series, start_energy_kwh=level_kwh[None]))
        solve(program, f"{scenario.spec.id}, {self.episode.keys[community]}, step {step}")
        return program


def foresight(scenario: Scenario, horizon_h: float = HORIZON_H) -> Foresight:
    """One plan for all members, with perfect forecasts."""
    no_further_acts(scenario, "a plan of some hours")
    steps = min(scenario.steps, round(horizon_h / scenario.dt_h))
    ahead = shortened(scenario, steps, scenario.dt_h)
    return Foresight(scenario, ahead, compile_program(ahead))
