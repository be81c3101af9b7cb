"""Episodes in mid-game, many at once: all roles act, or one of them beside others."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol, cast

import numpy as np

from p2p_market.kit.cast import Others
from p2p_market.records import BoolArray, Float32Array, FloatArray, Role
from p2p_market.track import AnyEpisode, AnyScenario, Joint
from p2p_market.tracks import counted, track_of


class Board(Protocol):
    """Episodes in mid-game, moved in place; the agents of one role act."""

    step: int  # played so far
    done: Any  # of the last step: `reward` (batch, agent), `entries_eur` (batch, agent, entry)

    def begin(self, episode: Any) -> None:
        """Go to the first step of other episodes, as many as before."""

    def play(self, actions: FloatArray, heard: BoolArray) -> tuple[Float32Array, BoolArray]:
        """Play one step; observations and masks after it, fresh arrays."""

    def show(self) -> tuple[Float32Array, BoolArray]:
        """Observations and masks of this moment, fresh arrays."""


class JointBoard(Protocol):
    """Episodes in mid-game, moved in place; the agents of all roles act."""

    step: int  # played so far
    done: Any
    """Of the last step: `reward`, `cause` (batch, agent), `entries_eur` (batch, agent, entry)."""

    def begin(self, episode: Any) -> None:
        """Go to the first step of other episodes, as many as before."""

    def play(self, actions: Joint) -> tuple[Joint, Mapping[str, BoolArray]]:
        """Play one step of all roles, float64; observations and masks after it, fresh arrays."""

    def show(self) -> tuple[Joint, Mapping[str, BoolArray]]:
        """Observations and masks of this moment by role, fresh arrays."""


NewBoard = Callable[[Any, Any], JointBoard]
"""(scenario, episode) -> board before the first step."""


class TrackBoard:
    """Episodes of any track by its contract; a track with a faster step brings its own."""

    def __init__(self, scenario: AnyScenario, episode: AnyEpisode) -> None:
        """Begin before the first step."""
        self.scenario, self.track = scenario, track_of(scenario)
        self.roles: tuple[Role, ...] = self.track.roles(scenario)
        self.done: Any = None
        self.begin(episode)

    def begin(self, episode: AnyEpisode) -> None:
        """Go to the first step of other episodes."""
        self.episode, self.step = episode, 0
        self.state = self.track.start(self.scenario, episode)

    def play(self, actions: Joint) -> tuple[Joint, Mapping[str, BoolArray]]:
        """Play one step."""
        given = self.scenario, self.episode, self.state
        self.state, self.done = self.track.step(*given, counted(*given, actions), True)
        self.step += 1
        return self.show()

    def show(self) -> tuple[Joint, Mapping[str, BoolArray]]:
        """Observations and masks; all choices where the track masks none."""
        joint = self.track.observe(self.scenario, self.episode, self.state)
        seen = {role.name: joint[role.name].copy() for role in self.roles}
        return seen, {role.name: self._allowed(role, seen[role.name]) for role in self.roles}

    def _allowed(self, role: Role, seen: Float32Array) -> BoolArray:
        allowed = self.track.masks(self.scenario, role.name, seen)
        if allowed is None:
            choices = sum(column.choices for column in role.columns)
            allowed = np.ones((*seen.shape[:2], choices), dtype=np.bool_)
        return allowed


class RoleBoard:
    """The agents of one role act; each other role rests, or is played by a policy."""

    def __init__(
        self,
        scenario: AnyScenario,
        episode: AnyEpisode,
        role: Role,
        joint: NewBoard = TrackBoard,
        others: Others | None = None,
    ) -> None:
        """Begin before the first step."""
        self.role, self.step, self.done = role, 0, cast(Any, None)
        self._roles: tuple[Role, ...] = track_of(scenario).roles(scenario)
        self._own = np.flatnonzero(np.isin(scenario.agents, role.agents))
        self._others, self._joint = others, joint(scenario, episode)
        self._begun(episode)

    def begin(self, episode: AnyEpisode) -> None:
        """Go to the first step of other episodes."""
        self._joint.begin(episode)
        self._begun(episode)

    def play(self, actions: FloatArray, heard: BoolArray) -> tuple[Float32Array, BoolArray]:
        """Play one step; who was not heard rests."""
        joint = {role.name: np.tile(role.rest, (self._batch, 1, 1)) for role in self._roles}
        if self._others is not None:
            joint |= self._others.act(self._seen)
        joint[self.role.name] = np.where(heard[..., None], actions, joint[self.role.name])
        shown = self._joint.play(joint)
        self.step, outcome = self._joint.step, self._joint.done
        reward, entries_eur = outcome.reward[:, self._own], outcome.entries_eur[:, self._own]
        self.done = replace(outcome, reward=reward, entries_eur=entries_eur)
        return self._kept(*shown)

    def show(self) -> tuple[Float32Array, BoolArray]:
        """Observations and masks of the role."""
        return self._kept(*self._joint.show())

    def _begun(self, episode: AnyEpisode) -> None:
        self._batch, self.step = episode.batch, self._joint.step
        if self._others is not None:
            self._others.start(episode.keys)
            self._seen: Joint = self._joint.show()[0]

    def _kept(self, seen: Joint, masks: Mapping[str, BoolArray]) -> tuple[Float32Array, BoolArray]:
        self._seen = seen
        own: Float32Array = seen[self.role.name]
        return own.copy() if self._others is not None else own, masks[self.role.name]
