"""What a network sees and does in any track: what agents observe, and their action as it is.

A network asks for what it wants to see by name, and says by name what it decides. So it plays
wherever all of that is observed and an action has these columns; any other column rests.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from baselines.learners.decision import Decision, made_for_others
from p2p_market.errors import PolicyError
from p2p_market.records import Float32Array, FloatArray
from p2p_market.track import AnyScenario, Role
from p2p_market.tracks import track_of

IS: Final = "is:"
"""Before the name of an agent: the column that is 1 in the rows of that agent and 0 in others."""
SHOWN: Final = 5  # names in an error, at most


class Plain:
    """A row per agent, what it observes; an output per number of its action, one per choice.

    Of the choices that are allowed the one with the largest output is taken, of equals the first.
    A column without outputs is what stands where an agent sends nothing.
    """

    def __init__(
        self,
        scenario: AnyScenario,
        role: Role,
        names: Sequence[str] | None = None,
        decides: Mapping[str, int] | None = None,
    ) -> None:
        """For the agents of a role.

        Args:
            names: columns that a row has; None: all that is observed.
            decides: column of an action -> its outputs, in the order of the outputs; None: all.

        Raises:
            PolicyError: if one of them is not observed here.
        """
        self.scenario, self.role = scenario, role
        observed = [feature.name for feature in role.features]
        self.names = tuple(observed if names is None else names)
        self.owners = np.arange(len(role.agents))
        self.decides = dict(outputs_of(role) if decides is None else decides)
        self.width = sum(self.decides.values())
        table = {name: place for place, name in enumerate(observed + indicators(role))}
        if missing := [name for name in self.names if name not in table]:
            raise PolicyError(made_for_others(missing, (), scenario.spec.id))
        asked = [name for name in indicators(role) if name in self.names]
        others = [name for name in indicators(role) if name not in self.names]
        if asked and others:
            raise PolicyError(
                f"was made for {len(asked)} agents, and {scenario.spec.id} has more: "
                f"{', '.join(others[:SHOWN])}; train it in this scenario"
            )
        self._all = names is None
        self._place = np.array([table[name] for name in self.names], dtype=int)
        self._who = np.eye(len(role.agents), dtype=np.float32) if asked else None

    @property
    def resting(self) -> tuple[str, ...]:
        """Columns of an action that it does not decide."""
        return tuple(name for name in outputs_of(self.role) if name not in self.decides)

    def rows(self, observation: Float32Array) -> Float32Array:
        """What is observed, as far as it is asked for."""
        if self._all:
            return observation
        if self._who is not None:
            who = np.broadcast_to(self._who, (len(observation), *self._who.shape))
            observation = np.concatenate([observation, who], axis=-1)
        return np.ascontiguousarray(observation[..., self._place])

    def actions(self, observation: Float32Array, output: NDArray[np.floating[Any]]) -> FloatArray:
        """Numbers as they are, within [-1, 1]; indices of choices; other columns at rest."""
        allowed = track_of(self.scenario).masks(self.scenario, self.role.name, observation)
        shape = (*output.shape[:2], len(self.role.columns))
        found = np.array(np.broadcast_to(self.role.rest, shape))
        ends = np.cumsum([*self.decides.values()])
        parts = dict(zip(self.decides, np.split(output, ends[:-1], axis=-1), strict=True))
        masked = 0
        for place, column in enumerate(self.role.columns):
            if column.name in parts:
                own = parts[column.name].astype(np.float64)
                if column.choices and allowed is not None:
                    own = np.where(allowed[..., masked : masked + column.choices], own, -np.inf)
                best = own.argmax(axis=-1) if column.choices else np.clip(own[..., 0], -1.0, 1.0)
                found[..., place] = best
            masked += column.choices
        return found


def outputs_of(role: Role) -> dict[str, int]:
    """Column of an action -> its outputs: 1 for a number, one per choice."""
    return {column.name: max(1, column.choices) for column in role.columns}


def indicators(role: Role) -> list[str]:
    """Names of the columns that say whose row it is, in the order of the agents."""
    return [f"{IS}{agent}" for agent in role.agents]


def fitted(
    decision: Decision,
    columns: Sequence[str],
    actions: Mapping[str, int] | None,
    scenario: AnyScenario,
) -> Decision:
    """A decision as a network asks for it.

    Args:
        decision: of the role in which it is to play.
        columns: of its rows, as its file names them.
        actions: its outputs as `outputs_of` names them, of some columns or all; None where its
            file does not say, so that they must be those of all.
        scenario: in which it is to play.

    Raises:
        PolicyError: if it was made for other observations or actions.
    """
    if not isinstance(decision, Plain):
        if other := made_for_others(columns, decision.names, scenario.spec.id):
            raise PolicyError(other)
        return decision
    own = outputs_of(decision.role)
    if actions is not None and (not actions or not actions.items() <= own.items()):
        raise PolicyError(
            f"was made for other actions than those of {scenario.spec.id}: {_named(actions)} in "
            f"the network, {_named(own)} here; train it in this scenario"
        )
    return Plain(decision.scenario, decision.role, columns, actions)


def _named(actions: Mapping[str, int]) -> str:
    return ", ".join(f"{name} ({wide})" if wide > 1 else name for name, wide in actions.items())


def role_for(scenario: AnyScenario, name: str | None = None) -> Role:
    """The role that a network plays: the only one, or one of several by name.

    Raises:
        PolicyError: if there are several and none is named, or there is none of that name.
    """
    roles = track_of(scenario).roles(scenario)
    found = [role for role in roles if name in (None, role.name)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(role.name for role in roles)
    if name is not None:
        raise PolicyError(f"{scenario.spec.id} has no role {name!r}; its roles are {names}")
    raise PolicyError(
        f"{scenario.spec.id} has the roles {names}; one network plays one role, so say which"
    )


def plain(scenario: AnyScenario, name: str | None = None) -> Plain:
    """For the only role of a scenario, or one of several by name.

    Raises:
        PolicyError: if there are several and none is named, or there is none of that name.
    """
    return Plain(scenario, role_for(scenario, name))
