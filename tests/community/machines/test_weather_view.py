"""Members see the weather that moves devices, and nothing of what is to come."""

import numpy as np
import pytest

from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.observation import features
from p2p_market.community.weather_view import PER_SERIES, ahead, seen, weather_year
from p2p_market.data import weather
from p2p_market.data.calendar import DAYS_PER_YEAR, start_days, step_means
from tests.community.machines.zoo import community

pytestmark = pytest.mark.xdist_group("machines")  # one worker compiles for all


@pytest.mark.parametrize(
    ("name", "series"),
    [
        ("heat_pump", ("temperature",)),
        ("heated_room", ("temperature", "irradiance")),
        ("wind_turbine", ("wind_speed",)),
        ("hydrogen", ()),
    ],
)
def test_what_moves_a_device_is_seen_at_the_end_of_the_observation(name, series):
    scenario = community(name)
    assert seen(scenario) == series
    names = [f"{one}{ahead}" for one in series for ahead in ("", *AHEAD)]
    assert [one.name for one in features(scenario)][-len(names) or None :][: len(names)] == names


AHEAD = ("_in_1h", "_in_3h", "_in_8h", "_in_24h")


def test_the_present_is_that_of_the_data():
    scenario = community("heat_pump")
    key = choose_key(scenario, 0, "test", 5)
    hours = step_means(weather.load("de2018").of("temperature_c"), 1.0)
    first = 24 * key.start_day
    shown = draw(scenario, key).weather[:, 0]
    assert shown.shape == (168, PER_SERIES)
    assert shown[:, 0] == pytest.approx(hours[first : first + 168], abs=1e-3)


@pytest.mark.parametrize("by_ratio", [False, True])
def test_changing_the_weather_to_come_changes_no_forecast_before(by_ratio):
    first = 24 * int(start_days("test", 7)[4])
    now = np.random.default_rng(0).uniform(0.0, 500.0, 24 * DAYS_PER_YEAR)
    other = now.copy()
    other[first + 50 : first + 168] = 0.0
    for one, changed in zip(ahead(now, 24, by_ratio), ahead(other, 24, by_ratio), strict=True):
        assert np.array_equal(one[: first + 50], changed[: first + 50])
        assert not np.array_equal(one[first + 50 :], changed[first + 50 :])


def test_a_forecast_keeps_a_share_of_the_deviation():
    now = np.tile(np.arange(24.0) + 100.0, DAYS_PER_YEAR)
    warmer = now.copy()
    step = 24 * int(start_days("test", 7)[0]) + 6
    warmer[step] += 10.0
    for one, hours, share in zip(
        ahead(warmer, 24, False), (1, 3, 8, 24), (0.6, 0.35, 0.15, 0.1), strict=True
    ):
        assert one[step] == pytest.approx(now[step + hours] + share * 10.0)


def test_light_and_wind_are_never_negative():
    year = weather_year(community("heated_room"))
    assert year[:, PER_SERIES:].min() == 0.0
    assert weather_year(community("wind_turbine")).min() >= 0.0
