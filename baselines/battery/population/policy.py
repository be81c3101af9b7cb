"""Rules of a population that are not baselines: other prices for reserve, trade by the price."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from p2p_market.battery.actions import ENERGIES, IDLE, OFFERS, TIER_CHOICES, masks, rest
from p2p_market.battery.observation import features
from p2p_market.battery.records import TIERS
from p2p_market.battery.rules.policy import ReserveFirst, reserve_first
from p2p_market.battery.scenario import Scenario
from p2p_market.records import Float32Array, FloatArray

TYPICAL: Final = 0.2
"""How far from the mean of a day a price is neither cheap nor dear, as a share of that mean."""


@dataclass(frozen=True, slots=True)
class ReserveAt:
    """Reserve first, at a price of its own."""

    rule: ReserveFirst
    tier: int

    def start(self, seeds: Sequence[int]) -> None:
        """Remembers nothing."""

    def act(self, observation: Float32Array, memory: None) -> tuple[FloatArray, None]:
        """The rule's action at another price."""
        action, _ = self.rule.act(observation, None)
        action[..., 1] = self.tier
        return action, None


@dataclass(frozen=True, slots=True)
class Trader:
    """Buys where the hour is cheap beside its day, sells where it is dear; offers no reserve."""

    scenario: Scenario
    typical: int  # column of the observation
    steps: int  # of energy, from idle, at most

    def start(self, seeds: Sequence[int]) -> None:
        """Remembers nothing."""

    def act(self, observation: Float32Array, memory: None) -> tuple[FloatArray, None]:
        """As much as the mask allows."""
        allowed = masks(self.scenario, observation)
        assert allowed is not None
        price = observation[..., self.typical]
        side = np.where(price > TYPICAL, 1, np.where(price < -TYPICAL, -1, 0))
        energies = allowed[..., OFFERS + TIER_CHOICES : OFFERS + TIER_CHOICES + ENERGIES]
        chosen = np.full(side.shape, IDLE[2])
        for step in range(1, self.steps + 1):
            place = IDLE[2] + step * side
            open_ = np.take_along_axis(energies, place[..., None], axis=-1)[..., 0]
            chosen = np.where(open_, place, chosen)
        action = np.tile(rest(self.scenario), (*observation.shape[:2], 1))
        action[..., 2] = chosen
        return action, None


def reserve_cheap(scenario: Scenario) -> ReserveAt:
    """Undercuts everyone."""
    return ReserveAt(reserve_first(scenario), 0)


def reserve_dear(scenario: Scenario) -> ReserveAt:
    """Asks for the highest price."""
    return ReserveAt(reserve_first(scenario), len(TIERS) - 1)


def trader(scenario: Scenario) -> Trader:
    """With a third of its power."""
    return _trader(scenario, 3)


def bold_trader(scenario: Scenario) -> Trader:
    """With all of its power."""
    return _trader(scenario, 10)


def _trader(scenario: Scenario, steps: int) -> Trader:
    names = [feature.name for feature in features(scenario)]
    return Trader(scenario, names.index("price_vs_typical"), steps)
