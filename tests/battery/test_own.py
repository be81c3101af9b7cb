"""A battery in markets of a user's own."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from p2p_market.battery.episode.episode import draw, keys
from p2p_market.battery.labels import labels
from p2p_market.battery.records import COLUMN, MARKET
from p2p_market.battery.scenario import build
from p2p_market.data import sources
from p2p_market.data.own.columns import COLUMNS
from p2p_market.data.own.store import import_markets
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.registry import load_scenario
from p2p_market.testing import check_policy
from p2p_market.tracks import track_of

OWN = ("intraday", "imbalance_mw", "marginal", "activation", "mfrr_call", "afrr_cap_up")
HOURS = 365 * 24


@pytest.fixture(scope="module")
def values():
    """Of each quarter-hour of 2018 and column."""
    generator = np.random.default_rng(5)
    number = np.arange(4 * HOURS)
    return {
        "day_ahead": 50.0 + 40.0 * np.sin(number // 4 % 24 / 24.0 * 6.28).round(2),
        "intraday": generator.integers(-50, 200, 4 * HOURS).astype(float),
        "imbalance_mw": generator.integers(-900, 900, 4 * HOURS).astype(float),
        "marginal": generator.choice([0.8, 1.2], 4 * HOURS),
        "activation": generator.choice([-1.0, 0.0, 1.0], 4 * HOURS),
        "mfrr_call": generator.choice([-1.0, 0.0, 1.0], 4 * HOURS),
        "afrr_cap_up": generator.integers(1, 30, 4 * HOURS).astype(float),
    }


@pytest.fixture(scope="module")
def prices(values, tmp_path_factory):
    """The name of the imported year, in a cache of its own."""
    folder = tmp_path_factory.mktemp("own")
    first = datetime(2018, 1, 1)
    rows = [",".join(["time_utc", *values])]
    for place, row in enumerate(zip(*values.values(), strict=True)):
        start = first + place * timedelta(minutes=15)
        rows.append(",".join([f"{start:%Y-%m-%dT%H:%M}", *map(str, row)]))
    (folder / "a.csv").write_text("\n".join(rows), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(sources.CACHE_VARIABLE, str(folder))
        yield import_markets("mine", folder / "a.csv", folder, utc_offset_h=0.0).name


def scenario(prices, name="battery-146-v0", **changed):
    spec = load_scenario(name).spec.model_copy(update={"prices": prices, **changed})
    return build(spec)


def test_every_column_of_a_file_is_one_of_the_market():
    assert {name.removesuffix("_mw") for name in COLUMNS} == MARKET.keys()


@pytest.mark.parametrize("name", ["battery-146-v0", "battery-146-quarter-v0"])
def test_the_users_columns_take_the_place_of_drawn_ones(prices, values, name):
    of = scenario(prices, name)
    one, other = (draw(of, key) for key in keys(of, "test", 0)[3][:2])
    first = 96 * one.keys[0].start_day
    quarters = {
        column: own[first : first + 4 * 168].reshape(of.steps, -1) for column, own in values.items()
    }
    rows = one.market[0, 1:-1]
    for column in ("intraday", "day_ahead", "afrr_cap_up"):
        mean = np.round(quarters[column].mean(axis=1), 2)
        assert rows[:, COLUMN[column]].tolist() == mean.tolist()
    assert np.allclose(rows[:, COLUMN["imbalance"]], quarters["imbalance_mw"].mean(1), atol=0.051)
    assert rows[:, COLUMN["marginal"]].tolist() == quarters["marginal"].min(axis=1).tolist()
    sign = np.sign((quarters["activation"] == 1.0).sum(1) - (quarters["activation"] == -1.0).sum(1))
    tie = (sign == 0) & (quarters["activation"] != 0.0).any(axis=1)
    assert rows[:, COLUMN["activation"]].tolist() == np.where(tie, 1.0, sign).tolist()
    last = np.arange(of.steps) * of.dt_h // 1 % 24 == 23
    assert not rows[last, COLUMN["mfrr_call"]].any()
    assert rows[~last, COLUMN["mfrr_call"]].any()
    drawn = [column for column in MARKET if labels(of)[column] == "synthetic"]
    places = [COLUMN[column] for column in drawn if column != "spread"]
    assert not np.array_equal(rows[:, places], other.market[0, 1:-1, places].T)
    assert np.array_equal(rows[:, COLUMN["spread"]], other.market[0, 1:-1, COLUMN["spread"]])


def test_labels_digest_and_play(prices):
    of = scenario(prices)
    told = labels(of)
    own = {name.removesuffix("_mw") for name in OWN} | {"day_ahead"}
    assert {name for name, label in told.items() if label == "user's"} == own
    assert {told[name] for name in told.keys() - own} == {"synthetic"}
    assert labels(load_scenario("battery-146-v0"))["day_ahead"] == "measured"
    assert of.digest != scenario("de2018").digest
    for role in track_of(of).roles(of):
        check_policy(load_policy("reserve-first", of, role.name), of, role=role.name)


def test_always_stays_always(prices):
    of = scenario(prices, "battery-146-literal-v0")
    rows = draw(of, keys(of, "test", 0)[0][0]).market[0, 1:-1]
    assert set(rows[:, COLUMN["mfrr_call"]].tolist()) == {0.0, 2.0}
