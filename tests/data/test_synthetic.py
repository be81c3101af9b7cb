"""The generator: statistics against the measured ones, streams of their own, golden digests."""

import numpy as np
import pytest

from p2p_market import data
from p2p_market.data import synthetic

SEEDS = range(5)
YEARS = {seed: synthetic.generate(seed, homes=12, firms=3) for seed in SEEDS}


def lag(series, steps):
    return np.corrcoef(series[steps:], series[:-steps])[0, 1]


def price_statistics(price):
    days = price.reshape(365, 24)
    return {
        "mean": price.mean(),
        "sd": price.std(),
        "negative": (price < 0.0).mean(),
        "lag 1 h": lag(price, 1),
        "lag 24 h": lag(price, 24),
        "lag 168 h": lag(price, 168),
        "daily spread": np.ptp(days, axis=1).mean(),
    }


def close(found, expected, share=0.25):
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=share), name


@pytest.mark.parametrize("seed", SEEDS)
def test_prices_are_like_those_of_germany_2024(seed):
    price = YEARS[seed]["day_ahead_eur_per_mwh"].astype(float)
    expected = {"mean": 78.5, "sd": 52.7, "negative": 0.052, "lag 1 h": 0.92}
    expected |= {"lag 24 h": 0.65, "daily spread": 111.0}
    close(price_statistics(price), expected)
    assert np.array_equal(price.astype(np.float32), np.round(price, 2).astype(np.float32))


def test_crisis_prices_are_like_those_of_the_netherlands_2022():
    years = [price_statistics(synthetic.prices(s, "synthetic-crisis").astype(float)) for s in SEEDS]
    found = {name: np.mean([year[name] for year in years]) for name in years[0]}
    expected = {"mean": 241.9, "sd": 131.5, "negative": 0.010, "lag 1 h": 0.96}
    close(found, expected | {"lag 24 h": 0.83, "lag 168 h": 0.69, "daily spread": 205.0})


@pytest.mark.parametrize("seed", SEEDS)
def test_co2_sun_and_wind_are_like_germany(seed):
    year = YEARS[seed]
    co2, sun = year["co2_g_per_kwh"].astype(float), year["solar_clearness"].astype(float)
    wind = year["wind_fraction"].astype(float).reshape(365, 96).mean(axis=1)
    close({"mean": co2.mean(), "sd": co2.std()}, {"mean": 505.0, "sd": 131.0})
    daily = np.array([day[day > 0.0].mean() for day in sun.reshape(365, 96)])
    close(
        {"mean": daily.mean(), "sd": daily.std(), "wind": np.log(wind).std()},
        {"mean": 0.57, "sd": 0.23, "wind": 0.63},
    )
    price = year["day_ahead_eur_per_mwh"].reshape(365, 24).mean(axis=1)
    assert np.corrcoef(np.log(wind), price)[0, 1] < -0.35
    assert np.corrcoef(co2.reshape(365, 96).mean(axis=1), price)[0, 1] > 0.35
    assert sun.min() >= 0.0
    assert sun.max() <= np.float32(1.1)
    assert (sun == 0.0).mean() > 0.4


def home_statistics(shape):
    series, hours = shape.ravel(), shape.reshape(-1, 24, 4).mean(axis=2)
    hourly, day = hours.ravel(), shape.mean(axis=1)
    return {
        "20th percentile": np.percentile(series, 20),
        "lag 15 min": lag(series, 1),
        "lag 1 h": lag(hourly, 1),
        "lag 24 h": lag(hourly, 24),
        "evening": hours.mean(axis=0)[17:21].mean(),
        "night": hours.mean(axis=0)[1:5].mean(),
        "daily spread": day.std(),
        "spikes": (series > 3.0).mean(),
        "energy of spikes": series[series > 3.0].sum() / series.sum(),
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_homes_are_like_the_measured_ones(seed):
    """Medians over the homes against the five SimBench shapes."""
    year = YEARS[seed]
    shapes = year["donor_synthetic_shape"][:12] * year["donor_synthetic_scale"][0]
    homes = [home_statistics(shape) for shape in shapes]
    found = {name: np.median([home[name] for home in homes]) for name in homes[0]}
    expected = {"20th percentile": 0.32, "lag 15 min": 0.75, "lag 1 h": 0.66, "lag 24 h": 0.31}
    expected |= {"evening": 1.35, "night": 0.43, "daily spread": 0.36}
    close(found, expected | {"spikes": 0.055, "energy of spikes": 0.23})
    assert 7.0 < np.median(shapes.max(axis=(1, 2))) < 18.0
    pairs = np.corrcoef(shapes.reshape(12, -1, 4).mean(axis=2))[np.triu_indices(12, 1)]
    assert pairs.mean() == pytest.approx(0.26, rel=0.25)


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_negative_and_shapes_have_mean_one(seed):
    year = YEARS[seed]
    for name, array in year.items():
        if name not in ("day_ahead_eur_per_mwh", "feeder_parent") and array.dtype.kind in "fiu":
            assert array.min(initial=0.0) >= 0.0, name
    shapes = year["donor_synthetic_shape"] * year["donor_synthetic_scale"][:, None, None]
    assert shapes.mean(axis=(1, 2)) == pytest.approx(1.0, abs=1e-4)


def test_firms_rest_at_night_and_at_weekends():
    firms = synthetic.businesses(0, 5)
    assert np.all(firms[:, :, 36:52].mean(axis=(1, 2)) > 1.2)
    assert np.all(firms[:, 5::7].mean(axis=(1, 2)) < firms[:, 2::7].mean(axis=(1, 2)))


def test_another_donor_changes_none_of_the_others():
    for draw in (synthetic.households, synthetic.businesses):
        assert np.array_equal(draw(3, 2), draw(3, 4)[:2])
        assert not np.array_equal(draw(3, 2), draw(4, 2))
    few, many = synthetic.generate(5, homes=1, firms=1), synthetic.generate(5, homes=3, firms=2)
    for name in few:
        if not name.startswith("donor_"):
            assert np.array_equal(few[name], many[name]), name


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("synthetic", "eb9181749b0eea57dcedb25a3806523e3e8b450d370f3f77c97a4670da8ad50f"),
        ("synthetic:64", "a6961a81d73fc4f025b0045bcd4db578324c5f8fb4fe45595cb94ddc004a808c"),
        (
            "de2018+synthetic-crisis:4",
            "96b61fd6653fea9f70d3f85ed88dcf8a7fe0679a4a2d0011d5795994f6e65443",
        ),
    ],
)
def test_seeds_keep_their_meaning(name, digest):
    assert data.load(name).digest == digest
    data.verify(name)


def test_the_first_seed_is_zero_and_seeds_differ():
    assert data.load("synthetic").digest == data.load("synthetic:0").digest
    assert data.load("synthetic").digest != data.load("synthetic:1").digest
