"""Hydrogen by its lower heating value, and the truck that fetches it."""

from typing import Final

import numpy as np

from p2p_market.assets.drivers.drive import Drive, drive
from p2p_market.records import FloatArray, IntArray

KWH_PER_KG: Final = 33.33
"""Lower heating value."""


def hydrogen_kg(energy_kwh: FloatArray | float) -> FloatArray:
    """Mass of hydrogen [kg] with this lower heating value [kWh]."""
    return np.asarray(energy_kwh) / KWH_PER_KG


def hydrogen(
    steps: int,
    dt_h: float,
    *,
    pick_up_kg: FloatArray | None = None,
    pick_up_h: float = 6.0,
    fill_kw: float = 0.0,
    ahead_h: float = 0.0,
) -> Drive:
    """A tank that a truck empties once a day, or never.

    The truck is announced as work is: the floor is what must be in the tank by now so that full
    power can still make the rest, as far as the time since the truck before allows.

    Args:
        steps: length of the episode.
        dt_h: step length [h].
        pick_up_kg: taken on each day, (day,) [kg].
        pick_up_h: hour on the wall clock at which the truck has left [h].
        fill_kw: hydrogen that full power makes; 0 = there is no floor [kW].
        ahead_h: how much the wall clock is ahead of the grid's [h].
    """
    drift_kwh = np.zeros(steps)
    if pick_up_kg is None:
        return drive(drift_kwh)
    days = np.arange(len(pick_up_kg))
    gone_h = 24.0 * days + pick_up_h - ahead_h
    at = np.ceil(np.round(gone_h / dt_h, 6)).astype(np.int64) - 1  # the step it leaves in
    inside = (at >= 0) & (at < steps)
    last, taken_kwh = at[inside], np.round(KWH_PER_KG * np.asarray(pick_up_kg)[inside], 3)
    drift_kwh[last] = -taken_kwh
    return drive(drift_kwh, **_tube(last, taken_kwh, steps, dt_h, fill_kw))


def _tube(
    last: IntArray, taken_kwh: FloatArray, steps: int, dt_h: float, fill_kw: float
) -> dict[str, FloatArray]:
    """Floor and hours left of pick-ups in these steps; none after the last."""
    floor_kwh, hours_left = np.zeros((2, steps))
    first = 0
    for end, taken in zip(last.tolist(), taken_kwh.tolist(), strict=True):
        step = np.arange(first, end)
        most_kwh = min(taken, fill_kw * dt_h * (end - first + 1))
        floor_kwh[step] = np.maximum(most_kwh - fill_kw * dt_h * (end - step), 0.0)
        hours_left[first : end + 1] = dt_h * (end + 1 - np.arange(first, end + 1))
        first = end + 1
    # Down to a watt-hour: a floor must be no higher than what full power reaches.
    return {"floor_kwh": np.floor(1000.0 * floor_kwh + 1e-6) / 1000.0, "hours_left": hours_left}
