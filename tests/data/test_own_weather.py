"""Weather of one's own: from a file to what moves devices."""

import numpy as np
import pytest
from typer.testing import CliRunner

from p2p_market.commands.app import app
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.scenario.scenario import build, validated
from p2p_market.data import load, sources, weather
from p2p_market.data.own.community import import_community
from p2p_market.data.own.plan import Wishes
from p2p_market.data.own.weather import weather_kinds
from p2p_market.errors import DataError, ScenarioError
from tests.community.machines.zoo import content
from tests.data.own_files import stamps, sun, table

HEADER = ["time_utc", "temperature_c", "wind_ms", "irradiance_wm2", "flow_m3s", "heat_kw_barn"]


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    """A year of 2018 in hours at UTC, three hours of it missing."""
    folder = tmp_path_factory.mktemp("weather")
    times = stamps((2018, 1, 1), 365)
    hour = np.arange(len(times))
    generator = np.random.default_rng(1)
    values = np.column_stack([
        10.0 - 8.0 * np.cos(hour / 8760.0 * 2.0 * np.pi), generator.weibull(2.0, len(hour)) * 5.0,
        300.0 * sun(times, 1)[:, 0], 0.2 + 0.1 * np.sin(hour / 500.0),
        5.0 + 3.0 * np.cos(hour / 8760.0 * 2.0 * np.pi),
    ])  # fmt: skip
    values[1000:1003] = np.nan
    layout = "%Y-%m-%dT%H:%M%z"
    path = table(folder / "weather.csv", HEADER, times, values, layout)
    path.write_text(path.read_text().replace("nan", ""))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(sources.CACHE_VARIABLE, str(folder))
        kinds = {kind: [path] for kind in weather_kinds(path)}
        done = import_community("mine", kinds, folder, Wishes(zone="Europe/Berlin"))
        yield done, values, path


def test_series_of_the_file_move_devices_and_the_rest_is_labelled(mine):
    done, values, _ = mine
    assert done.name == "own:mine"
    found = weather.load("own:mine")
    assert found.labels["temperature_c"] == "user's"
    assert found.labels["hot_water_kw"] == "simulated"
    assert found.of("temperature_c")[:8] == pytest.approx(np.repeat(values[:2, 0], 4), abs=0.006)
    assert found.of("river_fraction").mean() == pytest.approx(1.0, abs=1e-3)
    order = np.argsort(values[24:48, 1])
    assert np.array_equal(np.argsort(found.of("wind_rank")[96:192:4]), order)
    assert found.of("heat_kw", "barn")[:4] == pytest.approx(8.0, abs=0.01)
    assert found.of("hot_water_kw", "barn").max() == 0.0
    assert found.building_names[0] == "barn"
    assert load("own:mine").solar_clearness.max() <= 1.0


def test_a_heat_pump_serves_a_house_of_the_file(mine):
    values = content("heat_pump", data="own:mine", id="mine-v0")
    values["members"][0]["assets"][-1]["building"] = "barn"
    scenario = build(validated(values, "mine.yaml"))
    key = choose_key(scenario, 0, "test", 0)
    drift_kwh = draw(scenario, key).drift_kwh[:, 0, 0, 0]
    heat = mine[1][24 * key.start_day - 1 :][:168, 4]  # hours at UTC; days begin at UTC+1
    assert drift_kwh == pytest.approx(-heat, abs=0.01)
    values["members"][0]["assets"][-1]["building"] = "castle"
    with pytest.raises(ScenarioError, match="no building 'castle'; known: barn"):
        build(validated(values, "mine.yaml"))


def test_what_the_file_lacks_is_taken_from_germany(tmp_path, monkeypatch):
    monkeypatch.setenv(sources.CACHE_VARIABLE, str(tmp_path))
    times = stamps((2018, 1, 1), 365)
    path = table(tmp_path / "t.csv", ["time_utc", "temperature_c"], times, np.full(8760, 4.5),
                 "%Y-%m-%dT%H:%M%z")  # fmt: skip
    shown = CliRunner().invoke(
        app, ["data", "import", "cool", "--weather", str(path), "--zone", "Europe/Berlin"]
    )
    assert shown.exit_code == 0, shown.output
    assert "weather not imported, so taken from de2018: wind, irradiance, flow, heat" in " ".join(
        shown.output.split()
    )
    found, german = weather.load("own:cool"), weather.load("de2018")
    assert np.unique(found.of("temperature_c")).tolist() == [4.5]
    assert np.array_equal(found.of("river_fraction"), german.of("river_fraction"))
    assert found.labels["river_fraction"] == "measured"


def test_a_file_that_means_nothing_here_is_refused(tmp_path):
    path = table(tmp_path / "t.csv", ["time_utc", "humidity"], stamps((2018, 1, 1), 2), np.ones(48))
    with pytest.raises(DataError, match=r"no column of weather .*temperature_c, .*heat_kw_BUILD"):
        weather_kinds(path)


def test_a_value_that_cannot_be_is_refused_by_its_row(tmp_path):
    values = np.full(48, 3.0)
    values[5] = 99.0
    path = table(tmp_path / "t.csv", ["time_utc", "temperature_c"], stamps((2018, 1, 1), 2), values)
    with pytest.raises(DataError, match=r"row 7, column 'temperature': 99 C is outside -60 to 60"):
        import_community("hot", {"temperature": [path]}, tmp_path, Wishes(zone="UTC"))
