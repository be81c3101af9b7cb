"""What a network sees and does in any track: what agents observe, and their action as it is."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from p2p_market.errors import PolicyError
from p2p_market.records import Float32Array, FloatArray
from p2p_market.track import AnyScenario, Role
from p2p_market.tracks import track_of


class Plain:
    """A row per agent, what it observes; an output per number of its action, one per choice.

    Of the choices that are allowed the one with the largest output is taken, of equals the first.
    """

    def __init__(self, scenario: AnyScenario, role: Role) -> None:
        """For the agents of a role."""
        self.scenario, self.role = scenario, role
        self.names = tuple(feature.name for feature in role.features)
        self.owners = np.arange(len(role.agents))
        self.width = sum(max(1, column.choices) for column in role.columns)

    def rows(self, observation: Float32Array) -> Float32Array:
        """What is observed."""
        return observation

    def actions(self, observation: Float32Array, output: NDArray[np.floating[Any]]) -> FloatArray:
        """Numbers as they are, within [-1, 1]; indices of choices."""
        allowed = track_of(self.scenario).masks(self.scenario, self.role.name, observation)
        found = np.empty((*output.shape[:2], len(self.role.columns)))
        first = masked = 0
        for place, column in enumerate(self.role.columns):
            wide = max(1, column.choices)
            own = output[..., first : first + wide].astype(np.float64)
            if column.choices:
                if allowed is not None:
                    own = np.where(allowed[..., masked : masked + wide], own, -np.inf)
                found[..., place] = own.argmax(axis=-1)
                masked += wide
            else:
                found[..., place] = np.clip(own[..., 0], -1.0, 1.0)
            first += wide
        return found


def only_role(scenario: AnyScenario) -> Role:
    """The role of a scenario in which all agents are alike.

    Raises:
        PolicyError: if there are several.
    """
    roles = track_of(scenario).roles(scenario)
    if len(roles) != 1:
        names = ", ".join(role.name for role in roles)
        raise PolicyError(f"{scenario.spec.id} has the roles {names}; one network plays one role")
    return roles[0]


def plain(scenario: AnyScenario) -> Plain:
    """For the only role of a scenario.

    Raises:
        PolicyError: if there are several.
    """
    return Plain(scenario, only_role(scenario))
