"""Generators that try a higher price whenever the last one sold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from p2p_market.records import Float32Array, FloatArray, IntArray
from p2p_market.wholesale.actions import LEVELS
from p2p_market.wholesale.records import LEVELS_EUR_PER_MWH
from p2p_market.wholesale.rules.default import places
from p2p_market.wholesale.scenario import Scenario

Memory = IntArray | None
"""Bid levels of the step before, (batch, agent)."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """One level up where the unit sold and the price was above its bid, one down where it did not.

    It never bids below its cost. All units do so at once, and nobody agrees on anything.
    """

    scenario: Scenario

    def start(self, seeds: Sequence[int]) -> Memory:
        """No bid yet."""
        return None

    def act(self, observation: Float32Array, memory: Memory) -> tuple[FloatArray, Memory]:
        """Bid level and all that is there, (batch, agent, column)."""
        least = np.tile(self.scenario.fleet.truthful, (len(observation), 1))
        level = least if memory is None else self._moved(observation.astype(np.float64), memory)
        level = np.clip(level, least, LEVELS - 1)
        action = np.ones((*level.shape, 2))
        action[..., 0] = 2.0 * level / (LEVELS - 1) - 1.0
        return action, level

    def _moved(self, seen: FloatArray, level: IntArray) -> IntArray:
        at = places(self.scenario, "generator")
        sold = seen[..., at["fill_1_ago"]] > seen[..., at["lower_bound"]]
        price, bid = seen[..., at["price_1_ago"]], np.array(LEVELS_EUR_PER_MWH)[level]
        return np.asarray(level + np.where(sold & (price > bid), 1, 0) - np.where(sold, 0, 1))


def generator(scenario: Scenario) -> Ladder:
    """The ladder for every unit."""
    return Ladder(scenario)
