"""A board: episodes of one scenario in mid-game, moved in place by one compiled call per step."""

from typing import Any

import numpy as np

from p2p_market.records import BoolArray
from p2p_market.wholesale.actions import Sent
from p2p_market.wholesale.engine import (
    blank_order,
    blank_seen,
    copied,
    fixed,
    game_of,
    moving_of,
    start,
)
from p2p_market.wholesale.episode.episode import Episode
from p2p_market.wholesale.kernel import show, turn
from p2p_market.wholesale.observation import Seen
from p2p_market.wholesale.records import State
from p2p_market.wholesale.scenario import Scenario


class Board:
    """Arrays of a batch of episodes, and the one call that moves them; all share the clock."""

    def __init__(self, scenario: Scenario, episode: Episode) -> None:
        """Begin before the first step."""
        self.scenario = scenario
        self.order = blank_order(scenario, episode.batch)
        self._shapes = [one.shape for one in blank_seen(scenario, episode.batch)]
        self.begin(episode)

    @property
    def done(self) -> Any:
        """What the last step produced, the fields of `Dispatch`."""
        return self.moving.last

    def begin(self, episode: Episode) -> None:
        """Go to the first step of other episodes, as many as before."""
        self.episode, self.step = episode, 0
        self.moving = moving_of(start(self.scenario, episode))
        self._pack()

    def play(self, sent: Sent, heard: BoolArray) -> Seen:
        """Play one step; observations after it, fresh arrays.

        Args:
            sent: actions by role, (batch, agent of the role, column) of float64; read-only views,
                see `fixed`.
            heard: whose action arrived, (batch, agent), likewise.
        """
        seen = self._blank()
        turn(self._packed, self.step, sent, heard, seen)
        self.step += 1
        return seen

    def show(self) -> Seen:
        """Observations of this moment, fresh arrays."""
        seen = self._blank()
        show(self._packed, self.step, seen)
        return seen

    def state(self) -> State:
        """A copy of the state."""
        return copied(self.moving, self.step)

    def _blank(self) -> Seen:
        """Room for observations."""
        return Seen(*[np.empty(shape, dtype=np.float32) for shape in self._shapes])

    def _pack(self) -> None:
        """Convert the arrays for the compiled code, once for many steps."""
        self._packed = game_of(self.scenario, self.episode, self.moving, self.order)

    def __getstate__(self) -> dict[str, Any]:
        """Everything but what is on the compiled side."""
        return {**self.__dict__, "_packed": None}

    def __setstate__(self, attributes: dict[str, Any]) -> None:
        """Unpickle."""
        self.__dict__.update(attributes)
        self._pack()


def everyone(scenario: Scenario, batch: int) -> BoolArray:
    """Every agent was heard, (batch, agent)."""
    return fixed(np.ones((batch, len(scenario.agents)), dtype=np.bool_))
