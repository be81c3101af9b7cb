"""B05 to B08: whatever a policy's process does, the evaluator goes on."""

import os

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from baselines.learners.ppo.decision import KINDS
from leaderboard.playing.remote import LARGEST, Remote
from leaderboard.record.traces import from_grid, to_grid
from leaderboard.sandbox import isolation
from leaderboard.sandbox.process import NETWORK, FaultError, PolicyProcess
from leaderboard.season.season import Limits
from p2p_market.community.envs.batch import CommunityBatch
from p2p_market.errors import P2PMarketError
from p2p_market.registry import load_scenario
from tests.leaderboard.hostile import as_bytes, filled, loop
from tests.leaderboard.networks import WIDTH, ending, network, node, remembering

SETUP = {"columns": WIDTH, "width": 1, "state": 0, "seats": [[0], [1, 2]]}
ROWS = np.ones((3, WIDTH), dtype=np.float32).tobytes()
ANSWER = 12  # bytes


def process(kind, model=b"", **limits):
    task = NETWORK if kind is None else f"tests.leaderboard.misbehaving:{kind}"
    return PolicyProcess(SETUP, model, Limits(memory_mb=256, **limits), task)


def ask(asked):
    return np.frombuffer(asked.ask(ROWS, ANSWER), dtype=np.float32).tolist()


@pytest.mark.attack("B05", "B06", "B07")
@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("Dying", "dead"),
        ("Hungry", "dead"),
        ("Endless", "late"),
        ("Sleeping", "late"),
        ("Stopped", "late"),
        ("Short", "frame"),
        ("Long", "frame"),
        ("Flooding", "frame"),
        ("Hasty", "frame"),
        ("Noisy", "frame"),
    ],
)
def test_faults_have_a_kind_and_leave_nothing_running(kind, fault):
    with process(kind, step_s=2.0 if fault == "late" else 60.0) as asked:
        with pytest.raises(FaultError) as found:
            ask(asked)
        assert found.value.kind == fault
        assert asked._process is None
        # what died by itself stays dead; what was stopped may try again
        with pytest.raises(FaultError) as found:
            ask(asked)
        assert found.value.kind == fault


@pytest.mark.attack("B03", "B04", "B05")
@pytest.mark.parametrize("kind", ["Opening", "Exchanging", "Starting", "Loud"])
def test_no_file_socket_pipe_process_or_thread_and_nobody_hears_noise(kind):
    with process(kind) as asked:
        assert ask(asked) == [0.0] * 3
        assert asked.level.startswith("limits")


@pytest.mark.attack("B02")
def test_no_name_of_a_file_leads_anywhere(tmp_path):
    (tmp_path / "record").write_bytes(b"kept")
    with process("Reaching", bytes(tmp_path / "record")) as asked:
        reached, level = ask(asked)[0], asked.level
    if isolation.EMPTY not in level:
        pytest.skip(f"this system holds a process by no more than {level}")
    assert reached <= (os.geteuid() != 0)  # the same user can be sent signals
    assert (tmp_path / "record").read_bytes() == b"kept"
    assert [path.name for path in tmp_path.iterdir()] == ["record"]


def test_what_it_says_of_its_own_fetters_is_not_heard():
    with process("Boasting") as asked:
        with pytest.raises(FaultError, match="frame"):
            ask(asked)
        assert asked.level.startswith("limits")


def test_a_machine_that_starts_no_process_is_no_fault_of_the_policy():
    with process("Missing") as asked, pytest.raises(P2PMarketError, match="does not start on this"):
        ask(asked)
    assert not asked.dead


class System:
    """A system that refuses some of what is asked."""

    def __init__(self, refused):
        self.refused, self.asked = refused, []

    def __getattr__(self, name):
        def call(*arguments):
            self.asked.append((name, *arguments))
            return -1 if name in self.refused else 0

        return call


@pytest.mark.parametrize(
    ("refused", "level"), [((), "limits, namespaces"), (("unshare",), "limits")]
)
@pytest.mark.parametrize("user", [0, 1000])
def test_the_record_says_what_the_system_refused(refused, level, user, monkeypatch):
    system = System(refused)
    monkeypatch.setattr(isolation.ctypes, "CDLL", lambda *_, **__: system)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert isolation.isolate() == level
    (left,) = [arguments for name, *arguments in system.asked if name == "unshare"]
    assert left == [0x48000000 if user == 0 else 0x58000000]
    assert ("prctl", 38, 1, 0, 0, 0) in system.asked


@pytest.mark.parametrize(
    ("user", "permits", "held"),
    [(0, True, ["empty root"]), (0, False, ["as root"]), (1000, False, [])],
)
def test_who_cannot_become_nobody_is_named(user, permits, held, monkeypatch):
    now = [user]

    def becomes(*_):
        if not permits:
            raise PermissionError(1, "not permitted")
        now[0] = 65534

    system = System(())
    monkeypatch.setattr(isolation.ctypes, "CDLL", lambda *_, **__: system)
    monkeypatch.setattr(os, "geteuid", lambda: now[0])
    for name in ("chroot", "setgroups", "setresgid", "setresuid"):
        monkeypatch.setattr(os, name, becomes)
    monkeypatch.setattr(os, "chdir", lambda _: None)
    assert isolation.forsake() == held
    assert [name for name, *_ in system.asked] == ["capset", "prctl"]


@pytest.mark.attack("B06")
def test_the_time_of_an_episode_is_bounded_too():
    with process("Zeros", episode_s=1.0) as asked:
        assert ask(asked) == [0.0] * 3
        asked.seconds = 1.1
        with pytest.raises(FaultError, match="late"):
            ask(asked)


@pytest.mark.attack("A09")
def test_networks_that_were_forced_past_the_gate_meet_the_limits():
    with process(None, as_bytes(loop()), step_s=3.0) as asked, pytest.raises(FaultError) as found:
        ask(asked)
    assert found.value.kind == "late"
    with process(None, as_bytes(filled())) as asked, pytest.raises(FaultError) as found:
        ask(asked)
    assert found.value.kind == "dead"
    with process(None, as_bytes(ending(node("Log", ["rows"], ["x"])))) as asked:
        assert (
            np.isnan(
                np.frombuffer(asked.ask(bytes(len(ROWS) - 4) + b"\0\0\x80\xbf", ANSWER), "<f4")
            ).sum()
            == 0
        )
        assert np.isinf(np.frombuffer(asked.ask(bytes(len(ROWS)), ANSWER), dtype=np.float32)).all()


def test_a_network_answers_and_remembers_nothing_itself():
    with process(None, as_bytes(network())) as asked:
        first = ask(asked)
        assert first == pytest.approx([np.tanh(0.001 * WIDTH)] * 3, rel=1e-5)
        assert ask(asked) == first
    setup = SETUP | {"state": 3}
    with PolicyProcess(setup, as_bytes(remembering()), Limits()) as asked:
        state = np.zeros((3, 3), dtype=np.float32)
        answer = np.frombuffer(asked.ask(ROWS + state.tobytes(), 12 + 36), dtype=np.float32)
        assert answer[3:].tolist() == [1.0] * 9
        again = np.frombuffer(asked.ask(ROWS + state.tobytes(), 12 + 36), dtype=np.float32)
        assert again.tolist() == answer.tolist()


class Saying:
    """Answers this number, whatever it is asked."""

    def __init__(self, said):
        self.said = said

    def ask(self, payload, answer_bytes):
        return np.full(answer_bytes // 4, self.said, dtype=np.float32).tobytes()


@pytest.mark.attack("B08")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("said", [3.4028235e38, -3.4028235e38, -3e38, 2.0**31, 1e-45, -1e-45, -0.0])
def test_the_largest_and_the_smallest_numbers_overflow_nowhere(said, kind):
    scenario = load_scenario("classic-v0")
    policy = Remote(Saying(said), KINDS[kind](scenario), 2, tuple(range(len(scenario.agents))))
    batch, memory = CommunityBatch(scenario, 1), policy.start([0])
    seen = batch.reset(seed=0)
    with np.errstate(all="raise", under="ignore"):
        for _ in range(3):
            action, memory = policy.act(seen, memory)
            assert np.all(np.abs(memory) <= LARGEST)
            played = from_grid(to_grid(action))
            assert np.all(np.abs(played) <= 1.0)
            seen = batch.step(played).observations
            assert np.isfinite(seen).all()


@pytest.mark.attack("B08")
@pytest.mark.parametrize("said", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_a_fault(said):
    scenario = load_scenario("classic-v0")
    policy = Remote(Saying(said), KINDS["full"](scenario), 2, (0,))
    with pytest.raises(FaultError, match="number"):
        policy.act(CommunityBatch(scenario, 1).reset(seed=0), policy.start([0]))
