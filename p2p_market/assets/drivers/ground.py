"""Geothermal power that is cooled by air."""

import numpy as np

from p2p_market.assets.drivers.drive import rounded
from p2p_market.data.calendar import step_means
from p2p_market.records import FloatArray

REFERENCE_C = 10.0
MOST = 1.1


def geothermal_share(temperature_c: FloatArray | float, slope_per_k: float = 0.006) -> FloatArray:
    """Power over rated power: a plant that is cooled by air loses power in the heat."""
    return np.clip(1.0 - slope_per_k * (np.asarray(temperature_c) - REFERENCE_C), 0.0, MOST)


def geothermal_binary(
    temperature_c: FloatArray, dt_h: float, *, rated_kw: float, slope_per_k: float = 0.006
) -> FloatArray:
    """Power of a plant that always runs, (step,) [kW].

    Args:
        temperature_c: of the air outside, (quarter,) [C].
        dt_h: step length [h].
        rated_kw: power at 10 C [kW].
        slope_per_k: share of the rated power that is lost per degree [1/K].
    """
    return rounded(step_means(rated_kw * geothermal_share(temperature_c, slope_per_k), dt_h))
