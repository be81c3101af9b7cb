"""Between an entry and the market: faults become a safe default, and actions integers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from leaderboard.record.record import FAULTS
from leaderboard.record.traces import from_grid, to_grid
from leaderboard.sandbox.process import FaultError
from p2p_market.evaluation.players.policy import Policy
from p2p_market.records import Float32Array, FloatArray
from p2p_market.track import Column


@dataclass(frozen=True, slots=True)
class Guarded:
    """One role of an entry, in one episode. Where its answer is faulty the safe default is played.

    What it remembers stays as it was before a faulty step. When so many steps were faulty that the
    episode has failed, it is asked no more. A step in which several roles are faulty counts once,
    as what the first of them did.
    """

    policy: Policy
    default: FloatArray  # (agent, column)
    most: int  # faulty steps that do not fail the episode
    out_faults: list[int]  # one per step, as in `traces.Trace`; all roles write into the same
    first: bool = True  # the role that is asked first in a step

    def start(self, seeds: Sequence[int]) -> Any:
        """The policy's memory."""
        return self.policy.start(seeds)

    def act(self, observation: Float32Array, memory: Any) -> tuple[FloatArray, Any]:
        """The policy's answer, or the default."""
        if self.first:
            self.out_faults.append(0)
        try:
            if sum(map(bool, self.out_faults)) > self.most:
                raise FaultError("dead")
            action, later = self.policy.act(observation, memory)
            if not np.isfinite(action).all():
                raise FaultError("number")
        except FaultError as fault:
            self.out_faults[-1] = self.out_faults[-1] or 1 + FAULTS.index(fault.kind)
            return self.default[None], memory
        return np.asarray(action, dtype=np.float64), later


@dataclass(frozen=True, slots=True)
class OnGrid:
    """A policy whose actions are those that a trace can hold."""

    policy: Policy
    columns: tuple[Column, ...] = ()  # of its role

    def start(self, seeds: Sequence[int]) -> Any:
        """The policy's memory."""
        return self.policy.start(seeds)

    def act(self, observation: Float32Array, memory: Any) -> tuple[FloatArray, Any]:
        """The nearest action on the grid."""
        action, later = self.policy.act(observation, memory)
        return from_grid(to_grid(action, self.columns), self.columns), later


def allowed_faults(steps: int, faulty_share: float) -> int:
    """This many faulty steps do not fail an episode."""
    return int(steps * faulty_share)
