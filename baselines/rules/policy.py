"""Two rules: self-consumption without trade (the 0 of the scale), and with truthful bids."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from p2p_market.actions import ActionMap, action_map
from p2p_market.observation import features
from p2p_market.records import Float32Array, FloatArray
from p2p_market.scenario import Scenario


@dataclass(frozen=True, slots=True)
class SelfConsumption:
    """Storage takes the own surplus and serves the own deficit; the rest is traded or not."""

    table: ActionMap
    load: int  # columns of the observation
    pv: int
    trades: bool

    def start(self, seeds: Sequence[int]) -> None:
        """Rules remember nothing."""

    def act(self, observation: Float32Array, memory: None) -> tuple[FloatArray, None]:
        """Set-points of the rule; orders for all of the rest at the best price for the other side.

        The filter stops a full or an empty storage. A bid at the highest price and an ask at zero
        are clipped by the filter to what the grid would charge or pay: the truth about the agent's
        outside option.
        """
        seen = observation.astype(np.float64)
        surplus = seen[..., self.pv] - seen[..., self.load]
        physical = np.zeros((*surplus.shape, self.table.width))
        left = surplus.copy()
        for column in range(self.table.width - 2):
            limit = self.table.half[:, column]
            physical[..., column] = np.clip(left, -limit, limit)
            left -= physical[..., column]
        if self.trades:
            _truthful_order(self.table, surplus, physical)
        return self.table.normalised(physical), None


def _truthful_order(table: ActionMap, surplus: FloatArray, physical: FloatArray) -> None:
    """Offer the whole surplus, ask for the whole deficit; the filter keeps what storage leaves."""
    physical[..., -2] = -surplus
    physical[..., -1] = np.where(surplus < 0.0, 2.0 * table.half[:, -1], 0.0)


def _rule(scenario: Scenario, trades: bool) -> SelfConsumption:
    names = [feature.name for feature in features(scenario)]
    return SelfConsumption(action_map(scenario), names.index("load"), names.index("pv"), trades)


def no_trade(scenario: Scenario) -> SelfConsumption:
    """Everyone alone with the grid."""
    return _rule(scenario, trades=False)


def truthful(scenario: Scenario) -> SelfConsumption:
    """The same storage rule; what it leaves goes to the market at the price of the grid."""
    return _rule(scenario, trades=True)
