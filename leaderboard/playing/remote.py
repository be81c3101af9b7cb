"""A network of a package as a policy, its numbers computed in a process of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from baselines.learners.decision import Decision
from baselines.learners.onnx_policy.policy import on_grid
from leaderboard.playing.play import Seats
from leaderboard.sandbox.process import FaultError, PolicyProcess
from leaderboard.season.season import Limits
from p2p_market.records import Float32Array, FloatArray

LARGEST: Final = np.float32(2.0**20)
"""Outputs count as the end of a range far below; more could not be rounded."""


@dataclass(frozen=True, slots=True)
class Remote:
    """What `play.Seats` does, for one community; the process gets rows and states and no more."""

    process: PolicyProcess
    decision: Decision
    state: int  # numbers remembered per row, here and not in the process
    seats: tuple[int, ...]  # that it is asked for

    def start(self, seeds: Sequence[int]) -> Float32Array:
        """Nothing is remembered yet, (1, row, state)."""
        return np.zeros((1, len(self.decision.owners), self.state), dtype=np.float32)

    def act(
        self, observation: Float32Array, memory: Float32Array
    ) -> tuple[FloatArray, Float32Array]:
        """Actions for what is seen; those of seats that it is not asked for are as of zeros.

        Raises:
            FaultError: if the process gives no usable answer.
        """
        asked = np.flatnonzero(np.isin(self.decision.owners, self.seats))
        width = self.decision.width
        shown, state = self.decision.rows(observation)[0, asked], memory[0, asked]
        count = len(asked) * (width + self.state)
        answer = self.process.ask(shown.tobytes() + state.tobytes(), count * 4)
        numbers = np.frombuffer(answer, dtype=np.float32)
        if not np.isfinite(numbers).all():
            raise FaultError("number")
        numbers = np.clip(numbers, -LARGEST, LARGEST)
        output = np.zeros((1, len(self.decision.owners), width), dtype=np.float32)
        later = memory.copy()
        output[0, asked] = numbers[: len(asked) * width].reshape(len(asked), width)
        later[0, asked] = numbers[len(asked) * width :].reshape(len(asked), self.state)
        return self.decision.actions(observation, on_grid(output)), on_grid(later)


def process_of(seats: Seats, limits: Limits, asked: tuple[int, ...]) -> PolicyProcess:
    """The process for a network, which hears how many rows each seat has and nothing of where."""
    owners = seats.decision.owners
    own = owners[np.isin(owners, asked)]
    setup = {
        "columns": len(seats.decision.names),
        "width": seats.decision.width,
        "state": seats.state,
        "seats": [np.flatnonzero(own == seat).tolist() for seat in np.unique(own)],
    }
    return PolicyProcess(setup, seats.model, limits)


def remote(seats: Seats, process: PolicyProcess, asked: tuple[int, ...]) -> Remote:
    """The policy that asks the process."""
    return Remote(process, seats.decision, seats.state, asked)
