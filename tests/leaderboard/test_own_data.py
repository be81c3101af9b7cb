"""A private season: a board on data that only the organiser has."""

import pytest

from leaderboard.playing.opening import open_season
from leaderboard.season.draws import draws
from p2p_market import scenarios
from p2p_market.community.scenario.starter import starter
from p2p_market.data import load, sources
from p2p_market.data.own.community import import_community
from p2p_market.data.own.plan import Wishes
from p2p_market.registry import load_scenario
from tests.data.own_files import loads, stamps, table

PLAN = """id = "private"
title = "One's own village"
opened = 2026-01-01
boards = [{ scenario = "village-v0", draws = 3, days = 1 }]
"""


@pytest.fixture
def season(tmp_path, monkeypatch):
    monkeypatch.setenv(sources.CACHE_VARIABLE, str(tmp_path))
    load.cache_clear()
    times = stamps((2024, 1, 1), 112)
    path = table(tmp_path / "load.csv", ["time", "a [kW]", "b [kW]"], times, loads(times, 2))
    import_community("village", {"load": [path]}, tmp_path, Wishes(zone="Europe/Berlin"))
    shipped = tmp_path / "village-v0.yaml"
    shipped.write_text(starter(load("own:village")), "utf-8")
    monkeypatch.setattr(scenarios, "other_scenarios", lambda: {"village-v0": shipped})
    (tmp_path / "plan.toml").write_text(PLAN)
    (tmp_path / "secret").write_text(bytes(range(32)).hex())
    yield open_season(tmp_path / "plan.toml", tmp_path / "private", tmp_path / "secret")
    load.cache_clear()


def test_a_private_season_keeps_the_data_and_draws_days_and_levels(season):
    drawn = draws(season)
    board = load_scenario("village-v0")
    assert {one.scenario.data.digest for one in drawn} == {board.data.digest}
    assert len({one.key for one in drawn}) == 3
    assert {one.key.split for one in drawn} == {"test"}
    assert len(list(season.reference.glob("*.npz"))) == 1
    measured = board.data.donors[0]
    episode = drawn[0].episode()
    assert episode.load_kw.max() <= measured.mean_kw * measured.shape.max() + 1e-3
