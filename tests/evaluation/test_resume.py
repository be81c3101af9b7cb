"""An interrupted run goes on: same bytes as one without interruption, nothing stale believed."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from p2p_market.evaluation.running import part_store
from p2p_market.evaluation.running.parallel import evaluate_all
from p2p_market.evaluation.running.part_store import PartStore, installation
from p2p_market.evaluation.running.parts import Job, Recording, parts_of, play_part
from tests.evaluation.processes import LISTENING, ROOT, of_group
from tests.evaluation.runs import contents, deaf, jobs, written

pytest.importorskip("cvxpy")

DAYS = 2
STEPS = 24 * DAYS
ASKED = range(STEPS + 5 * 24 + 2 * 25, STEPS + 5 * 24 + 2 * STEPS + 1)
"""The first day twice to see whether it answers alike, and with rows of others; then beyond it."""

AGENT = '''\
"""Asks for little, and counts how often it was asked."""
from pathlib import Path
import time
import numpy as np

asked = 0
level = 0.125

class Agent:
    def start(self, seeds):
        return 0

    def act(self, observation, memory):
        global asked
        asked += 1
        while memory == 30 and Path("hold").exists():
            time.sleep(0.05)
        return np.full((*observation.shape[:2], 3), level), memory + 1

def make(scenario):
    return Agent()
'''


@pytest.fixture
def agent(tmp_path, monkeypatch):
    """The module of a policy in the current folder."""
    (tmp_path / "counting_agent.py").write_text(AGENT)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "counting_agent", raising=False)
    part_store._code.cache_clear()
    import counting_agent

    yield counting_agent
    sys.modules.pop("counting_agent")


@pytest.fixture
def job(agent) -> Job:
    (job,) = jobs("counting_agent:make", "classic-v0", days=DAYS)
    return job


def play(job: Job, folder: Path) -> dict[str, bytes]:
    results = evaluate_all([job], 1, deaf, PartStore(folder))
    return written(results, folder / "run")


def own_part(folder: Path) -> Path:
    (path,) = (folder / "parts").glob("classic-v0-counting_agent_make-*.npz")
    return path


def test_what_is_finished_is_not_played_again(job, agent, tmp_path):
    first = play(job, tmp_path)
    asked = agent.asked
    assert asked in ASKED
    assert play(job, tmp_path) == first
    assert agent.asked == asked + 24  # only the first day, to see that it is still the same policy


def test_a_policy_that_changed_is_played_again(job, agent, tmp_path):
    play(job, tmp_path)
    agent.level = 0.25
    agent.asked = 0
    changed = play(job, tmp_path)
    assert agent.asked - 1 in ASKED
    assert changed == play(job, tmp_path / "new")


def shortened(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


@pytest.mark.parametrize("damage", [shortened, flipped])
def test_a_damaged_part_is_played_again(job, agent, tmp_path, damage):
    first = play(job, tmp_path)
    path = own_part(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    agent.asked = 0
    assert play(job, tmp_path) == first
    assert agent.asked in ASKED


@pytest.mark.parametrize("forged", ["actions", "digests", "shape"])
def test_a_part_that_leads_elsewhere_is_played_again(job, agent, forged):
    part = parts_of(job)[1]
    answer = play_part(part)
    sound = answer.trajectory
    actions = sound.actions["prosumer"].copy()
    recording = Recording({"prosumer": actions}, sound.digests, answer.conduct)
    if forged == "actions":
        actions[40] = -1.0  # after the first day
    elif forged == "digests":
        recording = replace(recording, digests=("0" * 64, *sound.digests[1:]))
    else:
        recording = replace(recording, actions={"prosumer": actions[:40]})
    again = play_part(part, recording).trajectory
    assert again.digests == sound.digests
    assert np.array_equal(again.actions["prosumer"], sound.actions["prosumer"])


def test_parts_go_when_the_run_is_complete_and_optima_stay(job, tmp_path):
    store = PartStore(tmp_path)
    evaluate_all([job], 1, deaf, store)
    other = tmp_path / "parts" / "of-another-run.npz"
    other.touch()
    store.clear()
    assert list((tmp_path / "parts").iterdir()) == [other]
    assert len(list((tmp_path / "optima").iterdir())) == len(job.weeks)


@pytest.mark.parametrize("change", [{"weeks": (5, 7)}, {"seed": 1}, {"split": "validation"}])
def test_another_question_is_another_part(job, tmp_path, change):
    play(job, tmp_path)
    known = PartStore(tmp_path).find(replace(job, **change))
    assert known[parts_of(replace(job, **change))[0]] is None
    assert all(PartStore(tmp_path).find(job).values())


def test_other_code_is_another_part(job, agent, tmp_path):
    before = installation(["counting_agent:make"])
    (tmp_path / "counting_agent.py").write_text(AGENT + "\n# changed\n")
    part_store._code.cache_clear()  # another process would look anew
    after = installation(["counting_agent:make"])
    assert {name for name in before if before[name] != after[name]} == {"code of counting_agent"}
    assert "code of p2p_market" in before
    assert "code of baselines" in installation(["storage-value"], job.scenario)


def command(folder: Path, *how: str) -> subprocess.Popen[str]:
    words = ["benchmark", "-s", "classic-v0", "--weeks", "5,6", "-p", "counting_agent:make"]
    return subprocess.Popen(
        [sys.executable, "-c", LISTENING, *words, "-o", "out", *how],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def complete(folder: Path, *how: str) -> None:
    with command(folder, *how) as running:
        _, complaint = running.communicate(timeout=300)
    assert running.returncode == 0, complaint


def run_of(folder: Path) -> dict[str, bytes]:
    """All files of the one complete run, but for the time that stands in its record."""
    (run,) = (folder / "out").glob("*-classic-v0")
    files = contents(run)
    record = json.loads(files["run.json"])
    files["run.json"] = files["run.json"].replace(record["created_utc"].encode(), b"")
    return files


@pytest.mark.parametrize(
    "how",
    [
        pytest.param(("--workers", "1"), marks=pytest.mark.slow),
        ("--workers", "2"),
        pytest.param(("--ray", "local", "--workers", "2"), marks=pytest.mark.slow),
    ],
    ids=" ".join,
)
def test_a_run_goes_on_after_an_interruption(tmp_path, how):
    """Ctrl-C while a policy is played: the rule is finished, the policy is not."""
    if "--ray" in how:
        pytest.importorskip("ray")
    for name in ("whole", "cut"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "counting_agent.py").write_text(AGENT)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    complete(whole, "--workers", "1")
    (cut / "hold").touch()
    with command(cut, *how) as interrupted:
        while interrupted.poll() is None and not list(cut.glob("out/parts/*.npz")):
            time.sleep(0.05)
        os.killpg(interrupted.pid, signal.SIGINT)  # as a terminal does
        _, complaint = interrupted.communicate(timeout=300)
    assert interrupted.returncode == 130, complaint
    assert "the same command goes on" in complaint
    assert [path.name[:19] for path in (cut / "out" / "parts").iterdir()] == ["classic-v0-no-trade"]
    assert not list(cut.glob("out/*-classic-v0"))
    (cut / "hold").unlink()
    complete(cut, *how)
    assert run_of(cut) == run_of(whole)
    assert not (cut / "out" / "parts").exists()


def test_a_killed_run_leaves_no_process_behind(tmp_path):
    """Neither hears of the other: who works for a parent that is gone must look for himself."""
    (tmp_path / "counting_agent.py").write_text(AGENT)
    (tmp_path / "hold").touch()
    with command(tmp_path, "--workers", "2") as killed:
        while killed.poll() is None and not list(tmp_path.glob("out/parts/*.npz")):
            time.sleep(0.05)
        assert of_group(killed.pid) > {killed.pid}
        killed.kill()
    deadline = time.monotonic() + 60.0
    while of_group(killed.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    left = of_group(killed.pid)
    if left:
        os.killpg(killed.pid, signal.SIGKILL)
    assert not left
