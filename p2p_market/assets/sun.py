"""Clear-sky power of a roof from the position of the sun; pure arithmetic with sources."""

from typing import Final

import numpy as np

from p2p_market.records import FloatArray

SOLAR_CONSTANT_KW_PER_M2: Final = 1.353
DIFFUSE_SHARE: Final = 0.1  # of the beam on a plane towards the sun, from the whole sky
GROUND_ALBEDO: Final = 0.2


def sun_vector(
    latitude_deg: float, longitude_deg: float, hours: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Direction to the sun: east, north and up components of a unit vector.

    Args:
        latitude_deg: degrees north.
        longitude_deg: degrees east.
        hours: since 1 January 00:00 at UTC+1 [h].

    Source: declination and equation of time after Spencer (1971), "Fourier series representation of
    the position of the sun", Search 2(5).
    """
    turn = 2.0 * np.pi * (hours / 24.0) / 365.0
    declination = (
        0.006918 - 0.399912 * np.cos(turn) + 0.070257 * np.sin(turn)
        - 0.006758 * np.cos(2 * turn) + 0.000907 * np.sin(2 * turn)
        - 0.002697 * np.cos(3 * turn) + 0.00148 * np.sin(3 * turn)
    )  # fmt: skip
    equation_min = 229.18 * (
        0.000075 + 0.001868 * np.cos(turn) - 0.032077 * np.sin(turn)
        - 0.014615 * np.cos(2 * turn) - 0.04089 * np.sin(2 * turn)
    )  # fmt: skip
    solar_h = hours - 1.0 + longitude_deg / 15.0 + equation_min / 60.0
    hour_angle = np.pi * (solar_h % 24.0 - 12.0) / 12.0
    latitude = np.radians(latitude_deg)
    east = -np.cos(declination) * np.sin(hour_angle)
    north = np.cos(latitude) * np.sin(declination) - np.sin(latitude) * np.cos(
        declination
    ) * np.cos(hour_angle)
    up = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(
        hour_angle
    )
    return east, north, up


def clear_sky_fraction(
    latitude_deg: float,
    longitude_deg: float,
    tilt_deg: float,
    azimuth_deg: float,
    hours: FloatArray,
) -> FloatArray:
    """Irradiance on a tilted plane under a clear sky, as a fraction of 1 kW/m2.

    Times the peak power and the system's efficiency this is the power of a roof. Beam after Meinel
    and Meinel (1976), "Applied solar energy", with the air mass of Kasten and Young (1989),
    doi:10.1364/AO.28.004735; isotropic diffuse light and ground reflection.

    Args:
        latitude_deg: degrees north.
        longitude_deg: degrees east.
        tilt_deg: 0 = flat, 90 = upright.
        azimuth_deg: where the plane looks, 180 = south, 270 = west.
        hours: since 1 January 00:00 at UTC+1 [h].

    Returns:
        Fraction at each time, zero when the sun is down.
    """
    return tilted_fraction(sun_vector(latitude_deg, longitude_deg, hours), tilt_deg, azimuth_deg)


def tilted_fraction(
    sun: tuple[FloatArray, FloatArray, FloatArray], tilt_deg: float, azimuth_deg: float
) -> FloatArray:
    """`clear_sky_fraction` where the direction to the sun, a `sun_vector`, is known already."""
    east, north, up = sun
    elevation_deg = np.degrees(np.arcsin(np.clip(up, -1.0, 1.0)))
    safe = np.maximum(elevation_deg, 0.0)
    air_mass = 1.0 / (np.sin(np.radians(safe)) + 0.50572 * (safe + 6.07995) ** -1.6364)
    beam = SOLAR_CONSTANT_KW_PER_M2 * 0.7 ** (air_mass**0.678)
    tilt, azimuth = np.radians(tilt_deg), np.radians(azimuth_deg)
    cosine = up * np.cos(tilt) + np.sin(tilt) * (np.sin(azimuth) * east + np.cos(azimuth) * north)
    sky = DIFFUSE_SHARE * beam * (1.0 + np.cos(tilt)) / 2.0
    ground = GROUND_ALBEDO * beam * (np.maximum(up, 0.0) + DIFFUSE_SHARE)
    total = beam * np.maximum(cosine, 0.0) + sky + ground * (1.0 - np.cos(tilt)) / 2.0
    return np.where(up > 0.0, total, 0.0)
