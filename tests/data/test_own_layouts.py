"""Files in the layouts that publishers use, a few rows each, and what is made of their cells."""

import sys
from datetime import UTC, datetime

import numpy as np
import pytest

from p2p_market.data.own.plan import Wishes
from p2p_market.data.own.series import read_series
from p2p_market.errors import DataError

SMARD = """Datum von;Datum bis;Deutschland/Luxemburg [€/MWh] Originalauflösungen
31.03.2024 00:00;31.03.2024 01:00;1.064,51
31.03.2024 01:00;31.03.2024 03:00;-5,02
31.03.2024 03:00;31.03.2024 04:00;-
31.03.2024 04:00;31.03.2024 05:00;40,00
"""
SMARD_ENGLISH = """Start date;End date;Germany/Luxembourg [€/MWh] Original resolutions
Oct 27, 2024 1:00 AM;Oct 27, 2024 2:00 AM;1,064.51
Oct 27, 2024 2:00 AM;Oct 27, 2024 3:00 AM;-5.02
Oct 27, 2024 2:00 AM;Oct 27, 2024 3:00 AM;-
Oct 27, 2024 3:00 AM;Oct 27, 2024 4:00 AM;40.00
"""
SMARD_OLDER = """Datum;Anfang;Ende;Preis [€/MWh]
27.10.2024;01:00;02:00;1064,51
27.10.2024;02:00;03:00;-5,02
27.10.2024;02:00;03:00;-
27.10.2024;03:00;04:00;40,00
"""
ENTSOE = """"MTU (CET/CEST)","Area","Sequence","Day-ahead Price (EUR/MWh)"
"01/10/2025 00:00:00 - 01/10/2025 00:15:00","BZN|DE-LU","Sequence Sequence 1","1064.51"
"01/10/2025 00:00:00 - 01/10/2025 01:00:00","BZN|DE-LU","Sequence Sequence 2","7"
"01/10/2025 00:15:00 - 01/10/2025 00:30:00","BZN|DE-LU","Sequence Sequence 1","-5.02"
"01/10/2025 00:30:00 - 01/10/2025 00:45:00","BZN|DE-LU","Sequence Sequence 1","n/e"
"01/10/2025 00:45:00 - 01/10/2025 01:00:00","BZN|DE-LU","Sequence Sequence 1","40.00"
"""
ENTSOE_UTC = """MTU (UTC);Day-ahead Price (EUR/MWh)
31.03.2024 00:00 - 31.03.2024 01:00;1064,51
31.03.2024 01:00 - 31.03.2024 02:00;-5,02
31.03.2024 02:00 - 31.03.2024 03:00;-
31.03.2024 03:00 - 31.03.2024 04:00;40,00
"""
PRICES = [1064.51, -5.02, None, 40.0]


def read(tmp_path, text, kind, name="file.csv", **wishes):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return read_series(path, kind, Wishes(**wishes))


def values(series):
    return [None if value != value else round(float(value), 6) for value in series.value]


def times(series):
    return [f"{datetime.fromtimestamp(start, UTC):%d %H:%M}" for start in series.start.tolist()]


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        (SMARD, "30 23:00", "31 02:00"),
        (SMARD_ENGLISH, "26 23:00", "27 02:00"),
        (SMARD_OLDER, "26 23:00", "27 02:00"),
        (ENTSOE, "30 22:00", "30 22:45"),
        (ENTSOE_UTC, "31 00:00", "31 03:00"),
    ],
    ids=["SMARD", "SMARD in English", "older SMARD", "ENTSO-E", "ENTSO-E at UTC"],
)
def test_prices(tmp_path, text, first, last):
    """The hour that spring leaves out, the double hour of autumn, thousands, commas, no value."""
    (series,) = read(tmp_path, "\ufeff" + text, "price").series
    assert values(series) == PRICES
    assert (times(series)[0], times(series)[-1]) == (first, last)
    assert len({*series.start.tolist()}) == 4


def test_prices_without_a_sequence(tmp_path):
    text = ENTSOE.replace("Sequence Sequence 1", "Without Sequence")
    (series,) = read(tmp_path, text, "price").series
    assert values(series) == PRICES


AUSGRID = (
    "2012-2013 Solar home electricity data - read the notes," + "," * 52 + "\n"
    "Customer,Generator Capacity,Postcode,Consumption Category,date,"
    + ",".join(f"{(m // 60) % 24}:{m % 60:02d}" for m in range(30, 1470, 30))
    + ",Row Quality\n"
    + "".join(
        f"7,3.78,2076,{what},{date},{','.join([value] * 47)},1.5,\n"
        for date in ("30/06/2013", "1/07/2013")
        for what, value in (("CL", "0.25"), ("GC", "0.5"), ("GG", "0.75"))
    )
)


def test_ausgrid(tmp_path):
    """A day per row, its half-hours by their ends; general and controlled load are one."""
    file = read(tmp_path, AUSGRID, "load")
    (load,) = file.series
    assert load.name == "home-7"
    assert values(load)[:2] == [1.5, 1.5]
    assert values(load)[47] == 6.0
    assert times(load)[0] == "29 14:00"  # midnight at UTC+10
    assert times(load)[-1] == "01 13:30"
    assert file.zone == "Australia/Sydney"
    (pv,) = read(tmp_path, AUSGRID, "pv").series
    assert values(pv)[:1] == [1.5]


FLUVIUS = """EAN_ID;Datum;Datum_Startuur;Volume_Afname_kWh;Volume_Injectie_kWh;PV_Indicator
1;2022-01-01;2021-12-31T23:00:00.000Z;0,025;0;1
1;2022-01-01;2021-12-31T23:15:00.000Z;0;0,100;1
22;2022-01-01;2021-12-31T23:00:00.000Z;0,5;0;0
22;2022-01-01;2021-12-31T23:15:00.000Z;0,25;0;0
"""


def test_fluvius(tmp_path):
    """One row per meter and quarter-hour, comma or semicolon, kWh written either way."""
    for text in (FLUVIUS, FLUVIUS.replace(",", ".").replace(";", ",").replace("kWh", "KWh")):
        one, two = read(tmp_path, text, "load").series
        assert (one.name, values(one)) == ("home-1", [0.1, 0.0])
        assert (two.name, values(two), times(two)) == (
            "home-22",
            [2.0, 1.0],
            ["31 23:00", "31 23:15"],
        )
        (chosen,) = read(tmp_path, text, "pv", columns={"pv": ("home-1",)}).series
        assert values(chosen) == [0.0, 0.4]


LONDON = """LCLid,stdorToU,DateTime,KWH/hh (per half hour) ,Acorn,Acorn_grouped
MAC000002,Std,2012-10-12 00:30:00.0000000, 0 ,ACORN-A,Affluent
MAC000002,Std,2012-10-12 01:00:00.0000000, 0.5 ,ACORN-A,Affluent
MAC000002,Std,2012-10-12 01:00:00.0000000, 0.5 ,ACORN-A,Affluent
MAC000002,Std,2012-12-18 15:13:41.0000000,Null,ACORN-A,Affluent
MAC000002,Std,2012-10-12 01:30:00.0000000, 0.25 ,ACORN-A,Affluent
"""


def test_london(tmp_path):
    """Rows that stand twice, a stray stamp without a value, and rows out of order."""
    file = read(tmp_path, LONDON, "load")
    (load,) = file.series
    assert values(load)[:3] == [0.0, 1.0, 0.5]
    assert file.zone == "Europe/London"
    assert "the same time twice, counted once: row 4" in file.told
    assert any("order of time" in text for text in file.told)


PECAN = """dataid,local_15min,air1,grid,solar,solar2
661,2018-03-11 01:45:00-06,0.1,-1.5,2.0,
661,2018-03-11 03:00:00-05,0.1,-1.0,1.75,0.25
1642,2018-03-11 01:45:00-06,0.1,0.4,,
1642,2018-03-11 03:00:00-05,0.1,0.5,,
"""


def test_pecan_street(tmp_path):
    """What the house used is what it took and what its roof gave; stamps say their offset."""
    one, two = read(tmp_path, PECAN, "load").series
    assert (one.name, values(one), times(one)) == ("home-661", [0.5, 1.0], ["11 07:45", "11 08:00"])
    assert (two.name, values(two)) == ("home-1642", [0.4, 0.5])
    (roof,) = read(tmp_path, PECAN, "pv").series  # the second house has none
    assert (roof.name, values(roof)) == ("home-661", [2.0, 2.0])
    older = "dataid,local_15min,use,gen\n1,2014-01-01 00:00:00-06,0.5,0\n"
    older += "1,2014-01-01 00:15:00-06,0.7,0.1\n"
    (load,) = read(tmp_path, older, "load").series
    assert values(load) == [0.5, 0.7]


WPUQ = """index,S_TOT,P_TOT
1546300800,500.0,450.0
1546301700,400.0,NaN
1546302600,400.0,350.0
"""


def test_wpuq(tmp_path):
    """A table of one house as it was exported: seconds since 1970, W, named after its file."""
    (load,) = read(tmp_path, WPUQ, "load", "SFH3.csv").series
    assert (load.name, values(load), times(load)[0]) == ("SFH3", [0.45, None, 0.35], "01 00:00")


def test_hdf5_without_h5py_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    (tmp_path / "2019.h5").write_bytes(b"")
    with pytest.raises(
        DataError, match=r"2019\.h5: HDF5 needs h5py; pip install h5py, or save .*CSV"
    ):
        read_series(tmp_path / "2019.h5", "load", Wishes())


def test_wpuq_as_published(tmp_path):
    h5py = pytest.importorskip("h5py", reason="the HDF5 of WPuQ needs h5py, which is no extra")
    fields = [("index", "i8"), ("S_TOT", "f8"), ("P_TOT", "f8")]
    with h5py.File(tmp_path / "2019_data_15min.hdf5", "w") as file:
        for home in ("SFH3", "SFH4"):
            rows = [(1546300800, 9.0, 450.0), (1546301700, 9.0, float("nan"))]
            for feed in ("HOUSEHOLD", "HEATPUMP"):
                file[f"NO_PV/{home}/{feed}/table"] = np.array(rows, dtype=fields)
    file = read_series(tmp_path / "2019_data_15min.hdf5", "load", Wishes())
    assert [(own.name, values(own)) for own in file.series] == [
        ("SFH3", [0.45, None]),
        ("SFH4", [0.45, None]),
    ]


UNITS = [
    ("load", "load [W]", 1000.0, 1.0),
    ("load", "load (kW)", 1.0, 1.0),
    ("load", "load_MW", 0.001, 1.0),
    ("load", "Wh", 250.0, 1.0),
    ("pv", "pv_kwh", 0.25, 1.0),
    ("load", "Last in MWh", 0.00025, 1.0),
    ("price", "Preis [€/MWh]", 50.0, 50.0),
    ("price", "price_eur_per_kwh", 0.05, 50.0),
    ("price", "ct/kWh", 5.0, 50.0),
    ("co2", "co2_g_per_kwh", 400.0, 400.0),
    ("co2", "kg/MWh", 400.0, 400.0),
    ("co2", "tCO2eq/MWh", 0.4, 400.0),
    ("co2", "kg CO2/kWh", 0.4, 400.0),
]


@pytest.mark.parametrize(("kind", "heading", "written", "kept"), UNITS)
def test_units_of_headings(tmp_path, kind, heading, written, kept):
    rows = "".join(f"2024-01-01T00:{15 * i:02d}Z,{written * (1 + i)}\n" for i in range(3))
    (series,) = read(tmp_path, f"time,{heading}\n{rows}", kind).series
    assert values(series) == pytest.approx([kept, 2.0 * kept, 3.0 * kept])


@pytest.mark.parametrize("minutes", [1, 5, 15, 30, 60])
def test_energy_of_an_interval_is_a_power(tmp_path, minutes):
    rows = "".join(f"{1704067200 + 60 * minutes * i},{0.5 + i}\n" for i in range(60 // minutes + 1))
    (series,) = read(tmp_path, f"time,kWh\n{rows}", "load").series
    assert values(series)[0] == pytest.approx(0.5 * 60 / minutes)


@pytest.mark.parametrize(
    ("heading", "first"),
    [
        ("time_utc", "01 00:00"),
        ("Zeit (UTC+1)", "31 23:00"),
        ("timestamp [UTC-8]", "01 08:00"),
        ("Zeit (MEZ/MESZ)", "31 23:00"),
    ],
)
def test_zones_of_headings(tmp_path, heading, first):
    text = f"{heading};kW\n01.01.2024 00:00;1\n01.01.2024 00:15;2\n"
    assert times(read(tmp_path, text, "load").series[0])[0] == first


def test_stamps_of_the_ends_of_intervals(tmp_path):
    """Told by the first and the last, by the heading, or by who imports; 24:00 is a midnight."""
    rows = "".join(f"01.01.2024 {m // 60:02d}:{m % 60:02d},{m}\n" for m in range(30, 1441, 30))
    text = "stamp\ttime\tkW\n".replace("stamp\t", "") + rows.replace(",", "\t")
    file = read(tmp_path, text, "load", zone="UTC")
    assert times(file.series[0])[0] == "01 00:00"
    assert any("stamps are ends of intervals" in told for told in file.told)
    (series,) = read(tmp_path, text, "load", zone="UTC", stamps="start").series
    assert times(series)[0] == "01 00:30"
    (series,) = read(
        tmp_path, "bis;kW\n2024-01-01 10:15;1\n2024-01-01 10:30;2\n", "load", zone="UTC"
    ).series
    assert times(series) == ["01 10:00", "01 10:15"]


def test_days_and_months_are_told_apart_by_the_whole_file(tmp_path):
    text = "time,kW\n12/1/2024 1:00 AM,1\n12/1/2024 2:00 AM,1\n12/13/2024 1:00 PM,1\n"
    (series,) = read(tmp_path, text, "load", zone="UTC").series
    assert times(series) == ["01 01:00", "01 02:00", "13 13:00"]
    text = "time,kW\n12/1/2024 01:00,1\n12/1/2024 02:00,1\n13/1/2024 13:00,1\n"
    (series,) = read(tmp_path, text, "load", zone="UTC").series
    assert times(series)[0] == "12 01:00"


def test_columns_are_chosen_and_named(tmp_path):
    text = "time;1 [kW];2 [kW];comment\n2024-01-01T00:00Z;1;2;a\n2024-01-01T00:15Z;3;4;b\n"
    file = read(tmp_path, text, "load")
    assert [own.name for own in file.series] == ["home-1", "home-2"]
    assert "not read: comment" in file.told
    file = read(tmp_path, text, "load", columns={"load": ("home-2",)})
    assert [own.name for own in file.series] == ["home-2"]
    rows = [f"2024-01-01T00:{minute}Z;{home};1\n" for home in "ab" for minute in ("00", "15")]
    text = "time;meter;kW\n" + "".join(rows)
    assert [own.name for own in read(tmp_path, text, "load").series] == ["a", "b"]
    several = "time,DE [EUR/MWh],FR [EUR/MWh]\n2024-01-01T00:00Z,50,60\n2024-01-01T01:00Z,50,60\n"
    (series,) = read(tmp_path, several, "price", columns={"price": ("FR",)}).series
    assert values(series) == [60.0, 60.0]
    with pytest.raises(DataError, match=r"2 columns of price .*--column price=HEADING"):
        read(tmp_path, several, "price")


def test_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    starts = [datetime(2024, 1, 1, hour, tzinfo=UTC) for hour in range(3)]
    table = pyarrow.table({"timestamp": starts, "home-a [kW]": [1.0, None, 2.5]})
    parquet.write_table(table, tmp_path / "a.parquet")
    (series,) = read_series(tmp_path / "a.parquet", "load", Wishes()).series
    assert (series.name, values(series), times(series)[0]) == (
        "home-a",
        [1.0, None, 2.5],
        "01 00:00",
    )


GOOD = "time,home-1 [kWh]\n2024-01-01T00:00Z,1\n2024-01-01T00:15Z,2\n2024-01-01T00:30Z,3\n"


@pytest.mark.parametrize(
    ("kind", "old", "new", "words"),
    [
        ("load", " [kWh]", "", ["'home-1' does not say its unit", "--unit load=kWh"]),
        ("load", "Z,2", ",2", ["row 3", "does not say its time zone", "--zone Europe/Berlin"]),
        ("load", "Z,2", "Z,zwei", ["row 3", "'zwei' is not a number"]),
        ("load", "00:15Z", "25:15Z", ["row 3", "is not a time"]),
        ("load", "00:15Z", "00:17Z", ["row 3", "not the start of a quarter-hour"]),
        ("load", "Z,2", "Z,-2", ["row 3", "-8 kW is outside", "net meter", "--clip"]),
        ("load", "00:30Z,3", "00:15Z,3", ["rows 3 and 4", "twice, with values 2 and 3"]),
        ("load", "time", "moment", []),
        ("load", "2024-01-01T00:00Z", "midnight", ["row 2", "is not a time", "write 2024-"]),
        ("load", "time", "when", []),
        ("load", "Z,2", "Z,2,5", ["row 3", "3 cells, the header has 2"]),
        ("price", "home-1 [kWh]", "price", ["does not say its unit", "--unit price=EUR/MWh"]),
        ("price", "home-1 [kWh]", "EUR/kWh", []),
        ("co2", "Z,2", "Z,2001", ["does not say its unit"]),
    ],
)
def test_what_cannot_be_told_or_is_wrong_is_named(tmp_path, kind, old, new, words):
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    if not words:
        assert read(tmp_path, text, kind).series
        return
    with pytest.raises(DataError) as error:
        read(tmp_path, text, kind)
    for word in ["file.csv", *words]:
        assert word in str(error.value)


def test_an_inverter_at_night_is_no_net_meter(tmp_path):
    text = GOOD.replace("home", "roof").replace("Z,2", "Z,-0.05")
    file = read(tmp_path, text, "pv")
    assert values(file.series[0]) == [4.0, 0.0, 12.0]
    assert "1 values of PV a little below zero, set to zero" in file.told


def test_more_that_is_refused(tmp_path):
    with pytest.raises(DataError, match="no column of times among 'when', 'kW'"):
        read(tmp_path, "when,kW\nnever,1\nsoon,2\n", "load")
    with pytest.raises(DataError, match="the heading says kWh, --unit says kW"):
        read(tmp_path, GOOD, "load", units={"load": "kW"})
    with pytest.raises(DataError, match="use one of W, kW"):
        read(tmp_path, GOOD.replace(" [kWh]", ""), "load", units={"load": "PS"})
    with pytest.raises(DataError, match=r"below 2 EUR/MWh.* EUR/kWh would be"):
        read(tmp_path, "time,EUR/MWh\n2024-01-01T00:00Z,0.09\n2024-01-01T01:00Z,-0.31\n", "price")
    rising = "".join(f"{1704067200 + 900 * i},{1000 + i // 2}\n" for i in range(200))
    with pytest.raises(DataError, match="counter of a meter"):
        read(tmp_path, f"time,kWh\n{rising}", "load")
    summer = "time,kW\n2024-03-31 01:00,1\n2024-03-31 02:00,1\n2024-03-31 03:00,1\n"
    with pytest.raises(DataError, match=r"row 3: .* left out by the clock in spring.*--zone UTC"):
        read(tmp_path, summer, "load", zone="Europe/Berlin")
    with pytest.raises(DataError, match="no time zone 'Europe/Bonn'"):
        read(tmp_path, GOOD, "load", zone="Europe/Bonn")
    with pytest.raises(DataError, match="cannot be read"):
        read_series(tmp_path / "none.csv", "load", Wishes())
    clipped = read(tmp_path, GOOD.replace("Z,2", "Z,-2"), "load", clip=True)
    assert values(clipped.series[0])[1] == 0.0
    assert "values out of range cut: row 3" in clipped.told
