"""The command line as a user meets it."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from p2p_market.commands.app import app
from p2p_market.community.metrics import METRICS
from p2p_market.registry import DEFAULT_SCENARIO, of_default_track
from p2p_market.scenarios import scenario_ids

pytest.importorskip("cvxpy")
pytestmark = pytest.mark.xdist_group("cli")  # one run for all of them

RUN = ["-s", "classic-v0", "--weeks", "5,6"]


def invoke(*arguments: str):
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    output = tmp_path_factory.mktemp("results")
    done = invoke("benchmark", *RUN, "-p", "truthful", "-o", str(output))
    assert done.exit_code == 0, done.output
    assert "holds in 2 of 2 weeks" in " ".join(done.output.split())
    (folder,) = output.glob("*-classic-v0")
    return folder


def test_scenarios_are_listed_by_ids_that_are_not_cut():
    listed = json.loads(invoke("scenarios", "--json").stdout)
    assert [row["id"] for row in listed] == scenario_ids()
    shown = invoke("scenarios").output
    assert [one["id"] for one in listed if one["id"] not in shown] == []


def test_benchmark_leaves_record_metrics_and_report(run_folder):
    record = json.loads((run_folder / "run.json").read_text())
    (scenario,) = record["scenarios"]
    scores = {policy["policy"]: policy["score"]["point"] for policy in scenario["policies"]}
    assert scores["no-trade"] == 0.0
    assert scores["optimum"] == 100.0
    assert 0.0 < scores["truthful"] < 100.0
    assert all(certificate["holds"] for certificate in scenario["certificates"])
    header, *rows = (run_folder / "metrics.csv").read_text().splitlines()
    assert len(rows) == 3 * 2 == len(json.loads((run_folder / "metrics.json").read_text()))
    assert all(any(name in column for column in header.split(",")) for name in METRICS)
    assert "<html" in (run_folder / "report.html").read_text()
    assert not list(run_folder.rglob("*.part"))


def test_a_run_replays_and_a_changed_one_does_not(run_folder):
    assert invoke("replay", str(run_folder)).exit_code == 0
    path = run_folder / "run.json"
    original = path.read_text()
    record = json.loads(original)
    record["scenarios"][0]["policies"][1]["social_cost_eur"][0] += 1e-9
    path.write_text(json.dumps(record))
    changed = invoke("replay", str(run_folder))
    assert changed.exit_code == 1
    assert "truthful" in changed.output
    record["scenarios"][0]["policies"][1]["digests"][1] = "0" * 64
    path.write_text(json.dumps(record))
    assert "digests differ in weeks [1], counted from 0" in invoke("replay", str(run_folder)).output
    path.write_text(original)


def worse(scenario):
    """Another policy's schedule as the optimum, and a certificate that agrees with itself."""
    own, best = scenario["policies"][1], scenario["policies"][-1]
    best.update({name: own[name] for name in ("actions", "digests", "social_cost_eur")})
    for certificate, cost in zip(scenario["certificates"], own["social_cost_eur"], strict=True):
        certificate.update(plan_eur=cost, bound_eur=cost, replay_eur=cost)


def of_other_seeds(scenario):
    for key in scenario["episodes"]:
        key["seed"] += 1


SIGHT = "observations"
FORGERIES = {
    "score": ("the score differs", lambda s: s["policies"][1]["score"].update(point=99.9)),
    "certificate": (
        "the certificate differs",
        lambda s: s["certificates"][0].update(holds=False),
    ),
    "bound": ("the certificate differs", lambda s: s["certificates"][0].update(bound_eur=-1e9)),
    "worse": ("the certificate differs in week 0", worse),
    "outside": ("outside", lambda s: s["policies"][0].update(actions="../../x.npz")),
    "name": ("actions of another name", lambda s: s["policies"][1].update(policy="mine:agent")),
    "seed": ("metrics.json: scenarios, policies or episodes differ", of_other_seeds),
    "conduct": (
        "conduct differs",
        lambda s: s["policies"][1]["conduct"].update(rows="centralised"),
    ),
    "sight": ("conduct differs", lambda s: s["policies"][-1]["conduct"].update(sight=SIGHT)),
    "id": ("scenarios[0]: id is not that", lambda s: s.update(id="ev-12-v0")),
    "path": ("scenarios[0]: id is not that", lambda s: s.update(id="../../x")),
    "missing": (
        "no.npz: the actions cannot be read: there is none",
        lambda s: s["policies"][0].update(actions="no.npz"),
    ),
    "day": ("not an episode", lambda s: s["episodes"][0].update(start_day=400)),
    "shape": ("shape", lambda s: s["specification"].update(days=6)),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_record_does_not_replay(run_folder, tmp_path, name):
    words, forge = FORGERIES[name]
    folder = tmp_path / "run"
    shutil.copytree(run_folder, folder)
    record = json.loads((folder / "run.json").read_text())
    forge(record["scenarios"][0])
    (folder / "run.json").write_text(json.dumps(record))
    done = invoke("replay", str(folder))
    assert done.exit_code == 1, done.output
    assert words in " ".join(done.output.split())


def test_an_empty_record_and_damaged_actions_do_not_replay(run_folder, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(run_folder, folder)
    for path in (folder / "actions").iterdir():
        path.write_bytes(path.read_bytes()[:100])
    done = invoke("replay", str(folder))
    assert done.exit_code == 1
    assert ".npz: the actions cannot be read: BadZipFile" in " ".join(done.output.split())
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(record | {"scenarios": []}))
    assert "no scenario" in invoke("replay", str(folder)).output
    assert invoke("replay", str(folder / "run.json")).exit_code == 2
    twice = record | {"scenarios": record["scenarios"] * 2}
    (folder / "run.json").write_text(json.dumps(twice))
    for command in ("replay", "cite"):
        assert "classic-v0 is listed more than once" in invoke(command, str(folder)).output


def test_a_policy_that_answers_with_no_number_is_told(tmp_path, monkeypatch):
    (tmp_path / "broken_agent.py").write_text(
        "import numpy as np\n"
        "class Broken:\n"
        "    def start(self, seeds): return None\n"
        "    def act(self, observation, memory):\n"
        "        return np.full((*observation.shape[:2], 3), np.nan), memory\n"
        "def make(scenario): return Broken()\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("p2p_market.commands.run._strange", lambda _: False)
    monkeypatch.setattr("p2p_market.evaluation.running.first_try.is_ours", lambda _: True)
    done = invoke(
        "evaluate", "-p", "broken_agent:make", "-s", "classic-v0", "--weeks", "5", "-w", "1"
    )
    assert "held in grid-only fallback in 1008 agent-steps" in " ".join(done.output.split())


STRANGERS = "tests.evaluation.strangers"


def test_a_policy_that_fails_leaves_the_others_and_the_record(tmp_path, monkeypatch):
    monkeypatch.setattr("p2p_market.commands.run._write_report", lambda results, folder: None)
    (tmp_path / "leaves_at_once.py").write_text("raise SystemExit(4)\n")
    (tmp_path / "ends_at_once.py").write_text("import os\n\nos._exit(5)\n")
    monkeypatch.chdir(tmp_path)
    names = [f"{STRANGERS}:{name}" for name in ("Raises", "never", "Idle", "EndsItsProcess")]
    modules = ("leaves_at_once:make", "ends_at_once:make")
    asked = [word for name in (*names, *modules) for word in ("-p", name)]
    done = invoke("benchmark", *RUN, *asked, "-w", "1", "-o", str(tmp_path))
    assert done.exit_code == 1, done.output
    said = " ".join(done.output.split())
    assert f"policy '{STRANGERS}:Raises' failed in classic-v0 at step 3: OddError: x y" in said
    assert "in Raises.wrong: raise OddError" in said
    assert "it ended its process (exit code 9)" in said
    assert "x: failed; all its weeks count as a score of -100" in said
    assert "no mark, but for the optimum: decentralised, checked, and reproducible" in said
    assert "no such weights; the other policies are played" in said
    assert "failed in classic-v0 before its first step: SystemExit: 4" in said
    assert "leaves_at_once.py:1 in <module>: raise SystemExit(4)" in said
    ended = "policy 'ends_at_once:make' failed in classic-v0: it ended its process (exit code 5)"
    assert f"{ended}; the other policies are played" in said
    (folder,) = tmp_path.glob("*-classic-v0")
    assert invoke("replay", str(folder)).exit_code == 0
    assert "Traceback" not in done.output


def test_where_all_fail_at_once_nothing_starts(tmp_path):
    names = [f"{STRANGERS}:{name}" for name in ("never", "NoStart", "EndsAtOnce")]
    asked = [word for name in names for word in ("-p", name)]
    done = invoke("benchmark", *RUN, *asked, "-w", "1", "-o", str(tmp_path / "out"))
    assert done.exit_code == 2
    assert "LookupError: no such weights" in done.output
    assert "has act() but no start()" in " ".join(done.output.split())
    assert "EndsAtOnce' failed in classic-v0: it ended its process (exit code 9)" in done.output
    assert not (tmp_path / "out").exists()


def test_who_says_to_be_decentralised_is_held_to_it(tmp_path, monkeypatch):
    monkeypatch.setattr("p2p_market.commands.run._write_report", lambda results, folder: None)
    monkeypatch.setattr("p2p_market.commands.run._strange", lambda _: False)
    monkeypatch.setattr("p2p_market.evaluation.running.first_try.is_ours", lambda _: True)
    asked = ("-p", f"{STRANGERS}:LooksAround", "-s", "classic-v0", "--weeks", "5", "-w", "1")
    done = invoke("evaluate", *asked, "--decentralised", "-o", str(tmp_path))
    assert done.exit_code == 1
    assert "LooksAround is not decentralised in classic-v0" in " ".join(done.output.split())
    assert invoke("evaluate", *asked, "--centralised", "-o", str(tmp_path)).exit_code == 0


def test_a_run_is_cited(run_folder):
    assert "@misc{p2p_market_run_" in invoke("cite", str(run_folder)).stdout
    assert "cff-version" in invoke("cite", str(run_folder), "--cff").stdout


def test_an_own_policy_is_scored(tmp_path, monkeypatch):
    (tmp_path / "lazy_agent.py").write_text(
        "import numpy as np\n"
        "class Lazy:\n"
        "    def start(self, seeds): return None\n"
        "    def act(self, observation, memory):\n"
        "        return np.zeros((*observation.shape[:2], 3)), memory\n"
        "def make(scenario): return Lazy()\n"
    )
    monkeypatch.chdir(tmp_path)
    done = invoke("evaluate", "-p", "lazy_agent:make", *RUN, "-w", "1", "-o", "out")
    assert done.exit_code == 0, done.output
    assert "lazy_agent:make" in done.output


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["benchmark", "-s", "nowhere-v0"], "known:"),
        (["benchmark", "--weeks", "13"], "weeks"),
        (["benchmark", "--weeks", "soon"], "weeks"),
        (["benchmark", "--weeks", "0-13"], "between 0 and 12"),
        (["benchmark", "--weeks", "0-999999999999"], "different weeks"),
        (["benchmark", "--weeks", "5-3,7"], "different weeks"),
        (["benchmark", "--weeks", "3,3"], "different weeks"),
        (["benchmark", "--weeks", "\u0663"], "different weeks"),
        (["benchmark", "-s", "nothere.yaml"], "no such file"),
        (["benchmark", "-s", "classic-v0", "--split", "tomorrow"], "validation"),
        (["benchmark", "-s", "nothere.yaml", "--weeks", "3,3"], "weeks"),  # at once
        (["benchmark", "--seed", "-1"], "seed"),
        (["benchmark", "--seed", str(2**64)], "seed"),
        (["evaluate", "-p", "clever", *RUN], "MODULE:FACTORY"),
        (["evaluate", "-p", "truthful", *RUN, "--split", "tomorrow"], "split"),
        (["evaluate"], "policy"),
        (["evaluate", "-p", "truthful", "-p", "zip", *RUN], "benchmark -p A -p B"),
        (["evaluate", "-p", ":make", *RUN], "MODULE:FACTORY"),
        (["benchmark", "-s", "classic-v0", "-s", "classic-v0"], "twice"),
        (["replay", "no-such-folder"], "run.json"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_what_to_do(arguments, word, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = invoke(*arguments)
    assert done.exit_code == 2, done.output
    assert word in " ".join(done.output.replace("│", " ").split())


def test_doctor_finds_this_machine_healthy():
    done = invoke("doctor")
    assert done.exit_code == 0, done.output
    assert "all digests agree" in done.output
    assert "all is well" in done.output.splitlines()[-1]


def test_every_command_explains_itself():
    for command in ("benchmark", "evaluate", "scenarios", "replay", "cite", "doctor"):
        done = invoke(command, "--help")
        assert done.exit_code == 0
        assert "Usage" in done.output


@pytest.mark.parametrize(
    ("command", "every"),
    [(["benchmark"], scenario_ids()), (["evaluate", "-p", "truthful"], of_default_track())],
)
def test_benchmark_and_evaluate_have_one_default_and_all(command, every, monkeypatch):
    played = []
    monkeypatch.setattr("p2p_market.commands.app.run", lambda names, *rest: played.append(names))
    for more in ([], ["--all"], ["-s", "classic-v0"]):
        assert invoke(*command, *more).exit_code == 0
    default, found, chosen = played
    assert default == found[:1] == [DEFAULT_SCENARIO]
    assert sorted(found) == sorted(every)
    assert chosen == ["classic-v0"]
    both = invoke(*command, "--all", "-s", "classic-v0")
    assert both.exit_code == 2
    assert "not both" in both.output
