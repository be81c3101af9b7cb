"""Many episodes of one scenario at once: arrays in, arrays out, automatic reset."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np

from p2p_market.errors import ArgumentError, ResetNeededError, ScenarioError
from p2p_market.kit.boards import Board, NewBoard, RoleBoard, TrackBoard
from p2p_market.kit.cast import Given, Others, cast_of
from p2p_market.kit.sequences import Sequences
from p2p_market.kit.spaces import seen_by, sent_by
from p2p_market.records import BoolArray, Float32Array, FloatArray
from p2p_market.track import AnyScenario, EpisodeKey, Role
from p2p_market.tracks import track_of
from p2p_market.validation import floats, options_of, whole_number

MOST: Final = 100_000  # communities of a batch


class BatchStep(NamedTuple):
    """What a step of a batch gives."""

    observations: Float32Array  # (batch, agent, feature)
    rewards: FloatArray  # (batch, agent)
    masks: BoolArray  # (batch, agent, choice), of the next step
    entries_eur: FloatArray  # (batch, agent, entry), the ledger, for rewards of one's own
    ended: bool  # all communities share the clock; where true, a new episode has begun
    final_observations: Float32Array | None  # of the old episode, where it ended


class TrackBatch:
    """B communities of one scenario, each with episodes of its own.

    Community b plays what a single environment plays after `reset(seed + b)` and further calls of
    `reset()`, with the same actions to the last bit. All have one clock: after the last step of an
    episode all begin the next.
    """

    def __init__(
        self,
        scenario: AnyScenario,
        batch: int,
        threads: int = 1,
        split: str = "train",
        role: str | None = None,
        board: Callable[[Any, Any], Board] | None = None,
        joint: NewBoard = TrackBoard,
        others: Given | None = None,
    ) -> None:
        """Build the batch.

        Args:
            scenario: what to play.
            batch: number of communities B.
            threads: ignored; all are played by one call.
            split: part of the year that episodes are drawn from.
            role: whose agents act; may be left out where there is one role.
            board: plays episodes faster than the track's contract does.
            joint: the same for all roles; of no effect beside `board`.
            others: role -> policy or baseline of the other roles, and who is left out plays its
                rule; None: all others rest.

        Raises:
            ArgumentError: if batch is no whole number from 1 to `MOST`, or `others` names an
                unknown role or baseline, or the role that acts.
            ScenarioError: if there is no such role, or it was left out and there are several.
        """
        self.scenario, self.split = scenario, split
        self.batch = whole_number("batch", batch, 1, MOST)
        self.role = _role(scenario, role)
        self.agents, self.feature_table = self.role.agents, self.role.features
        self.observation_space, self.action_space = seen_by(self.feature_table), sent_by(self.role)
        self.keys: tuple[EpisodeKey, ...] = ()
        self._shape = self.batch, len(self.agents), len(self.role.columns)
        self._everyone = np.ones(self._shape[:2], dtype=np.bool_)
        self._sequences = Sequences(scenario, self.batch)
        beside = None if others is None else _others(scenario, self.role, others)
        self._new_board: Callable[[Any, Any], Board] = board or partial(
            RoleBoard, role=self.role, joint=joint, others=beside
        )
        self._board: Board | None = None

    def for_role(self, role: str, others: Given | None = None) -> "TrackBatch":
        """This batch, where it is asked for the only role.

        Raises:
            ScenarioError: if another role is asked for.
        """
        if role != self.role.name or others:
            raise ScenarioError(
                f"{self.scenario.spec.id}: this batch plays {self.role.name} alone; build one "
                "with `TrackBatch(scenario, batch, role=..., others=...)`"
            )
        return self

    def reset(
        self, seed: int | None = None, options: Mapping[str, Any] | None = None, first: int = 0
    ) -> tuple[Float32Array, BoolArray]:
        """Begin new episodes everywhere: observations and masks.

        Args:
            seed: community b draws as a single environment with `seed + b` does; without one the
                last seeds' sequences go on.
            options: as those of the environment; `split` is that of the batch if left out.
            first: with a seed, number of the episode to begin with, so that play can go on where it
                was left: what `reset(seed)` and as many further episodes lead to.

        Raises:
            ArgumentError: if seed or first is no whole number of 0 or more.
            ScenarioError: if there is no such split, week or row.
        """
        track, asked = track_of(self.scenario), {"split": self.split, **options_of(options)}
        self.keys = self._sequences.following(seed, asked, first)
        episode = track.stack([track.draw(self.scenario, key) for key in self.keys])
        if self._board is None:
            self._board = self._new_board(self.scenario, episode)
        else:
            self._board.begin(episode)
        return self._board.show()

    def begin(
        self, seed: int | None, options: Mapping[str, Any] | None
    ) -> tuple[Float32Array, BoolArray]:
        """The same, as `BatchVectorEnv` asks for it."""
        return self.reset(seed, options)

    def step(self, actions: FloatArray | Float32Array) -> BatchStep:
        """Play one step of every community.

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
        first, masks = self.reset()
        return BatchStep(first, rewards, masks, entries, True, seen)


def _others(scenario: AnyScenario, role: Role, given: Given) -> Others:
    if role.name in given:
        raise ArgumentError(f"role {role.name!r} is played by you; leave it out of the others")
    cast = cast_of(scenario, given)
    del cast[role.name]
    return Others(scenario, cast)


def _role(scenario: AnyScenario, name: str | None) -> Role:
    roles = track_of(scenario).roles(scenario)
    found = [role for role in roles if name in (None, role.name)]
    if len(found) != 1:
        known = ", ".join(role.name for role in roles)
        raise ScenarioError(f"{scenario.spec.id}: a batch plays one role; give one of {known}")
    return found[0]
