"""Between an entry and the market: faults become a safe default, and actions whole numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from leaderboard.record.record import FAULTS
from leaderboard.record.traces import from_grid, to_grid
from leaderboard.sandbox.process import FaultError
from p2p_market.community.actions import action_map
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.evaluation.players.policy import Policy
from p2p_market.records import Float32Array, FloatArray


@dataclass(frozen=True, slots=True)
class Guarded:
    """An entry in one community. Where a step is faulty nobody trades and storage rests.

    What it remembers stays as it was before a faulty step. When so many steps were faulty that the
    episode has failed, it is asked no more.
    """

    policy: Policy
    default: FloatArray  # (agent, column)
    most: int  # faulty steps that do not fail the episode
    out_faults: list[int]  # one per step, as in `traces.Trace`

    def start(self, seeds: Sequence[int]) -> Any:
        """The policy's memory."""
        return self.policy.start(seeds)

    def act(self, observation: Float32Array, memory: Any) -> tuple[FloatArray, Any]:
        """The policy's answer, or the default."""
        try:
            if sum(map(bool, self.out_faults)) > self.most:
                raise FaultError("dead")
            action, later = self.policy.act(observation, memory)
            if not np.isfinite(action).all():
                raise FaultError("number")
        except FaultError as fault:
            self.out_faults.append(1 + FAULTS.index(fault.kind))
            return self.default[None], memory
        self.out_faults.append(0)
        return np.asarray(action, dtype=np.float64), later


@dataclass(frozen=True, slots=True)
class OnGrid:
    """A policy whose actions are those that a trace can hold."""

    policy: Policy

    def start(self, seeds: Sequence[int]) -> Any:
        """The policy's memory."""
        return self.policy.start(seeds)

    def act(self, observation: Float32Array, memory: Any) -> tuple[FloatArray, Any]:
        """The nearest action on the grid."""
        action, later = self.policy.act(observation, memory)
        return from_grid(to_grid(action)), later


def safe_default(scenario: Scenario) -> FloatArray:
    """No trade, and storage as near to rest as it may be, (agent, column)."""
    table = action_map(scenario)
    return np.clip(table.normalised(np.zeros_like(table.half)), -1.0, 1.0)


def allowed_faults(steps: int, faulty_share: float) -> int:
    """So many faulty steps do not fail an episode."""
    return int(steps * faulty_share)
