"""The drawn series follow the statistics they were fitted to."""

import numpy as np
import pytest

from p2p_market.battery.episode.episode import DRAWS, draw, keys
from p2p_market.battery.records import COLUMN, MARKET, TIERS
from p2p_market.battery.scenario import build
from p2p_market.errors import ScenarioError
from p2p_market.registry import load_scenario
from tests.battery.cases import scenario
from tests.every_scenario import ids_of

WEEKS = 3


def table(of, blocks=WEEKS):
    """All steps of many weeks by column name."""
    drawn = [
        draw(of, key) for block in range(blocks) for unit in keys(of, "test", DRAWS * block)
        for key in unit
    ]  # fmt: skip
    rows = np.concatenate([one.market[0, 1:-1] for one in drawn])
    return {name: rows[:, place] for name, place in COLUMN.items()}


@pytest.fixture(scope="module")
def hourly():
    return table(scenario())


@pytest.fixture(scope="module")
def wide():
    return table(load_scenario("battery-146-wide-v0"))


def test_day_ahead_is_measured_whatever_is_drawn():
    of = scenario()
    one, other = (draw(of, key).market[0, :, 0] for key in keys(of, "test", 0)[2][:2])
    assert one.tolist() == other.tolist()
    first = 24 * keys(of, "test", 0)[2][0].start_day
    assert one[1:-1].tolist() == of.day_ahead_eur_per_mwh[first : first + 168].tolist()


def test_an_offer_is_accepted_as_often_as_its_tier_says(hourly):
    shares = [(tier <= hourly["marginal"]).mean() for tier in TIERS]
    assert shares == pytest.approx([0.99, 0.93, 0.80, 0.61, 0.42], abs=0.03)


def test_reserve_is_called_more_often_when_the_system_is_busy(hourly):
    hour = np.arange(len(hourly["activation"])) % 24
    called, busy = hourly["activation"] != 0.0, (hour >= 17) & (hour <= 21)
    large = np.abs(hourly["imbalance"]) > 500.0
    shares = [called[where].mean() for where in (
        ~busy & ~large, busy & ~large, ~busy & large, busy & large
    )]  # fmt: skip
    assert shares == pytest.approx([0.15, 0.195, 0.225, 0.2925], abs=0.03)
    up = hourly["activation"] > 0.0
    assert np.all(hourly["imbalance"][up] > 0.0)
    assert np.all(hourly["imbalance"][called & ~up] <= 0.0)


def test_intraday_is_about_day_ahead_as_in_2024():
    of = load_scenario("battery-146-quarter-v0")
    found = table(of, 1)
    away = (found["intraday"] - found["day_ahead"]) / of.scale
    assert np.quantile(away, [0.05, 0.25, 0.5, 0.75, 0.95]) == pytest.approx(
        [-60.0, -21.0, -2.0, 17.0, 66.0], abs=8.0
    )


def test_capacity_has_its_mean_price(wide):
    of = load_scenario("battery-146-wide-v0")
    for name, mean in (("afrr_cap_up", 13.1), ("afrr_cap_down", 10.8)):
        assert wide[name].mean() / of.scale == pytest.approx(mean, rel=0.25)


def test_the_thin_system_calls_as_the_baltic_one():
    found = table(load_scenario("battery-146-thin-v0"), 1)
    hour = np.arange(len(found["mfrr_call"])) % 24
    open_hours = found["mfrr_call"][hour != 23]
    assert (open_hours == 1.0).mean() == pytest.approx(0.41, abs=0.03)
    assert (open_hours == -1.0).mean() == pytest.approx(0.51, abs=0.03)


@pytest.mark.parametrize("name", ids_of("battery"))
def test_nothing_is_called_in_the_last_hour_and_numbers_are_round(name):
    of = load_scenario(name)
    rows = draw(of, keys(of, "validation", 0)[1][0]).market[0]
    hour = (np.arange(len(rows)) - 1) * of.dt_h // 1.0 % 24
    assert not rows[hour == 23, COLUMN["mfrr_call"]].any()
    for column, unit in MARKET.items():
        digits = 1 if unit == "MW" else 4 if unit == "1" else 2
        assert (
            rows[:, COLUMN[column]].tolist() == np.round(rows[:, COLUMN[column]], digits).tolist()
        )
    assert np.all((rows[:, COLUMN["intraday"]] >= -500.0) & (rows[:, COLUMN["intraday"]] <= 1000.0))
    assert np.all(rows[:, COLUMN["spread"]] >= 1.0)


def test_weeks_and_seeds_share_no_noise():
    of = scenario()
    units = keys(of, "test", 0)
    drawn = [draw(of, key) for unit in units[:2] for key in unit[:2]]
    marginal = [one.market[0, :, COLUMN["marginal"]] for one in drawn]
    for i, one in enumerate(marginal):
        for other in marginal[i + 1 :]:
            assert abs(np.corrcoef(one, other)[0, 1]) < 0.35
    assert draw(of, units[0][1]).market.tobytes() == drawn[1].market.tobytes()


def test_keys_are_found_again_by_their_seed():
    of = scenario()
    for split, weeks in (("train", 26), ("validation", 13), ("test", 13)):
        units = keys(of, split, 6)
        assert (len(units), len(units[0])) == (weeks, DRAWS)
        for place, unit in enumerate(units):
            for key in unit:
                assert key in keys(of, split, key.seed)[place]
    with pytest.raises(ScenarioError, match="no split"):
        keys(of, "future", 0)


def test_the_scale_of_the_price_year():
    assert scenario().scale == pytest.approx(0.292, abs=1e-3)
    spec = scenario().spec
    with pytest.raises(ScenarioError, match=r"mine\.yaml: battery-146-v0: prices 'nl2031'"):
        build(spec.model_copy(update={"prices": "nl2031"}), "mine.yaml")
