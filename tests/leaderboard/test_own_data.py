"""A private season: a board on data that only the organiser has."""

import re

import numpy as np
import pytest

from leaderboard.checking.replay import replay
from leaderboard.ledger.tiers import RE_EXECUTED
from leaderboard.playing.evaluate import evaluate
from leaderboard.playing.opening import open_season
from leaderboard.ranking.ranking import board_of
from leaderboard.record.entries import Entered
from leaderboard.record.record import canonical
from leaderboard.season.draws import draws
from p2p_market import scenarios
from p2p_market.community.scenario.starter import starter
from p2p_market.data import load, sources
from p2p_market.data.own.community import import_community
from p2p_market.data.own.plan import Wishes
from p2p_market.registry import load_scenario
from tests.data.own_files import loads, stamps, table
from tests.leaderboard.seasons import rule

PLAN = """id = "private"
title = "One's own village"
opened = 2026-01-01
boards = [{ scenario = "village-v0", draws = 3, days = 1 }]
"""


@pytest.fixture
def season(tmp_path, monkeypatch):
    monkeypatch.setenv(sources.CACHE_VARIABLE, str(tmp_path))
    times = stamps((2024, 1, 1), 112)
    path = table(tmp_path / "load.csv", ["time", "a [kW]", "b [kW]"], times, loads(times, 2))
    import_community("village", {"load": [path]}, tmp_path, Wishes(zone="Europe/Berlin"))
    shipped = tmp_path / "village-v0.yaml"
    shipped.write_text(starter(load("own:village")), "utf-8")
    monkeypatch.setattr(scenarios, "other_scenarios", lambda: {"village-v0": shipped})
    (tmp_path / "plan.toml").write_text(PLAN)
    (tmp_path / "secret").write_text(bytes(range(32)).hex())
    return open_season(tmp_path / "plan.toml", tmp_path / "private", tmp_path / "secret")


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


def test_a_private_season_plays_and_ranks_an_entry(season, tmp_path):
    """Gate, evaluation, replay, board; and no reading of a meter in what is published of it."""
    record = evaluate(rule(season), season, tmp_path / "entries")
    own = next((tmp_path / "entries").iterdir())
    assert [one.failed for one in record.episodes] == [False] * 3
    assert all(one.best_eur < one.cost_eur for one in record.episodes)
    assert replay(own, season) == []
    board = board_of("private", [Entered(own, record, RE_EXECUTED)]).policies
    (row,) = [*board.ranked, *board.listed]
    assert not row.reasons
    assert row.scenarios["village-v0"].low < 100.0
    readings = {f"{kw:g}" for kw in np.unique(draws(season)[0].episode().load_kw)}
    numbers = re.findall(r"-?[0-9.]+(?:e-?[0-9]+)?", canonical(record).decode())
    assert len(readings) > 20
    assert not readings & {number for number in numbers if "." in number}


def test_a_record_of_other_data_under_the_same_name_is_told(season, tmp_path):
    evaluate(rule(season), season, tmp_path / "entries")
    own = next((tmp_path / "entries").iterdir())
    times = stamps((2024, 1, 1), 112)
    other = table(tmp_path / "o.csv", ["time", "a [kW]", "b [kW]"], times, loads(times, 2, seed=1))
    import_community("village", {"load": [other]}, tmp_path, Wishes(zone="Europe/Berlin"))
    told = replay(own, season)
    assert any("cost_eur" in line for line in told)
