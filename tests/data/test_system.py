"""A power system's year: digests, what demand is derived by, and figures of the series."""

import numpy as np
import pytest

from p2p_market.data import dataset, sources, system
from p2p_market.data.calendar import day_type
from p2p_market.errors import DataError

YEAR = system.load()
SHARES = {
    "demand": YEAR.demand_fraction,
    "wind": YEAR.wind_fraction,
    "solar": YEAR.solar_fraction,
}
LOST = (  # day, first quarter-hour and the one after the last that lack a control zone
    (83, 7, 9),
    (227, 82, 92),
    (320, 31, 97),
    (339, 43, 51),
)


def lost_quarters():
    lost = np.zeros(35_040, dtype=bool)
    for day, first, end in LOST:
        lost[96 * day + first : 96 * day + end] = True
    return lost


def from_usual(series, used):
    """Deviation from the mean of month, day type and time of day, where `used`."""
    day, quarter = np.divmod(np.arange(35_040), 96)
    ends = np.cumsum([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    cell = (np.searchsorted(ends, day, side="right") * 3 + day_type(day % 7)) * 96 + quarter
    mean = np.bincount(cell[used], series[used]) / np.bincount(cell[used])
    return series[used] - mean[cell[used]]


def test_every_digest_agrees():
    system.verify()
    assert YEAR.name == system.SET
    assert YEAR.digest == system.card()["digest"]


@pytest.mark.parametrize("name", SHARES)
def test_a_damaged_array_is_named(monkeypatch, name):
    stored = dict(system.arrays())
    stored[name] = stored[name].copy()
    stored[name][17] ^= 1
    monkeypatch.setattr(system, "arrays", lambda: stored)
    with pytest.raises(DataError, match=name):
        system.load.__wrapped__()


def test_a_file_that_cannot_be_read_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(sources, "FOLDER", tmp_path)
    with pytest.raises(DataError, match=r"de2018-system\.json: cannot be read"):
        system.load.__wrapped__()


def test_the_published_digests_stay():
    assert YEAR.digest.startswith("385a0c599745a90f")
    assert dataset.card("de2018")["digest"].startswith("d34c3be349d638c1")


def test_the_builder_writes_the_card_that_is_shipped():
    pytest.importorskip("pandas")
    from tools import build_de2018, build_system

    shipped = (sources.FOLDER / f"{system.SET}.json").read_text(encoding="utf-8")
    stored = dict(sources.embedded_arrays(system.SET))
    card = build_de2018.card_text(system.SET, stored, build_system.NEEDED, build_system.SYSTEM_CARD)
    assert card == shipped


def test_the_file_is_small_and_every_array_has_label_source_licence():
    assert (sources.FOLDER / f"{system.SET}.npz").stat().st_size < 250_000
    described = system.card()["arrays"]
    assert {name: entry["label"] for name, entry in described.items()} == {
        "demand": "derived",
        "wind": "measured",
        "solar": "measured",
    }
    for entry in described.values():
        assert entry["licence"] == "CC-BY-4.0"
        assert entry["attribution"].startswith("ENTSO-E")
        assert "2018_DE_gen_entsoe" in entry["source"]
        assert entry["dtype"] == "uint16"


@pytest.mark.parametrize("name", SHARES)
def test_series_are_shares_of_their_maximum_in_whole_steps(name):
    series = SHARES[name]
    assert series.shape == (35_040,)
    assert series.max() == 1.0
    assert series.min() >= 0.0
    assert np.array_equal(np.round(series * system.SCALE), system.arrays()[name])
    assert not series.flags.writeable


def test_figures_of_the_year():
    assert SHARES["demand"].mean() == pytest.approx(0.722, abs=0.0005)
    assert SHARES["demand"].min() == pytest.approx(0.4036, abs=0.0005)
    assert SHARES["wind"].mean() == pytest.approx(0.2771, abs=0.0005)
    assert SHARES["solar"].mean() == pytest.approx(0.1620, abs=0.0005)
    highest = {name: divmod(int(series.argmax()), 96)[0] for name, series in SHARES.items()}
    assert highest == {"demand": 56, "wind": 341, "solar": 182}  # 26 February, a week of frost


def test_wind_holds_more_than_the_onshore_wind_of_the_market_set():
    """Both are shares of the own maximum; the sea's wind is a fifth of the whole."""
    onshore = dataset.load("de2018").wind_fraction
    assert 0.98 < np.corrcoef(SHARES["wind"], onshore)[0, 1] < 0.9999
    assert SHARES["wind"].mean() > onshore.mean() + 0.01


def test_the_sun_is_that_of_the_market_set_and_dark_at_night():
    clearness = dataset.load("de2018").solar_clearness.reshape(365, 96)
    solar = SHARES["solar"].reshape(365, 96)
    assert np.all(solar[:, [0, 4, 8, 95]] < 1e-3)
    noon = solar[:, 49] / solar[:, 49].max()
    assert np.corrcoef(noon, clearness[:, 49])[0, 1] > 0.6
    lit = (solar * np.arange(96)).sum() / solar.sum() / 4.0
    assert lit == pytest.approx(12.3, abs=0.2)


@pytest.mark.parametrize("name", ["wind", "solar"])
def test_demand_knows_nothing_of_the_surplus_of_wind_and_sun(name):
    used = ~lost_quarters()
    demand, other = from_usual(SHARES["demand"], used), from_usual(SHARES[name], used)
    assert np.corrcoef(demand, other)[0, 1] == pytest.approx(0.0, abs=1e-5)


def test_demand_has_the_rhythm_of_days_and_weeks():
    days = SHARES["demand"].reshape(365, 96)
    weekday = np.arange(365) % 7
    working, saturday, sunday = (days[day_type(weekday) == kind].mean() for kind in range(3))
    assert working > saturday + 0.05 > sunday + 0.05
    assert days[:, 8:20].mean() < days[:, 36:48].mean() - 0.1
    assert days[31:59].mean() > days[120:151].mean() + 0.1


def test_hours_that_lack_a_control_zone_are_filled():
    """As reported they jump by 7 to 15 GW, a twelfth to a sixth of the maximum, and back."""
    change = np.abs(np.diff(SHARES["demand"]))
    lost = lost_quarters()
    assert change[lost[1:] | lost[:-1]].max() < 0.03
    assert change.max() < 0.062
