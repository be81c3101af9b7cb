"""Play policies through whole episodes, many communities at once, and keep what metrics need."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from p2p_market.errors import PolicyError
from p2p_market.evaluation.players.failure import FailedPolicyError, Stranger
from p2p_market.evaluation.players.names import of_roles, target_of
from p2p_market.evaluation.players.policy import Policy, ask
from p2p_market.track import (
    AnyEpisode,
    AnyScenario,
    AnyTrack,
    Card,
    Joint,
    Outcome,
    Role,
    Trajectory,
    policy_seed,
)
from p2p_market.tracks import counted, extra, track_of

Cast = Mapping[str, Policy]
"""Role -> policy."""


def rollout(
    scenario: AnyScenario,
    episode: AnyEpisode,
    players: Policy | Cast,
    name: str = "policy",
    strict: bool = True,
    progress: Callable[[int], None] | None = None,
    steps: int | None = None,
    watch: Callable[[int, Joint], None] | None = None,
) -> Trajectory:
    """Play one batch of episodes.

    Args:
        players: see observations only: a policy for each role, or the policy of the only one.
        name: for tables and errors.
        strict: raise on a broken invariant.
        progress: called with the number of steps played since its last call.
        steps: number of steps to play; None: the whole episode.
        watch: called with the number of each step and its actions, as they are recorded.

    Raises:
        FailedPolicyError: if a policy or somebody else's code inside the step raises, or a policy
            answers with something that is not an action; holds what was played before.
    """
    playing = Playing(scenario, episode, players, name, strict)
    try:
        for _ in range(scenario.steps if steps is None else steps):
            playing.step(watch)
            if progress is not None:
                progress(1)
    except FailedPolicyError as error:
        before = playing.played() if playing.done else None
        raise FailedPolicyError(error.failure, before) from None
    return playing.played()


class Playing:
    """A batch of episodes that is played step by step."""

    def __init__(
        self,
        scenario: AnyScenario,
        episode: AnyEpisode,
        players: Policy | Cast,
        name: str = "policy",
        strict: bool = True,
    ) -> None:
        """Before the first step; see `rollout`.

        Raises:
            FailedPolicyError: if a policy raises at its start.
        """
        self.scenario, self.episode, self.name, self.strict = scenario, episode, name, strict
        self._track = track_of(scenario)
        self._roles: Sequence[Role] = self._track.roles(scenario)
        cast = players if isinstance(players, Mapping) else {self._roles[0].name: players}
        self._cast, self._authors = cast, authors_of(name, scenario)
        foreign = extra(scenario, "foreign")
        self._elsewhere = None if foreign is None else foreign(scenario)
        self._state, self._chains = self._track.start(scenario, episode), [b""] * episode.batch
        self._rows: list[tuple[Joint, Outcome]] = []
        self._seeds = [policy_seed(key) for key in episode.keys]
        self._memory: dict[str, Any] = {}

    @property
    def done(self) -> int:
        """Steps played."""
        return len(self._rows)

    def step(self, watch: Callable[[int, Joint], None] | None = None) -> None:
        """Play one step.

        Args:
            watch: called with the number of the step and its actions, as they are recorded.

        Raises:
            FailedPolicyError: if a policy or somebody else's code inside the step raises.
        """
        scenario, episode, number = self.scenario, self.episode, self.done
        if not number:
            for role in self._roles:
                start = self._cast[role.name].start
                self._memory[role.name] = self._authors[role.name].call(
                    None, start, list(self._seeds)
                )
        seen = self._track.observe(scenario, episode, self._state)
        actions: dict[str, NDArray[Any]] = {}
        for role in self._roles:
            shape = (episode.batch, len(role.agents), len(role.columns))
            own, memory = self._cast[role.name], self._memory[role.name]
            given = own, seen[role.name], memory, shape, role.choices
            answer = self._authors[role.name].call(number, ask, *given)
            actions[role.name], self._memory[role.name] = answer
        actions = counted(scenario, episode, self._state, actions)
        if watch is not None:
            watch(number, actions)
        given_step = scenario, episode, self._state, actions, self.strict
        self._state, outcome = _step(
            self._track, self._authors, self._elsewhere, number, *given_step
        )
        self._chains = [_link(chain, b, outcome) for b, chain in enumerate(self._chains)]
        self._rows.append(({role: action.copy() for role, action in actions.items()}, outcome))

    def played(self) -> Trajectory:
        """What was played so far, at least one step."""
        return _collect(self._track.CARD, self.name, self._rows, self._chains)


def authors_of(name: str, scenario: AnyScenario) -> dict[str, Stranger]:
    """Whose code plays each role, by the name of the policy."""
    roles: Sequence[Role] = track_of(scenario).roles(scenario)
    try:
        parts = of_roles(scenario, name)
    except PolicyError:  # a label, of a policy that has no address
        parts = dict.fromkeys((role.name for role in roles), name)
    return {
        role: Stranger(name, scenario.spec.id, target_of(scenario, role, part).partition(":")[0])
        for role, part in parts.items()
    }


def _step(
    track: AnyTrack,
    authors: Mapping[str, Stranger],
    elsewhere: tuple[str, str] | None,
    number: int,
    *given: Any,
) -> tuple[Any, Outcome]:
    """One step of the track; an error in somebody else's code inside it is told as such.

    Without that an error is a fault of ours, and is raised as it is.
    """
    if elsewhere is None:
        return track.step(*given)
    module, during = elsewhere
    author = replace(next(iter(authors.values())), module=module)
    played: tuple[Any, Outcome] = author.call(number, track.step, *given, during=during)
    return played


def _link(chain: bytes, community: int, outcome: Outcome) -> bytes:
    """Next link of the hash chain, over this community's state, trades and ledger."""
    digest = hashlib.sha256(chain)
    for array in outcome.chained:
        digest.update(array[community].tobytes())
    return digest.digest()


def _collect(
    card: Card, name: str, rows: Sequence[tuple[Joint, Outcome]], chains: Sequence[bytes]
) -> Trajectory:
    outcomes = [outcome for _, outcome in rows]
    return Trajectory(
        policy=name,
        actions={role: np.stack([joint[role] for joint, _ in rows]) for role in rows[0][0]},
        entries_eur=np.stack([outcome.entries_eur for outcome in outcomes]),
        unpaid_eur=np.stack([outcome.unpaid_eur for outcome in outcomes]),
        reward=np.stack([outcome.reward for outcome in outcomes]),
        cause=np.stack([outcome.cause for outcome in outcomes]),
        series={
            name: np.stack([outcome.series[name] for outcome in outcomes])
            for name in outcomes[0].series
        },
        digests=tuple(chain.hex() for chain in chains),
        social=tuple(card.entries.index(entry) for entry in card.social),
        hidden=tuple(card.entries.index(entry) for entry in card.hidden),
    )


def join(played: Sequence[Trajectory]) -> Trajectory:
    """One batch out of several trajectories of one policy and scenario."""

    def joined(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(one, name) for one in played], axis=1)

    def each(name: str) -> dict[str, NDArray[Any]]:
        series = [getattr(one, name) for one in played]
        return {key: np.concatenate([one[key] for one in series], axis=1) for key in series[0]}

    return replace(
        played[0],
        actions=each("actions"),
        entries_eur=joined("entries_eur"),
        unpaid_eur=joined("unpaid_eur"),
        reward=joined("reward"),
        cause=joined("cause"),
        series=each("series"),
        digests=tuple(digest for one in played for digest in one.digests),
    )


@dataclass(frozen=True, slots=True)
class Recorded:
    """A policy that repeats recorded actions, whatever it observes."""

    actions: NDArray[Any]  # (step, batch, agent, column), normalised

    def start(self, seeds: Any) -> int:
        """The step counter."""
        return 0

    def act(self, observation: Any, memory: int) -> tuple[NDArray[Any], int]:
        """The recorded actions of this step."""
        return self.actions[memory], memory + 1


def recorded(actions: Joint) -> Cast:
    """Recorded actions of all roles as policies."""
    return {role: Recorded(own) for role, own in actions.items()}
