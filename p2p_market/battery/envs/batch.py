"""Many fleets of one scenario at once: arrays in, arrays out, automatic reset."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from p2p_market.battery.actions import columns
from p2p_market.battery.envs.board import Board
from p2p_market.battery.episode.episode import Episode, draw
from p2p_market.battery.observation import features
from p2p_market.battery.scenario import Scenario
from p2p_market.environment import chosen_key
from p2p_market.errors import ResetNeededError
from p2p_market.kit.defaults import stack
from p2p_market.records import BoolArray, Float32Array, FloatArray
from p2p_market.track import EpisodeKey, Feature
from p2p_market.validation import floats, whole_number

MOST: Final = 100_000  # fleets of a batch


class BatchStep(NamedTuple):
    """What a step of a batch gives."""

    observations: Float32Array  # (batch, agent, feature)
    rewards: FloatArray  # (batch, agent)
    masks: BoolArray  # (batch, agent, choice), of the next step
    entries_eur: FloatArray  # (batch, agent, entry), the ledger, for rewards of one's own
    ended: bool  # all fleets share the clock; where true, a new episode has begun
    final_observations: Float32Array | None  # of the old episode, where it ended


class BatteryBatch:
    """B fleets of one scenario, each with episodes of its own, stepped by one compiled call.

    Fleet b plays what a single environment plays after `reset(seed + b)` and further calls of
    `reset()`, with the same actions to the last bit. All have one clock: after the last step of an
    episode all begin the next.
    """

    def __init__(
        self, scenario: Scenario, batch: int, threads: int = 1, split: str = "train"
    ) -> None:
        """Build the batch.

        Args:
            scenario: what to play.
            batch: number of fleets B.
            threads: ignored; a step of a fleet takes less than a thread's start.
            split: part of the year that episodes are drawn from.

        Raises:
            ArgumentError: if batch is no whole number from 1 to `MOST`.
        """
        self.scenario, self.split = scenario, split
        self.batch = whole_number("batch", batch, 1, MOST)
        self.agents = scenario.agents
        self.feature_table: tuple[Feature, ...] = features(scenario)
        self.keys: tuple[EpisodeKey, ...] = ()
        self._shape = self.batch, len(scenario.agents), len(columns(scenario))
        self._everyone = np.ones(self._shape[:2], dtype=np.bool_)
        self._seeds: list[np.random.SeedSequence] = []
        self._number = 0
        self._board: Board | None = None

    def reset(
        self, seed: int | None = None, options: Mapping[str, Any] | None = None, first: int = 0
    ) -> tuple[Float32Array, BoolArray]:
        """Begin new episodes everywhere: observations and masks.

        Args:
            seed: fleet b draws as a single environment with `seed + b` does; without one the last
                seeds' sequences go on.
            options: as those of the environment; `split` is that of the batch if left out.
            first: with a seed, number of the episode to begin with, so that play can go on where it
                was left: what `reset(seed)` and as many further episodes lead to.

        Raises:
            ArgumentError: if seed or first is no whole number of 0 or more.
            ScenarioError: if there is no such split, week or row.
        """
        if seed is not None or not self._seeds:
            root = None if seed is None else whole_number("seed", seed, 0)
            roots = [None] * self.batch if root is None else range(root, root + self.batch)
            self._seeds = [np.random.SeedSequence(one) for one in roots]
            self._number = whole_number("first", first, 0)
        episode = self._drawn(options or {})
        if self._board is None:
            self._board = Board(self.scenario, episode)
        else:
            self._board.begin(episode)
        return self._board.show()

    def step(self, actions: FloatArray | Float32Array) -> BatchStep:
        """Play one step of every fleet.

        Args:
            actions: (batch, agent, column).

        Raises:
            ActionError: wrong shape or dtype.
            ResetNeededError: before the first `reset`.
        """
        if self._board is None:
            raise ResetNeededError("call reset() first")
        board = self._board
        given = floats("a joint action", actions, self._shape, "fiu").astype(np.float64)
        seen, masks = board.play(given, self._everyone)
        rewards, entries = board.done.reward.copy(), board.done.entries_eur.copy()
        if board.step < self.scenario.steps:
            return BatchStep(seen, rewards, masks, entries, False, None)
        board.begin(self._drawn({}))
        first, masks = board.show()
        return BatchStep(first, rewards, masks, entries, True, seen)

    def _drawn(self, options: Mapping[str, Any]) -> Episode:
        asked = {"split": self.split, **options}
        self.keys = tuple(
            chosen_key(self.scenario, one, self._number, asked) for one in self._seeds
        )
        self._number += 1
        return stack([draw(self.scenario, key) for key in self.keys])
