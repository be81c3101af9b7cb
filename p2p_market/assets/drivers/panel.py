"""PV in detail: light on the panel, its temperature, its age, and the inverter."""

from typing import Final

import numpy as np

from p2p_market.assets.drivers.drive import rounded
from p2p_market.assets.sun import sun_vector, tilted_fraction
from p2p_market.data.calendar import step_means
from p2p_market.records import FloatArray

INVERTER_ETA: Final = 0.96  # at full power
INVERTER_REFERENCE_ETA: Final = 0.9637
DEFAULT_DC_PER_AC: Final = 1.1


def irradiance_wm2(
    clear_sky_fraction: FloatArray, clearness: FloatArray, clear_sky_share: float
) -> FloatArray:
    """Light on a plane [W/m2]: what a clear sky gives, times what clouds leave of it.

    Args:
        clear_sky_fraction: of 1 kW/m2, of `p2p_market.assets.sun`.
        clearness: of the weather, one where the country is as clear as it gets.
        clear_sky_share: of the clear sky that such a clearness means at one place.
    """
    return 1000.0 * clear_sky_share * clear_sky_fraction * clearness


def panel_temperature_c(
    temperature_c: FloatArray | float, light_wm2: FloatArray | float, wind_ms: FloatArray | float
) -> FloatArray:
    """Temperature of a panel [C].

    Args:
        temperature_c: of the air [C].
        light_wm2: on the panel [W/m2].
        wind_ms: at the panel [m/s].

    Source: Faiman (2008), "Assessing the outdoor operating temperature of photovoltaic modules",
    Prog. Photovolt. 16(4), doi:10.1002/pip.813, with the constants of pvlib.
    """
    return np.asarray(temperature_c + light_wm2 / (25.0 + 6.84 * np.asarray(wind_ms)))


def temperature_factor(panel_c: FloatArray, gamma_per_k: float = -0.004) -> FloatArray:
    """Power of a panel over that at 25 C."""
    return 1.0 + gamma_per_k * (panel_c - 25.0)


def inverter_kw(dc_kw: FloatArray | float, ac_limit_kw: float) -> FloatArray:
    """AC power of an inverter [kW], at most its limit.

    Args:
        dc_kw: from the panels [kW].
        ac_limit_kw: highest AC power [kW].

    Source: Dobos (2014), "PVWatts version 5 manual", NREL/TP-6A20-62641.
    """
    dc_limit_kw = ac_limit_kw / INVERTER_ETA
    z = np.asarray(dc_kw) / dc_limit_kw
    scale = dc_limit_kw * INVERTER_ETA / INVERTER_REFERENCE_ETA
    ac_kw = scale * (-0.0162 * z * z - 0.0059 + 0.9858 * z)  # z times the efficiency
    return np.minimum(np.maximum(ac_kw, 0.0), ac_limit_kw)


def pv_detail(
    light_wm2: FloatArray,
    temperature_c: FloatArray,
    wind_ms: FloatArray,
    dt_h: float,
    *,
    peak_kw: float,
    ac_limit_kw: float | None = None,
    gamma_per_k: float = -0.004,
    loss: float = 0.93,
    age_years: float = 0.0,
    ageing_per_year: float = 0.005,
) -> FloatArray:
    """AC power of a roof, (step,) [kW].

    Args:
        light_wm2: on the panels, (quarter,) [W/m2].
        temperature_c: of the air, (quarter,) [C].
        wind_ms: at the panels, (quarter,) [m/s].
        dt_h: step length [h].
        peak_kw: DC power at 1 kW/m2 and 25 C [kWp].
        ac_limit_kw: highest AC power; by default the peak over 1.1 [kW].
        gamma_per_k: share of the power per degree above 25 C [1/K].
        loss: share that dirt, cables and mismatch leave.
        age_years: of the panels.
        ageing_per_year: share of the power that a year takes.
    """
    factor = temperature_factor(panel_temperature_c(temperature_c, light_wm2, wind_ms), gamma_per_k)
    left = loss * (1.0 - ageing_per_year) ** age_years
    dc_kw = peak_kw * light_wm2 / 1000.0 * factor * left
    limit = peak_kw / DEFAULT_DC_PER_AC if ac_limit_kw is None else ac_limit_kw
    return rounded(step_means(inverter_kw(dc_kw, limit), dt_h))


def best_tilt_deg(
    latitude_deg: float,
    longitude_deg: float,
    clearness: FloatArray,
    azimuth_deg: float = 180.0,
    utc_offset_h: float = 1.0,
) -> int:
    """Tilt with the most light in the year, in whole degrees.

    Args:
        latitude_deg: degrees north.
        longitude_deg: degrees east.
        clearness: share of the light that clouds leave, (quarter of the year,).
        azimuth_deg: where the panels look, 180 = south.
        utc_offset_h: of the clock of the series [h].
    """
    hours = np.arange(0.5, len(clearness)) / 4.0 + (1.0 - utc_offset_h)
    sun = sun_vector(latitude_deg, longitude_deg, hours)
    yields = [
        float((tilted_fraction(sun, float(tilt), azimuth_deg) * clearness).sum())
        for tilt in range(91)
    ]
    return int(np.argmax(yields))
