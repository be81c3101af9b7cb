"""Series on days and on the year's calendar: clocks, gaps, days left out, leap years, cycles."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from p2p_market.data import load, sources
from p2p_market.data.calendar import split_mask
from p2p_market.data.own.community import import_community
from p2p_market.data.own.days import days_of, places, summer_of, year_of_days
from p2p_market.data.own.plan import Wishes
from p2p_market.data.own.series import Series
from p2p_market.errors import DataError
from tests.data.own_files import BERLIN, loads, prices, stamps, sun, table


def series(times, value, minutes=60):
    start = np.array([round(time.timestamp()) for time in times])
    width = np.full(len(start), 60 * minutes)
    return Series("home", start, width, np.asarray(value, dtype=float), np.arange(len(start)) + 2)


def hours(first, days, zone=BERLIN):
    times = stamps(first, days, zone=zone)
    return times, np.array([100.0 * time.timetuple().tm_yday + time.hour for time in times])


def test_days_of_23_and_25_hours_by_the_wall_and_by_the_grid():
    """By the wall the missing hour lies between its neighbours and the double one is a mean."""
    times, value = hours((2024, 3, 30), 3)
    by_wall = days_of(series(times, value), BERLIN).value
    assert by_wall.shape == (3, 96)
    assert by_wall[1, [4, 12]].tolist() == [9101.0, 9103.0]
    assert 9101.0 < by_wall[1, 8] < 9103.0
    times, _ = hours((2024, 10, 26), 3)
    counted = np.arange(len(times), dtype=float)
    by_wall = days_of(series(times, counted), BERLIN).value
    assert by_wall[1, [4, 8, 12]].tolist() == [25.0, 26.5, 28.0]
    grid = days_of(series(times, counted), ZoneInfo("Etc/GMT-1"))
    assert np.all(np.diff(grid.value.ravel()[::4]) == 1.0)
    summer = summer_of(date(2024, 10, 26), 3, BERLIN, timedelta(hours=1))
    assert summer.sum(axis=1).tolist() == [96, 8, 0]


def test_gaps_of_three_hours_lie_on_a_line_and_longer_ones_leave_the_day_out():
    times, value = hours((2024, 1, 1), 6)
    value[5:8] = np.nan
    value[49:53] = np.nan
    found = days_of(series(times, value), BERLIN)
    assert found.filled == 12
    assert np.all(np.diff(found.value[0, 19:33]) > 0.0)
    assert found.left_out == (date(2024, 1, 3),)
    assert found.gaps == (
        "no value for 3 h after row 6: interpolated",
        "no value for 4 h after row 50: its days are left out",
    )
    value[:3] = np.nan
    assert days_of(series(times, value), BERLIN).first == date(2024, 1, 1)
    value[3] = np.nan
    assert days_of(series(times, value), BERLIN).first == date(2024, 1, 2)


def test_a_day_left_out_is_taken_from_a_multiple_of_28_days_away():
    """So its weekday and its split stay."""
    times, value = hours((2024, 1, 1), 366)
    value[24 * 10 + 2 : 24 * 10 + 8] = np.nan
    year = year_of_days(days_of(series(times, value), BERLIN))
    assert not np.isnan(year).any()
    assert year[10, 0] == year[38, 0] == 3900.0
    for day in range(20, 60):
        value[24 * day : 24 * day + 5] = np.nan
    with pytest.raises(DataError, match=r"41 of 366 days .*, the first on 2024-01-11; at most 10%"):
        year_of_days(days_of(series(times, value), BERLIN))


@pytest.mark.parametrize("days", [112, 150, 364])
def test_less_than_a_year_is_whole_cycles_repeated_and_keeps_splits_apart(days):
    first = date(2023, 5, 3)  # a Wednesday
    found = places(first, days)
    cycles = days // 28
    assert {*found.tolist()} == set(range(28 * cycles))
    weekday = (first.weekday() + found) % 7
    assert np.array_equal(weekday, np.arange(365) % 7)
    parts = [{*found[split_mask(split)].tolist()} for split in ("train", "validation", "test")]
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]
    assert not parts[1] & parts[2]
    own = np.flatnonzero(found == 0)
    assert np.min(np.abs(own - 122)) <= 3  # where it was measured: 3 May


def test_fewer_than_four_cycles_are_refused():
    with pytest.raises(DataError, match=r"111 whole days .* needs at least 112"):
        places(date(2023, 5, 3), 111)


def test_leap_years_and_years_from_any_day():
    for first, days in ((date(2024, 1, 1), 366), (date(2023, 7, 9), 366), (date(2023, 3, 1), 365)):
        found = places(first, days)
        assert np.array_equal((first.weekday() + found) % 7, np.arange(365) % 7)
        away = np.abs((found + first.timetuple().tm_yday - 1 - np.arange(365) + 182) % 365 - 182)
        assert away.max() <= 5


@pytest.mark.parametrize("minutes", [5, 15, 30])
def test_finer_and_coarser_rows_are_means_of_quarter_hours(minutes):
    times = stamps((2024, 1, 1), 1, minutes)
    value = np.arange(len(times), dtype=float)
    found = days_of(series(times, value, minutes), BERLIN).value[0]
    if minutes == 5:
        assert found[:2].tolist() == pytest.approx([1.0, 4.0])
    else:
        assert found[:4].tolist() == ([0.0, 1.0, 2.0, 3.0] if minutes == 15 else [0, 0, 1, 1])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(sources.CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path


def write_loads(folder, first, days, name="load.csv", zone=BERLIN):
    times = stamps(first, days, zone=zone)
    return table(folder / name, ["time", "a [kW]", "b [kW]"], times, loads(times, 2))


def test_of_several_years_the_last_one_that_is_common_is_taken(folder):
    times = stamps((2023, 1, 1), 500)
    files = {
        "load": [write_loads(folder, (2022, 6, 1), 600)],
        "price": [table(folder / "p.csv", ["time", "ct/kWh"], times, prices(times) / 10.0)],
    }
    done = import_community("x", files, folder / "cache", Wishes(zone="Europe/Berlin"))
    assert {(own.first, own.last) for own in done.columns} == {
        (date(2023, 1, 22), date(2024, 1, 21))
    }
    assert not any("different dates" in told for told in done.told)


def test_years_that_do_not_meet_are_put_on_one_calendar_and_it_is_told(folder):
    times = stamps((2024, 1, 1), 366)
    files = {
        "load": [write_loads(folder, (2019, 1, 1), 112)],
        "price": [table(folder / "p.csv", ["time", "EUR/kWh"], times, prices(times) / 1000.0)],
    }
    done = import_community("x", files, folder / "cache", Wishes(zone="Europe/Berlin"))
    assert any("different dates" in told for told in done.told)
    assert any("112 days from 2019-01-01 on are 4 cycles" in told for told in done.told)
    assert load("own:x").day_ahead_eur_per_kwh.max() == pytest.approx(prices(times).max() / 1e3)


def test_south_of_the_equator_summer_time_is_in_january(folder):
    zone = ZoneInfo("Australia/Sydney")
    files = {"load": [write_loads(folder, (2023, 1, 1), 365, zone=zone)]}
    import_community("x", files, folder / "cache", Wishes(zone="Australia/Sydney"))
    data = load("own:x")
    assert data.utc_offset_h == 10.0
    assert data.summer_time[:96].all()
    assert not data.summer_time[96 * 180 : 96 * 181].any()


def test_co2_and_a_fixed_clock(folder):
    times = [datetime(2023, 1, 1, tzinfo=UTC) + i * timedelta(hours=1) for i in range(365 * 24)]
    path = table(folder / "c.csv", ["time_utc", "g/kWh"], times, np.arange(len(times)) % 900)
    import_community("x", {"co2": [path]}, folder / "cache", Wishes(zone="UTC"))
    data = load("own:x")
    assert data.co2_g_per_kwh[:8].tolist() == [24.0] * 4 + [25.0] * 4  # Monday is 2 January
    assert not data.summer_time.any()
    assert data.donors[0].label == "measured"


def test_what_is_refused(folder):
    wishes = Wishes(zone="Europe/Berlin")
    path = write_loads(folder, (2023, 1, 1), 112)
    with pytest.raises(DataError, match="two columns of load are called 'a'"):
        import_community("x", {"load": [path, path]}, folder, wishes)
    with pytest.raises(DataError, match="no file; give at least one of --load"):
        import_community("x", {}, folder, wishes)
    times = stamps((2023, 1, 1), 112)
    dark = table(folder / "pv.csv", ["time", "a [kW]"], times, 0.0 * sun(times, 1))
    with pytest.raises(DataError, match="'a' of pv is zero all year"):
        import_community("x", {"pv": [dark]}, folder, wishes)
    utc = table(folder / "u.csv", ["time_utc", "a [kW]"], times, sun(times, 1))
    with pytest.raises(DataError, match="in which time zone do its days begin"):
        import_community("x", {"load": [utc]}, folder)
