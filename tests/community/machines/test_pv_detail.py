"""Roofs in detail: under the clouds of all, less in the heat and with age, and off at no cost."""

import numpy as np
import pytest

from p2p_market.assets.pv import pv
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.scenario.laws import generation_of
from p2p_market.community.scenario.scenario import build, validated
from tests.community.machines.zoo import content

pytestmark = pytest.mark.xdist_group("machines")  # one worker compiles for all

ROOF = {"kind": "pv", "peak_kw": 20.0, "tilt_deg": 30.0, "azimuth_deg": 180.0}


def scenario_of(**changes):
    values = content("geothermal_binary")
    values["members"][0]["assets"][-1] = ROOF | changes
    return build(validated(values, "roof.yaml"))


def power_kw(scenario, week=6):
    return draw(scenario, choose_key(scenario, 0, "test", week)).pv_kw[:, 0, 0]


def test_a_roof_in_detail_stands_under_the_same_clouds():
    plain, detail = power_kw(scenario_of()), power_kw(scenario_of(detail=True))
    bright = plain > 2.0
    ratio = detail[bright] / plain[bright]
    assert np.corrcoef(plain, detail)[0, 1] > 0.995
    assert 0.85 < ratio.min() < ratio.max() < 1.15


def test_a_year_in_detail_gives_about_what_a_roof_gives():
    scenario = scenario_of(detail=True)
    node = scenario.generators[0][0]
    year = generation_of(scenario, node, 0, 365, np.random.default_rng(0)).sum()
    assert 950.0 < year / 20.0 < 1100.0  # kWh per kWp


def test_age_takes_power_and_the_inverter_limits_it():
    new, old = power_kw(scenario_of(detail=True)), power_kw(scenario_of(detail=True, age_years=20))
    assert old.sum() / new.sum() == pytest.approx(0.995**20, abs=0.01)
    assert power_kw(scenario_of(detail=True, inverter_kw=8.0)).max() == 8.0


def test_without_detail_nothing_else_counts():
    assert pv(20.0, 30.0, 180.0).driver == "sun"
    with pytest.raises(ValueError, match="needs detail"):
        pv(20.0, 30.0, 180.0, age_years=3.0)
    with pytest.raises(ValueError, match="leave it out"):
        pv(20.0, 30.0, 180.0, system_factor=0.8, detail=True)
