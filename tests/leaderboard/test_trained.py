"""From what a library trained to a package that passed the gate and has a score."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("cryptography")
pytest.importorskip("cvxpy")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("safetensors")
pytest.importorskip("torch")

from baselines.learners.export import export
from leaderboard.package.package import packed
from leaderboard.playing.candidate import of_package
from leaderboard.playing.evaluate import evaluate
from leaderboard.season import season
from leaderboard.verbs import running
from p2p_market.errors import PolicyError
from p2p_market.registry import load_scenario
from p2p_market.tracks import track_of
from tests.baselines.export.weeks import Spaces
from tests.leaderboard.seasons import score
from tests.leaderboard.test_verbs import run

pytestmark = [
    pytest.mark.xdist_group("seasons"),
    pytest.mark.filterwarnings("ignore:The `render_mode` attribute"),
]

HERE = Path(__file__).parent


def ok(*arguments):
    code, said = run(*arguments)
    assert code == 0, said
    return said


SHORT = {
    "STEPS = 300_000": "STEPS = 100",
    "n_steps=168, batch_size=504": "n_steps=8, batch_size=96",
}


def example(name, folder, monkeypatch, changed=None):
    """Run a page's example in a folder, some of it changed."""
    text = (HERE / name).read_text("utf-8")
    for before, after in (changed or {}).items():
        assert before in text
        text = text.replace(before, after)
    (folder / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(folder)
    runpy.run_path(name)


def test_an_sb3_agent_in_three_commands(tiny, tmp_path, monkeypatch):
    pytest.importorskip("stable_baselines3")
    pytest.importorskip("supersuit")
    example("train_sb3.py", tmp_path, monkeypatch, SHORT)
    own = ("init", "my-agent", "--policy", "model.zip", "--scenario", "classic-v0")
    code, said = run(*own)
    assert (code, "name it with normalize (--normalize)" in said) == (2, True)
    said = ok(*own, "--normalize", "normal.pkl")
    assert "score it: p2p-market leaderboard run my-agent" in said
    assert "say in my-agent/submission.toml who made it and how" in said
    assert 'summary = "Exported from model.zip."' in Path("my-agent/submission.toml").read_text()
    said = ok("check", "my-agent")
    assert "binding-feeder-v0, classic-v0, community-16-full-fees-v0" in said
    assert "ev-12-v0 (setpoint_1 at rest)" in said
    assert "few-sellers-v0" in said
    record = evaluate(of_package(packed(Path("my-agent.zip")), tiny), tiny, tmp_path / "records")
    assert [one.faults for one in record.episodes] == [{}, {}]
    assert -1000.0 < score(record) < 100.0


def test_a_season_with_other_boards_names_those_that_fit(tmp_path, monkeypatch):
    import onnx
    from torch import nn

    example("train_torch.py", tmp_path, monkeypatch)
    features = track_of(load_scenario("ev-12-v0")).roles(load_scenario("ev-12-v0"))[0].features
    export(nn.Linear(len(features), 4), "ev-12-v0", "homes.onnx")
    ok("init", tmp_path / "mine", "--policy", "homes.onnx")
    ok("pack", tmp_path / "mine")
    dev = season.read(season.find("dev"))
    says = (
        r"feeder-v0: setpoint_0, setpoint_1, .* in the .* It plays on ev-12-v0: add --board BOARD"
    )
    with pytest.raises(PolicyError, match=says):
        running._fitting(tmp_path / "mine.zip", dev, None)
    assert running._fitting(tmp_path / "mine.zip", dev, "ev-12-v0").files == ("policy.onnx",)
    model = onnx.load("policy.onnx")
    for told, says in (("[1]", "'actions': is not a JSON object"), ("{", "is not a JSON object"),
                       ('{"price": 1.5}', "is not a JSON object")):  # fmt: skip
        {one.key: one for one in model.metadata_props}["actions"].value = told
        onnx.save(model, tmp_path / "other.onnx")
        code, said = run("init", tmp_path / "other", "--policy", tmp_path / "other.onnx")
        assert (code, says in said) == (1, True), said


def test_what_was_not_said_is_asked_for(tmp_path):
    code, said = run("init", tmp_path / "mine", "--policy", tmp_path / "model.zip")
    assert (code, "model.zip: is not there" in said) == (2, True)
    (tmp_path / "model.zip").write_bytes(b"PK")
    code, said = run("init", tmp_path / "mine", "--policy", tmp_path / "model.zip")
    assert (code, "say with --scenario where the policy was trained" in said) == (2, True)
    assert "such as community-16-v0 or battery-146-v0" in " ".join(said.split())
    assert not (tmp_path / "mine").exists()


def test_a_battery_agent_passes_with_31_logits(tmp_path):
    contrib = pytest.importorskip("sb3_contrib")
    model = contrib.MaskablePPO("MlpPolicy", Spaces("battery-146-v0"), device="cpu", seed=0)
    model.save(tmp_path / "model.zip")
    own = ("--policy", tmp_path / "model.zip", "--scenario", "battery-146-v0")
    ok("init", tmp_path / "mine", *own)
    ok("pack", tmp_path / "mine")
    said = ok("check", tmp_path / "mine.zip")
    assert (
        "plays in battery-146-quarter-v0" in said or "battery-146-v0, battery-146-wide-v0" in said
    )


@pytest.mark.slow
def test_an_agent_of_one_device_has_a_record_of_all_boards_and_a_rank(tmp_path, monkeypatch):
    example("train_torch.py", tmp_path, monkeypatch)
    ok("init", "my-agent", "--policy", "policy.onnx")
    ok("pack", "my-agent")
    said = ok("run", "my-agent.zip", "--output", "records", "--workers", "1")
    assert "28 episodes" in said
    assert "ev-12-v0: setpoint_1 at rest, which the policy does not decide" in said
    assert "would take place 4 of 4" in ok("rank", "dev", "--entries", "records")
    assert ok("replay", "records/my-agent-0.1.0")


@pytest.mark.slow
def test_an_rllib_agent_in_two_commands(tmp_path):
    pytest.importorskip("ray.rllib", exc_type=ImportError)
    text = (HERE / "train_rllib.py").read_text("utf-8").replace("ITERATIONS = 20", "ITERATIONS = 1")
    (tmp_path / "train.py").write_text(text, encoding="utf-8")
    commands = (
        ("train.py",),
        ("-m", "p2p_market", "leaderboard", "init", "my-agent", "--policy", "checkpoint",
         "--scenario", "classic-v0", "--view", "around_rule"),
        ("-m", "p2p_market", "leaderboard", "run", "my-agent", "--board", "classic-v0"),
    )  # fmt: skip
    for command in commands:
        done = subprocess.run(
            [sys.executable, *command], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    assert "4 episodes, no faulty step" in done.stdout
