"""Load of consumers."""

from typing import Final

import numpy as np

from p2p_market.records import FloatArray
from p2p_market.wholesale.scenario import Scenario

WORKING_HOURS: Final = (8, 18)
"""Of Monday to Friday, standard time."""


def working_factors(scenario: Scenario, start_day: int, steps: int) -> FloatArray:
    """Load over that outside working hours, (step, consumer).

    Args:
        start_day: day of the year on which the first step lies, 0 = Monday, 1 January.
        steps: how many.
    """
    working = working_day(scenario, start_day, steps) * _in_hours(scenario, steps)
    return 1.0 + np.outer(working, [float(one.working_hours) for one in scenario.spec.consumers])


def working_day(scenario: Scenario, start_day: int, steps: int) -> FloatArray:
    """1 on Monday to Friday, (step,); public holidays count as their day of the week."""
    day = start_day + np.arange(steps) * scenario.dt_h // 24.0
    return np.asarray((day % 7 < 5).astype(np.float64))


def _in_hours(scenario: Scenario, steps: int) -> FloatArray:
    hour = (np.arange(steps) * scenario.dt_h) % 24.0
    first, end = WORKING_HOURS
    return np.asarray(((hour >= first) & (hour < end)).astype(np.float64))


def load_mw(
    scenario: Scenario, start_day: int, demand: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Firm and flexible load of each consumer, (step, consumer), to 1 kW.

    Args:
        demand: share of the highest national demand, (step,).
    """
    shape = working_factors(scenario, start_day, scenario.steps) * demand[:, None]
    consumers = scenario.spec.consumers
    firm = shape * [float(one.firm_mw) for one in consumers]
    flexible = shape * [float(one.flexible_mw) for one in consumers]
    return np.round(firm, 3), np.round(flexible, 3)
