"""Blind agents: what scores well without looking would show that a season measures the wrong thing.

They are entries of the organiser's, in their own division, and have to score low.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from p2p_market.community.actions import action_map
from p2p_market.community.observation import features
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.records import Float32Array, FloatArray

OTHER_OPTIMUM: Final = "other-optimum"
TRIPWIRES: Final[Mapping[str, str]] = {
    "constant": "leaderboard.tripwires:constant",
    "clock-only": "leaderboard.tripwires:clock_only",
    "random-actions": "random",
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


def constant(scenario: Scenario) -> Blind:
    """Always the middle of every range: storage rests, nothing is traded."""
    rest = np.zeros_like(action_map(scenario).half)
    return Blind(rest, rest, _hour(scenario))


def clock_only(scenario: Scenario) -> Blind:
    """Charges and sells in the middle of the day, discharges and buys otherwise."""
    table = action_map(scenario)
    storing, using = np.ones_like(table.half), -np.ones_like(table.half)
    storing[:, -2:], using[:, -2:] = [-1.0, -1.0], [1.0, 1.0]
    return Blind(storing, using, _hour(scenario))


def _hour(scenario: Scenario) -> int:
    return [feature.name for feature in features(scenario)].index("cos_day")
