"""Policies of any track: a rule without memory, rest, and chance.

A track binds the role of the last two, `random_plant = partial(uniform, "plant")`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from p2p_market.records import Float32Array, FloatArray, Role
from p2p_market.track import AnyScenario
from p2p_market.tracks import track_of

Memory = tuple[tuple[int, ...], int]


@dataclass(frozen=True, slots=True)
class Rule:
    """Acts on what it sees now, and remembers nothing."""

    action: Callable[[Any, FloatArray], FloatArray]  # (known, (batch, agent, feature))
    known: Any  # before the start, as the scenario

    def start(self, seeds: Sequence[int]) -> None:
        """Nothing to remember."""

    def act(self, observation: Float32Array, memory: None) -> tuple[FloatArray, None]:
        """The action, (batch, agent, column)."""
        return self.action(self.known, observation.astype(np.float64)), None


@dataclass(frozen=True, slots=True)
class UniformActions:
    """Every number uniform in [-1, 1], every choice alike; a function of seed and step alone."""

    choices: tuple[int, ...]  # of each column, 0 for a number

    def start(self, seeds: Sequence[int]) -> Memory:
        """Seeds and the step counter."""
        return tuple(seeds), 0

    def act(self, observation: Float32Array, memory: Memory) -> tuple[Float32Array, Memory]:
        """Fresh random actions."""
        seeds, step = memory
        shape, choices = (observation.shape[1], len(self.choices)), np.array(self.choices)
        rows = [
            np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, 1, step])).random(shape)
            for seed in seeds
        ]
        drawn = np.stack(rows)
        action = np.where(choices > 0, np.floor(drawn * choices), 2.0 * drawn - 1.0)
        return action.astype(np.float32), (seeds, step + 1)


def resting(role: str, scenario: AnyScenario) -> Rule:
    """What stands where the agents of a role send nothing."""
    return Rule(_rest, _role(role, scenario))


def _rest(role: Role, seen: FloatArray) -> FloatArray:
    return np.tile(role.rest, (len(seen), 1, 1))


def uniform(role: str, scenario: AnyScenario) -> UniformActions:
    """Uniform actions for the agents of a role."""
    return UniformActions(tuple(one.choices for one in _role(role, scenario).columns))


def _role(name: str, scenario: AnyScenario) -> Role:
    (found,) = (one for one in track_of(scenario).roles(scenario) if one.name == name)
    return found
