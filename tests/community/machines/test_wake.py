"""Turbines behind others, and where the wind comes from."""

import numpy as np
import pytest

from p2p_market.assets.drivers.wind import direction_deg, in_wake
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.scenario.laws import generation_of
from p2p_market.community.scenario.scenario import build, validated
from tests.community.machines.zoo import content


def turbine(**parameters):
    values = content("wind_turbine")
    values["members"][0]["assets"][-1] |= parameters
    return build(validated(values, "wind.yaml"))


def year_kw(scenario):
    node = scenario.generators[0][0]
    return generation_of(scenario, node, 0, 365, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("wind", "sector", "taken"),
    [(270, 270, True), (285, 270, True), (286, 270, False), (350, 5, True), (349, 5, False)],
)
def test_a_wake_is_fifteen_degrees_to_each_side(wind, sector, taken):
    assert in_wake(np.array([wind]), sector).tolist() == [taken]


def test_the_wind_comes_mostly_from_the_west():
    wind = direction_deg(np.random.default_rng(0).standard_normal((2, 35040)))
    assert wind.min() >= 0.0
    assert wind.max() < 360.05
    west, east = in_wake(wind, 270.0).mean(), in_wake(wind, 90.0).mean()
    assert west > 0.1 > 0.06 > east > 0.0
    turned = np.abs((np.diff(wind) + 180.0) % 360.0 - 180.0)
    assert np.median(turned) < 10.0  # it turns slowly


def test_who_stands_behind_others_loses_in_their_sector_only():
    free, behind = year_kw(turbine()), year_kw(turbine(wake=0.3, wake_sector_deg=270.0))
    always = year_kw(turbine(wake=0.3))
    assert always == pytest.approx(0.7 * free, abs=2e-3)
    assert (behind <= free + 1e-9).all()
    assert (behind >= always - 2e-3).all()
    lost = 1.0 - behind.sum() / free.sum()
    assert 0.3 * 0.05 < lost < 0.3 * 0.5


def test_a_week_behind_others_is_drawn():
    scenario = turbine(wake=0.3, wake_sector_deg=270.0)
    week = draw(scenario, choose_key(scenario, 0, "test", 1)).pv_kw[:, 0, 0]
    assert 0.0 < week.max() <= 30.0
