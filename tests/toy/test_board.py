"""The toy through the doors of the leaderboard."""

from dataclasses import replace

import pytest

from p2p_market.errors import PolicyError

for needed in ("cryptography", "onnxruntime", "safetensors"):
    pytest.importorskip(needed)

PLAN = """id = "toy"
title = "A toy"
opened = 2026-01-01
boards = [{ scenario = "toy-v0", draws = 2 }]
"""
MANIFEST = """format = "p2p-market-submission/1"
name = "my-agent"
version = "0.1.0"
division = "policy"
authors = [{ name = "Ada Example" }]
policy = { kind = "rules", track = "toy", roles = { storage = ["storage.toml"] } }
training = { summary = "None." }
citation = { title = "My agent", year = 2026 }
"""
ROLES = ("storage", "plant")
RULE = 'rule = "thrifty"\n'


@pytest.fixture
def season(tmp_path):
    """A season of two draws of a scenario that the package ships."""
    from leaderboard.playing.opening import open_season

    (tmp_path / "plan.toml").write_text(PLAN)
    (tmp_path / "secret").write_text(bytes(range(32)).hex())
    return open_season(tmp_path / "plan.toml", tmp_path / "toy", tmp_path / "secret")


def test_a_season_is_opened(season):
    assert {path.name for path in season.reference.iterdir()} == {"toy-v0.json", "toy-v0.npz"}


def test_a_package_plays_a_role(season, tmp_path):
    from leaderboard.checking.replay import replay
    from leaderboard.package.package import pack_folder
    from leaderboard.playing.candidate import of_package
    from leaderboard.playing.evaluate import evaluate

    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "submission.toml").write_text(MANIFEST)
    (tmp_path / "mine" / "storage.toml").write_text(RULE)
    candidate = of_package(pack_folder(tmp_path / "mine"), season)
    record = evaluate(candidate, season, tmp_path / "out")
    assert all(one.best_eur < one.cost_eur < one.rule_eur for one in record.episodes)
    assert replay(tmp_path / "out" / "my-agent-0.1.0", season) == []


def test_a_track_brings_its_board(monkeypatch):
    from leaderboard.tracks import board_card
    from tests.toy import board, track

    board_card.cache_clear()
    assert board_card("toy").zero == ""
    own = replace(track.CARD, extras={"board": "tests.toy.board:CARD"})
    monkeypatch.setattr(track, "CARD", own)
    board_card.cache_clear()
    assert board_card("toy") is board.CARD
    board_card.cache_clear()


FOCAL = """population = "tests.toy.test_seats:CROWD"
focal = { scenario = "toy-v0", draws = 1, seats = 3 }
"""


@pytest.fixture
def with_seats(tmp_path):
    """A season with every seat in focus once, of both roles."""
    from leaderboard.playing.opening import open_season

    (tmp_path / "plan.toml").write_text(PLAN + FOCAL)
    (tmp_path / "secret").write_text(bytes(range(32)).hex())
    return open_season(tmp_path / "plan.toml", tmp_path / "toy", tmp_path / "secret")


@pytest.mark.parametrize("kind", ["onnx", "rules"])
def test_a_template_has_a_file_for_each_role_and_plays_every_seat(
    with_seats, tmp_path, monkeypatch, kind
):
    from leaderboard.checking.replay import replay
    from leaderboard.package.package import pack_folder
    from leaderboard.package.template import write_template
    from leaderboard.playing.candidate import of_package
    from leaderboard.playing.evaluate import evaluate
    from tests.toy import track

    monkeypatch.setattr(track, "CARD", replace(track.CARD, default="toy-v0"))
    folder = tmp_path / "my-cast"
    endings = {"onnx": "onnx", "rules": "toml"}
    files = {path.name for path in write_template(folder, kind, "toy")}
    assert files == {"submission.toml", *(f"{name}.{endings[kind]}" for name in ROLES)}
    record = evaluate(of_package(pack_folder(folder), with_seats), with_seats, tmp_path / "out")
    assert [one.seat for one in record.focal] == [0, 1, 2]
    assert not any(one.failed for one in record.focal)
    if kind == "onnx":  # its storages keep half in reserve, which is paid for
        assert all(one.cost_eur < one.alone_eur for one in record.focal[:2])
    if kind == "rules":  # rest, in a game in which no agent moves the money of another
        assert all(one.cost_eur == one.alone_eur == one.truthful_eur for one in record.focal)
    assert all(abs(one.others_gain_eur) < 1e-9 for one in record.focal)
    assert replay(tmp_path / "out" / "my-cast-0.1.0", with_seats) == []


def test_a_season_needs_bots_for_every_role(tmp_path):
    from leaderboard.playing.opening import open_season

    (tmp_path / "plan.toml").write_text(PLAN + FOCAL.replace("CROWD", "OF_STORAGES"))
    with pytest.raises(PolicyError, match="population 'half' has no bot for the role 'plant'"):
        open_season(tmp_path / "plan.toml", tmp_path / "toy", tmp_path / "secret")
