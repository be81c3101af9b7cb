"""A run over several scenarios: each is shown when it is finished, and kept whatever happens."""

import json
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from p2p_market.commands import app as cli
from p2p_market.commands import run as running
from p2p_market.commands.app import app
from p2p_market.commands.console import GOES_ON
from p2p_market.commands.run import default_policies
from p2p_market.community.baselines import BASELINES
from p2p_market.errors import OptimumError
from p2p_market.evaluation.running import parallel
from p2p_market.evaluation.running.parts import Job
from p2p_market.evaluation.running.processes import DeadProcessError
from p2p_market.registry import DEFAULT_SCENARIO, load_scenario
from p2p_market.scenarios import scenario_ids

pytest.importorskip("cvxpy")
pytestmark = pytest.mark.xdist_group("cli")

RUN = ["benchmark", "-s", "classic-v0", "-s", "resale-6-v0", "--weeks", "5", "-w", "1"]


@pytest.fixture(autouse=True)
def no_report(monkeypatch):
    """Pictures take longer than the runs of this file."""
    monkeypatch.setattr(running, "_write_report", lambda *_: None)


def recorded(folder):
    """Scenarios of the records below a folder."""
    return [
        [entry["id"] for entry in json.loads(path.read_text())["scenarios"]]
        for path in sorted(folder.glob("results/*/run.json"))
    ]


@pytest.mark.parametrize(
    ("trouble", "code", "words"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (OSError("the disk is full"), 1, "error: the disk is full"),
    ],
)
def test_finished_scenarios_are_shown_and_recorded(tmp_path, monkeypatch, trouble, code, words):
    """Also if another one ends the run."""
    monkeypatch.chdir(tmp_path)
    put_together = parallel.put_together

    def fail(job, answers):
        if job.scenario.spec.id == "resale-6-v0":
            raise trouble
        return put_together(job, answers)

    with monkeypatch.context() as patch:
        patch.setattr(parallel, "put_together", fail)
        stopped = CliRunner().invoke(app, [*RUN, "-p", "truthful"])
    assert stopped.exit_code == code
    assert "classic-v0: " in stopped.stdout
    assert "resale-6-v0: " not in stopped.stdout
    assert "1 of 2 scenarios in " in stopped.stderr
    assert "1 of 2 scenarios are finished; their record: " in stopped.stderr
    assert words in stopped.stderr
    assert recorded(tmp_path) == [["classic-v0"]]
    assert CliRunner().invoke(app, [*RUN, "-p", "truthful"]).exit_code == 0
    assert ["classic-v0", "resale-6-v0"] in recorded(tmp_path)


def test_a_screen_that_fails_between_two_scenarios_stops_no_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def fail(_):
        raise UnicodeError("no letters")

    monkeypatch.setattr(running, "print_result", fail)
    done = CliRunner().invoke(app, [*RUN, "-p", "truthful"])
    assert done.exit_code == 1
    assert "no screen: UnicodeError: no letters; the run goes on" in done.stderr
    assert recorded(tmp_path) == [["classic-v0", "resale-6-v0"]]


def test_the_end_of_a_run_says_once_what_is_left():
    jobs, folder = [None, None], Path("out")
    left = partial(running._what_is_left, jobs=jobs, output=folder)
    assert left(OSError("full"), {}) == f"; {GOES_ON}, which are kept in out"
    assert left(DeadProcessError(None, None), {}) == "; they are kept in out"
    assert left(OptimumError("no scale"), dict.fromkeys((0, 1))) == ""
    assert left(OSError("full"), dict.fromkeys((0, 1))) == f"; {GOES_ON}, which are kept in out"


@pytest.mark.parametrize(("policy", "apart"), [("truthful", False), ("mine:make", True)])
def test_only_others_play_in_a_process_of_their_own(policy, apart, monkeypatch):
    job = Job(load_scenario("classic-v0"), (policy,), "test", (5,), 0)
    assert running._strange([job]) == apart
    for name in ("_here", "_side_by_side"):
        monkeypatch.setattr(parallel, name, lambda *_, named=name: pytest.fail(named))
    with pytest.raises(pytest.fail.Exception, match="_side_by_side" if apart else "_here"):
        list(parallel.evaluate_each([job], 1, lambda *_: None, apart=apart))


def test_the_time_left_follows_members_and_days(monkeypatch):
    class Scenario:
        def __init__(self, members, days):
            self.agents, self.spec = range(members), type("Spec", (), {"days": days})

    jobs = [type("Job", (), {"scenario": Scenario(*size)}) for size in ((10, 7), (5, 7), (70, 3))]
    assert running._time_left(jobs, {0: None}, 20.0) == (
        "1 of 3 scenarios in 20 s; the others take about 70 s"
    )
    assert "about 4 minutes" in running._time_left(jobs, {1: None}, 30.0)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], [DEFAULT_SCENARIO]),
        (["--all"], [DEFAULT_SCENARIO, *sorted(set(scenario_ids()) - {DEFAULT_SCENARIO})]),
        (["-s", "classic-v0"], ["classic-v0"]),
    ],
)
def test_what_a_benchmark_plays(monkeypatch, words, expected):
    asked = []
    monkeypatch.setattr(cli, "run", lambda *what: asked.extend(what))
    assert CliRunner().invoke(app, ["benchmark", *words]).exit_code == 0
    assert asked[0] == expected
    assert asked[1] == []
    played = default_policies(load_scenario(DEFAULT_SCENARIO))
    assert played == [*(n for n, one in BASELINES.items() if one.benchmark), "optimum"]


def test_all_scenarios_and_some_is_wrong_usage():
    refused = CliRunner().invoke(app, ["benchmark", "--all", "-s", "classic-v0"])
    assert refused.exit_code == 2
    assert "give --all or scenarios, not both" in refused.stderr


def test_a_benchmark_without_a_checkout_names_what_it_leaves_out(monkeypatch, capfd):
    scenario = load_scenario(DEFAULT_SCENARIO)
    real = running.spec_of_ours
    monkeypatch.setattr(
        running, "spec_of_ours", lambda top: None if top == "baselines" else real(top)
    )
    played = default_policies(scenario)
    assert {"no-trade", "truthful", "random", "zip", "optimum"} <= set(played)
    assert not {"storage-value", "mpc-alone-warm"} & set(played)
    running._name_absent([scenario])
    said = " ".join(capfd.readouterr().err.split())
    assert "not played: storage-value, mpc-alone-warm, mpc-community-warm; " in said
