"""Markets of a user's own: tables as people have them, and what is wrong with some."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from typer.testing import CliRunner

from p2p_market.commands.app import app
from p2p_market.data import load, sources
from p2p_market.data.dataset import card
from p2p_market.data.own.store import import_markets, own_columns
from p2p_market.errors import DataError
from p2p_market.registry import load_scenario, scenario_of

HOUR = timedelta(hours=1)
NEW_YEAR = datetime(2024, 1, 1)  # a Monday; 366 days


def summer(start):
    """Whether a time at UTC is in summer time, by the dates of 2024."""
    return datetime(2024, 3, 31, 1) <= start < datetime(2024, 10, 27, 1)


def write(path, header, rows, separator=","):
    path.write_text("\n".join([separator.join(header), *map(separator.join, rows)]), "utf-8")
    return path


def at_utc(first, hours, step_h=1.0):
    """Rows whose price is the place of the hour, modulo 1000."""
    count = round(hours / step_h)
    times = [first + i * step_h * HOUR for i in range(count)]
    return [[f"{t:%Y-%m-%dT%H:%M}Z", f"{i * step_h // 1 % 1000:g}"] for i, t in enumerate(times)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(sources.CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path


def imported(folder, path, **how):
    import_markets("mine", path, folder / "cache", **how)
    return sources.read_arrays("own:mine")


def test_a_year_at_utc_is_put_on_its_clock(folder):
    """The first hour of the grid has no row: it is as its neighbour."""
    path = write(folder / "a.csv", ["time_utc", "day_ahead"], at_utc(NEW_YEAR, 366 * 24))
    price = imported(folder, path)["day_ahead_eur_per_mwh"]
    assert price[:4].tolist() == [0.0, 0.0, 1.0, 2.0]
    assert load("own:mine").day_ahead_eur_per_kwh[8] == pytest.approx(0.001)
    price = imported(folder, path, utc_offset_h=0.0)["day_ahead_eur_per_mwh"]
    assert price[:3].tolist() == [0.0, 1.0, 2.0]


def test_any_first_weekday_is_rolled_to_a_monday(folder):
    first = datetime(2023, 1, 1)  # a Sunday
    path = write(folder / "a.csv", ["time_utc", "day_ahead"], at_utc(first, 365 * 24))
    price = imported(folder, path, utc_offset_h=0.0)["day_ahead_eur_per_mwh"]
    assert price[:3].tolist() == [24.0, 25.0, 26.0]


def test_a_year_may_start_on_any_day(folder):
    first = datetime(2024, 7, 1)
    path = write(folder / "a.csv", ["time_utc", "day_ahead"], at_utc(first, 365 * 24))
    price = imported(folder, path, utc_offset_h=0.0)["day_ahead_eur_per_mwh"].reshape(365, 24)
    assert price[182, 5] == 5.0  # Monday 1 July 2024 stands for Monday 2 July 2018
    assert price[0, 0] == 182 * 24 % 1000  # and Monday 30 December 2024 for Monday 1 January


@pytest.mark.parametrize("marked", [True, False])
@pytest.mark.parametrize("separator", ["/", "."])
def test_central_european_days_of_23_and_25_hours(folder, marked, separator):
    """As ENTSO-E exports them: the missing hour without a price, the double hour twice."""
    rows, start = [], NEW_YEAR - HOUR
    layout = f"%d{separator}%m{separator}%Y %H:%M:%S"
    for place in range(366 * 24):
        wall, after = (t + (2 if summer(t) else 1) * HOUR for t in (start, start + HOUR))
        change = wall.date() in (datetime(2024, 3, 31).date(), datetime(2024, 10, 27).date())
        zones = [" (CEST)" if summer(t) else " (CET)" for t in (start, start + HOUR)]
        zones = zones if marked and change else ["", ""]
        cell = f"{wall.strftime(layout)}{zones[0]} - {after.strftime(layout)}{zones[1]}"
        rows.append([f'"{cell}"', "BZN|DE-LU", f'"{place % 1000}"'])
        if not marked and start == datetime(2024, 3, 31, 0):
            gone = wall + HOUR
            rows.append([f"{gone.strftime(layout)} - {gone.strftime(layout)}", "BZN|DE-LU", "-"])
        start += HOUR
    header = ["MTU (CET/CEST)", "Area", "Day-ahead Price (EUR/MWh)"]
    price = imported(folder, write(folder / "a.csv", header, rows))["day_ahead_eur_per_mwh"]
    assert price.tolist() == [float(hour % 1000) for hour in range(365 * 24)]


def test_semicolons_decimal_commas_and_a_byte_order_mark(folder):
    rows = [[time, f"{value},5"] for time, value in at_utc(NEW_YEAR, 366 * 24)]
    path = write(folder / "a.csv", ["time_utc", "day_ahead"], rows, ";")
    path.write_text("\ufeff" + path.read_text("utf-8"), "utf-8")
    assert imported(folder, path, utc_offset_h=0.0)["day_ahead_eur_per_mwh"][7] == 7.5
    path = write(folder / "b.csv", ["time_utc", "day_ahead"], rows, "\t")
    assert imported(folder, path, utc_offset_h=0.0)["day_ahead_eur_per_mwh"][7] == 7.5


@pytest.mark.parametrize("step_h", [0.25, 0.5, 1.0])
def test_steps_of_15_30_and_60_minutes(folder, step_h):
    rows = [[*row, row[1]] for row in at_utc(NEW_YEAR, 366 * 24, step_h)]
    path = write(folder / "a.csv", ["time_utc", "day_ahead", "intraday"], rows)
    arrays = imported(folder, path, utc_offset_h=0.0)
    assert arrays["day_ahead_eur_per_mwh"][:3].tolist() == [0.0, 1.0, 2.0]
    assert own_columns("own:mine")["intraday"][:9].tolist() == [0.0] * 4 + [1.0] * 4 + [2.0]
    assert own_columns("own:mine").keys() == {"intraday"}


def test_a_table_may_change_its_step(folder):
    """As day-ahead prices did on 1 October 2025."""
    rows = at_utc(datetime(2025, 1, 1), 273 * 24) + [
        [time, "7"] for time, _ in at_utc(datetime(2025, 10, 1), 92 * 24, 0.25)
    ]
    path = write(folder / "a.csv", ["time_utc", "day_ahead"], rows)
    import_markets("mine", path, folder / "cache", utc_offset_h=0.0)
    entry = card("own:mine")["arrays"]["day_ahead_eur_per_mwh"]
    assert entry["filled_quarters"] == 0


def test_gaps_of_three_hours_are_filled_and_longer_ones_named(folder):
    rows = at_utc(NEW_YEAR, 366 * 24)
    states = [[*row, "1" if place < 500 else "0"] for place, row in enumerate(rows)]
    header = ["time_utc", "day_ahead", "activation"]
    path = write(folder / "a.csv", header, states[:498] + states[501:])
    arrays = imported(folder, path, utc_offset_h=0.0)
    assert np.all(np.diff(arrays["day_ahead_eur_per_mwh"][490:510]) > 0.0)
    assert own_columns("own:mine")["activation"][1991:2005].tolist() == [1.0] * 13 + [0.0]
    path = write(folder / "a.csv", header, states[:498] + states[502:])
    with pytest.raises(DataError, match=r"a\.csv, after row 499, column 'day_ahead'.* 4 h from "):
        imported(folder, path, utc_offset_h=0.0)


def test_labels_and_digests_of_the_card(folder):
    rows = [[*row, "12.5"] for row in at_utc(NEW_YEAR, 366 * 24)]
    path = write(folder / "a.csv", ["time_utc", "day_ahead", "intraday"], rows)
    imported(folder, path)
    found = card("own:mine")
    assert found["arrays"]["day_ahead_eur_per_mwh"]["label"] == "user's"
    assert "a.csv" in found["arrays"]["day_ahead_eur_per_mwh"]["source"]
    assert found["arrays"]["co2_g_per_kwh"]["label"] == "measured"


LINE = "2024-01-01T05:00Z,5"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (LINE, "2024-01-01T05:00Z,cheap", ["row 7", "'day_ahead'", "'cheap' is not a number"]),
        (LINE, "2024-01-01T05:00Z,1_000", ["row 7", "not a number"]),
        (LINE, "2024-01-01T05:00Z,inf", ["row 7", "not a number"]),
        (LINE, '2024-01-01T05:00Z,"1,5"', ["row 7", "separators of thousands"]),
        (LINE, "2024-01-01T05:00Z,4001", ["row 7", "outside -500 to 4000 EUR/MWh", "--clip"]),
        (LINE, "5 o'clock,5", ["row 7", "'time_utc'", "is not a time", "2024-03-31T01:00Z"]),
        (LINE, "0001-01-01T00:00+02:00,5", ["row 7", "is not a time"]),
        (LINE, "2024-01-01T05:05Z,5", ["row 7", "start of a quarter-hour"]),
        (LINE, "2024-01-01T03:00Z,5", ["row 7", "is not after row 6"]),
        (LINE, f"{LINE}\n2024-01-01T05:00Z,6", ["row 8", "same time, with other values, as row 7"]),
        (LINE, "2024-01-01T05:00Z,5,5", ["row 7", "3 cells, the header has 2"]),
        ("time_utc", "time", ["0 columns of times", "MTU (UTC)", "'time'"]),
        ("day_ahead", "price", ["no column 'day_ahead'"]),
        ("2024-12-31T23:00Z", "2025-12-31T23:00Z", ["731 whole days", "365 or 366"]),
    ],
)
def test_what_is_wrong_is_named(folder, old, new, words):
    path = write(folder / "a.csv", ["time_utc", "day_ahead"], at_utc(NEW_YEAR, 366 * 24))
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(DataError) as error:
        imported(folder, path, utc_offset_h=0.0)
    for word in ["a.csv", *words]:
        assert word in str(error.value)


def test_the_same_row_twice_counts_once_and_cutting_is_said(folder):
    path = write(folder / "a.csv", ["time_utc", "day_ahead"], at_utc(NEW_YEAR, 366 * 24))
    text = path.read_text("utf-8").replace(LINE, f"{LINE}\n{LINE}").replace("Z,6\n", "Z,6000\n", 1)
    path.write_text(text, "utf-8")
    done = import_markets("mine", path, folder / "cache", utc_offset_h=0.0, clip=True)
    assert done.cut == {"day_ahead": 1}
    assert sources.read_arrays("own:mine")["day_ahead_eur_per_mwh"][5:7].tolist() == [5.0, 4000.0]


@pytest.mark.parametrize("name", ["Mine", "../mine", "a--b", "", "x" * 41])
def test_names_are_plain(folder, name):
    with pytest.raises(DataError, match="is no name"):
        import_markets(name, folder / "a.csv", folder)


def test_what_was_never_imported_says_how(folder):
    with pytest.raises(DataError, match="p2p-market data import other --load FILE"):
        load("own:other")
    with pytest.raises(DataError, match=r"no data set 'own:Mine'; known: .*own:<name>"):
        load("de2018+own:Mine")


def test_the_command_says_what_each_column_is(folder):
    rows = [[*row, "12.5", "x"] for row in at_utc(NEW_YEAR, 366 * 24)]
    path = write(folder / "a.csv", ["time_utc", "day_ahead", "intraday", "intra_day"], rows)
    done = CliRunner().invoke(app, ["data", "import", "mine", "--markets", str(path)])
    assert done.exit_code == 0, done.output
    lines = {line.split()[0]: line.split() for line in done.output.splitlines() if line.split()}
    assert lines["intraday"][:3] == ["intraday", "EUR/MWh", "user's"]
    assert lines["spread"] == ["spread", "EUR/MWh", "synthetic"]
    assert "not read: intra_day" in done.output
    assert "days begin at midnight of UTC+1" in " ".join(done.output.split())
    assert "prices: own:mine" in done.output.replace("\n", "")
    done = CliRunner().invoke(app, ["data", "list"])
    assert "own:mine" in done.output


def test_a_community_takes_its_day_ahead_prices(folder):
    rows = [[time, f"{int(value) % 60}"] for time, value in at_utc(NEW_YEAR, 366 * 24)]
    path = write(folder / "a.csv", ["time_utc", "day_ahead"], rows)
    import_markets("mine", path, folder / "cache", utc_offset_h=0.0)
    spec = load_scenario("community-16-v0").spec.model_copy(update={"prices": "own:mine"})
    data = scenario_of(spec.model_dump_json()).data
    expected = [hour % 60 / 1000.0 for hour in range(999)]
    assert data.day_ahead_eur_per_kwh[: 4 * 999 : 4].tolist() == pytest.approx(expected)
    assert data.digest != load_scenario("community-16-v0").data.digest


def test_who_must_have_a_column_is_not_told_to_leave_it_out(folder):
    rows = at_utc(NEW_YEAR, 366 * 24)
    gone = [[time, "" if 100 <= place < 105 else value] for place, (time, value) in enumerate(rows)]
    path = write(folder / "a.csv", ["time_utc", "day_ahead"], gone)
    with pytest.raises(DataError, match=r"no value for 5 h .*: fill it yourself$"):
        imported(folder, path)
    both = [[time, value, lost] for (time, value), (_, lost) in zip(rows, gone, strict=True)]
    path = write(folder / "b.csv", ["time_utc", "day_ahead", "intraday"], both)
    with pytest.raises(DataError, match=r"fill it yourself, or leave the column out$"):
        imported(folder, path)
