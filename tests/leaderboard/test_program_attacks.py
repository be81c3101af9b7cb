"""D01 to D44: whatever a package of code tries, as root or not, all else goes on unharmed."""

import json
import os
import pickle
import select
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime")

from leaderboard.package import archive
from leaderboard.package.manifest import read_manifest
from leaderboard.sandbox.code import held, wheels
from leaderboard.sandbox.process import FaultError
from p2p_market.errors import PackageError
from tests.leaderboard import attacked, endings, programs
from tests.leaderboard.attacked import ROOT, ask, process
from tests.leaderboard.bubble import ORDINARY, interpreter_for_all, needs_bubblewrap
from tests.leaderboard.packages import zipped

pytestmark = pytest.mark.xdist_group("code")

OF_ANYBODY = {
    "PATH": os.environ["PATH"],
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONPATH": f"{ROOT}:{sysconfig.get_path('purelib')}",
}


@pytest.fixture(scope="module", autouse=True)
def bubblewrap():
    needs_bubblewrap()


@pytest.fixture(scope="module")
def secret():
    os.environ["SECRET_OF_THE_EVALUATOR"] = "32 bytes"
    yield
    del os.environ["SECRET_OF_THE_EVALUATOR"]


@pytest.fixture(scope="module", params=["whoever tests", "an ordinary user"])
def told(request, secret):
    """What came of every attack."""
    if request.param == "whoever tests":
        return attacked.everything()
    if os.geteuid() != 0:
        pytest.skip("whoever tests is an ordinary user")
    if (python := interpreter_for_all()) is None:
        pytest.skip("no interpreter that an ordinary user may start")
    done = subprocess.run(
        [python, "-m", "tests.leaderboard.attacked"],
        cwd="/",
        env={**OF_ANYBODY, "SECRET_OF_THE_EVALUATOR": "32 bytes"},
        user=ORDINARY,
        group=ORDINARY,
        extra_groups=[],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        pytest.skip(f"an ordinary user cannot read this checkout: {done.stderr[-200:]}")
    return json.loads(done.stdout) | {"ordinary": True}


def test_every_user_is_held_by_all_that_there_is(told):
    assert (told["user"] == ORDINARY) == told.get("ordinary", False)
    needed = held.NEEDED - {held.REPEATED}
    assert needed | set(held.NAMESPACES) <= set(told["level"].split(", "))


@pytest.mark.attack(
    "D01", "D03", "D04", "D05", "D06", "D07", "D08", "D10", "D11", "D12", "D15", "D17", "D19",
    "D20", "D21", "D22", "D23", "D26", "D30", "D31", "D32", "D33", "D34", "D35", "D36", "D37",
    "D38", "D39", "D52",
)  # fmt: skip
def test_nothing_that_a_program_tries_comes_off(told):
    assert told["attempts"] == dict.fromkeys(programs.ATTEMPTS, False)


@pytest.mark.attack("D02", "D09", "D13", "D14", "D16", "D18", "D24", "D40", "D41", "D42")
def test_what_ends_a_program_ends_it_alone(told):
    assert told["endings"] == {name: fault for name, (_, fault) in endings.ENDINGS.items()}


@pytest.mark.attack("D01", "D09", "D11", "D24")
def test_the_evaluator_and_the_next_entry_are_unharmed(told):
    assert told["same"]


@pytest.mark.attack("D43")
def test_no_seat_and_no_episode_finds_what_another_left(told):
    assert told["notes"] == [[0.0, 1.0]] * 3


@pytest.mark.attack("D44")
def test_what_is_drawn_from_the_system_is_not_found_again(told):
    assert told["sources"] == [False] * 3 + [True] * 3


@pytest.mark.attack("D06")
def test_a_link_in_a_package_of_code_is_refused():
    import zipfile

    link = zipfile.ZipInfo("data.bin")
    link.external_attr = 0o120777 << 16
    with pytest.raises(PackageError, match="regular file"):
        archive.unpack(zipped((link, b"/etc/passwd")))


@pytest.mark.attack("D14")
def test_what_a_program_answers_is_never_unpickled(tmp_path, monkeypatch):
    monkeypatch.setattr(pickle, "loads", None)
    monkeypatch.setattr(pickle, "load", None)
    source = f"""
import pickle
class Evil:
    def __reduce__(self):
        return (open, ({str(tmp_path / "written")!r}, "w"))
class Policy:
    def act(self, observation, published, state):
        return pickle.dumps(Evil()), Evil()
def make(facts):
    return Policy()
"""
    with process(source) as asked, pytest.raises(FaultError, match="dead"):
        ask(asked)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.attack("D25")
def test_nothing_is_left_after_the_end():
    with process(attacked.HONEST) as asked:
        ask(asked)
        inside = os.dup(asked._inside)
    assert gone(inside)


@pytest.mark.attack("D25")
@pytest.mark.parametrize("ordinary", [False, True])
def test_nothing_is_left_when_the_evaluator_is_killed(ordinary):
    if ordinary and (os.geteuid() != 0 or interpreter_for_all() is None):
        pytest.skip("only root can become another, who needs an interpreter")
    source = (
        "import signal, sys, time\n"
        "from tests.leaderboard.attacked import HONEST, ask, process\n"
        "with process(HONEST) as asked:\n"
        "    ask(asked)\n"
        "    line = open(f'/proc/self/fdinfo/{asked._inside}').read().split('Pid:')[1].split()[0]\n"
        "    print(line, flush=True)\n"
        "    time.sleep(600)\n"
    )
    user = {"user": ORDINARY, "group": ORDINARY, "extra_groups": []} if ordinary else {}
    evaluator = subprocess.Popen(
        [interpreter_for_all() if ordinary else sys.executable, "-c", source],
        cwd="/",
        env=OF_ANYBODY,
        stdout=subprocess.PIPE,
        text=True,
        **user,
    )
    assert evaluator.stdout is not None
    inside = os.pidfd_open(int(evaluator.stdout.readline()))
    evaluator.kill()
    evaluator.communicate()
    assert gone(inside)


def gone(inside):
    """Whether a process has ended, or does so soon."""
    ready, _, _ = select.select([inside], [], [], 60.0)
    os.close(inside)
    return bool(ready)


@pytest.mark.attack("D27")
def test_who_is_not_asked_does_not_compute():
    source = """
import threading, time
import numpy as np
class Policy:
    def __init__(self):
        threading.Thread(target=self.count, daemon=True).start()
        self.before = 0.0
    def count(self):
        while True:
            pass
    def act(self, observation, published, state):
        spent = time.process_time() - self.before
        self.before = time.process_time()
        return np.array([spent]), state
def make(facts):
    return Policy()
"""
    with process(source) as asked:
        ask(asked)
        while Path(f"/proc/{pid_of(asked)}/stat").read_text().split(") ")[1][0] != "T":
            os.sched_yield()  # each of its threads stops when the system comes to it
        before = spent(asked)
        for _ in range(2000):
            sum(range(1000))
        assert spent(asked) == before


def pid_of(asked):
    told = Path(f"/proc/self/fdinfo/{asked._inside}").read_text()
    return int(told.split("Pid:")[1].split()[0])


def spent(asked):
    """Processor time of the process, in ticks."""
    return Path(f"/proc/{pid_of(asked)}/stat").read_text().split(") ")[1].split()[11:13]


@pytest.mark.attack("D26")
def test_random_numbers_are_those_of_the_package():
    with process(attacked.HONEST) as one, process(attacked.HONEST) as other:
        assert ask(one) == ask(other)


@pytest.mark.attack("D28")
def test_what_a_program_says_of_its_fetters_is_not_heard():
    source = """
import sys
main = sys.modules["__main__"]
main.READY = b"bubblewrap, a fortress"
def make(facts):
    return None
"""
    with process(source) as asked:
        with pytest.raises(FaultError, match="frame"):
            ask(asked)
        assert held.SECCOMP in asked.level
        assert "fortress" not in asked.level


@pytest.mark.parametrize("lacking", sorted(held.NEEDED))
def test_less_than_all_is_not_enough(lacking):
    everything = [held.BUBBLEWRAP, *held.NAMESPACES, *sorted(held.NEEDED - {*held.NAMESPACES})]
    assert held.is_enough(", ".join(everything))
    assert not held.is_enough(", ".join(one for one in everything if one != lacking))


def test_the_wheels_are_those_that_are_listed_and_what_they_need():
    assert {"numpy", "scipy"} <= wheels.installed().keys()
    assert not {"p2p-market", "p2p_market", "pettingzoo", "pandas"} & wheels.installed().keys()
    assert not {name for name in wheels.places() if name.startswith(("p2p", "__editable", ".."))}
    assert np.__version__ == wheels.installed()["numpy"]


def test_a_stopped_process_can_be_ended():
    with process(attacked.HONEST) as asked:
        ask(asked)
        asked._signal(signal.SIGSTOP)
    assert asked._process is None


def test_a_package_of_code_needs_its_program():
    from tests.leaderboard.packages import DRAFT, manifest

    draft = DRAFT.replace('"rules"', '"python"')
    with pytest.raises(PackageError, match="begins with a file"):
        read_manifest(manifest({"other.py": b"1"}, draft))
    wrong = draft.replace('division = "policy"', 'division = "method"')
    text = manifest({"policy.py": b"1"}, wrong)
    with pytest.raises(PackageError, match="one policy in all roles"):
        read_manifest(text)
