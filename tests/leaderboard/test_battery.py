"""A season of batteries: choices and masks, years that nobody has seen, a seat in a fleet."""

import numpy as np
import pytest

pytest.importorskip("cryptography")
pytest.importorskip("cvxpy")
pytest.importorskip("jinja2")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("safetensors")
pytest.importorskip("scipy")

from leaderboard.checking.replay import replay
from leaderboard.package.package import pack_folder
from leaderboard.package.template import write_template
from leaderboard.playing.candidate import of_baseline, of_package
from leaderboard.playing.evaluate import evaluate
from leaderboard.playing.opening import open_season
from leaderboard.ranking.ranking import board_of
from leaderboard.record import entries
from leaderboard.record.entries import TRACES
from leaderboard.record.traces import read
from leaderboard.season.draws import draws
from leaderboard.season.season import SECRET, find
from leaderboard.season.season import read as read_season
from leaderboard.site.build import files
from leaderboard.site.gather import gather
from leaderboard.verbs.tables import rank
from p2p_market.battery.observation import features
from p2p_market.errors import PolicyError
from p2p_market.registry import load_scenario
from tests.leaderboard import packages
from tests.leaderboard.test_toy import network

pytestmark = pytest.mark.xdist_group("battery")

PLAN = """\
id = "battery"
title = "Batteries"
opened = 2026-01-01
population = "baselines.battery.population.bots:FIRST"
boards = [
  { scenario = "battery-146-v0", draws = 1, days = 2 },
  { scenario = "battery-146-wide-v0", draws = 2, days = 2 },
]
focal = { scenario = "battery-fleet-4-v0", draws = 1, days = 2, seats = 2 }
"""


@pytest.fixture(scope="module")
def season(tmp_path_factory):
    folder = tmp_path_factory.mktemp("battery")
    (folder / "plan.toml").write_text(PLAN)
    (folder / "secret").write_text(bytes(range(32)).hex())
    return open_season(folder / "plan.toml", folder / "battery", folder / "secret")


def played(candidate, season, folder):
    record = evaluate(candidate, season, folder)
    own = folder / f"{record.entry.name}-{record.entry.version}"
    assert replay(own, season) == []
    return record, own


def test_a_generated_year_is_one_that_nobody_has_seen(season):
    prices = [one.scenario.spec.prices for one in draws(season)]
    assert prices[0] == "de2018"
    assert prices[1] != prices[2]
    assert all(one.startswith("synthetic:") and len(one) > 40 for one in prices[1:])


def test_a_network_of_31_outputs_plays_within_its_masks(season, tmp_path):
    names = [one.name for one in features(load_scenario("battery-146-v0"))]
    data = network(len(names), 31, names, weight=0.01)
    policy = '{ kind = "onnx", track = "battery" }'
    text = packages.DRAFT.replace('{ kind = "rules" }', policy)
    record, own = played(
        of_package(packages.package({"one.onnx": data}, text), season), season, tmp_path
    )
    assert [one.faults for one in record.episodes] == [{}] * 3
    trace, _ = read(own / TRACES / record.episodes[0].trace)
    (actions,) = trace.actions.values()
    assert actions.shape == (48, 1, 3)
    assert np.array_equal(actions, np.rint(actions))


def test_a_season_of_another_track_refuses_it(tmp_path):
    write_template(tmp_path / "mine", "rules", "battery")
    with pytest.raises(
        PolicyError, match="season dev is of track 'community': it plays in seasons"
    ):
        of_package(pack_folder(tmp_path / "mine"), read_season(find("dev")))


def test_the_template_is_a_rule_that_plays(season, tmp_path):
    write_template(tmp_path / "mine", "rules", "battery")
    candidate = of_package(pack_folder(tmp_path / "mine"), season)
    record, _ = played(candidate, season, tmp_path)
    reference, _ = played(of_baseline("reserve-first", "battery"), season, tmp_path)
    assert [one.chain for one in record.episodes] == [one.chain for one in reference.episodes]
    assert len(record.focal) == 2


@pytest.fixture(scope="module")
def board(season):
    where = season.folder / entries.FOLDER
    for name in ("dam-only", "reserve-first", "constant", "clock-only", "random-actions"):
        played(of_baseline(name, season.track), season, where)
    (season.folder / SECRET).write_text(season.known_secret().hex() + "\n")
    return board_of(season.id, entries.entered(season))


def test_blind_policies_score_low(board):
    found = {row.name.partition(" ")[0]: row.summary.iqm for row in board.rows}
    assert found["dam-only"] == pytest.approx(0.0, abs=1e-6)
    blind = max(found[name] for name in ("constant", "clock-only", "random-actions"))
    assert blind < min(found["reserve-first"], -50.0)


def test_the_pages_show_a_week_and_its_days(board, season):
    pages = {
        name: data.decode() for name, data in files(gather(season)).items()
        if name.endswith(".html")
    }  # fmt: skip
    page = pages["entries/reserve-first-1.0.0.html"]
    assert '<svg class="week"' in page
    for words in ("day-ahead", "accepted", "State of charge", "mFRR"):
        assert words in page
    assert "0 costs what the day-ahead position alone costs" in pages["references.html"]
    assert not any("Jain" in page or "worse off" in page for name, page in pages.items()
                   if name != "rules.html")  # fmt: skip


def test_one_battery_shares_nothing_with_others(board, season):
    lines = "\n".join(rank(season.folder))
    assert "Jain" not in lines
    assert "worse off" not in lines


@pytest.mark.parametrize("name", ["optimum", "other-optimum"])
def test_a_schedule_has_no_row_where_actions_are_choices(season, tmp_path, name):
    with pytest.raises(PolicyError, match="not played in the actions of this board"):
        evaluate(of_baseline(name, "battery"), season, tmp_path)
