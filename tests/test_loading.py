"""A name means ours or the user's, whatever lies in the working folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from p2p_market import loading as modules
from p2p_market.errors import PolicyError
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.evaluation.running.part_store import installation
from p2p_market.evaluation.running.processes import in_processes
from p2p_market.loading import import_from_here, import_ours
from p2p_market.registry import load_scenario

POLICY = """
class Own:
    def __init__(self, scenario): pass
    def start(self, seeds): return None
    def act(self, observation, memory): return None, memory
def make(scenario):
    {before}
    return Own(scenario)
"""
TRAP = "raise ValueError('this is the file of the working folder')"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Writes files into a working folder; what was imported from it is forgotten afterwards."""
    folder = tmp_path.resolve()
    monkeypatch.chdir(folder)
    before, path = dict(sys.modules), list(sys.path)
    monkeypatch.setattr(modules._FINDER, "aside", {})

    def write(files):
        for name, text in files.items():
            path = folder / f"{name}.py"
            path.parent.mkdir(exist_ok=True, parents=True)
            path.write_text(text, encoding="utf-8")
        return folder

    yield write
    sys.path[:] = path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", "")).startswith(str(folder)):
            sys.modules.pop(name)
    sys.modules.update({name: module for name, module in before.items() if name not in sys.modules})


def policy(before="pass"):
    return POLICY.format(before=before)


@pytest.fixture(scope="module")
def scenario():
    return load_scenario("classic-v0")


def origin(found):
    """The file of a policy's class."""
    return Path(type(found).start.__code__.co_filename)


def test_ours_are_found_in_any_folder(place, scenario):
    names = ("baselines", "report", "leaderboard", "tools", "numpy", "queue", "jinja2")
    folder = place({**dict.fromkeys(names, TRAP), "agent": policy()})
    ours = load_policy("truthful", scenario)
    assert origin(load_policy("agent:make", scenario)) == folder / "agent.py"
    assert origin(ours).is_relative_to(modules.ROOT)
    for name in ("report", "leaderboard", "p2p_market.community.rules.policy", "queue"):
        assert folder not in Path(import_ours(name).__file__).parents
    assert origin(load_policy("p2p_market.community.rules.policy:truthful", scenario)) == origin(
        ours
    )


@pytest.mark.parametrize(
    "name",
    [
        "random",  # of Python, and imported long ago
        "wave",  # of Python, and nobody needs it
        "yaml.agent",  # a package that is installed and imported
        "onnxruntime.agent",  # one that may be installed
        "baselines.agent",  # one of ours
        "report",
        "agents.deep.agent",
    ],
)
def test_a_module_of_the_user_is_meant_by_module_and_factory(place, scenario, name):
    before = sys.modules.get(name.partition(".")[0])
    helper = f"{name.rpartition('.')[0]}.helper".lstrip(".")
    late = f"from {helper} import WORD; assert WORD == 'own'"
    files = {name: policy(late), helper: "WORD = 'own'"}
    folder = place({module.replace(".", "/"): text for module, text in files.items()})
    for _ in range(2):
        found = load_policy(f"{name}:make", scenario)
        assert origin(found) == folder / (name.replace(".", "/") + ".py")
        assert type(found) is type(load_policy(f"{name}:make", scenario))  # imported once
    if before is not None:
        assert sys.modules[name.partition(".")[0]] is before
    assert origin(load_policy("truthful", scenario)).is_relative_to(modules.ROOT)


def test_libraries_go_on_with_the_modules_of_python(place, scenario, monkeypatch):
    """What the user's `random` imports needs Python's."""
    monkeypatch.delitem(sys.modules, "secrets", raising=False)
    folder = place({"random": f"import secrets\n{policy()}"})
    assert origin(load_policy("random:make", scenario)) == folder / "random.py"


def test_each_finds_its_own_of_the_same_name(place, scenario):
    """The user's policy imports the user's `report`, and asks for one of our baselines."""
    ask = "import report; from p2p_market.evaluation.players.policy import load_policy as load"
    agent = policy(f"{ask}; load('truthful', scenario); assert report.WORD == 'own'")
    place({"agent": agent, "report": "WORD = 'own'", "baselines/__init__": ""})
    load_policy("agent:make", scenario)
    assert not hasattr(import_ours("report"), "WORD")
    assert import_from_here("report").WORD == "own"


def test_helpers_come_before_what_is_installed_and_after_python(place, monkeypatch):
    folder = place({"agent": "import queue, iniconfig", "queue": TRAP, "iniconfig": ""})
    monkeypatch.delitem(sys.modules, "queue", raising=False)
    monkeypatch.delitem(sys.modules, "iniconfig", raising=False)
    agent = import_from_here("agent")
    assert Path(agent.queue.__file__).parent == Path(os.__file__).parent
    assert Path(agent.iniconfig.__file__).parent == folder


def test_code_of_a_policy_is_that_which_plays(place):
    place({"random": policy(), "baselines/agent": policy(), "baselines/__init__": ""})
    scenario = load_scenario("classic-v0")
    told = installation(["random:make", "storage-value"], scenario)
    own = installation(["baselines.agent:make"], scenario)
    assert told["code of baselines"] != own["code of baselines"]
    assert told["code of baselines"] == installation(["optimum"], scenario)["code of baselines"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bad.py:Own", "write bad:Own$"),
        ("bad.py", "write bad:FACTORY$"),
        ("./bad.py:Own", "write bad:Own$"),
        ("inside/deep.py:Own", "write inside.deep:Own$"),
        ("inside/deep:Own", "write inside.deep:Own$"),
        ("{here}/bad.py:Own", "write bad:Own$"),
        ("../{name}/bad.py:Own", "write bad:Own$"),
        ("/bad.py:Own", "there is no file '/bad.py'"),
        ("bad", "write bad:FACTORY, with the function or class of bad"),
        ("bad:", "write bad:FACTORY"),
        (":make", "known: no-trade"),
        ("", "known: no-trade"),
        ("bad module:make", "known: no-trade"),
        ("trutful", "did you mean 'truthful'"),
        ("a/mine.zip", "play it with `p2p-market leaderboard run a/mine.zip`"),
        ("no_trade", "did you mean 'no-trade'"),
        ("mcp-community", "did you mean 'mpc-community'"),
        ("missing.onnx", "no file 'missing.onnx'"),
        ("n/P.ONNX", "the ending is written .onnx; rename the file"),
        ("bad.make", "write bad:make"),
        ("missing:make", "No module named 'missing'.*neither in .* nor installed"),
        ("imports:make", "No module named 'not_there'.*not what it imports"),
        ("bad:nothing", "bad has no 'nothing'"),
    ],
)
def test_the_likely_mistake_is_named(place, scenario, name, words):
    folder = place({"bad": policy(), "inside/deep": policy(), "imports": "import not_there"})
    with pytest.raises(PolicyError, match=words) as told:
        load_policy(name.format(here=folder, name=folder.name), scenario)
    assert "checkout" not in str(told.value)
    assert "\n" not in str(told.value)


def doubled(task, tell):
    return 2 * task


def test_other_processes_begin_in_any_folder(place):
    """Before they get the path of their parent they import modules of Python."""
    place(dict.fromkeys(("signal", "socket", "numpy", "random"), TRAP))
    before = os.environ.get(modules.SAFE_PATH)
    assert list(in_processes([21], 2, lambda number, units: None, doubled)) == [(21, 42)]
    assert os.environ.get(modules.SAFE_PATH) == before


def test_the_command_by_its_module_begins_in_any_folder(place):
    folder = place(dict.fromkeys(("numpy", "signal", "rich", "random"), TRAP))
    command = [sys.executable, "-m", "p2p_market", "evaluate", "-p", "bad.py", "-s", "classic-v0"]
    environment = os.environ | {"PYTHONPATH": modules.ROOT}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert "there is no file 'bad.py'" in done.stderr


def test_a_hint_to_install_fits_the_place(monkeypatch, tmp_path):
    assert modules.installing("ray") == modules.needing("ray") == "pip install -e '.[ray]'"
    monkeypatch.setattr(modules, "ROOT", str(tmp_path))  # an installed package alone
    assert modules.installing("ray") == "pip install 'p2p-market[ray]'"
    there = "a checkout of the repository, and there pip install -e '.[optimal,onnx]'"
    assert modules.needing("optimal", "onnx") == there
