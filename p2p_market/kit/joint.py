"""Many episodes of one scenario at once, in which all roles act: arrays by role in and out."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from p2p_market.errors import ActionError, ResetNeededError
from p2p_market.kit.batch import MOST, TrackBatch
from p2p_market.kit.boards import JointBoard, NewBoard, TrackBoard
from p2p_market.kit.cast import Given
from p2p_market.kit.sequences import Sequences
from p2p_market.kit.spaces import seen_by, sent_by
from p2p_market.records import BoolArray, FloatArray, Role
from p2p_market.track import AnyScenario, EpisodeKey, Joint
from p2p_market.tracks import track_of
from p2p_market.validation import floats, options_of, whole_number


class JointStep(NamedTuple):
    """What a step of a joint batch gives; all but `ended` by role."""

    observations: Joint  # role -> (batch, agent, feature)
    rewards: Mapping[str, FloatArray]  # role -> (batch, agent)
    masks: Mapping[str, BoolArray]  # role -> (batch, agent, choice), of the next step
    entries_eur: Mapping[str, FloatArray]  # role -> (batch, agent, entry), the ledger
    ended: bool  # all communities share the clock; where true, a new episode has begun
    final_observations: Joint | None  # of the old episode, where it ended


class JointBatch:
    """B communities of one scenario, each with episodes of its own; every role acts.

    Community b plays what a single environment plays after `reset(seed + b)` and further calls of
    `reset()`, with the same actions to the last bit. All have one clock: after the last step of an
    episode all begin the next. A role that sends nothing rests.
    """

    def __init__(
        self,
        scenario: AnyScenario,
        batch: int,
        threads: int = 1,
        split: str = "train",
        board: NewBoard = TrackBoard,
    ) -> None:
        """Build the batch.

        Args:
            scenario: what to play.
            batch: number of communities B.
            threads: ignored; all are played by one call.
            split: part of the year that episodes are drawn from.
            board: plays episodes faster than the track's contract does.

        Raises:
            ArgumentError: if batch is no whole number from 1 to `MOST`.
            ScenarioError: if a role mixes choices and numbers.
        """
        self.scenario, self.split = scenario, split
        self.batch = whole_number("batch", batch, 1, MOST)
        roles: tuple[Role, ...] = track_of(scenario).roles(scenario)
        self.roles = {role.name: role for role in roles}
        self.observation_spaces = {role.name: seen_by(role.features) for role in roles}
        self.action_spaces = {role.name: sent_by(role) for role in roles}
        self.keys: tuple[EpisodeKey, ...] = ()
        self._own = {one.name: _rows(scenario.agents, one.agents) for one in roles}
        self._rest = {one.name: np.tile(one.rest, (self.batch, 1, 1)) for one in roles}
        self._sequences = Sequences(scenario, self.batch)
        self._new_board = board
        self._board: JointBoard | None = None

    def for_role(self, role: str, others: Given | None = None) -> TrackBatch:
        """A batch on the same kind of board in which one role acts.

        Args:
            role: whose agents act.
            others: who plays the other roles, see `TrackBatch`; None: they rest.

        Raises:
            ScenarioError: if there is no such role.
            ArgumentError: if `others` names an unknown role or baseline, or the role that acts.
        """
        given = self.scenario, self.batch, 1, self.split, role
        return TrackBatch(*given, joint=self._new_board, others=others)

    def reset(
        self, seed: int | None = None, options: Mapping[str, Any] | None = None, first: int = 0
    ) -> tuple[Joint, Mapping[str, BoolArray]]:
        """Begin new episodes everywhere: observations and masks by role.

        Args:
            seed: community b draws as a single environment with `seed + b` does; without one the
                last seeds' sequences go on.
            options: as those of the environment; `split` is that of the batch if left out.
            first: with a seed, number of the episode to begin with.

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

    def step(self, actions: Joint) -> JointStep:
        """Play one step of every community.

        Args:
            actions: role -> (batch, agent, column).

        Raises:
            ActionError: no mapping, an unknown role, wrong shape or dtype; it names the role.
            ResetNeededError: before the first `reset`.
        """
        if self._board is None:
            raise ResetNeededError("call reset() first")
        board = self._board
        seen, masks = board.play(self._heard(actions))
        rewards = {name: np.array(board.done.reward[:, own]) for name, own in self._own.items()}
        entries = {
            name: np.array(board.done.entries_eur[:, own]) for name, own in self._own.items()
        }
        if board.step < self.scenario.steps:
            return JointStep(seen, rewards, masks, entries, False, None)
        first, masks = self.reset()
        return JointStep(first, rewards, masks, entries, True, seen)

    def _heard(self, actions: Joint) -> dict[str, FloatArray]:
        """Actions of all roles as a board takes them."""
        if not isinstance(actions, Mapping):
            kind = type(actions).__name__
            raise ActionError(f"actions must be a mapping from role to array, got a {kind}")
        if unknown := [name for name in actions if name not in self.roles]:
            raise ActionError(f"unknown role {unknown[0]!r}; roles are {list(self.roles)}")
        heard = {}
        for name, role in self.roles.items():
            shape = (self.batch, len(role.agents), len(role.columns))
            given = actions.get(name, self._rest[name])
            heard[name] = floats(f"role {name!r}", given, shape, "fiu").astype(np.float64)
        return heard


def _rows(agents: tuple[str, ...], own: tuple[str, ...]) -> slice:
    """Where the agents of a role stand: beside each other, in the order of the role."""
    first = agents.index(own[0])
    return slice(first, first + len(own))
