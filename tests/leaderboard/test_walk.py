"""The ten minutes of docs/leaderboard.md, command by command, as a newcomer types them."""

import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("cryptography")
pytest.importorskip("cvxpy")
pytest.importorskip("jinja2")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("safetensors")

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "leaderboard.md").read_text("utf-8")
WALK = PAGE.partition("## Ten minutes")[2].partition("## ")[0]
(BLOCK,) = re.findall(r"^```bash\n(.*?)^```", WALK, flags=re.MULTILINE | re.DOTALL)
COMMANDS = [line.partition("#")[0].split() for line in BLOCK.splitlines()]
PLAYED = ["--entries", "results/leaderboard"]
"""What a long command leaves, and short ones show."""
LONG = ("run", "replay", "verify", "evaluate")
SAYS = {
    "check": "plays in binding-feeder-v0, ",
    "run": "record: results/leaderboard/my-agent-0.1.0",
    "replay": "all numbers are found again, to the last bit",
    "rank": "storage-value 1.0.0",
    "verify": "mappo 1.0.0: re-executed",
    "evaluate": "episodes are those of the published record, to the last bit",
    "build": "site/index.html",
}
pytestmark = pytest.mark.xdist_group("seasons")


def typed(command, folder):
    """A command as it is typed beside a checkout's folder of seasons."""
    assert command[0] == "p2p-market"
    (folder / "leaderboard").is_symlink() or (folder / "leaderboard").symlink_to(
        ROOT / "leaderboard"
    )
    return subprocess.Popen(
        [sys.executable, "-c", "from p2p_market.commands.app import app; app()", *command[1:]],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def walk(commands, folder):
    for command in commands:
        verb = command[2]
        if verb == "serve":
            continue
        process = typed(command, folder)
        said, _ = process.communicate()
        assert process.returncode == 0, said
        assert SAYS.get(verb, "") in said


def test_it_has_ten_commands_at_most():
    assert 5 <= len(COMMANDS) <= 10
    assert {*LONG, "init", "pack", "check", "rank", "build", "serve"} == {
        command[2] for command in COMMANDS
    }


def test_the_short_commands(tmp_path):
    short = [command for command in COMMANDS if command[2] not in LONG]
    walk([[word for word in command if word not in PLAYED] for command in short], tmp_path)
    process = typed([*COMMANDS[-1], "--port", "0"], tmp_path)
    try:
        address = process.stdout.readline().split()[0]
        with urllib.request.urlopen(address) as page:
            assert b"storage-value" in page.read()
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_the_whole_walk(tmp_path):
    walk(COMMANDS, tmp_path)
