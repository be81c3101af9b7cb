"""Hydrogen by its lower heating value, and the truck that fetches it."""

from typing import Final

import numpy as np

from p2p_market.assets.drivers.drive import Drive, drive
from p2p_market.records import FloatArray

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
    ahead_h: float = 0.0,
) -> Drive:
    """A tank that a truck empties once a day, or never.

    Args:
        steps: length of the episode.
        dt_h: step length [h].
        pick_up_kg: taken on each day, (day,) [kg].
        pick_up_h: hour on the wall clock at which the truck has left [h].
        ahead_h: how much the wall clock is ahead of the grid's [h].
    """
    drift_kwh = np.zeros(steps)
    if pick_up_kg is not None:
        days = np.arange(len(pick_up_kg))
        gone_h = 24.0 * days + pick_up_h - ahead_h
        at = np.ceil(np.round(gone_h / dt_h, 6)).astype(np.int64) - 1  # the step it leaves in
        inside = (at >= 0) & (at < steps)
        drift_kwh[at[inside]] = -KWH_PER_KG * np.asarray(pick_up_kg)[inside]
    return drive(drift_kwh)
