"""Policies of the toy, one per role; columns are those of `track.roles`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from p2p_market.evaluation.rollout import Recorded
from p2p_market.records import Float32Array, FloatArray
from tests.toy.optimum import Optimum
from tests.toy.schema import HIGH
from tests.toy.track import MEAN_EUR_PER_KWH, Episode, Scenario, replayed, roles, take


@dataclass(frozen=True, slots=True)
class Rule:
    """Acts on what it sees now."""

    action: Callable[[Scenario, FloatArray], FloatArray]
    scenario: Scenario

    def start(self, seeds: Sequence[int]) -> None:
        """Nothing to remember."""

    def act(self, observation: Float32Array, memory: None) -> tuple[FloatArray, None]:
        """The action, (batch, agent, column)."""
        return self.action(self.scenario, observation.astype(np.float64)), None


@dataclass(frozen=True, slots=True)
class Random:
    """Draws every column; its memory is a number per community."""

    role: int
    scenario: Scenario

    def start(self, seeds: Sequence[int]) -> list[int]:
        """The seeds."""
        return list(seeds)

    def act(self, observation: Float32Array, memory: list[int]) -> tuple[FloatArray, list[int]]:
        """Numbers of each range, (batch, agent, column)."""
        choices = np.array([one.choices for one in roles(self.scenario)[self.role].columns])
        shape = observation.shape[1], len(choices)
        drawn = np.stack([np.random.default_rng(seed).random(shape) for seed in memory])
        action = np.where(choices, np.floor(drawn * choices), 2.0 * drawn - 1.0)
        return action, [seed + 1 for seed in memory]


@dataclass(frozen=True, slots=True)
class Oracle:
    """Plays the optimum, which knows all prices."""

    role: str
    scenario: Scenario

    def informed(self, episode: Episode) -> Recorded:
        """The policy for these episodes."""
        planner = Optimum(self.scenario)
        singles = [take(episode, number) for number in range(episode.batch)]
        joint = [replayed(self.scenario, single, planner.plan(single)) for single in singles]
        return Recorded(np.concatenate([one[self.role] for one in joint], axis=1))


def _nothing(scenario: Scenario, seen: FloatArray) -> FloatArray:
    return np.tile([0.0, -1.0], (*seen.shape[:2], 1))


def _off(scenario: Scenario, seen: FloatArray) -> FloatArray:
    return np.zeros((*seen.shape[:2], 1))


def _by_price(scenario: Scenario, seen: FloatArray) -> FloatArray:
    """Charges below the mean price, discharges above it, half of all in reserve."""
    power = np.sign(MEAN_EUR_PER_KWH - seen[..., 0])
    return np.stack([power, np.zeros_like(power)], axis=-1)


def _by_margin(scenario: Scenario, seen: FloatArray) -> FloatArray:
    """As high as it can where the price is above fuel and damage."""
    price, choice = seen[..., :1], seen[..., 1:]
    cost_eur_per_kwh = scenario.spec.fuel_eur_per_kwh + scenario.spec.damage_eur_per_kwh
    return np.where(price > cost_eur_per_kwh, np.minimum(choice + 1.0, HIGH), 0.0)


idle_storage: Final = partial(Rule, _nothing)
idle_plant: Final = partial(Rule, _off)
thrifty_storage: Final = partial(Rule, _by_price)
thrifty_plant: Final = partial(Rule, _by_margin)
random_storage: Final = partial(Random, 0)
random_plant: Final = partial(Random, 1)
oracle_storage: Final = partial(Oracle, "storage")
oracle_plant: Final = partial(Oracle, "plant")
