"""An entry of each kind: replayed from its traces, and run again, it is equal to the last bit.

Code, the fourth kind, is in `test_code`.
"""

import numpy as np
import pytest

pytest.importorskip("cvxpy")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("safetensors")

from baselines.learners.plain import plain
from leaderboard.checking import verify
from leaderboard.checking.replay import replay, reproduced
from leaderboard.checking.verify import other_wheels
from leaderboard.playing.candidate import of_package
from leaderboard.playing.evaluate import evaluate
from leaderboard.record.entries import FOLDER as FOLDER_OF_ENTRIES
from leaderboard.record.entries import TRACES
from leaderboard.record.record import NAME
from leaderboard.sandbox.code import wheels
from leaderboard.sandbox.code.wheels import OFFERED
from leaderboard.season.season import FOLDER
from p2p_market.registry import load_scenario
from tests.leaderboard.networks import constant, network, node, remembering, value
from tests.leaderboard.packages import DRAFT, RULE, package
from tests.leaderboard.records import record
from tests.leaderboard.seasons import without_times
from tests.leaderboard.test_verbs import run

pytestmark = pytest.mark.xdist_group("seasons")


def as_observed():
    """A network of the decision `plain`: columns by name, an output per number of the action."""
    names = list(plain(load_scenario("classic-v0")).names)
    weights = np.full((len(names), 3), 0.001)
    return network(
        [node("MatMul", ["rows", "w"], ["sum"]), node("Tanh", ["sum"], ["output"])],
        [constant("w", weights)],
        [value("rows", "row", len(names))],
        [value("output", "row", 3)],
        "plain",
        names,
    )


KINDS = {
    "rules": lambda: {"policy.toml": RULE},
    "onnx by rows": lambda: {"policy.onnx": remembering().SerializeToString()},
    "onnx as observed": lambda: {"policy.onnx": as_observed().SerializeToString()},
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_found_again_to_the_last_bit(kind, tiny, tmp_path):
    data = package(KINDS[kind](), DRAFT.replace('"rules"', f'"{kind.split()[0]}"'))
    runs = [evaluate(of_package(data, tiny), tiny, tmp_path / name) for name in ("one", "two")]
    assert without_times(runs[0]) == without_times(runs[1])
    assert reproduced(*runs) == []
    assert [one.faults for one in runs[0].episodes] == [{}, {}]
    assert len({one.cost_eur for one in runs[0].episodes}) == 2
    folders = [tmp_path / name / "my-agent-0.1.0" for name in ("one", "two")]
    for folder in folders:
        assert replay(folder, tiny) == []
    traces = [sorted((folder / TRACES).iterdir()) for folder in folders]
    assert [path.name for path in traces[0]] == [path.name for path in traces[1]]
    assert all(one.read_bytes() == two.read_bytes() for one, two in zip(*traces, strict=True))


def test_where_digits_differ_other_versions_are_told(tiny, tmp_path, monkeypatch):
    evaluate(of_package(package(), tiny), tiny, tmp_path)
    folder = tmp_path / "my-agent-0.1.0"
    path = folder / NAME
    text = path.read_bytes().replace(b'"numpy":"', b'"numpy":"9.')
    path.write_bytes(text)
    assert replay(folder, tiny) == []  # nothing differs, so nothing is told
    path.write_bytes(text.replace(b'"steps":24', b'"steps":25', 1))
    *differ, told = replay(folder, tiny)
    assert [line.rpartition(": ")[2] for line in differ] == [
        "steps is 25 in the record and 24 when replayed"
    ]
    assert told.startswith(
        f"recorded with numpy 9.{np.__version__}; here is numpy {np.__version__}"
    )


def test_other_wheels_of_code_are_told(monkeypatch):
    here = dict.fromkeys(OFFERED, "2.0") | {"clarabel": "1.0"}
    monkeypatch.setattr(wheels, "installed", lambda: here)
    told = record([], kind="python")
    assert other_wheels(told) == []  # such records name no versions
    told.environment.versions.update(here, torch="1.9", scipy="1.8", python="3.1", clarabel="0.9")
    (line,) = other_wheels(told)
    assert line.startswith("its code was played with python 3.1 (here 3.")
    assert "), scipy 1.8 (here 2.0), torch 1.9 (here 2.0); run again here" in line
    assert other_wheels(told.model_copy(update={"entry": record([]).entry})) == []


def test_verify_tells_what_code_was_played_with(monkeypatch):
    monkeypatch.setattr(verify, "other_wheels", lambda record: ["torch 1.9 (here 2.0)"])
    entry = FOLDER / "season-0" / FOLDER_OF_ENTRIES / "truthful-1.0.0"
    code, told = run("verify", entry, "--no-replay")
    assert (code, "truthful 1.0.0: torch 1.9 (here 2.0)\n" in told) == (0, True)
