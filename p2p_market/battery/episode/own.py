"""Columns of a user's own in the place of drawn ones."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from p2p_market.battery.scenario import Scenario
from p2p_market.data.calendar import QUARTERS_PER_DAY
from p2p_market.records import FloatArray

CONDITIONS: Final = {
    "intraday": "intraday",
    "imbalance_mw": "imbalance",
    "afrr_up": "afrr_up",
    "afrr_down": "afrr_down",
    "mfrr_up": "mfrr_up",
    "mfrr_down": "mfrr_down",
}
"""Column of the user's -> series of quarter-hours, on which others are drawn."""
PLAIN: Final = ("spread", "afrr_cap_up", "afrr_cap_down")  # means over a step
STATES: Final = ("activation", "mfrr_call")


def conditions(scenario: Scenario, start_day: int, quarters: int) -> dict[str, FloatArray]:
    """Series of quarter-hours from a day before an episode on, (quarter,)."""
    own = _window(scenario.own, start_day, quarters)
    return {name: own[column] for column, name in CONDITIONS.items() if column in own}


def columns(scenario: Scenario, start_day: int, quarters: int) -> dict[str, FloatArray]:
    """Columns by the step from a day before an episode on, (step,).

    A state is that of most quarter-hours of a step that are in one, up where both are as many. The
    marginal ratio is the lowest: an offer holds for a whole step.
    """
    own = _window(scenario.own, start_day, quarters)
    steps = {name: one.reshape(-1, 4 // scenario.per_hour) for name, one in own.items()}
    found: dict[str, FloatArray] = {}
    for name in PLAIN:
        if name in steps:
            found[name] = np.round(steps[name].mean(axis=1), 2)
    if "marginal" in steps:
        found["marginal"] = np.round(steps["marginal"].min(axis=1), 4)
    for name in STATES:
        if name in steps:
            up, down = ((steps[name] == sign).sum(axis=1) for sign in (1.0, -1.0))
            found[name] = np.where(up + down == 0, 0.0, np.where(up >= down, 1.0, -1.0))
    return found


def _window(own: Mapping[str, FloatArray], start_day: int, quarters: int) -> dict[str, FloatArray]:
    first = QUARTERS_PER_DAY * (start_day - 1)
    return {name: one[first : first + quarters] for name, one in own.items()}
