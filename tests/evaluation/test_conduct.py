"""How policies of others behave is told: sight, rows, whether they answer alike, how they fail."""

import csv
import json
import os
import signal
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from p2p_market.community.baselines import BASELINES, RULE
from p2p_market.community.episode.episode import stack
from p2p_market.community.safety.held import held
from p2p_market.community.scenario.scenario import build
from p2p_market.errors import OptimumError, ReplayError
from p2p_market.evaluation.benchmark import draw_weeks
from p2p_market.evaluation.players.conduct import Conduct, of_shipped, recorded_marks
from p2p_market.evaluation.players.failure import FailedPolicyError
from p2p_market.evaluation.players.player import attempt, load_player, play
from p2p_market.evaluation.record.citation import bibtex, cff
from p2p_market.evaluation.record.recorded import read_run
from p2p_market.evaluation.record.run_record import replay, write_run
from p2p_market.evaluation.running.first_try import first_try
from p2p_market.evaluation.running.interruption import listening
from p2p_market.evaluation.running.parallel import evaluate_all, evaluate_each
from p2p_market.evaluation.running.part_store import PartStore
from p2p_market.evaluation.running.parts import Job, parts_of, play_part
from p2p_market.evaluation.tables.comparison import compare_runs
from p2p_market.evaluation.tables.overview import overview
from p2p_market.market import MECHANISMS
from p2p_market.registry import load_scenario
from tests.evaluation import strangers
from tests.evaluation.runs import deaf, written

pytest.importorskip("cvxpy")

FILE = "tests/evaluation/strangers.py"
ANSWER = r"needed: \(2, 6, 3\) and float32 or float64"
FAILURES = {
    "Raises": "OddError: x y [31m",
    "RaisesSilently": "SilentError: (its text cannot be read)",
    "RaisesEverything": "Everything: all",
    "Leaves": "SystemExit: 3",
    "Stops": "StopIteration",
    "Recursive": "RecursionError: maximum recursion depth exceeded",
    "OtherShape": "answered with shape (1, 2) and dtype float64; needed: (2, 6, 3) and",
    "Flat": "answered with shape (6, 3) and dtype float64; needed: (2, 6, 3) and",
    "Whole": "answered with shape (2, 6, 3) and dtype int64; needed:",
    "Complex": "answered with shape (2, 6, 3) and dtype complex128; needed:",
    "Ragged": "answered with a list, ",
    "Masked": "answered with masked values; needed:",
    "Generator": "answered with a generator instead of an array; needed:",
    "Nothing": "act() must return (action, memory), not None",
    "Alone": "act() must return (action, memory), not a ndarray",
    "Three": "act() must return (action, memory), not 3 things",
}
"""Policy -> what is said of its failure in step 3."""
AT_ONCE = {
    "AtOnce": "ValueError: no start",
    "never": "LookupError: no such weights",
    "KnowsAndFails": "ValueError: too much",
    "NoIdentity": "the factory returned a NoIdentity, which has plan() but no `identity`",
    "NoStart": "the factory returned a NoStart, which has act() but no start()",
    "OtherArguments": "whose act(seen) cannot be called as act(observation, memory)",
    "NotCallable": "the factory returned a NotCallable, whose start is a int",
    "a_class": "the factory returned the class Idle, not an object of it; call the class",
    "KnowsNothing": "informed() returned None, which has neither start() and act() nor plan()",
    "nobody": "the factory returned None, which has neither start() and act() nor plan()",
    "without_scenario": "cannot be called as without_scenario(scenario)",
    "FAILS_AT": "the factory is 3, which cannot be called",
}
"""Policy -> what is said of it before its first step."""

CONDUCTS = {
    "Idle": Conduct(rows="decentralised, checked", reproducible=True),
    "Seeded": Conduct(rows="decentralised, checked", reproducible=True),
    "TellsTheCalendar": Conduct(rows="decentralised, checked", reproducible=True),
    "LooksAround": Conduct(rows="centralised", reproducible=True),
    "RemembersOthers": Conduct(rows="centralised", reproducible=True),
    "GlobalDraws": Conduct(reproducible=False),
    "PythonDraws": Conduct(reproducible=False),
    "HiddenState": Conduct(reproducible=False),
    "ModuleState": Conduct(reproducible=False),
    "DrawnWhenMade": Conduct(reproducible=False),
    "Knows": Conduct("foresight", "decentralised, checked", True),
}


def named(name: str) -> str:
    return f"{strangers.__name__}:{name}"


def one_day(name: str = "classic-v0", **changes):
    return build(load_scenario(name).spec.model_copy(update={"days": 1, **changes}))


def job(*names: str, scenario=None, weeks=(5, 8), **more) -> Job:
    return Job(scenario or one_day(), tuple(map(named, names)), "test", weeks, 0, **more)


@pytest.fixture(scope="module")
def result():
    """All of them in one run."""
    (found,) = evaluate_all([job("Idle", *FAILURES, *AT_ONCE, "Knows")], 1, deaf)
    return found


@pytest.fixture(scope="module")
def folder(result, tmp_path_factory):
    place = tmp_path_factory.mktemp("run")
    write_run([result], place, "2026-01-01T00:00:00+00:00")
    return place


def row(result, name: str):
    (found,) = (one for one in result.rows if one.policy == named(name))
    return found


@pytest.mark.parametrize("name", FAILURES)
def test_a_policy_that_fails_is_told_in_a_sentence_and_counts_the_floor(result, name):
    failure = row(result, name).conduct.failure
    begin = f"policy {named(name)!r} failed in classic-v0 at step 3: "
    assert failure.message.startswith(begin + FAILURES[name])
    assert failure.message.isprintable()
    assert failure.step == len(result.trajectories[named(name)].actions["prosumer"]) == 3
    assert row(result, name).score.point == pytest.approx(-100.0)
    assert row(result, name).score.worst == pytest.approx(-100.0)
    assert np.isnan(row(result, name).gaps_eur["allocation"]).all()


def test_only_the_authors_own_calls_are_shown(result):
    frames = row(result, "Raises").conduct.failure.frames
    assert [frame.partition(": ")[2] for frame in frames] == [
        "return self.wrong(seen, step)",
        'raise OddError("x", "y")',
    ]
    assert all(frame.startswith(f"{FILE}:") and " in " in frame for frame in frames)
    assert row(result, "OtherShape").conduct.failure.frames == ()
    deep = row(result, "Recursive").conduct.failure.frames
    assert len(deep) == 2
    assert deep[1].endswith("(repeated)")


@pytest.mark.parametrize("name", AT_ONCE)
def test_a_policy_that_cannot_begin_is_told_what_is_missing(result, name):
    failure = row(result, name).conduct.failure
    assert f"{named(name)!r} failed in classic-v0 before its first step: " in failure.message
    assert AT_ONCE[name] in failure.message
    assert failure.step is None
    assert named(name) not in result.trajectories
    assert first_try(named(name), result.scenario, "test") == failure


def test_the_others_are_scored_as_without_them(result):
    (alone,) = evaluate_all([job("Idle")], 1, deaf)
    assert asdict(row(result, "Idle").score) == asdict(row(alone, "Idle").score)
    assert not result.sound
    assert alone.sound


def test_an_interruption_is_no_failure():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job may begin deaf
    try:
        with pytest.raises(KeyboardInterrupt):
            play(one_day(), stack(draw_weeks(one_day(), "test", (5,), 0)), named("Interrupts"))
    finally:
        signal.signal(signal.SIGINT, before)


def test_who_raises_an_interruption_that_nobody_asked_for_fails():
    episode = stack(draw_weeks(one_day(), "test", (5,), 0))
    with listening(), pytest.raises(FailedPolicyError, match="at step 3: KeyboardInterrupt"):
        play(one_day(), episode, named("Interrupts"))


def test_a_policy_leaves_this_process_where_it_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    episode = stack(draw_weeks(one_day(), "test", (5,), 0))
    for play_it in (
        lambda: first_try(named("GoesAway"), one_day(), "test"),
        lambda: play(one_day(), episode, named("GoesAway")),
        lambda: attempt(one_day(), episode, named("GoesAway")),
    ):
        play_it()
        assert Path.cwd() == tmp_path


def test_a_run_with_failures_replays(result, folder):
    assert replay(folder, read_run(folder)) == []
    record = json.loads((folder / "run.json").read_text(), parse_constant=pytest.fail)
    entries = {entry["policy"]: entry for entry in record["scenarios"][0]["policies"]}
    assert entries[named("Raises")]["conduct"]["failure"]["step"] == 3
    assert entries[named("never")]["actions"] is None
    assert entries[named("Knows")]["conduct"]["sight"] == "foresight"
    assert entries[named("Idle")]["conduct"]["rows"] == "decentralised, checked"
    with (folder / "metrics.csv").open(newline="") as file:
        (first, *_) = (line for line in csv.DictReader(file) if line["policy"] == named("Raises"))
    assert first["traded_kwh"] == ""
    assert float(first["social_cost_eur"]) > 0.0


@pytest.mark.parametrize("change", ["digest", "cost", "excuse"])
def test_a_forged_failure_does_not_replay(folder, change):
    record = read_run(folder)
    entries = {entry["policy"]: entry for entry in record["scenarios"][0]["policies"]}
    if change == "digest":
        entries[named("Raises")]["digests"][0] = "0" * 64
    elif change == "cost":
        entries[named("never")]["social_cost_eur"][0] -= 1.0
    else:
        entries[named("Idle")]["conduct"]["failure"] = {"message": "m", "step": None, "frames": []}
    assert replay(folder, record) != []


def test_marks_stand_in_citations_and_foresight_is_not_compared(folder):
    record = read_run(folder)
    failed, foresight = recorded_marks(record)
    assert failed.startswith(f"failed: {named('Raises')}, ")
    assert foresight == f"foresight: {named('Knows')}"
    assert f"foresight: {named('Knows')}" in cff(record).replace("\n ", "")
    assert bibtex(record).count("{") == bibtex(record).count("}")
    compared = {one.first for one in compare_runs(record, record)}
    assert named("Idle") in compared
    assert named("Raises") in compared
    assert named("Knows") not in compared
    with pytest.raises(ReplayError, match="knows the future"):
        compare_runs(record, record, [(named("Knows"), named("Idle"))])


def test_a_shipped_reference_in_an_older_record_is_not_compared_either(folder):
    record = read_run(folder)
    for entry in record["scenarios"][0]["policies"]:
        del entry["conduct"]
        if entry["policy"] == named("Idle"):
            entry["policy"] = "mpc-foresight"
    assert recorded_marks(record) == []
    assert "mpc-foresight" not in {one.first for one in compare_runs(record, record)}


def test_who_knows_the_future_has_no_rank():
    names = ("Knows", "Idle", "Raises")
    found = [job(*names), job(*names, scenario=one_day("outage-v0"))]
    results = evaluate_all(found, 1, deaf)
    ranked = {one.policy: one for one in overview(results)}
    assert set(ranked) == {RULE, named("Idle"), named("Raises")}
    assert ranked[named("Raises")].mean == pytest.approx(-100.0)


def test_processes_tell_the_same_and_one_that_dies_is_named():
    """In two processes, of which one dies on the way."""
    names = ("Raises", "Recursive", "EndsItsProcess", "Ragged", "Idle", "OrderOfHashes")
    (there,) = evaluate_all([job(*names, weeks=(5,))], 2, deaf)
    (here,) = evaluate_all([job(*(set(names) - {"EndsItsProcess"}), weeks=(5,))], 1, deaf)
    for name in ("Raises", "Recursive", "Ragged", "Idle"):
        assert row(there, name).conduct == row(here, name).conduct
    if "PYTHONHASHSEED" not in os.environ:
        assert row(here, "OrderOfHashes").conduct.reproducible  # one process cannot tell
        assert row(there, "OrderOfHashes").conduct == Conduct(reproducible=False)
    dead = row(there, "EndsItsProcess").conduct.failure
    assert dead.message.endswith(
        "EndsItsProcess' failed in classic-v0: it ended its process (exit code 9)"
    )


def test_a_failure_is_kept_by_an_interrupted_run(tmp_path, monkeypatch):
    asked = job("Raises", "GlobalDraws", "Idle", weeks=(5,))
    store = PartStore(tmp_path)
    first = written(evaluate_all([asked], 1, deaf, store), tmp_path / "first")
    known = PartStore(tmp_path).find(asked)
    parts = {part.policy: part for part in parts_of(asked)}
    for name in ("Raises", "Idle"):
        part = parts[named(name)]
        assert play_part(part, known[part]).conduct == known[part].conduct
    monkeypatch.setattr(strangers.Raises, "wrong", strangers.Idle.wrong)
    part = parts[named("Raises")]
    assert play_part(part, known[part]).conduct.failure.step == 3  # nobody gets a second chance
    assert play_part(part).conduct.failure is None
    monkeypatch.undo()
    again = written(evaluate_all([asked], 1, deaf, PartStore(tmp_path)), tmp_path / "again")
    drawn = [name for name in again if first[name] != again[name]]
    assert all("GlobalDraws" in name or name.startswith(("metrics", "run")) for name in drawn)


@pytest.mark.parametrize("weeks", [(5,), (5, 8)], ids=["one week", "two weeks"])
@pytest.mark.parametrize("name", CONDUCTS)
def test_conduct_is_found_out(name, weeks):
    scenario = one_day()
    found = attempt(scenario, stack(draw_weeks(scenario, "test", weeks, 0)), named(name))
    assert found.conduct == CONDUCTS[name]


LATER = {
    "Idle": CONDUCTS["Idle"],
    "Seeded": CONDUCTS["Seeded"],
    "Knows": CONDUCTS["Knows"],
    "RemembersOthers": CONDUCTS["RemembersOthers"],
    "DrawsLater": Conduct(reproducible=False),
    "LooksAroundLater": Conduct(rows="centralised", reproducible=True),
}


@pytest.mark.parametrize("weeks", [(5,), (5, 8)], ids=["one week", "two weeks"])
@pytest.mark.parametrize("name", LATER)
def test_conduct_after_the_first_day_is_found_out(name, weeks):
    scenario = build(load_scenario("classic-v0").spec.model_copy(update={"days": 2}))
    episode = stack(draw_weeks(scenario, "test", weeks, 0))
    assert attempt(scenario, episode, named(name)).conduct == LATER[name]
    if name == "DrawsLater":
        declared = attempt(scenario, episode, named(name), centralised=True).conduct
        assert declared == Conduct(rows="centralised", reproducible=False)


def test_who_fails_when_asked_for_the_week_again_acts_otherwise():
    scenario = build(load_scenario("classic-v0").spec.model_copy(update={"days": 2}))
    episode = stack(draw_weeks(scenario, "test", (5, 8), 0))
    found = attempt(scenario, episode, named("FailsLaterAgain")).conduct
    assert found == Conduct(reproducible=False)


def test_who_says_so_itself_is_centralised_without_being_looked_at():
    scenario = one_day()
    episode = stack(draw_weeks(scenario, "test", (5,), 0))
    assert attempt(scenario, episode, named("Idle"), centralised=True).conduct.rows == "centralised"
    assert attempt(scenario, episode, "truthful", centralised=True).conduct == of_shipped(
        "truthful", scenario
    )


SHIPPED = [
    *(name for name, one in BASELINES.items() if not one.slow),
    *("mpc-alone", "mpc-alone-warm", "mpc-community-warm"),
]


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_policies_behave_as_is_said_of_them(name, monkeypatch):
    monkeypatch.setattr("p2p_market.evaluation.players.player.of_shipped", lambda *_: None)
    scenario = one_day()
    found = attempt(scenario, stack(draw_weeks(scenario, "test", (5, 8), 0)), name)
    assert found.conduct == of_shipped(name, scenario)


def test_a_planner_of_ones_own_is_told_what_the_future_is_for():
    with pytest.raises(OptimumError, match="only the optimum may"):
        load_player("baselines.community.optimal.policy:optimum", one_day(), None)


@pytest.mark.parametrize(
    ("name", "words"),
    [("TooLarge", "with numbers beyond 1e6 kW"), ("NoNumbers", "with NaN or infinite numbers")],
)
def test_why_agents_are_held_is_told_with_counts(name, words):
    scenario = one_day()
    played = play(scenario, stack(draw_weeks(scenario, "test", (5,), 0)), named(name))
    assert held(scenario, played).startswith(
        f"held in grid-only fallback in 144 agent-steps (100 %): 144 {words}"
    )
    assert held(scenario, play(scenario, stack(draw_weeks(scenario, "test", (5,), 0)), RULE)) == ""


def with_mechanism(monkeypatch, mechanism):
    monkeypatch.setitem(MECHANISMS, "of_a_stranger", mechanism)
    return one_day(mechanism="of_a_stranger", id="mine-v0")


def test_a_mechanism_that_raises_is_the_failure_of_those_who_met_it(monkeypatch):
    scenario = with_mechanism(monkeypatch, strangers.failing_mechanism(7))
    asked = Job(scenario, ("truthful",), "test", (5,), 0)
    (found,) = evaluate_all([asked], 1, deaf)
    rule, truthful, optimum = found.rows
    assert rule.conduct.failure is None
    assert optimum.score.point == pytest.approx(100.0)
    failure = truthful.conduct.failure
    assert "mechanism 'of_a_stranger': ArithmeticError: no price at 7" in failure.message
    assert len(failure.frames) == 1
    assert failure.frames[0].startswith(FILE)


def test_a_mechanism_that_breaks_an_invariant_is_told(monkeypatch):
    scenario = with_mechanism(monkeypatch, strangers.thieving_mechanism())
    (found,) = evaluate_all([Job(scenario, ("truthful",), "test", (5,), 0)], 1, deaf)
    message = found.rows[1].conduct.failure.message
    assert "mechanism 'of_a_stranger': InvariantError: mine-v0: energy bought" in message


def test_a_scenario_without_a_scale_leaves_the_others(monkeypatch):
    def clear(book):
        raise ArithmeticError

    broken = MECHANISMS["k_double_auction"].__class__(clear, True, "strong", False, True)
    scenario = with_mechanism(monkeypatch, broken)
    asked = [job("Idle", scenario=scenario), job("Idle")]
    (_, unscored), (_, found) = evaluate_each(asked, 1, deaf)
    assert str(unscored).startswith("policy 'no-trade' failed in mine-v0 at step 0: mechanism")
    assert found.scenario.spec.id == "classic-v0"
    with pytest.raises(FailedPolicyError, match="no-trade"):
        evaluate_all(asked, 1, deaf)
