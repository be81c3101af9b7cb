"""Cold: stores that must stay below a temperature."""

from typing import Final

import numpy as np

from p2p_market.assets.drivers.drive import Drive, drive
from p2p_market.assets.drivers.heat import (
    BASE_COP,
    ZERO_C_IN_K,
    room_drift_kwh,
    room_leak_per_h,
)
from p2p_market.data.calendar import step_means
from p2p_market.records import FloatArray

QUALITY: Final = 0.4  # share of the ideal coefficient of performance
COP_RANGE: Final = (1.0, 4.0)
CONDENSER_ABOVE_K: Final = 10.0  # warmer than the air that cools it
EVAPORATOR_BELOW_K: Final = 4.0  # colder than the coldest that the store may be


def chiller_cop(temperature_c: FloatArray | float, low_c: float) -> FloatArray:
    """Heat taken from a store per electric energy.

    Args:
        temperature_c: of the air outside [C].
        low_c: lowest temperature of the store [C].

    Source: Carnot's limit times a quality grade, as oemof.thermal's chiller.
    """
    evaporator_c = low_c - EVAPORATOR_BELOW_K
    lift = np.asarray(temperature_c) + CONDENSER_ABOVE_K - evaporator_c
    ideal = (evaporator_c + ZERO_C_IN_K) / np.maximum(lift, 1.0)
    return np.clip(QUALITY * ideal, *COP_RANGE)


def cold_gain_kw(
    temperature_c: FloatArray, high_c: float, ua_kw_per_k: float, gains_kw: float
) -> FloatArray:
    """Cold that comes into a store at its highest temperature by itself [kW], mostly negative."""
    return -ua_kw_per_k * (temperature_c - high_c) - gains_kw


def cold_store(
    temperature_c: FloatArray,
    dt_h: float,
    *,
    low_c: float = -24.0,
    high_c: float = -18.0,
    ua_kw_per_k: float = 0.35,
    c_kwh_per_k: float = 12.0,
    gains_kw: float = 3.0,
) -> Drive:
    """A store whose level is its cold below the highest temperature, c_kwh_per_k (high_c - T).

    The device leaks `room_leak_per_h`.

    Args:
        temperature_c: of the air outside, (quarter,) [C].
        dt_h: step length [h].
        low_c: lowest temperature of the store [C].
        high_c: highest temperature of the store [C].
        ua_kw_per_k: heat that comes in per degree [kW/K].
        c_kwh_per_k: heat per degree [kWh/K].
        gains_kw: heat of doors, lamps and new goods [kW].
    """
    outside_c = step_means(temperature_c, dt_h)
    gain_kw = step_means(cold_gain_kw(temperature_c, high_c, ua_kw_per_k, gains_kw), dt_h)
    drift_kwh = room_drift_kwh(gain_kw, room_leak_per_h(ua_kw_per_k, c_kwh_per_k), dt_h)
    return drive(drift_kwh, chiller_cop(outside_c, low_c) / BASE_COP)
