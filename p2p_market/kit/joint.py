"""Many episodes of one scenario at once in which the agents of all roles act."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from p2p_market.errors import ActionError, ResetNeededError
from p2p_market.kit.batch import MOST
from p2p_market.kit.sequences import Sequences
from p2p_market.records import FloatArray
from p2p_market.track import AnyEpisode, AnyScenario, EpisodeKey, Joint
from p2p_market.tracks import counted, track_of
from p2p_market.validation import floats, options_of, whole_number


class JointStep(NamedTuple):
    """What a step of a joint batch gives; arrays by role, (batch, agent of the role, ...)."""

    observations: Joint
    rewards: Mapping[str, FloatArray]  # (batch, agent of the role)
    entries_eur: Mapping[str, FloatArray]  # (batch, agent of the role, entry)
    ended: bool  # all communities share the clock; where true, a new episode has begun
    final_observations: Joint | None  # of the old episode, where it ended


class JointBoard(Protocol):
    """Episodes in mid-game, moved in place."""

    step: int  # played so far

    @property
    def done(self) -> Any:
        """Of the last step: `reward` (batch, agent), `entries_eur` (batch, agent, entry)."""

    def begin(self, episode: Any) -> None:
        """Go to the first step of other episodes, as many as before."""

    def act(self, actions: Joint) -> Joint:
        """Play one step; observations after it."""

    def look(self) -> Joint:
        """Observations of this moment."""


class TrackBoard:
    """Episodes of any track by its contract."""

    def __init__(self, scenario: AnyScenario, episode: AnyEpisode) -> None:
        """Begin before the first step."""
        self.scenario = scenario
        self.done: Any = None
        self.begin(episode)

    def begin(self, episode: AnyEpisode) -> None:
        """Go to the first step of other episodes."""
        self.episode, self.step = episode, 0
        self.state = track_of(self.scenario).start(self.scenario, episode)

    def act(self, actions: Joint) -> Joint:
        """Play one step."""
        given = self.scenario, self.episode, self.state
        joint = counted(*given, actions)
        self.state, self.done = track_of(self.scenario).step(*given, joint, True)
        self.step += 1
        return self.look()

    def look(self) -> Joint:
        """Observations of this moment."""
        seen = track_of(self.scenario).observe(self.scenario, self.episode, self.state)
        return {role: rows.copy() for role, rows in seen.items()}


class JointBatch:
    """B communities of one scenario; community b plays what one environment with `seed + b` plays.

    All have one clock: after the last step of an episode all begin the next.
    """

    def __init__(
        self,
        scenario: AnyScenario,
        batch: int,
        split: str = "train",
        board: Callable[[Any, Any], JointBoard] = TrackBoard,
    ) -> None:
        """Build the batch.

        Args:
            scenario: what to play.
            batch: number of communities B.
            split: part of the year that episodes are drawn from.
            board: plays episodes faster than the track's contract does.

        Raises:
            ArgumentError: if batch is no whole number from 1 to `MOST`.
        """
        self.scenario, self.split = scenario, split
        self.batch = whole_number("batch", batch, 1, MOST)
        self.roles = track_of(scenario).roles(scenario)
        self.keys: tuple[EpisodeKey, ...] = ()
        self._sequences = Sequences(scenario, self.batch)
        self._new_board = board
        self._board: JointBoard | None = None

    def reset(self, seed: int | None = None, options: Mapping[str, Any] | None = None) -> Joint:
        """Begin new episodes everywhere: observations, role -> (batch, agent of the role, feature).

        Args:
            seed: community b draws as a single environment with `seed + b` does; without one the
                last seeds' sequences go on.
            options: as those of the environment; `split` is that of the batch if left out.

        Raises:
            ArgumentError: if the seed is no whole number of 0 or more.
            ScenarioError: if there is no such split, week or row.
        """
        track, asked = track_of(self.scenario), {"split": self.split, **options_of(options)}
        self.keys = self._sequences.following(seed, asked)
        episode = track.stack([track.draw(self.scenario, key) for key in self.keys])
        if self._board is None:
            self._board = self._new_board(self.scenario, episode)
        else:
            self._board.begin(episode)
        return self._board.look()

    def step(self, actions: Joint) -> JointStep:
        """Play one step of every community.

        Args:
            actions: role -> (batch, agent of the role, column).

        Raises:
            ActionError: if a role is unknown or left out, or an array has a wrong shape or dtype.
            ResetNeededError: before the first `reset`.
        """
        if self._board is None:
            raise ResetNeededError("call reset() first")
        board = self._board
        seen = board.act(self._checked(actions))
        rewards, entries = (
            self._by_role(one) for one in (board.done.reward, board.done.entries_eur)
        )
        if board.step < self.scenario.steps:
            return JointStep(seen, rewards, entries, False, None)
        return JointStep(self.reset(), rewards, entries, True, seen)

    def _checked(self, actions: Joint) -> dict[str, NDArray[Any]]:
        names = [role.name for role in self.roles]
        if sorted(actions) != sorted(names):
            raise ActionError(f"actions of roles {sorted(actions)}; needed are {names}")
        return {
            role.name: floats(
                f"{role.name}: joint action",
                actions[role.name],
                (self.batch, len(role.agents), len(role.columns)),
                "fiu",
            ).astype(np.float64)
            for role in self.roles
        }

    def _by_role(self, values: FloatArray) -> dict[str, FloatArray]:
        """Rows of agents, by role, fresh arrays."""
        ends = np.cumsum([len(role.agents) for role in self.roles])[:-1]
        parts = np.split(values, ends, axis=1)
        return {role.name: part.copy() for role, part in zip(self.roles, parts, strict=True)}
