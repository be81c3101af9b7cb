"""From outputs of a network, numbers in [-1, 1], to actions of the environment; without torch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from baselines.rules.policy import SelfConsumption, truthful
from p2p_market.records import BoolArray, Float32Array, FloatArray
from p2p_market.scenario import Scenario


class Decision(Protocol):
    """What outputs mean."""

    @property
    def width(self) -> int:
        """Outputs per agent."""

    @property
    def decides(self) -> BoolArray:
        """Whose outputs have an effect, (agent,)."""

    def actions(self, observation: Float32Array, output: NDArray[np.floating[Any]]) -> FloatArray:
        """Normalised actions (batch, agent, column).

        Args:
            observation: (batch, agent, feature).
            output: (batch, agent, width); what lies outside [-1, 1] counts as its end.
        """


@dataclass(frozen=True, slots=True)
class AroundRule:
    """One output per asset: 0 = what the self-consumption rule does, 1 and -1 = all it can.

    1 is the highest power that the storage can take in this step, -1 the lowest (the largest
    discharge, or what a departure leaves no more time for), straight lines between. The order is
    for all that the set-points leave, at the price of the grid, as in the baseline `truthful`.
    """

    rule: SelfConsumption

    @property
    def width(self) -> int:
        """One per asset."""
        return self.rule.table.width - 2

    @property
    def decides(self) -> BoolArray:
        """Who has an asset."""
        return np.asarray(self.rule.nodes.present.any(axis=1))

    def actions(self, observation: Float32Array, output: NDArray[np.floating[Any]]) -> FloatArray:
        """Set-points between the limits, and the truthful order."""
        seen = observation.astype(np.float64)
        share = np.clip(output.astype(np.float64), -1.0, 1.0)
        surplus = seen[..., self.rule.columns["pv"]] - seen[..., self.rule.columns["load"]]
        left, physical = surplus, np.zeros((*surplus.shape, self.rule.table.width))
        for asset in range(self.width):
            low, high = self.rule.limits(seen, asset)
            middle, more = np.clip(left, low, high), share[..., asset]
            way = np.where(more > 0.0, high - middle, middle - low)
            physical[..., asset] = middle + more * way
            left = left - physical[..., asset]
        physical[..., -2] = -left
        physical[..., -1] = np.where(left < 0.0, 2.0 * self.rule.table.half[:, -1], 0.0)
        return self.rule.table.normalised(physical)


@dataclass(frozen=True, slots=True)
class Full:
    """Outputs are the environment's own action: set-points, quantity, price."""

    rule: SelfConsumption

    @property
    def width(self) -> int:
        """All columns."""
        return self.rule.table.width

    @property
    def decides(self) -> BoolArray:
        """Everyone trades."""
        return np.ones(len(self.rule.table.middle), dtype=np.bool_)

    def actions(self, observation: Float32Array, output: NDArray[np.floating[Any]]) -> FloatArray:
        """The outputs."""
        return np.clip(output.astype(np.float64), -1.0, 1.0)


KINDS: Final[Mapping[str, Callable[[SelfConsumption], Decision]]] = {
    "around_rule": AroundRule,
    "full": Full,
}
"""Name of what outputs mean -> the class."""


def decision(scenario: Scenario, kind: str) -> Decision:
    """What outputs mean in a scenario."""
    return KINDS[kind](truthful(scenario))
