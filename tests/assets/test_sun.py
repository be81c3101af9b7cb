"""Clear-sky PV by hand."""

import numpy as np
import pytest

from p2p_market.assets.sun import clear_sky_fraction, sun_vector
from p2p_market.data import load

KASSEL = (51.3, 9.5)
HOURS = np.arange(0.5, 35_040) / 4.0


def elevations(day: int) -> np.ndarray:
    _, _, up = sun_vector(*KASSEL, 24.0 * day + np.arange(0.0, 24.0, 0.05))
    return np.degrees(np.arcsin(up))


@pytest.mark.parametrize(
    ("day", "elevation"), [(171, 90.0 - 51.3 + 23.44), (354, 90.0 - 51.3 - 23.44), (79, 38.7)]
)
def test_noon_elevation_at_solstices_and_equinox(day, elevation):
    assert elevations(day).max() == pytest.approx(elevation, abs=0.5)


def test_noon_is_when_the_sun_is_in_the_south():
    hours = 24.0 * 100 + np.arange(0.0, 24.0, 0.01)
    east, north, up = sun_vector(*KASSEL, hours)
    noon = up.argmax()
    assert hours[noon] % 24.0 == pytest.approx(12.0 + (15.0 - 9.5) / 15.0, abs=0.15)
    assert north[noon] < 0.0
    assert abs(east[noon]) < 0.01
    assert np.allclose(east**2 + north**2 + up**2, 1.0)


def test_dark_at_night_and_at_most_a_little_above_one():
    fraction = clear_sky_fraction(*KASSEL, 35.0, 180.0, HOURS)
    _, _, up = sun_vector(*KASSEL, HOURS)
    assert np.all(fraction[up <= 0.0] == 0.0)
    assert np.all(fraction >= 0.0)
    assert fraction.max() == pytest.approx(1.0, abs=0.1)


def test_south_beats_east_and_east_mirrors_west():
    south, east, west, north = (
        clear_sky_fraction(*KASSEL, 35.0, azimuth, HOURS).sum() for azimuth in (180, 90, 270, 0)
    )
    assert south > east > north
    assert east == pytest.approx(west, rel=0.01)
    morning = clear_sky_fraction(*KASSEL, 35.0, 90.0, np.array([24.0 * 171 + 8.0]))
    assert morning > clear_sky_fraction(*KASSEL, 35.0, 270.0, np.array([24.0 * 171 + 8.0]))


def test_yield_with_national_clearness_is_that_of_german_roofs():
    from p2p_market.community.scenario.members import CLEAR_SKY_SHARE

    fraction = clear_sky_fraction(*KASSEL, 35.0, 180.0, HOURS)
    kwh_per_kwp = 0.86 * CLEAR_SKY_SHARE * (fraction * load("de2018").solar_clearness).sum() / 4.0
    assert kwh_per_kwp == pytest.approx(1000.0, abs=50.0)
