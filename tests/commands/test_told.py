"""What commands say where something cannot be done, and what they do that nobody sees."""

import json

import pytest
from typer.testing import CliRunner

from p2p_market.battery.actions import masks
from p2p_market.commands.app import app
from p2p_market.commands.leaderboard_console import counting
from p2p_market.errors import ScenarioError, UsageError
from p2p_market.evaluation.record.recorded import read_run
from p2p_market.registry import load_scenario


def test_masks_are_of_batteries_only():
    with pytest.raises(ScenarioError, match=r"classic-v0 is of the track community: name one with"):
        masks(load_scenario("classic-v0"), [])


def test_a_folder_that_is_no_run_names_the_newest_one(tmp_path):
    with pytest.raises(UsageError, match=r"give the folder of a run$"):
        read_run(tmp_path / "RUN")
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(json.dumps({}))
    with pytest.raises(UsageError, match=r"give the folder of a run, such as .*second$"):
        read_run(tmp_path / "RUN")


def test_where_no_bar_can_move_each_tenth_is_a_line(capsys):
    with counting("episodes") as tell:
        for done in range(41):
            tell(done, 40)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 10
    assert lines[0] == "episodes: 4 of 40"
    assert lines[-1] == "episodes: 40 of 40"


@pytest.mark.parametrize(("kept", "told"), [(True, "; the same command goes on"), (False, "")])
def test_a_training_that_was_stopped_says_where(tmp_path, monkeypatch, kept, told):
    def run(settings, folder, minutes, tell):
        tell(5, 10, "")
        if kept:
            folder.mkdir()
            (folder / "checkpoint.pt").touch()
        return folder / "policy.onnx"

    monkeypatch.setattr("p2p_market.commands.train._trainer", lambda name: run)
    words = ["train", "ppo", "-s", "classic-v0", "--minutes", "1", "-o", str(tmp_path / "own")]
    done = CliRunner().invoke(app, words)
    said = done.stdout.replace("\n", "")
    assert f"stopped after 1 min at 5 agent-steps{told}policy, log" in said
    assert said.endswith("-s classic-v0 --split validation")
