"""Wind: the speed at a turbine's hub, and the power of the turbine."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from p2p_market.assets.drivers.drive import rounded
from p2p_market.data.calendar import step_means
from p2p_market.data.synthetic import autoregression
from p2p_market.records import BoolArray, FloatArray

LOCAL_PERSISTENCE: Final = 0.95  # per quarter-hour, of the local part
LOCAL_SPREAD: Final = 0.18  # of the logarithm of the speed
SECTOR_HALF_DEG: Final = 15.0  # to each side of the others
DIRECTION_PERSISTENCE: Final = 0.99  # per quarter-hour, of each component of the direction
PREVAILING: Final = 0.7  # mean wind from the west, in standard deviations of a component


@dataclass(frozen=True, slots=True)
class Turbine:
    """A usual turbine and the mean wind at its hub."""

    rated_kw: float
    cut_in_ms: float
    rated_ms: float
    cut_out_ms: float
    mean_ms: float
    wake: float = 0.0  # share of the power that turbines before it take


TURBINES: Final = {
    "small": Turbine(10.0, 2.5, 11.0, 25.0, 4.5),
    "farm": Turbine(30.0, 3.0, 11.5, 25.0, 5.5),
    "park": Turbine(250.0, 3.0, 11.5, 25.0, 6.5, 0.08),
}
"""Typical figures by name."""


def rayleigh_speed_ms(wind_rank: FloatArray, mean_ms: float) -> FloatArray:
    """Speed at a rank of the year, where speeds follow the law of Rayleigh [m/s].

    Args:
        wind_rank: share of the year with less wind, above 0 and below 1.
        mean_ms: mean speed of the year at the hub [m/s].

    Source: Justus, Hargraves, Mikhail and Graber (1978), "Methods for estimating wind speed
    frequency distributions", J. Appl. Meteorol. 17(3), a Weibull law of shape 2.
    """
    return mean_ms / (math.sqrt(math.pi) / 2.0) * np.sqrt(-np.log1p(-wind_rank))


def local_factor(normals: FloatArray) -> FloatArray:
    """Local speed over that of the country, mean one: exp of a first-order autoregression.

    Args:
        normals: standard normal numbers of the place's own stream, (quarter, ...).
    """
    latent = autoregression(normals, LOCAL_PERSISTENCE)
    return np.exp(LOCAL_SPREAD * latent - LOCAL_SPREAD**2 / 2.0)


def local_speed_ms(wind_rank: FloatArray, mean_ms: float, normals: FloatArray) -> FloatArray:
    """Speed at a hub in each quarter-hour, (quarter,) [m/s], rounded to 1e-4.

    Args:
        wind_rank: share of the year with less wind, (quarter,).
        mean_ms: mean speed of the year at the hub [m/s].
        normals: standard normal numbers of the place's own stream, (quarter,).
    """
    return rounded(rayleigh_speed_ms(wind_rank, mean_ms) * local_factor(normals), 4)


def turbine_share(
    speed_ms: FloatArray,
    cut_in_ms: float = 3.0,
    rated_ms: float = 11.5,
    cut_out_ms: float = 25.0,
) -> FloatArray:
    """Power of a turbine over its rated power: cubic between cut-in and rated speed.

    Source: Carrillo, Obando, Cidras and Diaz-Dorado (2013), "Review of power curve modelling for
    wind turbines", Renew. Sustain. Energy Rev. 21, doi:10.1016/j.rser.2013.01.012.
    """
    cubic = (speed_ms**3 - cut_in_ms**3) / (rated_ms**3 - cut_in_ms**3)
    turns = (speed_ms >= cut_in_ms) & (speed_ms < cut_out_ms)
    return np.where(turns, np.minimum(cubic, 1.0), 0.0)


def in_wake(direction_deg: FloatArray, sector_deg: float) -> BoolArray:
    """Whether the wind comes from where other turbines stand, within `SECTOR_HALF_DEG`.

    Args:
        direction_deg: where it comes from, 270 = west.
        sector_deg: where the others stand.
    """
    away = np.abs((np.asarray(direction_deg) - sector_deg + 180.0) % 360.0 - 180.0)
    return np.asarray(away <= SECTOR_HALF_DEG)


def direction_deg(normals: FloatArray) -> FloatArray:
    """Where the wind comes from in each quarter-hour, (quarter,), 0 to 360, to 0.1.

    Two components that remember the quarter-hour before, around a mean wind from the west.

    Args:
        normals: standard normal numbers, (2, quarter).
    """
    west, south = (autoregression(own, DIRECTION_PERSISTENCE) for own in normals)
    angle = np.degrees(np.arctan2(-(west + PREVAILING), -south))
    return rounded(angle % 360.0, 1)


def wind_turbine_in_wake(
    wind_speed_ms: FloatArray,
    wind_direction_deg: FloatArray,
    dt_h: float,
    *,
    rated_kw: float,
    wake: float,
    wake_sector_deg: float,
    cut_in_ms: float = 3.0,
    rated_ms: float = 11.5,
    cut_out_ms: float = 25.0,
) -> FloatArray:
    """Power of a turbine behind others, (step,) [kW], which take theirs only from one side.

    Args:
        wind_speed_ms: at the hub, (quarter,) [m/s].
        wind_direction_deg: where it comes from, (quarter,).
        dt_h: step length [h].
        rated_kw: power at rated speed [kW].
        wake: share of the power that the others take.
        wake_sector_deg: where they stand, 270 = west.
        cut_in_ms: below it the turbine stands still [m/s].
        rated_ms: from it on the turbine gives its rated power [m/s].
        cut_out_ms: from it on the turbine stands still again [m/s].
    """
    share = turbine_share(wind_speed_ms, cut_in_ms, rated_ms, cut_out_ms)
    left = np.where(in_wake(wind_direction_deg, wake_sector_deg), 1.0 - wake, 1.0)
    return rounded(step_means(rated_kw * left * share, dt_h))


def wind_turbine(
    wind_speed_ms: FloatArray,
    dt_h: float,
    *,
    rated_kw: float,
    cut_in_ms: float = 3.0,
    rated_ms: float = 11.5,
    cut_out_ms: float = 25.0,
    wake: float = 0.0,
) -> FloatArray:
    """Power of a turbine, (step,) [kW].

    Args:
        wind_speed_ms: at the hub, (quarter,) [m/s].
        dt_h: step length [h].
        rated_kw: power at rated speed [kW].
        cut_in_ms: below it the turbine stands still [m/s].
        rated_ms: from it on the turbine gives its rated power [m/s].
        cut_out_ms: from it on the turbine stands still again [m/s].
        wake: share of the power that turbines before it take.
    """
    share = turbine_share(wind_speed_ms, cut_in_ms, rated_ms, cut_out_ms)
    return rounded(step_means(rated_kw * (1.0 - wake) * share, dt_h))
