"""Whatever cuts a run short or cannot show it: nothing that was played is lost.

`P2P_MARKET_STRESS=300` asks for 300 random points in the place of the few of every day.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from p2p_market.commands import run as running
from p2p_market.commands.app import app
from p2p_market.evaluation.record.recorded import read_run
from p2p_market.evaluation.record.run_record import replay
from p2p_market.files import UNFINISHED
from tests.children import KILL, child, events_of, struck_at
from tests.evaluation.processes import LISTENING, ROOT, of_group
from tests.evaluation.runs import contents

pytest.importorskip("cvxpy")
pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="forks"),
    pytest.mark.xdist_group("survival"),  # one undisturbed run for all of them
]

POINTS = int(os.environ.get("P2P_MARKET_STRESS", "3"))
TITLE = "Zürich €/kWh [/h] [red]\x1b[31m :warning:"
SCENARIO = f"""\
extends: classic-v0
id: short-v0
title: {json.dumps(TITLE)}
description: d
days: 1
"""


@pytest.fixture(scope="module")
def scenario(tmp_path_factory):
    path = tmp_path_factory.mktemp("scenario") / "short.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch):
    """The report has tests of its own, and takes longer than all the rest."""
    monkeypatch.setattr(running, "REPORT", "nowhere:write")


def words(scenario, folder, policy="truthful"):
    return ["evaluate", "-p", policy, "-s", str(scenario), "--weeks", "5", "-o", str(folder)]


def play(scenario, folder, policy="truthful"):
    """The command, in this process."""
    app([*words(scenario, folder, policy), "-w", "1"])


def runs(folder):
    return sorted(path for path in folder.glob("*-short-v0*") if not path.name.startswith("."))


def without_time(run):
    """All files of a run but its report, without the time that stands in the record."""
    files = {name: text for name, text in contents(run).items() if name != "report.html"}
    created = json.loads(files["run.json"])["created_utc"]
    return files | {"run.json": files["run.json"].replace(created.encode(), b"")}


@pytest.fixture(scope="module")
def whole(scenario, tmp_path_factory):
    """A run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "REPORT", "nowhere:write")
        code, said = child(lambda: play(scenario, folder))
    assert code == 0, said
    (run,) = runs(folder)
    return without_time(run)


def check(folder, whole, left=()):
    """Every folder with a run's name is a whole run; all else is known or recognisable."""
    for run in runs(folder):
        assert without_time(run) == whole
    others = {path.name for path in folder.iterdir()} - {run.name for run in runs(folder)}
    strange = {name for name in others if not name.endswith(UNFINISHED)}
    assert strange <= {"parts", "optima", *left}


def sound(folder):
    """The runs of a folder, each of which replays."""
    found = runs(folder)
    assert all(replay(run, read_run(run)) == [] for run in found)
    return found


SIGNALS = (KILL, signal.SIGINT, signal.SIGTERM)
ENDED = {signal.SIGINT: 130, signal.SIGTERM: 143, KILL: -KILL}


def test_struck_at_any_event_it_goes_on_and_loses_nothing(scenario, whole, tmp_path):
    generator = np.random.default_rng(0)
    count = events_of(lambda: play(scenario, tmp_path / "count"))
    for point in range(POINTS):
        folder, number = tmp_path / str(point), SIGNALS[point % 3]
        event = int(generator.integers(1, count + 1))
        code, said = struck_at(event, lambda at=folder: play(scenario, at), number)
        assert code == ENDED[number], said
        assert "Traceback" not in said
        folder.mkdir(exist_ok=True)
        check(folder, whole)
        before = len(runs(folder))
        code, said = child(lambda at=folder: play(scenario, at))
        assert code == 0, said
        assert len(runs(folder)) == before + 1
        check(folder, whole)


def test_a_real_process_group_struck_at_any_moment_leaves_nobody(scenario, whole, tmp_path):
    generator = np.random.default_rng(1)
    command = [sys.executable, "-c", LISTENING, *words(scenario, "out"), "-w", "2"]
    for point in range(max(1, POINTS // 4)):
        folder, number = tmp_path / str(point), SIGNALS[point % 3]
        (folder / "out").mkdir(parents=True)
        with subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as struck:
            time.sleep(float(generator.uniform(0.05, 6.0)))
            if number == KILL:
                struck.kill()
            elif struck.poll() is None:
                os.killpg(struck.pid, number)  # as a terminal or a batch system does
            said, _ = struck.communicate(timeout=120)
        deadline = time.monotonic() + 60.0
        while (left := of_group(struck.pid)) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not left
        check(folder / "out", whole)
        early = (-number,) if not said else ()  # before Python listens to signals
        late = (0, -number) if runs(folder / "out") else ()  # all is done, and Python ends
        assert struck.returncode in (ENDED[number], *early, *late), said
        assert "Traceback" not in said


def frozen(monkeypatch):
    """A clock that stands still."""

    class Clock(running.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 1, 1, tzinfo=tz)

    monkeypatch.setattr(running, "datetime", Clock)


def test_runs_of_one_second_have_a_folder_each(scenario, tmp_path, monkeypatch):
    frozen(monkeypatch)
    both = tmp_path / "go"
    children = []
    for _ in range(2):  # at once
        if (number := os.fork()) == 0:
            while not both.exists():
                time.sleep(0.001)
            os._exit(child(lambda: play(scenario, tmp_path))[0])
        children.append(number)
    both.touch()
    assert [os.waitpid(number, 0)[1] for number in children] == [0, 0]
    assert child(lambda: play(scenario, tmp_path))[0] == 0  # and one after the other
    names = [run.name for run in sound(tmp_path)]
    assert names == [f"20260101-000000{count}-truthful-short-v0" for count in ("-2", "-3", "")]


@pytest.mark.parametrize("bytes_", [0, 4200, 5500])
def test_a_full_disk_is_one_sentence_and_the_same_command_goes_on(
    scenario, whole, tmp_path, bytes_
):
    """No file may be longer than the limit: nothing starts, or what is finished is kept."""

    def full():
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, bytes_))
        play(scenario, tmp_path)

    code, said = child(full)
    assert code == (1 if bytes_ else 2), said
    assert "error: [Errno 27] File too large" in said
    assert "Traceback" not in said
    assert (f"goes on from the parts finished so far, which are kept in {tmp_path}" in said) == (
        bytes_ > 0
    )
    assert not runs(tmp_path)
    assert child(lambda: play(scenario, tmp_path))[0] == 0
    check(tmp_path, whole)
    assert len(runs(tmp_path)) == 1


def test_where_nothing_can_be_written_nothing_is_played(scenario, tmp_path, monkeypatch):
    monkeypatch.setattr(running, "evaluate_each", pytest.fail)
    (tmp_path / "file").touch()
    for place in (tmp_path / "file", Path("/proc/nowhere")):
        done = CliRunner().invoke(app, words(scenario, place))
        assert done.exit_code == 2
        assert len(done.output.splitlines()) == 1
        assert done.output.startswith("error: ")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_any_terminal_shows_any_text(scenario, whole, tmp_path, encoding):
    code, said = child(lambda: play(scenario, tmp_path), encoding)
    assert code == 0, said
    shown = r"Z?rich ?/kWh [/h] [red]\x1b[31m :warning:"
    assert (shown if encoding == "ascii" else shown.replace("Z?", "Zü")) in said
    assert "\x1b[31m" not in said
    check(tmp_path, whole)
    assert len(runs(tmp_path)) == 1


def test_a_reader_that_leaves_is_no_failure(scenario, whole, tmp_path):
    code, said = child(lambda: play(scenario, tmp_path), reader=False)
    assert code == 0, said
    assert "error" not in said.lower()
    check(tmp_path, whole)
    assert len(runs(tmp_path)) == 1


def test_what_cannot_be_shown_or_drawn_is_told_and_the_record_stays(
    scenario, tmp_path, monkeypatch
):
    def broken(*_, **__):
        raise ZeroDivisionError("in a library")

    monkeypatch.setattr(running, "print_result", broken)
    done = CliRunner().invoke(app, [*words(scenario, tmp_path), "-w", "1"])
    assert done.exit_code == 1
    assert "no screen: ZeroDivisionError: in a library; the record is complete: " in done.output
    assert len(sound(tmp_path)) == 1
    monkeypatch.undo()
    monkeypatch.setattr("report.page.write", broken)
    done = CliRunner().invoke(app, [*words(scenario, tmp_path), "-w", "1"])
    assert done.exit_code == 1
    assert "no report: ZeroDivisionError" in done.output
    assert len(runs(tmp_path)) == 2


SWALLOWING = """\
import os, signal
import numpy as np

class Grave:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)

class Agent:
    def start(self, seeds):
        return 0

    def act(self, observation, memory):
        if memory == 5 and os.path.exists("ring"):
            os.remove("ring")
            Grave()
            open("survived", "w").close()
        return np.zeros((*observation.shape[:2], 3)), memory + 1

def make(scenario):
    return Agent()
"""


def test_an_interruption_that_a_library_swallows_is_asked_again(scenario, tmp_path, monkeypatch):
    (tmp_path / "swallowing_agent.py").write_text(SWALLOWING)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(running, "_strange", lambda _: False)  # the signal strikes who plays

    (tmp_path / "ring").touch()
    code, said = child(lambda: play(scenario, tmp_path / "out", "swallowing_agent:make"))
    assert code == 130, said
    assert Path("survived").exists()  # nothing was raised where it struck
    assert "interrupted; the same command goes on" in said
    assert not runs(tmp_path / "out")
    code, said = child(lambda: play(scenario, tmp_path / "out", "swallowing_agent:make"))
    assert code == 0, said


def test_different_policies_never_share_a_file(scenario, tmp_path, monkeypatch):
    agent = SWALLOWING + "\nb_c = c = make\n" + "b" * 5000 + " = make\n"
    for name in ("a", "a_b"):
        (tmp_path / f"{name}.py").write_text(agent)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(running, "_strange", lambda _: False)
    policies = ["a:b_c", "a_b:c", "a:" + "b" * 5000]
    options = [word for name in policies for word in ("-p", name)]
    arguments = ["benchmark", *options, *words(scenario, "out")[3:], "-w", "1"]
    code, said = child(lambda: app(arguments))
    assert code == 0, said
    (run,) = sound(tmp_path / "out")
    assert len(list((run / "actions").iterdir())) == 5
