"""Heat: pumps that fill a buffer, and rooms that stay warm."""

from typing import Final

import numpy as np

from p2p_market.assets.drivers.drive import Drive, drive
from p2p_market.assets.node import PowerNode, retention_and_gains
from p2p_market.data.calendar import step_means
from p2p_market.records import FloatArray

ZERO_C_IN_K: Final = 273.15
QUALITY: Final = 0.45  # share of the ideal coefficient of performance
COP_RANGE: Final = (1.5, 5.5)
BASE_COP: Final = 3.0
"""Charge efficiency of a device whose `charge_share` is a coefficient of performance over this."""


def heat_pump_cop(source_c: FloatArray | float, flow_c: float) -> FloatArray:
    """Heat per electric energy of a heat pump.

    Args:
        source_c: temperature of air, ground or water that is cooled [C].
        flow_c: temperature of the water that is heated [C].

    Source: Carnot's limit times a quality grade, as in synload-de 0.1.0 (Fraunhofer ISE) and
    oemof.thermal.
    """
    ideal = (flow_c + ZERO_C_IN_K) / np.maximum(flow_c - np.asarray(source_c), 1.0)
    return np.clip(QUALITY * ideal, *COP_RANGE)


def heat_pump(
    temperature_c: FloatArray,
    heat_kw: FloatArray,
    hot_water_kw: FloatArray,
    dt_h: float,
    *,
    flow_c: float = 55.0,
    source_c: float | None = None,
) -> Drive:
    """A buffer of heat that a house empties and a heat pump fills.

    The coefficient of performance is that of the step's mean temperature.

    Args:
        temperature_c: of the air outside, (quarter,) [C].
        heat_kw: that keeps the house warm, (quarter,) [kW].
        hot_water_kw: heat of the water that is used, (quarter,) [kW].
        dt_h: step length [h].
        flow_c: temperature of the buffer: 55 an old house, 35 a new one [C].
        source_c: temperature of the ground, if that is the source [C].
    """
    demand_kwh = step_means(heat_kw + hot_water_kw, dt_h) * dt_h
    return drive(-demand_kwh, _heating_share(step_means(temperature_c, dt_h), flow_c, source_c))


def _heating_share(outside_c: FloatArray, flow_c: float, source_c: float | None) -> FloatArray:
    source = outside_c if source_c is None else np.full_like(outside_c, source_c)
    return heat_pump_cop(source, flow_c) / BASE_COP


def room_leak_per_h(ua_kw_per_k: float, c_kwh_per_k: float) -> float:
    """Share of the stored energy that a room loses per hour, at first [1/h]."""
    return ua_kw_per_k / c_kwh_per_k


def room_drift_kwh(gain_kw: FloatArray, leak_per_h: float, dt_h: float) -> FloatArray:
    """What a constant power does to a leaking level in one step [kWh], exactly."""
    node = PowerNode(driver="setpoint", leak_per_h=leak_per_h)
    _, hours, _ = retention_and_gains(node, dt_h)
    return gain_kw * hours


def room_gain_kw(
    temperature_c: FloatArray,
    irradiance_wm2: FloatArray,
    low_c: float,
    ua_kw_per_k: float,
    gains_kw: float,
    window_m2: float,
) -> FloatArray:
    """Power into a room that is at its lowest temperature, its own heating apart [kW].

    Half of the light on a horizontal plane comes through the windows.
    """
    sun_kw = window_m2 * irradiance_wm2 / 2000.0
    return ua_kw_per_k * (temperature_c - low_c) + gains_kw + sun_kw


def heated_room(
    temperature_c: FloatArray,
    irradiance_wm2: FloatArray,
    dt_h: float,
    *,
    low_c: float = 20.0,
    ua_kw_per_k: float = 0.2,
    c_kwh_per_k: float = 8.0,
    gains_kw: float = 0.4,
    window_m2: float = 4.0,
    flow_c: float = 35.0,
    source_c: float | None = None,
) -> Drive:
    """A room whose level is its heat above the lowest temperature, c_kwh_per_k (T - low_c).

    The device leaks `room_leak_per_h`; with it the equation of a room with one resistance and one
    capacity is solved exactly for what is constant within a step.

    Args:
        temperature_c: of the air outside, (quarter,) [C].
        irradiance_wm2: on a horizontal plane, (quarter,) [W/m2].
        dt_h: step length [h].
        low_c: lowest temperature of the room [C].
        ua_kw_per_k: loss per degree [kW/K].
        c_kwh_per_k: heat per degree [kWh/K].
        gains_kw: heat of people and appliances [kW].
        window_m2: of the windows [m2].
        flow_c: temperature of the heating [C].
        source_c: temperature of the ground, if the heat pump uses that [C].
    """
    outside_c = step_means(temperature_c, dt_h)
    gain_kw = step_means(
        room_gain_kw(temperature_c, irradiance_wm2, low_c, ua_kw_per_k, gains_kw, window_m2), dt_h
    )
    drift_kwh = room_drift_kwh(gain_kw, room_leak_per_h(ua_kw_per_k, c_kwh_per_k), dt_h)
    return drive(drift_kwh, _heating_share(outside_c, flow_c, source_c))
