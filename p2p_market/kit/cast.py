"""Who plays the roles that the caller does not play."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from p2p_market.errors import ArgumentError
from p2p_market.loading import load
from p2p_market.records import FloatArray, Role
from p2p_market.track import AnyScenario, EpisodeKey, Joint, policy_seed
from p2p_market.tracks import track_of
from p2p_market.validation import floats


class Player(Protocol):
    """A policy of one role, as `p2p_market.evaluation` has it."""

    def start(self, seeds: Sequence[int]) -> Any:
        """Memory before the first step, given one seed per community."""

    def act(self, observation: Any, memory: Any) -> tuple[NDArray[Any], Any]:
        """Actions (batch, agent, column) and the next memory."""


Given = Mapping[str, Player | str]
"""Role -> policy, or name of a baseline of the track; a role that is left out plays its rule."""


def role_of(scenario: AnyScenario, name: str) -> Role:
    """A role by its name.

    Raises:
        ArgumentError: if there is none.
    """
    roles = {role.name: role for role in track_of(scenario).roles(scenario)}
    if name not in roles:
        known = ", ".join(roles)
        raise ArgumentError(f"{scenario.spec.id}: no role {name!r}; roles are {known}")
    return roles[name]


def cast_of(scenario: AnyScenario, given: Given) -> dict[str, Player]:
    """A policy for every role.

    Raises:
        ArgumentError: if a role or a baseline is unknown, or one knows the episode before it
            starts.
    """
    for name in given:
        role_of(scenario, name)
    roles: tuple[Role, ...] = track_of(scenario).roles(scenario)
    return {role.name: _player(scenario, role, given.get(role.name, role.rule)) for role in roles}


class Others:
    """Policies of some roles at work, with their memories."""

    def __init__(self, scenario: AnyScenario, cast: Mapping[str, Player]) -> None:
        """Needs `start` before the first step.

        Args:
            scenario: in which they play.
            cast: role -> policy; other roles are not asked.
        """
        self._cast = {name: (role_of(scenario, name), one) for name, one in cast.items()}
        self._memory: dict[str, Any] = {}

    def start(self, keys: Sequence[EpisodeKey]) -> None:
        """Begin new episodes, with the seeds that policies get in a rollout."""
        seeds = [policy_seed(key) for key in keys]
        self._memory = {name: one.start(list(seeds)) for name, (_, one) in self._cast.items()}

    def act(self, seen: Joint) -> dict[str, FloatArray]:
        """What they answer, role -> (batch, agent, column).

        Raises:
            ActionError: if an answer has another shape; it names the role.
        """
        answers = {}
        for name, (role, one) in self._cast.items():
            answer, self._memory[name] = one.act(seen[name].copy(), self._memory[name])
            shape = (len(seen[name]), len(role.agents), len(role.columns))
            who = f"the policy of role {name!r}"
            answers[name] = floats(who, answer, shape, "fiu").astype(np.float64)
        return answers


def _player(scenario: AnyScenario, role: Role, given: Player | str) -> Player:
    if not isinstance(given, str):
        return given
    known = track_of(scenario).CARD.baselines
    if given not in known or role.name not in known[given].targets:
        names = ", ".join(name for name, one in known.items() if role.name in one.targets)
        raise ArgumentError(f"role {role.name!r}: no baseline {given!r}; known: {names}")
    if known[given].foresight:
        raise ArgumentError(
            f"role {role.name!r}: {given!r} knows the episode before it starts; give a policy "
            "that acts on observations"
        )
    player: Player = load(known[given].targets[role.name])(scenario)
    return player
