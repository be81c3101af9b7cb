"""A community of one's own: loads, PV, prices and CO2 from files to an episode."""

import json
import re
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from p2p_market.commands.app import app
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.episode.window import window
from p2p_market.community.scenario.scenario import build
from p2p_market.community.scenario.starter import starter
from p2p_market.data import load, sources, verify
from p2p_market.data.calendar import split_mask
from p2p_market.data.dataset import card
from p2p_market.data.own.community import import_community
from p2p_market.data.own.plan import Wishes
from p2p_market.errors import ScenarioError
from p2p_market.registry import load_scenario, make, make_batch, parallel_env, scenario_of
from report.community.pages import data_labels
from report.community.pages import sources as attributions
from tests.data.own_files import loads, prices, stamps, sun, table

HOMES = ["home-1 [kWh]", "home-2 [kWh]", "home-3 [kWh]"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(sources.CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture(scope="module")
def village(tmp_path_factory):
    """A year of three homes, two roofs and prices: hourly, on the clock of Berlin."""
    folder = tmp_path_factory.mktemp("village")
    times = stamps((2024, 1, 1), 366)
    kw, pv = loads(times, 3), sun(times, 2)
    files = {
        "load": [table(folder / "load.csv", ["time", *HOMES], times, kw)],
        "pv": [table(folder / "pv.csv", ["time", "home-1 [kW]", "home-3 [kW]"], times, pv)],
        "price": [table(folder / "p.csv", ["time", "EUR/MWh"], times, prices(times))],
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(sources.CACHE_VARIABLE, str(folder))
        done = import_community("village", files, folder, Wishes(zone="Europe/Berlin"))
        data = load("own:village")
        scenario = scenario_of(_json(starter(data)))
        described = card("own:village") | {"page": (data_labels(scenario), attributions(scenario))}
        verify("own:village")
        yield done, data, scenario, described, (times, kw, pv)


def _json(text):
    return json.dumps(yaml.safe_load(text))


def test_loads_are_played_as_they_were_measured(village):
    """On a day of winter and one of summer; 7 July 2018 is Saturday 6 July 2024."""
    _, _, scenario, _, (times, kw, _) = village
    for week, (month, day) in ((0, (1, 22)), (6, (7, 8))):
        key = choose_key(scenario, 5, "test", week)
        episode = draw(scenario, key)
        at = next(i for i, t in enumerate(times) if (t.month, t.day) == (month, day))
        dst = 1 if month == 7 else 0  # the grid's day begins an hour after that of the wall
        measured = kw[at + dst : at + dst + 24 * 7]
        assert np.allclose(episode.load_kw[:, 0], measured, atol=6e-4)
        other = draw(scenario, choose_key(scenario, 6, "test", week))
        assert np.array_equal(episode.load_kw, other.load_kw)


def test_measured_pv_is_played_and_expected_from_its_training_days(village):
    _, data, scenario, _, (_, _, pv) = village
    key = choose_key(scenario, 0, "test", 3)
    episode, first = draw(scenario, key), 96 * key.start_day
    power_kw = data.roofs[1].power_kw[first : first + 96 * 7 : 4]
    assert np.allclose(episode.pv_kw[:, 0, 2], power_kw, atol=6e-4)
    assert not episode.pv_kw[:, 0, 1].any()
    assert data.roofs[1].power_kw.max() == pytest.approx(pv[:, 1].max())
    days = data.roofs[1].power_kw.reshape(365, 96).astype(float)
    cycle = np.minimum(np.arange(365) // 28, 12)
    near = split_mask("train") & (np.abs(cycle - 3) <= 1)
    expected = window(scenario, key.start_day).expected_pv_kw[:24, 2]
    assert np.allclose(expected, days[near].mean(axis=0)[::4], atol=6e-4)
    assert np.all(episode.pv_kw <= episode.pv_ceiling_kw + 1e-9)


def test_the_card_labels_the_users_own_and_keeps_what_is_not(village):
    done, data, _, described, _ = village
    arrays = described["arrays"]
    for name in ("user_load_kw", "user_pv_kw", "solar_clearness", "day_ahead_eur_per_mwh"):
        assert arrays[name]["label"] == "user's"
    assert arrays["co2_g_per_kwh"]["label"] == "measured"
    assert arrays["feeder_parent"]["label"] != "user's"
    assert not [name for name in arrays if name.startswith("donor_")]
    assert "load.csv, SHA-256 " in arrays["user_load_kw"]["source"]
    labels, sources_of = described["page"]
    assert "Loads: user's, as measured. Retail prices: user's day-ahead price" in labels
    assert "PV: user's, as measured." in labels
    assert "the user (that of the user's files)" in sources_of
    numbers = ["1", "2", "3", "1", "3"]
    assert [own.name for own in done.columns] == [*(f"home-{n}" for n in numbers), "price"]
    assert data.utc_offset_h == 1.0
    assert 0.0 > data.day_ahead_eur_per_kwh.min() > -0.06


def test_energy_stays_over_the_year(village):
    """Of 366 days one is left out; the hour that summer takes or gives is a mean of its own."""
    done, data, _, _, (_, kw, _) = village
    means = [donor.mean_kw for donor in data.donors]
    assert means == pytest.approx(kw.mean(axis=0), rel=2e-3)
    assert all(own.first == date(2024, 1, 1) for own in done.columns)


def test_homes_are_donors_too_and_unknown_columns_are_told(village, folder):
    _, data, scenario, _, _ = village
    spec = scenario.spec.model_dump(mode="json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("p2p_market.community.scenario.scenario.load", lambda _: data)
        spec["members"][1]["assets"] = [{"kind": "load", "donor": "home-2", "annual_kwh": 4000}]
        drawn = scenario_of(json.dumps(spec))
        loads = [
            draw(drawn, choose_key(drawn, seed, "test", 3)).load_kw[:, 0, 1] for seed in (0, 1)
        ]
        assert not np.array_equal(*loads)
        spec["members"][1]["assets"] = [{"kind": "load", "column": "home-9"}]
        with pytest.raises(ScenarioError, match=r"members\[1\]: no column 'home-9' of load"):
            scenario_of(json.dumps(spec))
        spec["members"][1]["assets"] = [{"kind": "load", "column": "home-1", "annual_kwh": 1}]
        with pytest.raises(ScenarioError, match=r"members\[1\]\.assets\[0\]\.annual_kwh"):
            scenario_of(json.dumps(spec))


def test_observations_stay_in_their_space_and_nobody_is_held(village):
    """A roof that gives much in a morning of which its training days let nothing be expected."""
    _, data, scenario, _, _ = village
    power_kw = data.roofs[1].power_kw.reshape(365, 96).copy()
    power_kw[split_mask("train"), 40:50] *= 6e-3
    roofs = (data.roofs[0], replace(data.roofs[1], power_kw=power_kw.ravel()))
    with pytest.MonkeyPatch.context() as patch:
        odd = replace(data, roofs=roofs)
        patch.setattr("p2p_market.community.scenario.scenario.load", lambda _: odd)
        spec = {**scenario.spec.model_dump(mode="json"), "id": "odd-v0"}
        env = parallel_env(scenario_of(json.dumps(spec)))
    space = env.observation_space("prosumer_2")
    seen, _ = env.reset(seed=3, options={"split": "test", "week": 3})
    while env.agents:
        assert space.contains(seen["prosumer_2"])
        still = np.zeros(env.action_space("prosumer_2").shape, dtype=np.float32)
        seen, _, _, _, infos = env.step(dict.fromkeys(env.agents, still))
        assert {info["supervisor"] for info in infos.values()} == {"none"}


def test_a_batch_plays_it_as_an_environment_does(village, tmp_path):
    path = tmp_path / "village.yaml"
    path.write_text(starter(village[1]), "utf-8")
    together, alone = make_batch(str(path), 2, split="test"), make(str(path))
    seen = together.reset(seed=4)
    first, _ = alone.reset(seed=4, options={"split": "test"})
    assert np.array_equal(seen[0], np.stack(list(first.values())))
    still = np.zeros((2, *alone.action_space("prosumer_0").shape), dtype=np.float32)
    still = np.repeat(still[:, None], 3, axis=1)
    after = together.step(still)
    _, rewards, *_ = alone.step(dict(zip(alone.agents, still[0], strict=True)))
    assert after.rewards[0].tolist() == pytest.approx(list(rewards.values()))


def test_the_command_tells_what_it_mended_and_what_is_not_the_users(folder):
    times = stamps((2024, 1, 1), 112)
    power, header = loads(times, 2), ["time", "a", "b"]
    path = table(
        folder / "load.csv", header, times[:500] + times[502:], np.delete(power, [500, 501], 0)
    )
    arguments = [
        "data",
        "import",
        "mine",
        "--load",
        str(path),
        "--scenario",
        str(folder / "s.yaml"),
    ]
    done = CliRunner().invoke(app, [*arguments, "--zone", "Europe/Berlin"])
    assert (done.exit_code, "--unit load=kWh" in done.output.replace("\n", " ")) == (2, True)
    done = CliRunner().invoke(app, [*arguments, "--zone", "Europe/Berlin", "--unit", "load=kWh"])
    said = done.output.replace("\n", " ")
    assert done.exit_code == 0, said
    assert "load a, b: no value for 2 h after row 501: interpolated" in said
    assert "not imported, so taken from de2018: pv, price, co2" in said
    assert "4 cycles of 28 days" in said
    assert load_scenario(str(folder / "s.yaml")).data.donors[1].name == "b"
    listed = CliRunner().invoke(app, ["data", "list"]).output
    assert "own:mine" in listed
    assert "your own community" in listed
    for wrong in (["--unit", "kWh"], ["--column", "wind=3"], ["--stamps", "middle"]):
        assert CliRunner().invoke(app, [*arguments, *wrong]).exit_code == 2
    done = CliRunner().invoke(app, ["data", "import", "mine", "--price", "p", "--markets", "m"])
    assert (done.exit_code, "a table of its own" in done.output) == (2, True)


def test_data_imported_again_in_one_process_are_the_new_ones(folder):
    """A scenario is kept by its specification and by what the cache holds under the name."""
    times = stamps((2024, 1, 1), 112)
    held = []
    for times_over in (1.0, 2.0):
        kw = times_over * loads(times, 2)
        path = table(folder / "load.csv", ["time", "a [kW]", "b [kW]"], times, kw)
        import_community("again", {"load": [path]}, folder / "cache", Wishes(zone="Europe/Berlin"))
        if not held:
            text = _json(starter(load("own:again")).replace("limit_kw: ", "limit_kw: 1"))
        held.append(scenario_of(text))
        assert scenario_of(text) is held[-1]
    once, twice = held
    assert twice.digest != once.digest
    assert twice.data.donors[0].mean_kw == pytest.approx(2.0 * once.data.donors[0].mean_kw)


def test_feed_in_follows_own_prices_and_every_test_week_is_proved(village):
    """Below zero at some noons; batteries wear, so burning energy never pays."""
    pytest.importorskip("cvxpy")
    from baselines.community.optimal.policy import optimum
    from p2p_market.evaluation.ends.certificate import certify

    _, data, fixed, _, _ = village
    text = starter(data).replace("feed_in_eur_per_kwh: 0.10", "feed_in: {adder_eur_per_kwh: -0.01}")
    with pytest.raises(ScenarioError, match=r"-0.060, .* set floor_eur_per_kwh .* mixed_integer"):
        build(fixed.spec.model_validate(yaml.safe_load(text)))
    text = re.sub("(power_kw: [0-9.]+)}", r"\1, degradation_eur_per_kwh: 0.01}", text)
    paid = build(fixed.spec.model_validate(yaml.safe_load(text)))
    assert paid.lowest_price_eur_per_kwh == pytest.approx(
        data.day_ahead_eur_per_kwh.min() - 0.01, abs=0.0006
    )
    assert "Feed-in tariffs: user's day-ahead price plus assumed margins. " in data_labels(paid)
    planner, sold_below_zero = optimum(paid), 0.0
    for week in range(13):
        episode = draw(paid, choose_key(paid, 0, "test", week))
        certificate, played = certify(paid, episode, planner.plan(episode))
        assert certificate.holds, (week, certificate)
        below = episode.feed_in_eur_per_kwh[: paid.steps] < 0.0
        sold_below_zero += float((played.series["export_kw"] * below).sum())
    assert sold_below_zero > 1.0
