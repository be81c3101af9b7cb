"""The viability tube: level bounds tightened backwards so that a departure's target stays in reach.

From any level inside the tube some admissible power keeps the next level inside it. Only what is
announced counts: a stay's departure and target, from plug-in on. Power is taken net of the
contracted peak load, so the tube holds whatever the house draws.
"""

import numpy as np

from p2p_market.records import FloatArray


def level_floor(
    start_kwh: float,
    target_kwh: float,
    power_kw: float,
    charge_gain_h: float,
    steps: int,
) -> FloatArray:
    """Lowest level after each step of a stay that still reaches its target, (step,) [kWh].

    Where even full power from the start misses the target, the floor follows full power: the rest
    is a shortfall, never an infeasible problem.

    Args:
        start_kwh: lowest possible level at plug-in [kWh].
        target_kwh: level wanted at departure [kWh].
        power_kw: power that is free in every step of the stay [kW].
        charge_gain_h: kWh stored per kW charged for one step.
        steps: length of the stay.
    """
    after = np.arange(1, steps + 1)
    gain_kwh = power_kw * charge_gain_h
    needed = target_kwh - gain_kwh * (steps - after)
    reachable = start_kwh + gain_kwh * after
    return np.asarray(np.maximum(np.minimum(needed, reachable), 0.0))
