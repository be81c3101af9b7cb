"""How demand is derived, on years made for it: exports, lost control zones, integers."""

import numpy as np
import pytest

pd = pytest.importorskip("pandas")

from tools import build_system as build  # noqa: E402
from tools.build_de2018 import QUARTERS  # noqa: E402

ALL = np.ones(QUARTERS, dtype=bool)


def made_year(seed=0):
    """Demand by weekday and hour, and wind and sun that change from day to day [MW]."""
    generator = np.random.default_rng(seed)
    day, quarter = np.divmod(np.arange(QUARTERS), 96)
    home = 50_000.0 + 10_000.0 * np.sin(quarter / 96.0 * np.pi) - 8_000.0 * (day % 7 > 4)
    wind = np.repeat(generator.gamma(2.0, 6_000.0, 365), 96)
    wind += generator.uniform(0.0, 2_000.0, QUARTERS)
    light = np.maximum(np.sin((quarter - 24) / 48.0 * np.pi), 0.0)
    solar = 20_000.0 * light * np.repeat(generator.uniform(0.2, 1.0, 365), 96)
    return home, wind, solar


def test_shares_that_leave_are_found_again():
    home, wind, solar = made_year()
    total = home + 0.3 * wind + 0.6 * solar
    assert build.exported_shares(total, wind, solar, ALL) == pytest.approx((0.3, 0.6), abs=1e-9)


def test_demand_is_what_stays_at_usual_wind_and_sun():
    home, wind, solar = made_year()
    _, month = build.cells()
    usual = 0.3 * build.mean_of(month, wind, ALL) + 0.6 * build.mean_of(month, solar, ALL)
    demand = build.demand_mw(home + 0.3 * wind + 0.6 * solar, wind, solar, ALL)
    assert demand == pytest.approx(home + usual, abs=1e-5)


def test_lost_quarters_touch_neither_the_shares_nor_the_rest_and_are_filled():
    home, wind, solar = made_year()
    total = home + 0.3 * wind + 0.6 * solar
    complete = ALL.copy()
    complete[10_000:10_060] = False
    whole = build.demand_mw(total, wind, solar, complete)
    holed = np.where(complete, total, total - 12_000.0)
    assert build.exported_shares(holed, wind, solar, complete) == pytest.approx((0.3, 0.6))
    filled = build.demand_mw(holed, wind, solar, complete)
    assert filled == pytest.approx(whole, abs=1e-6)
    assert filled[~complete] == pytest.approx(
        build.demand_mw(total, wind, solar, ALL)[~complete], abs=500.0
    )


def test_a_zone_is_lost_while_nuclear_power_is_away_and_one_quarter_longer():
    nuclear = np.full(100, 9_000.0)
    nuclear[20:24] -= 2_600.0
    nuclear[50:] -= 1_400.0  # a reactor trips
    nuclear[60:65] -= 4_000.0
    assert np.flatnonzero(~build.is_complete(nuclear)).tolist() == [*range(20, 25), *range(60, 66)]


def test_a_zone_that_never_comes_back_is_no_gap():
    nuclear = np.full(100, 9_000.0)
    nuclear[20:] -= 4_000.0
    with pytest.raises(AssertionError):
        build.is_complete(nuclear)


def test_cells_follow_month_day_type_and_time():
    cell, month = build.cells()
    saturday = 5 * 96 + 7
    assert cell[saturday] == 96 + 7
    assert cell[saturday + 96] == 2 * 96 + 7
    assert cell[31 * 96] == 3 * 96  # 1 February 2018 is a Thursday
    assert month[31 * 96 + 5] == 96 + 5
    assert len(np.unique(cell)) == 12 * 3 * 96
    assert month[-1] == 12 * 96 - 1


def test_arrays_hold_all_wind_no_pumped_storage_and_missing_oil_is_none():
    home, wind, solar = made_year()
    land = np.minimum(wind, 20_000.0)
    table = pd.DataFrame(
        {
            "Nuclear": np.full(QUARTERS, 9_000.0),
            "Other": home,
            "Fossil Oil": np.full(QUARTERS, np.nan),
            "Wind Onshore": land,
            "Wind Offshore": wind - land,
            "Solar": solar,
        }
    )
    pumped = pd.DataFrame({build.PUMPED: np.linspace(0.0, 8_000.0, QUARTERS)})
    arrays = build.system_arrays(pd.concat([table, pumped], axis=1))
    calm = build.system_arrays(pd.concat([table, 0.0 * pumped], axis=1))
    for name in ("demand", "wind", "solar"):
        assert np.array_equal(arrays[name], calm[name])
        assert arrays[name].dtype == np.uint16
        assert arrays[name].max() == 65_535
    assert arrays["wind"] == pytest.approx(wind / wind.max() * 65_535, abs=0.501)
