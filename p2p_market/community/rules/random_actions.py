"""Uniformly random actions: what an untrained agent does."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from p2p_market.community.actions import action_map
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.records import Float32Array

Memory = tuple[tuple[int, ...], int]


@dataclass(frozen=True, slots=True)
class UniformActions:
    """Every column of every action uniform in [-1, 1]; a function of seed and step alone."""

    width: int

    def start(self, seeds: Sequence[int]) -> Memory:
        """Seeds and the step counter."""
        return tuple(seeds), 0

    def act(self, observation: Float32Array, memory: Memory) -> tuple[Float32Array, Memory]:
        """Fresh random actions."""
        seeds, step = memory
        shape = (observation.shape[1], self.width)
        rows = [
            np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, 1, step])).random(shape)
            for seed in seeds
        ]
        return (2.0 * np.stack(rows) - 1.0).astype(np.float32), (seeds, step + 1)


def uniform(scenario: Scenario) -> UniformActions:
    """Uniform actions for the widest agent of the scenario."""
    return UniformActions(action_map(scenario).width)
