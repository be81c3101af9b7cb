"""The embedded data: digests, clocks, plausibility against published figures."""

import numpy as np
import pytest

from p2p_market import data
from p2p_market.data import dataset, sources
from p2p_market.errors import DataError

DE = data.load("de2018")


def test_every_digest_agrees():
    data.verify("de2018")


def test_a_damaged_array_is_named(monkeypatch):
    arrays = dict(dataset._arrays("de2018"))
    arrays["co2_g_per_kwh"] = arrays["co2_g_per_kwh"] + np.uint16(1)
    monkeypatch.setattr(dataset, "_arrays", lambda name: arrays)
    with pytest.raises(DataError, match="co2_g_per_kwh"):
        data.verify("de2018")
    del arrays["heat_w"], arrays["co2_g_per_kwh"]
    with pytest.raises(DataError, match="not in both"):
        data.verify("de2018")


def test_unknown_and_unreadable_sets_are_named(monkeypatch, tmp_path):
    with pytest.raises(DataError, match="known: de2018"):
        data.load("atlantis")
    monkeypatch.setattr(sources, "FOLDER", tmp_path)
    with pytest.raises(DataError, match="cannot be read"):
        dataset.card("de2018")
    (tmp_path / "de2018.json").write_text("{}")
    (tmp_path / "de2018.npz").write_text("nothing")
    with pytest.raises(DataError, match="cannot be read"):
        dataset._arrays("de2018")


def test_every_array_has_label_source_licence():
    described = dataset.card("de2018")["arrays"]
    assert set(described) == set(dataset._arrays("de2018"))
    for entry in described.values():
        assert entry["label"] in {"measured", "resampled", "simulated", "synthetic"}
        assert entry["source"]
        assert entry["licence"] in {"CC-BY-4.0", "ODbL-1.0", "CDLA-Permissive-2.0"}


def test_price_is_that_of_germany_2018():
    price = 1000.0 * DE.day_ahead_eur_per_kwh[::4]
    assert price.mean() == pytest.approx(44.5, abs=0.1)
    assert price.std() == pytest.approx(17.8, abs=0.1)
    assert (price < 0.0).mean() == pytest.approx(0.015, abs=0.001)
    assert np.all(DE.day_ahead_eur_per_kwh.reshape(-1, 4) == DE.day_ahead_eur_per_kwh[::4, None])


def test_co2_intensity_is_plausible():
    assert DE.co2_g_per_kwh.mean() == pytest.approx(505.0, abs=10.0)
    assert DE.co2_g_per_kwh.std() == pytest.approx(131.0, abs=5.0)
    daily = DE.co2_g_per_kwh.reshape(365, 96).mean(axis=1)
    price = DE.day_ahead_eur_per_kwh.reshape(365, 96).mean(axis=1)
    assert np.corrcoef(daily, price)[0, 1] > 0.5


def test_the_grid_does_not_know_summer_time():
    changes = np.flatnonzero(np.diff(DE.summer_time.astype(int)))
    days = [(change + 1) / 96 for change in changes]
    assert days == [83 + 2 / 24, 300 + 2 / 24]  # 25 March and 28 October, 02:00 at UTC+1
    light = (DE.solar_clearness.reshape(365, 96) > 0.0).mean
    for days_of in (slice(0, 60), slice(150, 210)):
        lit = DE.solar_clearness.reshape(365, 96)[days_of].max(axis=0) > 0.0
        noon = np.flatnonzero(lit).mean() / 4.0 + 0.125
        assert noon == pytest.approx(12.4, abs=0.4)
    assert light() < 0.6


def test_donors_have_mean_one_and_the_days_of_their_year():
    kinds = {"household": 5 + 4, "commercial": 9, "farm": 2}
    for kind, count in kinds.items():
        assert sum(donor.kind == kind for donor in DE.donors) == count
    for donor in DE.donors:
        assert donor.shape.mean() == pytest.approx(1.0, abs=1e-4)
        assert donor.shape.min() >= 0.0
        assert donor.shape.shape == (366 if donor.year == 2016 else 365, 96)
        assert donor.label == ("measured" if donor.year == 2016 else "simulated")
        assert not donor.shape.flags.writeable


def test_household_shapes_look_like_households():
    evening = []
    for donor in DE.donors[:5]:
        hourly = donor.shape.reshape(-1, 24, 4).mean(axis=(0, 2))
        evening.append(hourly[17:21].mean())
        assert hourly[1:5].mean() < 0.8
        assert 6.0 < donor.shape.max() < 18.0
    assert np.median(evening) == pytest.approx(1.35, abs=0.15)


def test_prices_of_the_days_with_23_and_25_hours_are_on_the_grid():
    """By hand from the local rows: 02:00 is missing on 25 March and comes twice on 28 October."""
    price = 1000.0 * DE.day_ahead_eur_per_kwh[::4].reshape(365, 24)
    assert price[83, [1, 2, 22]] == pytest.approx([38.01, 37.85, 39.54], abs=1e-4)
    assert price[300, [0, 1, 2, 23]] == pytest.approx([43.58, 41.62, 41.59, 27.93], abs=1e-4)


def test_the_sun_does_not_jump_at_the_clock_changes():
    """Noon of the national clearness on either side of a change: on a local clock, an hour off."""
    lit = DE.solar_clearness.reshape(365, 96) > 0.0
    noon = (lit * np.arange(96)).sum(axis=1) / lit.sum(axis=1) / 4.0
    for day in (83, 300):
        assert noon[day - 7 : day].mean() == pytest.approx(noon[day : day + 7].mean(), abs=0.25)


def test_households_have_the_published_rhythm():
    """Medians over the five measured shapes: lag of a quarter-hour 0.75, weekends as weekdays."""
    lag, weekend = [], []
    for donor in DE.donors[:5]:
        series = donor.shape.ravel()
        lag.append(np.corrcoef(series[:-1], series[1:])[0, 1])
        free = (donor.first_weekday + np.arange(len(donor.shape))) % 7 > 4
        weekend.append(donor.shape[free].mean() / donor.shape[~free].mean())
    assert np.median(lag) == pytest.approx(0.75, abs=0.02)
    assert np.median(weekend) == pytest.approx(1.0, abs=0.02)
    assert (min(weekend), max(weekend)) == pytest.approx((0.76, 1.10), abs=0.01)


def test_shops_close_on_sundays():
    shop = next(donor for donor in DE.donors if donor.name == "G1-A")
    weekday = (shop.first_weekday + np.arange(366)) % 7
    daily = shop.shape.mean(axis=1)
    assert daily[weekday == 6].mean() < 0.7 * daily[weekday < 5].mean()


@pytest.mark.parametrize("donor", DE.donors[:16], ids=lambda donor: donor.name)
def test_donors_keep_their_hours_across_the_clock_changes(donor):
    """On the local clock working days look best alike unshifted, not an hour apart."""
    weekday = (donor.first_weekday + np.arange(len(donor.shape))) % 7
    days = np.flatnonzero(weekday < 5)
    spring, autumn, near = 86, 303, 56  # first days after 27 March and 30 October 2016
    in_summer = (days >= spring) & (days < autumn)
    at_change = np.minimum(abs(days - spring), abs(days - autumn)) < near
    summer = donor.shape[days[in_summer & at_change]].mean(axis=0)
    winter = donor.shape[days[~in_summer & at_change]].mean(axis=0)
    likeness = {q: np.corrcoef(np.roll(summer, q), winter)[0, 1] for q in range(-8, 9)}
    assert abs(max(likeness, key=likeness.__getitem__)) <= 2


def test_the_feeder_is_a_tree_with_all_its_connection_points():
    feeder = DE.feeder
    assert len(feeder.parent) == 96
    assert len(feeder.load_node) == 99
    assert feeder.parent[0] == -1
    assert np.all(feeder.parent[1:] < np.arange(1, 96))
    assert np.all(feeder.length_km[1:] > 0.0)
    assert np.all((feeder.load_node > 0) & (feeder.load_node < 96))
    assert feeder.transformer_kva == 250.0
    assert 0.1 < feeder.distance_km.max() < 2.0


def test_buildings_need_more_heat_in_winter():
    assert DE.heat_kw.shape == DE.hot_water_kw.shape == (4, 35_040)
    assert np.all(DE.heat_kw[:, :5_000].mean(axis=1) > DE.heat_kw[:, 15_000:20_000].mean(axis=1))
