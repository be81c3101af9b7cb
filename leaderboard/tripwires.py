"""Blind agents: if one scores well without looking, a season measures the wrong thing.

They are entries of the organiser's, in their own division, and have to score low.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from leaderboard.tracks import board_card_of
from p2p_market.errors import PolicyError
from p2p_market.records import Float32Array, FloatArray
from p2p_market.track import AnyScenario, Role
from p2p_market.tracks import track_of

OTHER_OPTIMUM: Final = "other-optimum"
CHANCE: Final = "random-actions"
TRIPWIRES: Final[Mapping[str, str]] = {
    "constant": "leaderboard.tripwires:constant",
    "clock-only": "leaderboard.tripwires:clock_only",
    CHANCE: "random",  # or what the track has in its place
    OTHER_OPTIMUM: OTHER_OPTIMUM,  # of the next draw of the board
}
"""Name of an entry -> policy that plays it."""

DEEP: Final = -0.5  # cosine of the hour's angle: 8 to 16 o'clock


@dataclass(frozen=True, slots=True)
class Blind:
    """Two actions, one for the middle of the day and one for the rest."""

    by_day: FloatArray  # (agent, column)
    otherwise: FloatArray
    column: int  # of the cosine of the hour

    def start(self, seeds: Sequence[int]) -> None:
        """Nothing is remembered."""

    def act(self, observation: Float32Array, memory: None) -> tuple[FloatArray, None]:
        """By the clock alone."""
        noon = observation[..., self.column] < DEEP
        return np.where(noon[..., None], self.by_day, self.otherwise), None


def constant(scenario: AnyScenario) -> Blind:
    """Always the middle of every range, and the first of all choices; in a track with one role."""
    (role,) = track_of(scenario).roles(scenario)
    return _still(role)


def constants(scenario: AnyScenario) -> dict[str, Blind]:
    """The same in every role of a track."""
    return {role.name: _still(role) for role in track_of(scenario).roles(scenario)}


def clock_only(scenario: AnyScenario) -> Blind:
    """What the track's clock says, in the middle of the day and otherwise.

    Raises:
        PolicyError: if the track has none.
    """
    clock = board_card_of(scenario).clock
    if clock is None:
        raise PolicyError(f"track {scenario.spec.track!r} has no policy that goes by the clock")
    told = clock(scenario)
    (role,) = track_of(scenario).roles(scenario)
    column = [feature.name for feature in role.features].index(told.feature)
    return Blind(told.by_day, told.otherwise, column)


def _still(role: Role) -> Blind:
    rest = np.zeros((len(role.agents), len(role.columns)))
    return Blind(rest, rest, 0)
