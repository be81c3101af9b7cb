"""What a law gives: numbers per step, rounded so that no two mathematical libraries differ."""

from dataclasses import dataclass

import numpy as np

from p2p_market.records import FloatArray, Record


@dataclass(frozen=True, slots=True, eq=False)
class Drive(Record):
    """What the world does to a stored energy in each step of an episode, (step,)."""

    drift_kwh: FloatArray  # put into the level, less what is taken out of it
    charge_share: FloatArray  # factor of the charge gain
    low_share: FloatArray  # factor of the lowest power
    high_share: FloatArray  # factor of the highest power
    floor_kwh: FloatArray  # lowest level after the step, beside the device's own
    top_kwh: FloatArray  # highest level after the step, beside the device's own
    hours_left: FloatArray  # until the first work is due, at the start of the step; 0 = none


def drive(
    drift_kwh: FloatArray,
    charge_share: FloatArray | None = None,
    low_share: FloatArray | None = None,
    high_share: FloatArray | None = None,
    floor_kwh: FloatArray | None = None,
    top_kwh: FloatArray | None = None,
    hours_left: FloatArray | None = None,
) -> Drive:
    """A drive rounded to 1 Wh and shares of 1e-6; what is not given does nothing."""
    steps = len(drift_kwh)

    def told(values: FloatArray | None, neutral: float, decimals: int) -> FloatArray:
        return np.full(steps, neutral) if values is None else rounded(values, decimals)

    return Drive(
        rounded(drift_kwh, 3),
        told(charge_share, 1.0, 6),
        told(low_share, 1.0, 6),
        told(high_share, 1.0, 6),
        told(floor_kwh, -np.inf, 3),
        told(top_kwh, np.inf, 3),
        told(hours_left, 0.0, 3),
    )


def rounded(values: FloatArray, decimals: int = 3) -> FloatArray:
    """Rounded, by default kW to 1 W and kWh to 1 Wh; a zero has no sign."""
    return np.asarray(np.round(values, decimals) + 0.0)
