"""Many power systems of one scenario at once: arrays in, arrays out, automatic reset."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from p2p_market.kit.joint import JointBatch
from p2p_market.records import BoolArray, FloatArray, IntArray
from p2p_market.track import Joint
from p2p_market.wholesale.actions import CHOICES, Sent
from p2p_market.wholesale.engine import fixed
from p2p_market.wholesale.envs.board import Board, everyone
from p2p_market.wholesale.episode.episode import Episode
from p2p_market.wholesale.observation import Seen
from p2p_market.wholesale.records import ROLES
from p2p_market.wholesale.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Paid:
    """What the last step gave; its arrays change with the next one."""

    reward: FloatArray  # (batch, agent)
    cause: IntArray  # (batch, agent)
    entries_eur: FloatArray  # (batch, agent, entry)


class Systems:
    """A board whose actions and observations are named by role, see `kit.boards.JointBoard`."""

    def __init__(self, scenario: Scenario, episode: Episode) -> None:
        """Begin before the first step."""
        self._board = Board(scenario, episode)
        self._everyone = everyone(scenario, episode.batch)
        self._masks = _masks(scenario, episode.batch)
        self.step = 0
        self.done: Any = None

    def begin(self, episode: Episode) -> None:
        """Go to the first step of other episodes."""
        self._board.begin(episode)
        self.step = 0

    def play(self, actions: Joint) -> tuple[Joint, Mapping[str, BoolArray]]:
        """Play one step of all roles; observations after it, and masks that forbid nothing."""
        seen = self._board.play(Sent(*[fixed(actions[role]) for role in ROLES]), self._everyone)
        self.step, done = self._board.step, self._board.done
        self.done = Paid(done.reward, done.cause, done.entries_eur)
        return self._by_role(seen)

    def show(self) -> tuple[Joint, Mapping[str, BoolArray]]:
        """Observations of this moment."""
        return self._by_role(self._board.show())

    def _by_role(self, seen: Seen) -> tuple[Joint, Mapping[str, BoolArray]]:
        return seen._asdict(), {role: mask.copy() for role, mask in self._masks.items()}


def _masks(scenario: Scenario, batch: int) -> dict[str, BoolArray]:
    """All choices of the operator are open, other roles have none, (batch, agent, choice)."""
    counts = zip(ROLES, (*scenario.sizes, 1), strict=True)
    choices = dict.fromkeys(ROLES, 0) | {"operator": CHOICES}
    return {role: np.ones((batch, n, choices[role]), dtype=np.bool_) for role, n in counts}


def systems(scenario: Scenario, batch: int, threads: int = 1, split: str = "train") -> JointBatch:
    """A batch that is stepped by one compiled call, see `JointBatch`.

    Args:
        threads: ignored; all are played by one call.
    """
    return JointBatch(scenario, batch, threads, split, Systems)
