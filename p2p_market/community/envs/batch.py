"""Many communities of one scenario at once: arrays in, arrays out, automatic reset."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from gymnasium.spaces import Box

from p2p_market.community.actions import action_map
from p2p_market.community.envs.env import box_of
from p2p_market.community.episode.episode import key_in_sequence, reference_key
from p2p_market.community.fused.boards import CompiledBoard
from p2p_market.community.fused.clearing import KERNELS
from p2p_market.community.fused.shelf import Shelf
from p2p_market.community.fused.tables import tables_of, workspace
from p2p_market.community.observation import features, joint_state, state_features
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.errors import ResetNeededError, ScenarioError
from p2p_market.market import MECHANISMS
from p2p_market.records import BoolArray, Float32Array, FloatArray
from p2p_market.track import EpisodeKey, Feature
from p2p_market.validation import floats, options_of, whole_number

ROWS: Final = 64
MOST: Final = 100_000  # communities of a batch
"""Communities whose scratch fits into the processor's cache; a thread plays so many at a time."""


class BatchStep(NamedTuple):
    """What a step of a batch gives."""

    observations: Float32Array  # (batch, agent, feature)
    rewards: FloatArray  # (batch, agent) [EUR]
    ended: bool  # all communities share the clock; where true, a new episode has begun
    final_observations: Float32Array | None  # of the old episode, where it ended

    @property
    def masks(self) -> BoolArray:
        """Actions are numbers, so there are none: (batch, agent, 0)."""
        return np.zeros((*self.rewards.shape, 0), dtype=np.bool_)


class CommunityBatch:
    """B communities of one scenario, each with episodes of its own, stepped by one compiled call.

    Community b plays what a single environment plays after `reset(seed + b)` and further calls of
    `reset()`, with the same actions to the last bit. All communities have one clock: after the last
    step of an episode all begin the next.

    Observations and rewards are buffers of the batch, two of each in turn: what a step returned
    stays as it is until the step after the next. Copy what is to be kept longer.
    """

    def __init__(
        self, scenario: Scenario, batch: int, threads: int = 1, split: str = "train"
    ) -> None:
        """Build the batch.

        Args:
            scenario: what to play.
            batch: number of communities B; fastest where it has a divisor near 64.
            threads: how many of them play at a time; no result depends on it.
            split: part of the year that episodes are drawn from.

        Raises:
            ScenarioError: if the mechanism is not compiled.
            ArgumentError: if batch is no whole number from 1 to `MOST`, or threads is less than 1.
        """
        batch, threads = whole_number("batch", batch, 1, MOST), whole_number("threads", threads, 1)
        if MECHANISMS[scenario.spec.mechanism].kernel not in KERNELS:
            raise ScenarioError(
                f"{scenario.spec.id}: mechanism {scenario.spec.mechanism!r} has no kernel, so it "
                "cannot be played in a batch; add one to its entry in MECHANISMS"
            )
        self.scenario, self.batch, self.split = scenario, batch, split
        self.threads = min(threads, batch)
        self.agents = scenario.agents
        self.feature_table: tuple[Feature, ...] = features(scenario)
        self.state_feature_table: tuple[Feature, ...] = state_features(scenario)
        self.action_map = action_map(scenario)
        self.observation_space = box_of(self.feature_table)
        self.action_space = Box(-1.0, 1.0, (self.action_map.width,), np.float32)
        self.keys: tuple[EpisodeKey, ...] = ()
        shape = (batch, len(scenario.agents))
        self._actions = np.zeros((*shape, self.action_map.width))
        self._everyone = np.ones(shape, dtype=np.bool_)
        self._seen = np.zeros((2, *shape, len(self.feature_table)), dtype=np.float32)
        self._reward = np.zeros((2, *shape))
        self._turn = 0
        self._shelf = Shelf(scenario, batch, split)
        self._seeds: list[np.random.SeedSequence] = []
        self._drawn = 0
        self._board: CompiledBoard | None = None

    def reset(
        self,
        seed: int | None = None,
        week: int | None = None,
        first: int = 0,
        reference: int | Sequence[int] | None = None,
    ) -> Float32Array:
        """Begin new episodes everywhere.

        Args:
            seed: community b draws as a single environment with `seed + b` does; without one the
                last seeds' sequences go on.
            week: 0 to 12, the same week of the split in every community; else it is drawn.
            first: with a seed, number of the episode to begin with, so that play can go on where it
                was left: what `reset(seed)` and as many further episodes lead to.
            reference: row of the reference table (0 to 12), the same in every community or one for
                each, whatever the seed and the batch's split; the episodes after it are drawn.

        Returns:
            Observations, (batch, agent, feature).

        Raises:
            ScenarioError: if there is no such week or row.
            ArgumentError: if seed or first is no whole number of 0 or more.
        """
        seeds, drawn = self._seeds, self._drawn
        if seed is not None or not seeds:
            start = None if seed is None else whole_number("seed", seed, 0)
            roots = [None] * self.batch if start is None else range(start, start + self.batch)
            seeds = [np.random.SeedSequence(root) for root in roots]
            drawn = whole_number("first", first, 0)
        if reference is None:
            keys = self._keys(seeds, drawn, week)
        elif week is None:
            keys = self._reference_keys(reference)
        else:
            raise ScenarioError("reference chooses the week; leave week out")
        self._seeds, self._drawn = seeds, drawn + 1
        self._begin(keys)
        return self._show()

    def begin(
        self, seed: int | None, options: Mapping[str, Any] | None
    ) -> tuple[Float32Array, BoolArray]:
        """The same, as `BatchVectorEnv` asks for it, with masks that are empty.

        Raises:
            ScenarioError: if `split` is not that of the batch, too.
            ArgumentError: if the options are no mapping, too.
        """
        chosen = options_of(options)
        if chosen.get("split", self.split) != self.split:
            raise ScenarioError(
                f"options: this batch draws from split {self.split!r}; give `make_batch` "
                "another split"
            )
        seen = self.reset(seed, chosen.get("week"), reference=chosen.get("reference"))
        return seen, np.zeros((*seen.shape[:2], 0), dtype=np.bool_)

    def step(self, actions: FloatArray | Float32Array) -> BatchStep:
        """Play one market interval in every community.

        Args:
            actions: normalised, (batch, agent, column).

        Raises:
            ActionError: wrong shape or dtype.
            ResetNeededError: before the first `reset`.
        """
        if self._board is None:
            raise ResetNeededError("call reset() first")
        self._actions[:] = floats("a joint action", actions, self._actions.shape)
        self._turn = 1 - self._turn
        seen, reward = self._seen[self._turn], self._reward[self._turn]
        self._board.play(self._actions, self._everyone, reward, seen)
        if self._board.step < self.scenario.steps:
            return BatchStep(seen, reward, False, None)
        final = seen.copy()
        self._begin(self._keys(self._seeds, self._drawn, None))
        self._drawn += 1
        self._board.show(seen)  # not into the other buffer, which holds the step before
        return BatchStep(seen, reward, True, final)

    def state(self) -> Float32Array:
        """Joint state of each community for critics, (batch, feature) as `state_feature_table`."""
        if self._board is None:
            raise ResetNeededError("call reset() before state()")
        return joint_state(self.scenario, self._shelf.around(self._board.step), self._board.state())

    def _keys(
        self, seeds: Sequence[np.random.SeedSequence], drawn: int, week: int | None
    ) -> tuple[EpisodeKey, ...]:
        """Key of each community's episode: the one at this place in the sequence of its seed."""
        return tuple(
            key_in_sequence(self.scenario, seed, drawn, self.split, week) for seed in seeds
        )

    def _reference_keys(self, reference: int | Sequence[int]) -> tuple[EpisodeKey, ...]:
        """The rows of the reference table that were asked for, one per community."""
        if isinstance(reference, Sequence) or np.ndim(reference) == 1:
            rows: list[Any] = list(reference)  # type: ignore[arg-type]
        else:
            rows = [reference] * self.batch
        if len(rows) != self.batch:
            raise ScenarioError(
                f"reference needs one row or {self.batch}, one per community; got {len(rows)}"
            )
        return tuple(reference_key(self.scenario, row) for row in rows)

    def _begin(self, keys: tuple[EpisodeKey, ...]) -> None:
        self.keys = keys
        self._shelf.fill(keys)
        state = self._shelf.start()
        if self._board is None:
            fixed, tables = tables_of(self.scenario, strict=False), self._shelf.tables()
            size = self._rows(), self._shelf.slots
            work = [workspace(self.scenario, *size) for _ in range(self.threads)]
            self._board = CompiledBoard(self.scenario, fixed, *tables, work, state)
        else:
            # Seated anew, for a copied batch has a shelf and a board that share nothing any more.
            self._board.begin(*self._shelf.tables(), state)

    def _rows(self) -> int:
        """How many communities a thread plays at a time: a divisor of B, all threads busy."""
        most = max(1, min(ROWS, self.batch // self.threads))
        return next(rows for rows in range(most, 0, -1) if self.batch % rows == 0)

    def _show(self) -> Float32Array:
        assert self._board is not None
        self._turn = 1 - self._turn
        seen: Float32Array = self._seen[self._turn]
        self._board.show(seen)
        return seen
