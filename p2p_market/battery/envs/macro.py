"""Bids in three columns instead of twenty-four, for learners of a bidding scenario."""

from typing import Any, Final

import gymnasium
import numpy as np
from gymnasium.spaces import MultiDiscrete
from numpy.typing import NDArray

from p2p_market.battery.actions import NO_BID, NO_BIDS, WIDTH, rest
from p2p_market.battery.envs.single import SingleBattery
from p2p_market.battery.observation import AHEAD, features
from p2p_market.errors import ScenarioError
from p2p_market.records import BoolArray, Float32Array

VOLUMES: Final = 6  # fifths of the power
HOURS: Final = 9


class MacroBids(gymnasium.Wrapper[Float32Array, NDArray[Any], Float32Array, NDArray[Any]]):
    """Tomorrow's position as volume (0 to 5 fifths of the power) and two numbers of hours (0 to 8).

    The volume is bought in so many of today's cheapest hours, and sold in so many of its dearest.
    The first three columns are those of the environment; `action_masks` has bits for all six.
    """

    env: SingleBattery

    def __init__(self, env: SingleBattery) -> None:
        """Around one battery whose position is bid in choices.

        Raises:
            ScenarioError: if its position is given, or its actions are numbers.
        """
        super().__init__(env)
        self.scenario = env.env.scenario
        if not (self.scenario.bids and self.scenario.rules.choices):
            raise ScenarioError(
                f"{self.scenario.spec.id}: macro bids need a bidding scenario with choices"
            )
        assert isinstance(env.action_space, MultiDiscrete)
        self.action_space = MultiDiscrete([*env.action_space.nvec[:NO_BIDS], VOLUMES, HOURS, HOURS])
        names = [one.name for one in features(self.scenario)]
        self._now, self._next = names.index("dam_price"), names.index("next_price_1")
        self._step, self._prices = 0, np.zeros(24)

    def reset(self, **how: Any) -> tuple[Float32Array, dict[str, Any]]:
        """Draw an episode."""
        seen, info = self.env.reset(**how)
        self._step = 0
        self._read(seen)
        return seen, info

    def step(self, action: NDArray[Any]) -> tuple[Float32Array, Any, bool, bool, dict[str, Any]]:
        """Play one step."""
        own, (volume, bought, sold) = action[:NO_BIDS], action[NO_BIDS:]
        whole = rest(self.scenario)
        whole[:NO_BIDS] = own
        order = np.argsort(self._prices, kind="stable")
        whole[NO_BIDS + order[: int(bought)]] = NO_BID + volume
        whole[NO_BIDS + order[24 - int(sold) :]] = NO_BID - volume
        seen, reward, ended, cut, info = self.env.step(whole)
        self._step += 1
        self._read(seen)
        return seen, reward, ended, cut, info

    def action_masks(self) -> BoolArray:
        """Possible choices, column after column; bids before the gate alone."""
        allowed = self.env.action_masks()
        bids = np.full(VOLUMES + 2 * HOURS, allowed[WIDTH])
        bids[[0, VOLUMES, VOLUMES + HOURS]] = True
        return np.concatenate([allowed[:WIDTH], bids])

    def _read(self, seen: Float32Array) -> None:
        """Keep today's prices, as far as they are shown."""
        hour = int(self._step * self.scenario.dt_h) % 24
        ahead = min(AHEAD, 23 - hour)
        self._prices[hour] = seen[self._now]
        self._prices[hour + 1 : hour + 1 + ahead] = seen[self._next :][:ahead]
