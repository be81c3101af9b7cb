"""Rules of the toy; columns of observations and actions are those of `track.roles`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from p2p_market.evaluation.rollout import Recorded
from p2p_market.records import Float32Array, FloatArray
from p2p_market.track import Role
from tests.toy.optimum import Optimum
from tests.toy.schema import HIGH
from tests.toy.track import Episode, Scenario, replayed, roles, take


@dataclass(frozen=True, slots=True)
class Rule:
    """Acts on what it sees now."""

    action: Callable[[FloatArray], FloatArray]

    def start(self, seeds: Sequence[int]) -> None:
        """Nothing to remember."""

    def act(self, observation: Float32Array, memory: None) -> tuple[FloatArray, None]:
        """The action, (batch, agent, column)."""
        return self.action(observation.astype(np.float64)), None


@dataclass(frozen=True, slots=True)
class Random:
    """Draws every column; its memory is a number per community."""

    role: Role

    def start(self, seeds: Sequence[int]) -> list[int]:
        """The seeds."""
        return list(seeds)

    def act(self, observation: Float32Array, memory: list[int]) -> tuple[FloatArray, list[int]]:
        """Numbers of each range, (batch, agent, column)."""
        shape = observation.shape[1], len(self.role.columns)
        drawn = np.stack([np.random.default_rng(seed).random(shape) for seed in memory])
        choices = np.array([one.choices for one in self.role.columns])
        return np.where(choices, np.floor(drawn * choices), 2.0 * drawn - 1.0), [
            seed + 1 for seed in memory
        ]


@dataclass(frozen=True, slots=True)
class Oracle:
    """Plays the optimum, which knows all prices."""

    scenario: Scenario
    role: str

    def informed(self, episode: Episode) -> Recorded:
        """The policy for these episodes."""
        planner = Optimum(self.scenario)
        singles = [take(episode, number) for number in range(episode.batch)]
        joint = [replayed(self.scenario, single, planner.plan(single)) for single in singles]
        return Recorded(np.concatenate([one[self.role] for one in joint], axis=1))


def _rest(seen: FloatArray, role: Role) -> FloatArray:
    return np.tile(role.rest, (len(seen), 1, 1))


def _trade(seen: FloatArray) -> FloatArray:
    power = np.sign(0.25 - seen[..., 0])
    return np.stack([power, np.zeros_like(power)], axis=-1)


def _produce(seen: FloatArray, cost_eur_per_kwh: float) -> FloatArray:
    price, choice = seen[..., :1], seen[..., 1:]
    return np.where(price > cost_eur_per_kwh, np.minimum(choice + 1.0, HIGH), 0.0)


def idle_storage(scenario: Scenario) -> Rule:
    """Nothing."""
    return Rule(partial(_rest, role=roles(scenario)[0]))


def idle_plant(scenario: Scenario) -> Rule:
    """Off."""
    return Rule(partial(_rest, role=roles(scenario)[1]))


def thrifty_storage(scenario: Scenario) -> Rule:
    """Charges below the mean price, discharges above it, half of it in reserve."""
    return Rule(_trade)


def thrifty_plant(scenario: Scenario) -> Rule:
    """As high as it can where the price is above fuel and damage."""
    spec = scenario.spec
    return Rule(partial(_produce, cost_eur_per_kwh=spec.fuel_eur_per_kwh + spec.damage_eur_per_kwh))


def random_storage(scenario: Scenario) -> Random:
    """Any power and reserve."""
    return Random(roles(scenario)[0])


def random_plant(scenario: Scenario) -> Random:
    """Any choice."""
    return Random(roles(scenario)[1])


def oracle_storage(scenario: Scenario) -> Oracle:
    """The storages of the optimum."""
    return Oracle(scenario, "storage")


def oracle_plant(scenario: Scenario) -> Oracle:
    """The plant of the optimum."""
    return Oracle(scenario, "plant")
