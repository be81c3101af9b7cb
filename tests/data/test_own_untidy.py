"""Files as table calculators and portals really write them: read as they are meant, or refused."""

import re

import numpy as np
import pytest

from p2p_market.data.own.plan import Wishes
from p2p_market.data.own.series import read_series
from p2p_market.errors import DataError
from tests.data.own_files import loads, stamps

TIMES = stamps((2024, 3, 30), 9)  # the day of 23 hours among them
KW = loads(TIMES, 2)


def written(path, header, row, end="\n", encoding="utf-8", last="\n"):
    """A file with a row for each time; `row` makes it of number, time and values."""
    rows = [row(i, time, kw) for i, (time, kw) in enumerate(zip(TIMES, KW, strict=True))]
    path.write_bytes((end.join([header, *rows]) + last).encode(encoding))
    return path


def read(path):
    return read_series(path, "load", Wishes(zone="Europe/Berlin"))


def refused(path):
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value).startswith(str(path))
    return str(caught.value).removeprefix(str(path))


def comma(value):
    return f"{value:.3f}".replace(".", ",")


def stamp(time):
    return f"{time:%d.%m.%Y %H:%M}"


def assert_as_measured(file, homes=2):
    assert len(file.series) == homes
    for place, own in enumerate(file.series):
        assert own.value == pytest.approx(KW[:, place], abs=6e-4)


def test_a_table_calculators_export(tmp_path):
    """A mark of byte order, semicolons, commas, empty columns and lines, no line end at the end."""
    path = written(
        tmp_path / "excel.csv", "Zeitstempel;Haus 1 [kWh];Haus 2 [kWh];;",
        lambda i, time, kw: f"{stamp(time)};{comma(kw[0])};{comma(kw[1])};;",
        "\r\n", "utf-8-sig", "\r\n;;;;",
    )  # fmt: skip
    assert_as_measured(file := read(path))
    assert [own.name for own in file.series] == ["Haus-1", "Haus-2"]


def test_the_last_line_needs_no_end_but_all_its_cells(tmp_path):
    def row(i, time, kw):
        return f"{time:%Y-%m-%dT%H:%M},{kw[0]:.3f}"

    path = written(tmp_path / "a.csv", "time,home [kW]", row, last="")
    assert_as_measured(read(path), 1)
    path.write_bytes(path.read_bytes()[:-8])
    assert f", row {len(TIMES) + 1}: 1 cells, the header has 2" in refused(path)


@pytest.mark.parametrize("heading", ["meter_id", "Zählpunkt"])
def test_two_meters_below_each_other(tmp_path, heading):
    def row(i, time, kw):
        day, clock = f"{time:%d.%m.%Y};{time:%H:%M}", (comma(kw[0]), comma(kw[1]))
        return "\n".join(f"DE00{place};{day};{clock[place]}" for place in (0, 1))

    path = written(tmp_path / "long.csv", f"{heading};Datum;Uhrzeit;Verbrauch kWh", row)
    assert_as_measured(file := read(path))
    assert [own.name for own in file.series] == ["DE000", "DE001"]


def test_two_meters_that_no_heading_names(tmp_path):
    def row(i, time, kw):
        return f"a;{stamp(time)};{comma(kw[0])}\nb;{stamp(time)};{comma(kw[1])}"

    path = written(tmp_path / "long.csv", "Objekt;Zeit;kWh", row)
    assert "twice, with values" in (said := refused(path))
    assert said.endswith("if these are two homes, call the column that names them 'meter'")


def test_a_year_by_the_clock_and_dashes_for_what_is_missing(tmp_path):
    def row(i, time, kw):
        return f"{stamp(time)};{'-' if i in (5, 6) else comma(kw[0])}"

    (own,) = read(written(tmp_path / "a.csv", "Zeit;home [kWh]", row)).series
    assert np.flatnonzero(np.isnan(own.value)).tolist() == [5, 6]
    assert set(np.diff(own.start)) == {3600}  # the day of 23 hours has no hole


@pytest.mark.parametrize("apart", [" ", "'", "\u2019", "\u00a0", "\u202f"])
def test_thousands_apart_by_what_means_nothing_else(tmp_path, apart):
    def row(i, time, kw):
        return f"{stamp(time)};{2000.0 * kw[0]:,.0f}".replace(",", apart)

    file = read(written(tmp_path / "a.csv", "Zeit;home [Wh]", row))
    assert file.series[0].value == pytest.approx(2.0 * KW[:, 0], abs=6e-4)
    assert "separators of thousands read" in file.told


@pytest.mark.parametrize("mark", [".", ","])
def test_thousands_that_may_be_decimals_are_refused(tmp_path, mark):
    """`1.022` Wh beside `870` would be read as one Wh, and nothing would tell."""

    def row(i, time, kw):
        return f"{stamp(time)};{2000.0 * kw[0]:,.0f}".replace(",", mark)

    said = refused(written(tmp_path / "a.csv", "Zeit;home [Wh]", row))
    found = re.search(r", row (\d+), column 'home \[Wh\]': '(1.\d{3})' may be (1\d{3}), ", said)
    assert round(2000.0 * KW[int(found[1]) - 2, 0]) == int(found[3])
    assert found[2][1] == mark
    end = {".": ",5", ",": ".5"}[mark]
    plain = written(tmp_path / "b.csv", "Zeit;home [Wh]", lambda i, t, kw: row(i, t, kw) + end)
    assert "separators of thousands read" in read(plain).told


@pytest.mark.parametrize(
    ("header", "row", "words"),
    [
        ("Zeit;Verbrauch", lambda i, t, kw: f"{stamp(t)};{comma(kw[0])} kWh",
         ["row 2, column 'Verbrauch'", "kWh' is more than a number", "'load [kWh]'"]),
        ("Zeit;home [kWh]", lambda i, t, kw: f"{45382 + i / 24:.6f};{kw[0]}",
         ["row 2", "45382.000000", "how Excel counts days"]),
        ("Zeit;home [kWh]", lambda i, t, kw: stamp(t) + ";1" if i < 200 else "Summe;200",
         ["row 202", "'Summe' is not a time"]),
    ],
)  # fmt: skip
def test_what_is_refused_says_how_to_mend_it(tmp_path, header, row, words):
    said = refused(written(tmp_path / "a.csv", header, row))
    for word in words:
        assert word in said


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_other_letters_than_utf_8(tmp_path, encoding):
    def row(i, time, kw):
        return f"{stamp(time)};{comma(kw[0])}"

    path = written(tmp_path / "a.csv", "Zeit;Müller [kWh]", row, encoding=encoding)
    assert refused(path).endswith("save it as UTF-8, in Excel as 'CSV UTF-8'")
