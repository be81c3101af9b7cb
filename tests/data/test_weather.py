"""Weather beside the sun: digests, labels, and figures of the series."""

import numpy as np
import pytest

from p2p_market import data
from p2p_market.data import dataset, sources, weather
from p2p_market.errors import DataError

DE = weather.load("de2018")
TEMPERATURE_C = DE.of("temperature_c")


def test_every_digest_agrees(monkeypatch):
    weather.verify()
    stored = dict(weather.arrays())
    stored["temperature_c"] = stored["temperature_c"] + np.float32(0.01)
    monkeypatch.setattr(weather, "arrays", lambda: stored)
    with pytest.raises(DataError, match="temperature_c"):
        weather.verify()


def test_the_published_digests_stay():
    assert weather.card()["digest"].startswith("5f2c6ed4597180d4")
    assert dataset.card("de2018")["digest"].startswith("d34c3be349d638c1")


def test_the_builders_write_the_cards_that_are_shipped():
    pytest.importorskip("pandas")
    from tools import build_de2018, build_weather

    for name, wheels, entries in (
        ("de2018", build_de2018.WHEELS, build_de2018.CARD),
        (weather.SET, build_weather.NEEDED, build_weather.WEATHER_CARD),
    ):
        shipped = (sources.FOLDER / f"{name}.json").read_text(encoding="utf-8")
        stored = dict(sources.embedded_arrays(name))
        assert build_de2018.card_text(name, stored, wheels, entries) == shipped


def test_the_file_is_small():
    assert (sources.FOLDER / f"{weather.SET}.npz").stat().st_size < 400_000


def test_every_series_has_a_label_and_every_array_a_source():
    for entry in weather.card()["arrays"].values():
        assert entry["licence"] in {"CC-BY-4.0", "CDLA-Permissive-2.0"}
        assert entry["source"]
        assert entry["attribution"]
    for name in weather.card()["arrays"]:
        assert DE.labels[name] == weather.card()["arrays"][name]["label"]
    for name in ("de2018", "synthetic:3", "de2018+synthetic"):
        one = weather.load(name)
        assert set(one.labels) == set(one.series)
        for values in one.series.values():
            assert values.shape[-1] == 35_040
            assert np.isfinite(values).all()
            assert not values.flags.writeable


def test_temperature_is_that_of_the_test_reference_year():
    """Region 6; the file's first hours are -2.1, -2.8 and -3.3 C."""
    assert TEMPERATURE_C.mean() == pytest.approx(7.79, abs=0.005)
    assert TEMPERATURE_C.min() == -9.0
    assert TEMPERATURE_C.max() == pytest.approx(29.36)
    middles = (TEMPERATURE_C[1::4] + TEMPERATURE_C[2::4])[:3] / 2.0
    assert middles == pytest.approx([-2.1, -2.8, -3.3], abs=0.06)
    rhythm = TEMPERATURE_C.reshape(365, 96).mean(axis=0)
    assert rhythm.argmax() / 4.0 == pytest.approx(14.5, abs=1.0)


@pytest.mark.parametrize(
    ("building", "loss", "fit"),
    [
        ("old_building_single_family_house", 0.376, 0.96),
        ("passive_single_family_house", 0.056, 0.78),
        ("old_building_multi_party_house", 0.699, 0.96),
        ("passive_multi_party_house", 0.187, 0.88),
    ],
)
def test_heat_fits_the_temperature_by_day_of_the_year(building, loss, fit):
    lack = np.maximum(15.0 - TEMPERATURE_C.reshape(365, 96).mean(axis=1), 0.0)
    heat = DE.of("heat_kw", building).reshape(365, 96).mean(axis=1)
    slope = (heat * lack).sum() / (lack * lack).sum()
    left = ((heat - slope * lack) ** 2).sum() / ((heat - heat.mean()) ** 2).sum()
    assert slope == pytest.approx(loss, abs=0.001)
    assert weather.LOSS_KW_PER_K[building] == loss
    assert 1.0 - left == pytest.approx(fit, abs=0.01)
    for days in (1, 7, 30):
        moved = np.roll(heat, days)
        assert np.corrcoef(moved, lack)[0, 1] < np.corrcoef(heat, lack)[0, 1]


def test_rivers_are_low_in_autumn():
    days = DE.of("river_fraction").reshape(365, 96).mean(axis=1)
    ends = np.cumsum([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    months = [part.mean() for part in np.split(days, ends[:-1])]
    known = [1.10, 1.03, 0.89, 1.18, 1.34, 1.30, 1.03, 0.91, 0.89, 0.75, 0.74, 0.84]
    assert months == pytest.approx(known, abs=0.006)
    assert days.mean() == pytest.approx(1.0, abs=1e-4)
    assert np.corrcoef(days[1:], days[:-1])[0, 1] == pytest.approx(0.97, abs=0.005)


def test_the_rank_of_the_wind_is_a_rank():
    rank, wind = DE.of("wind_rank"), data.load("de2018").wind_fraction
    assert np.sort(rank) == pytest.approx((np.arange(35_040) + 0.5) / 35_040)
    assert np.all(np.diff(wind[np.argsort(rank)]) >= 0.0)
    assert weather.rank_of(np.array([3.0, 1.0, 3.0])).tolist() == [0.5, 1 / 6, 2.5 / 3]


def test_an_invented_year_is_as_warm_as_germany_and_its_own():
    one, other = (weather.synthetic_temperature_c(seed) for seed in (0, 1))
    assert not np.array_equal(one, other)
    assert np.array_equal(one, weather.synthetic_temperature_c(0))
    days = one.reshape(365, 96).mean(axis=1)
    assert days.mean() == pytest.approx(9.5, abs=1.0)
    assert days[:31].mean() < 3.0 < 15.0 < days[181:212].mean()
    rhythm = one.reshape(365, 96).mean(axis=0)
    assert rhythm.argmax() / 4.0 == pytest.approx(15.0, abs=0.5)
    assert (rhythm.max() - rhythm.min()) / 2.0 == pytest.approx(4.0, abs=0.1)
    heat = weather.heat_by_temperature_kw(one)
    assert heat.shape == (4, 35_040)
    assert heat[0].sum() / 4000.0 == pytest.approx(22.0, abs=5.0)  # MWh
    assert np.all(heat[:, np.repeat(days > 15.0, 96)] == 0.0)


def test_rivers_of_an_invented_year_are_as_lazy_as_germanys():
    one, other = (weather.synthetic_river_fraction(seed) for seed in (0, 1))
    assert not np.array_equal(one, other)
    assert np.array_equal(one, weather.load("synthetic:0").of("river_fraction"))
    days = one.reshape(365, 96).mean(axis=1)
    assert days.mean() == pytest.approx(1.0, abs=0.05)
    assert 0.3 < days.min() < days[270:330].mean() < 0.9 < 1.2 < days[100:170].mean()
    assert np.corrcoef(days[1:], days[:-1])[0, 1] == pytest.approx(0.97, abs=0.015)


def test_what_a_set_lacks_is_named():
    with pytest.raises(DataError, match=r"synthetic.*no series 'snow'"):
        weather.load("synthetic").of("snow")
    with pytest.raises(DataError, match="no building 'castle'; known: old_building"):
        DE.of("heat_kw", "castle")
    with pytest.raises(DataError, match="known: de2018"):
        weather.load("atlantis")


def test_a_set_without_weather_has_none(monkeypatch):
    monkeypatch.setattr(dataset, "load", lambda name: data.DataSet)
    empty = weather._loaded.__wrapped__("ca2017", "")
    with pytest.raises(DataError, match=r"'ca2017' has no series 'wind_rank' .*: none"):
        empty.of("wind_rank")
