"""A board: episodes of one scenario in mid-game, moved in place by one compiled call per step."""

from typing import Any

import numpy as np

from p2p_market.battery.actions import mask_width
from p2p_market.battery.engine import (
    blank_dispatch,
    blank_order,
    fixed,
    game_of,
    moving_of,
    start,
)
from p2p_market.battery.episode.episode import Episode
from p2p_market.battery.kernel import show, turn
from p2p_market.battery.observation import features
from p2p_market.battery.records import State
from p2p_market.battery.scenario import Scenario
from p2p_market.records import BoolArray, Float32Array, FloatArray


class Board:
    """Arrays of a batch of episodes, and the one call that moves them; all share the clock."""

    def __init__(self, scenario: Scenario, episode: Episode) -> None:
        """Begin before the first step."""
        self.scenario = scenario
        batch, agents = episode.batch, len(scenario.agents)
        self.order, self.done = blank_order(scenario, batch), blank_dispatch(scenario, batch)
        self._seen_shape = batch, agents, len(features(scenario))
        self._mask_shape = batch, agents, mask_width(scenario) if scenario.rules.choices else 0
        self.begin(episode)

    def begin(self, episode: Episode) -> None:
        """Go to the first step of other episodes, as many as before."""
        self.episode, self.step = episode, 0
        self.moving = moving_of(start(self.scenario, episode))
        self._pack()

    def play(self, actions: FloatArray, heard: BoolArray) -> tuple[Float32Array, BoolArray]:
        """Play one step; observations and masks after it, fresh arrays.

        Args:
            actions: (batch, agent, column).
            heard: whose action arrived, (batch, agent).
        """
        seen, mask = self._fresh()
        turn(self._packed, self.step, fixed(actions), fixed(heard), seen, mask)
        self.step += 1
        return seen, mask

    def show(self) -> tuple[Float32Array, BoolArray]:
        """Observations and masks of this moment, fresh arrays."""
        seen, mask = self._fresh()
        show(self._packed, self.step, seen, mask)
        return seen, mask

    def state(self) -> State:
        """A copy of the state."""
        copies = (np.array(one) for one in self.moving[1:])
        return State(self.step, *copies)

    def _fresh(self) -> tuple[Float32Array, BoolArray]:
        seen = np.empty(self._seen_shape, dtype=np.float32)
        return seen, np.empty(self._mask_shape, dtype=np.bool_)

    def _pack(self) -> None:
        """Convert the arrays for the compiled code, once for many steps."""
        given = self.scenario, self.episode, self.moving, self.order, self.done
        self._packed = game_of(*given)

    def __getstate__(self) -> dict[str, Any]:
        """Everything but what is on the compiled side."""
        return {**self.__dict__, "_packed": None}

    def __setstate__(self, attributes: dict[str, Any]) -> None:
        """Unpickle."""
        self.__dict__.update(attributes)
        self._pack()
