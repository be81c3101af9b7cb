"""Rules and chance: what a battery does without a plan."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from p2p_market.battery.actions import (
    BIDS,
    ENERGIES,
    OFFERS,
    TIER_CHOICES,
    masks,
    rest,
)
from p2p_market.battery.observation import SOC
from p2p_market.battery.scenario import Scenario
from p2p_market.errors import PolicyError
from p2p_market.records import Float32Array, FloatArray

MIDDLE = 0.35, 0.65
"""Levels between which reserve is all that counts."""

Memory = tuple[tuple[int, ...], int]


@dataclass(frozen=True, slots=True)
class DamOnly:
    """Delivers the day-ahead position, offers and trades nothing: the 0 of the scale."""

    nothing: FloatArray  # (column,)

    def start(self, seeds: Sequence[int]) -> None:
        """Rules remember nothing."""

    def act(self, observation: Float32Array, memory: None) -> tuple[FloatArray, None]:
        """The same always, (batch, agent, column)."""
        return np.tile(self.nothing, (*observation.shape[:2], 1)), None


@dataclass(frozen=True, slots=True)
class ReserveFirst:
    """The highest offer of reserve at the reference price; back to the middle where it is far."""

    scenario: Scenario

    def start(self, seeds: Sequence[int]) -> None:
        """Rules remember nothing."""

    def act(self, observation: Float32Array, memory: None) -> tuple[FloatArray, None]:
        """Offer, tier and energy, (batch, agent, column)."""
        fleet, allowed = self.scenario.fleet, masks(self.scenario, observation)
        assert allowed is not None
        action = np.tile(rest(self.scenario), (*observation.shape[:2], 1))
        highest = allowed[..., :OFFERS].cumsum(axis=-1).argmax(axis=-1)
        soc = observation[..., SOC].astype(np.float64)
        away = (soc - 0.5) * fleet.capacity_mwh
        power = np.where(away > 0.0, away * fleet.eta, away / fleet.eta) / self.scenario.dt_h
        steps = np.clip(np.rint(10.0 * power / fleet.power_mw), -10, 10)
        far = (soc < MIDDLE[0]) | (soc > MIDDLE[1])
        action[..., 0] = np.where(far, 0, highest)
        action[..., 2] = np.where(far, 10.0 + steps, 10.0)
        return action, None


@dataclass(frozen=True, slots=True)
class RandomMasked:
    """Draws among the choices that the mask allows; a function of seed and step alone."""

    scenario: Scenario

    def start(self, seeds: Sequence[int]) -> Memory:
        """Seeds and the step counter."""
        return tuple(seeds), 0

    def act(self, observation: Float32Array, memory: Memory) -> tuple[FloatArray, Memory]:
        """One choice of each column, (batch, agent, column)."""
        seeds, step = memory
        allowed = masks(self.scenario, observation)
        assert allowed is not None
        sizes = [OFFERS, TIER_CHOICES, ENERGIES, *([BIDS] * self.scenario.bids)]
        drawn = np.stack(
            [
                np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, 1, step])).random(
                    (observation.shape[1], len(sizes))
                )
                for seed in seeds
            ]
        )
        columns = []
        for place, mask in enumerate(np.split(allowed, np.cumsum(sizes)[:-1], axis=-1)):
            count = mask.cumsum(axis=-1)
            chosen = np.floor(drawn[..., place, None] * count[..., -1:]) + 1.0
            columns.append((count == chosen).argmax(axis=-1))
        return np.stack(columns, axis=-1).astype(np.float64), (seeds, step + 1)


def dam_only(scenario: Scenario) -> DamOnly:
    """Delivers the day-ahead position, offers and trades nothing: the 0 of the scale."""
    return DamOnly(rest(scenario))


def reserve_first(scenario: Scenario) -> ReserveFirst:
    """The highest possible offer at tier 1.00; back to the middle outside 35..65 %."""
    return ReserveFirst(_with_choices(scenario, "reserve-first"))


def random_masked(scenario: Scenario) -> RandomMasked:
    """A random choice of each column among those that the mask allows."""
    return RandomMasked(_with_choices(scenario, "random-masked"))


def _with_choices(scenario: Scenario, name: str) -> Scenario:
    if not scenario.rules.choices:
        raise PolicyError(f"{name} answers with choices; play it in the scenario as it is shipped")
    return scenario
