"""B05 to B08, B13 to B16 by their scores, and that a record depends on nothing but its entry."""

import errno
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("safetensors")

from leaderboard.ledger.tiers import RE_EXECUTED
from leaderboard.playing import roles
from leaderboard.playing.candidate import of_baseline, of_package
from leaderboard.playing.evaluate import PARTS, evaluate, installed
from leaderboard.playing.guard import Guarded
from leaderboard.playing.reference import optimum
from leaderboard.playing.scoring import focal_numbers, replayed, self_numbers
from leaderboard.ranking.ranking import board_of
from leaderboard.record.entries import TRACES, Entered
from leaderboard.record.record import FAULTS, NAME, parse
from leaderboard.record.traces import ENDING, read
from leaderboard.sandbox.process import PolicyProcess
from leaderboard.season.draws import draws
from leaderboard.tripwires import TRIPWIRES
from p2p_market.community import engine
from p2p_market.community.observation import observe
from p2p_market.community.optimum.plan import plan_actions
from p2p_market.errors import RecordError
from tests.children import KILL, struck_at
from tests.leaderboard import blind
from tests.leaderboard.misbehaving import Zeros
from tests.leaderboard.packages import RULE, package
from tests.leaderboard.seasons import MOST, STEPS, net, rule, score, without_times

pytestmark = pytest.mark.xdist_group("seasons")  # one season for all of them

HONEST = 20.0
"""What an honest rule scores at least in this season."""


def done(candidate, season, folder, **more):
    return evaluate(candidate, season, folder / "entries", **more)


def played_by(kind, model, monkeypatch):
    """From now on a process of this kind plays in the place of every network."""
    own = roles.process_of

    def instead(seats, limits, asked):
        setup = own(seats, limits, asked).first.partition(b"\n")[0]
        task = f"tests.leaderboard.misbehaving:{kind}"
        return PolicyProcess(json.loads(setup), model, limits, task)

    monkeypatch.setattr(roles, "process_of", instead)


@pytest.mark.attack("B05", "B06", "B08")
@pytest.mark.parametrize(
    ("kind", "model", "fault"),
    [("Hungry", b"", "dead"), ("Endless", b"", "late"), ("Constant", b"nan", "number"),
     ("Constant", b"inf", "number"), ("Short", b"", "frame")],
)  # fmt: skip
def test_who_does_not_answer_gets_the_floor(tiny, tmp_path, monkeypatch, kind, model, fault):
    played_by(kind, model, monkeypatch)
    quick = tiny.file.limits.model_copy(update={"step_s": 1.0 if fault == "late" else 60.0})
    season = replace(tiny, file=tiny.file.model_copy(update={"limits": quick}))
    record = done(net(tiny), season, tmp_path)
    assert [one.failed for one in record.episodes] == [True, True]
    assert all(one.faults.get(fault, 0) >= 1 for one in [*record.episodes, *record.focal])
    assert all(sum(one.faults.values()) == STEPS for one in record.episodes)
    assert score(record) == pytest.approx(-100.0)
    assert all(np.isfinite(list(one.metrics.values())).all() for one in record.episodes)
    (alone,) = record.focal
    assert alone.cost_eur >= max(alone.alone_eur, 2 * alone.alone_eur - alone.truthful_eur)


@pytest.mark.attack("B08")
@pytest.mark.parametrize("said", [b"3e38", b"-3e38", b"1e-45", b"7"])
def test_huge_answers_are_ends_of_a_range(tiny, tmp_path, monkeypatch, said):
    played_by("Constant", said, monkeypatch)
    record = done(net(tiny), tiny, tmp_path)
    assert [one.faults for one in record.episodes] == [{}, {}]
    assert score(record) < 100.0


def test_a_few_faults_are_counted_and_cost_a_step_each(tiny, tmp_path, monkeypatch):
    asked = []

    class Sometimes(Zeros):
        def __init__(self):
            pass

        def ask(self, payload, answer_bytes):
            asked.append(payload)
            wrong = len(asked) == 3
            return np.full(answer_bytes // 4, np.nan if wrong else 0.0, dtype=np.float32).tobytes()

        level = "test"

        def end(self):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

    monkeypatch.setattr(roles, "process_of", lambda *_: Sometimes())
    record = done(net(tiny), tiny, tmp_path)
    assert [one.faults for one in record.episodes] == [{"number": MOST}, {}]
    assert not any(one.failed for one in record.episodes)
    trace, _ = read(next(tmp_path.rglob(record.episodes[0].trace)))
    assert np.flatnonzero(trace.faults).tolist() == [2]
    assert np.all(trace.actions["actions"][2, :, -2] == 0)


@pytest.mark.attack("B16")
def test_leaving_the_hard_episodes_costs_the_floor(tiny, tmp_path, monkeypatch):
    shown = {}  # process -> the most that it is shown; one a task, in the record's order
    ask = PolicyProcess.ask

    def heard(self, payload, answer_bytes):
        much = float(np.abs(np.frombuffer(payload, dtype=np.float32)).sum())
        shown[self] = max(much, shown.get(self, 0.0))
        return ask(self, payload, answer_bytes)

    with monkeypatch.context() as patch:
        played_by("DyingLate", b"inf", patch)
        patch.setattr(PolicyProcess, "ask", heard)
        honest = done(net(tiny), tiny, tmp_path / "honest")
    most = list(shown.values())[:2]
    calm, hard = np.argsort(most)
    played_by("DyingLate", str(sum(most) / 2.0).encode(), monkeypatch)
    leaving = done(net(tiny), tiny, tmp_path / "leaving")
    timeless = {"seconds": 0.0}
    kept, wanted = leaving.episodes[calm], honest.episodes[calm]
    assert kept.model_copy(update=timeless) == wanted.model_copy(update=timeless)
    left = leaving.episodes[hard]
    assert (left.failed, honest.episodes[hard].failed) == (True, False)
    assert left.faults["dead"] < STEPS  # it played until it saw what it did not like
    assert left.cost_eur == pytest.approx(2 * left.rule_eur - left.best_eur)
    assert score(leaving) < score(honest)
    (row,) = board_of("tiny", [Entered(tmp_path, leaving, RE_EXECUTED)]).policies.listed
    assert "50.0 % of its episodes failed" in row.reasons


@pytest.mark.attack("B16")
def test_an_end_pays_nobody_who_does_worse_than_the_floor(tiny, tmp_path):
    record = done(of_baseline("clock-only"), tiny, tmp_path)
    drawn, played = draws(tiny)[0], record.episodes[0]
    trace, _ = read(next((tmp_path / "entries").rglob(played.trace)))
    floor = 2 * played.rule_eur - played.best_eur
    assert played.cost_eur > floor
    dead = replace(trace, faults=np.full_like(trace.faults, 1 + FAULTS.index("dead")))
    numbers = self_numbers(tiny, drawn, dead, replayed(drawn, dead))
    assert (numbers["failed"], numbers["cost_eur"]) == (True, played.cost_eur)


def test_the_next_entry_is_unaffected(tiny, tmp_path, monkeypatch):
    before = done(net(tiny), tiny, tmp_path / "before")
    with monkeypatch.context() as patch:
        played_by("Dying", b"", patch)
        done(net(tiny), tiny, tmp_path / "bad")
    after = done(net(tiny), tiny, tmp_path / "after")
    assert without_times(after) == without_times(before)
    assert not list(tmp_path.rglob("*.part"))


def test_both_ends(tiny, tmp_path):
    assert score(done(of_baseline("optimum"), tiny, tmp_path)) == pytest.approx(100.0, abs=0.02)
    assert score(done(of_baseline("no-trade"), tiny, tmp_path)) == pytest.approx(0.0, abs=0.02)
    assert HONEST < score(done(of_baseline("truthful"), tiny, tmp_path)) < 100.0


@pytest.mark.attack("B14")
@pytest.mark.parametrize("name", TRIPWIRES)
def test_blind_agents_score_low(tiny, tmp_path, name):
    record = done(of_baseline(name), tiny, tmp_path)
    assert record.entry.division == "tripwire"
    assert score(record) < HONEST


@pytest.mark.attack("B15")
@pytest.mark.parametrize("name", blind.TURNS)
def test_physics_pays_nothing_to_who_exploits_it(tiny, tmp_path, name):
    record = done(of_baseline(f"tests.leaderboard.blind:{name}"), tiny, tmp_path)
    assert score(record) <= 0.02
    assert not any(one.faults for one in record.episodes)


@pytest.mark.attack("B13")
def test_a_lookup_table_knows_its_own_draws_only(tiny, another, tmp_path, monkeypatch):
    plans = {}
    for drawn in draws(tiny):
        scenario, episode = drawn.scenario, drawn.episode()
        seen = observe(scenario, episode, engine.start(scenario, episode))
        plans[seen.tobytes()] = plan_actions(scenario, episode, optimum(tiny, drawn).schedule)
    monkeypatch.setattr(blind, "KNOWN", plans)
    table = of_baseline("tests.leaderboard.blind:lookup")
    assert score(done(table, tiny, tmp_path / "dev")) > 99.0
    assert score(done(table, another, tmp_path / "test")) < HONEST


def test_a_record_replays_from_its_traces(tiny, tmp_path):
    record = done(rule(tiny), tiny, tmp_path)
    (own,) = (tmp_path / "entries").iterdir()
    assert parse((own / NAME).read_bytes()) == record
    assert sorted(path.name for path in own.iterdir()) == ["package.zip", NAME, "traces"]
    by_index = {drawn.index: drawn for drawn in draws(tiny)}
    for one in record.episodes:
        trace, digest = read(own / "traces" / one.trace)
        assert digest == one.trace_sha256
        numbers = self_numbers(tiny, by_index[one.draw], trace, replayed(by_index[one.draw], trace))
        assert {name: getattr(one, name) for name in numbers} == numbers
    for one in record.focal:
        trace, digest = read(own / "traces" / one.trace)
        again = replayed(by_index[one.draw], trace)
        numbers = focal_numbers(tiny, by_index[one.draw], one.seat, trace, again)
        assert {name: getattr(one, name) for name in numbers} == numbers


def test_a_name_and_version_is_evaluated_once(tiny, another, tmp_path):
    record = done(rule(tiny), tiny, tmp_path)
    assert done(rule(tiny), tiny, tmp_path) is not record
    assert done(rule(tiny), tiny, tmp_path) == record
    other = of_package(package({"policy.toml": RULE + b"# more\n"}), tiny)
    with pytest.raises(RecordError, match="contains another package; raise the version"):
        done(other, tiny, tmp_path)
    with pytest.raises(RecordError, match="is of another season"):
        done(rule(another), another, tmp_path)


def test_the_same_record_by_two_workers(tiny, tmp_path):
    alone = done(net(tiny), tiny, tmp_path / "one")
    together = done(net(tiny), tiny, tmp_path / "two", workers=2)
    assert without_times(together) == without_times(alone)
    for path in (tmp_path / "one").rglob(f"*{ENDING}"):
        assert (
            tmp_path / "two" / path.relative_to(tmp_path / "one")
        ).read_bytes() == path.read_bytes()


EVENTS = 3 * STEPS + 28
"""Actions, and files begun, renamed and brought to the disk, of an evaluation."""


def killed_at(event, season, folder):
    """Evaluate in a process that is killed at an event: in mid-action, mid-file or mid-rename."""
    code, _ = struck_at(event, lambda: done(rule(season), season, folder), KILL, (Guarded, "act"))
    return code == -KILL


def kill_and_resume(season, folder, kills, seed):
    whole = done(rule(season), season, folder / "whole")
    generator, struck = np.random.default_rng(seed), 0
    for _ in range(kills):
        struck += killed_at(int(generator.integers(1, EVENTS)), season, folder / "killed")
    assert struck > 0
    assert without_times(done(rule(season), season, folder / "killed")) == without_times(whole)
    both = [{path.relative_to(folder / name).as_posix(): path.read_bytes()
             for path in (folder / name).rglob("*") if path.is_file() and path.name != NAME}
            for name in ("whole", "killed")]  # fmt: skip
    assert both[0] == both[1]


@pytest.mark.parametrize("seed", range(5))
def test_killed_at_a_random_point_it_goes_on(tiny, tmp_path, seed):
    kill_and_resume(tiny, tmp_path, 1, seed)


@pytest.mark.slow
def test_killed_fifty_times_it_goes_on(tiny, tmp_path):
    for seed in range(5, 55):
        kill_and_resume(tiny, tmp_path / str(seed), 1, seed)


@pytest.mark.parametrize("call", ["write_bytes", "replace"])
@pytest.mark.parametrize("number", [1, 2, 7, 8])
def test_a_full_disk_or_a_failed_rename_leaves_the_old_state_or_the_new(
    tiny, tmp_path, monkeypatch, call, number
):
    own, left = getattr(Path, call), [number]

    def failing(self, *arguments):
        left[0] -= 1
        if left[0] == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return own(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Path, call, failing)
        with pytest.raises(OSError, match="No space"):
            done(rule(tiny), tiny, tmp_path)
    assert not list(tmp_path.rglob(NAME))
    for path in tmp_path.rglob(f"*/{PARTS}/*.json"):
        assert path.read_bytes().endswith(b"}")
    resumed = done(rule(tiny), tiny, tmp_path)
    assert without_times(resumed) == without_times(done(rule(tiny), tiny, tmp_path / "again"))


def test_the_code_of_a_baseline_is_part_of_what_an_attempt_belongs_to(tiny, tmp_path, monkeypatch):
    # else one that was changed between two attempts would be judged by episodes of both
    (tmp_path / "mine.py").write_text("from leaderboard.tripwires import constant\n")
    monkeypatch.syspath_prepend(tmp_path)
    mine = of_baseline("mine:constant")
    found = installed(mine)
    assert {"code of mine", "code of leaderboard", "code of baselines"} <= found.keys()
    assert found["code of mine"] != "not found"
    assert "code of mine" not in installed(rule(tiny))


def test_what_an_attempt_left_is_not_believed(tiny, tmp_path):
    whole = done(rule(tiny), tiny, tmp_path / "whole")
    killed_at(EVENTS - 1, tiny, tmp_path)
    other = next((tmp_path / "entries").rglob(TRACES)) / f"other{ENDING}"
    other.write_bytes(b"of another package that was not finished")
    (trace,) = list((tmp_path / "entries").rglob("*.0.safetensors.xz"))
    trace.write_bytes(trace.read_bytes()[:-3] + b"abc")
    part = next((tmp_path / "entries").rglob("*.1.json"))
    part.write_bytes(part.read_bytes().replace(b'"failed":false', b'"failed":fals'))
    assert without_times(done(rule(tiny), tiny, tmp_path)) == without_times(whole)
    assert not other.exists()
