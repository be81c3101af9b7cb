"""Outages of thermal units: a trip at the end of a step, hours away, and the way back up."""

from typing import Final

import numpy as np

from p2p_market.records import FloatArray
from p2p_market.wholesale.scenario import Scenario

DURATION_H: Final = (4.0, 12.0)


def draw_outages(
    scenario: Scenario, generator: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Where units trip, and what an outage leaves of their output.

    A unit produces in the step in which it trips; after its time away it returns along its ramp. A
    trip that would fall into another outage of the unit does not happen.

    Args:
        generator: draws number, units, steps and durations in this order.

    Returns:
        1 in the step at whose end a unit is lost, and the most it can produce, both (step,
        generator); inf where no outage limits it.
    """
    steps, fleet = scenario.steps, scenario.fleet
    thermal = np.flatnonzero(fleet.thermal)
    trips, limit = np.zeros((steps, len(fleet.max_mw))), np.full((steps, len(fleet.max_mw)), np.inf)
    weeks = steps * scenario.dt_h / 168.0
    count = int(generator.poisson(float(scenario.spec.draws.outages_per_week) * weeks))
    for _ in range(count):
        place, start = int(generator.integers(max(1, len(thermal)))), int(generator.integers(steps))
        away = round(float(generator.uniform(*DURATION_H)) / scenario.dt_h)
        if not len(thermal):
            continue
        unit, end = thermal[place], start + 1 + away
        if np.isfinite(limit[start : min(end, steps), unit]).any() or trips[start:end, unit].any():
            continue
        trips[start, unit] = 1.0
        limit[start + 1 : end, unit] = 0.0
        back = np.arange(1, steps - end + 1) * fleet.ramp_mw[unit]
        returning = limit[end:, unit]
        limit[end:, unit] = np.minimum(returning, np.where(back < fleet.max_mw[unit], back, np.inf))
    return trips, limit
