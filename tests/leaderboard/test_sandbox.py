"""B05 to B08: whatever a policy's process does, the evaluator goes on."""

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from leaderboard.sandbox.process import NETWORK, FaultError, PolicyProcess
from leaderboard.season import Limits
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


@pytest.mark.parametrize(("kind", "said"), [("Opening", 0.0), ("Loud", 0.0)])
def test_no_file_socket_or_pipe_can_be_opened_and_nobody_hears_noise(kind, said):
    with process(kind) as asked:
        assert ask(asked) == [said] * 3
        assert asked.level.startswith("limits")


def test_the_time_of_an_episode_is_bounded_too():
    with process("Zeros", episode_s=1.0) as asked:
        assert ask(asked) == [0.0] * 3
        asked.seconds = 1.1
        with pytest.raises(FaultError, match="late"):
            ask(asked)


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
