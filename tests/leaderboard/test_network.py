"""The gate for networks: good ones pass, each hostile one (attack A09) is refused and told why."""

import io
import re
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import onnx

from leaderboard.gate import limited
from leaderboard.gate.allowed import OPERATORS, REASONS
from leaderboard.gate.check import check
from leaderboard.gate.interface import interface
from leaderboard.gate.network import examine
from leaderboard.gate.refused import RefusedError
from leaderboard.gate.trial import play_zeros
from leaderboard.package.package import from_bytes
from p2p_market.errors import P2PMarketError, PackageError, PolicyError
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.registry import load_scenario
from tests.leaderboard.hostile import HOSTILE, as_bytes, expanded, external, filled, loop
from tests.leaderboard.networks import COLUMNS, WIDTH, ending, mixing, network, node, remembering
from tests.leaderboard.packages import DRAFT, package

DOCS = Path(__file__).resolve().parents[2] / "docs" / "leaderboard.md"


def submitted(data):
    """A package around a network."""
    draft = DRAFT.replace('"rules"', '"onnx"')
    return from_bytes(package({"policy.onnx": as_bytes(data)}, draft))


@pytest.mark.parametrize(("model", "state"), [(network(), 0), (remembering(), 3), (mixing(), 0)])
def test_good_networks_pass(model, state):
    (found,) = check(submitted(model)).values()
    assert (found.decision, tuple(found.columns)) == ("around_rule", COLUMNS)
    assert (found.outputs, found.state) == (1, state)
    assert found.nodes == len(model.graph.node)
    assert found.parameters >= WIDTH


@pytest.mark.parametrize("memory", [0, 8])
def test_what_the_trainer_exports_passes(memory, tmp_path):
    torch = pytest.importorskip("torch")
    from baselines.learners.ppo.args import Args
    from baselines.learners.ppo.export import write_onnx
    from baselines.learners.ppo.network import Actor, Inputs
    from baselines.learners.ppo.policy import Network

    inputs = Inputs(COLUMNS)
    actor = Actor(inputs.width, 1, Args(memory=memory), torch.Generator().manual_seed(0))
    write_onnx(tmp_path / "policy.onnx", Network(inputs, actor), COLUMNS, "around_rule")
    found = examine((tmp_path / "policy.onnx").read_bytes())
    assert (found["state"] > 0) == (memory > 0)


def test_recurrent_cells_of_torch_pass(tmp_path):
    torch = pytest.importorskip("torch")

    class Cells(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.cell, self.layer = torch.nn.GRUCell(WIDTH, 8), torch.nn.GRU(WIDTH, 8)
            self.norm, self.head = torch.nn.LayerNorm(8), torch.nn.Linear(8, 1)

        def forward(self, rows, state):
            state = self.cell(rows, state)
            _, state = self.layer(rows[None], state[None])
            return torch.tanh(self.head(self.norm(state[0]))), state[0]

    names = (("rows", "state"), ("output", "next_state"))
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Cells(),
            (torch.zeros(2, WIDTH), torch.zeros(2, 8)),
            buffer,
            input_names=names[0],
            output_names=names[1],
            dynamic_axes={name: {0: "row"} for name in (*names[0], *names[1])},
            opset_version=17,
            dynamo=False,
        )
    model = onnx.load_model_from_string(buffer.getvalue())
    model.metadata_props.extend(network().metadata_props)
    assert examine(as_bytes(model))["state"] == 8


@pytest.mark.attack("A09")
@pytest.mark.parametrize("attack", HOSTILE)
def test_hostile_networks_are_refused(attack):
    make, match = HOSTILE[attack]
    with pytest.raises(RefusedError, match=re.escape(match)):
        examine(as_bytes(make()))


@pytest.mark.attack("A09")
def test_nothing_is_loaded_before_it_is_looked_at(monkeypatch):
    """onnxruntime and the shape inference see only what has passed all that comes before."""
    seen = []
    monkeypatch.setattr("leaderboard.gate.network.play_zeros", lambda *_: seen.append("run"))
    for make, match in HOSTILE.values():
        if match not in ("does not run", HOSTILE["infinite answer"][1]):
            with pytest.raises(RefusedError):
                examine(as_bytes(make()))
    assert seen == []
    examine(as_bytes(network()))
    assert seen == ["run"]


def test_the_trial_measures_what_comes_out():
    about = replace(interface(network()), outputs=2)
    with pytest.raises(RefusedError, match=r"output: is \(1, 1\) for 1 rows; it must be \(1, 2\)"):
        play_zeros(as_bytes(network()), about)


@pytest.mark.parametrize("attack", ["Loop", "a million nodes", "truncated", "out of range"])
def test_a_refusal_comes_out_of_the_limited_process(attack):
    make, match = HOSTILE[attack]
    with pytest.raises(PackageError, match=r"^policy\.onnx: ") as error:
        check(submitted(make()))
    assert match in str(error.value)
    assert check(submitted(network()))


@pytest.mark.attack("A09")
@pytest.mark.parametrize("make", [loop, filled, lambda: expanded("Expand")])
def test_past_the_gate_the_limits_stop_it(make, monkeypatch):
    """Loaded and run unseen, as if the gate had let it pass; the next network is unaffected."""
    monkeypatch.setattr(limited, "CPU_S", 1)
    task = "leaderboard.gate.trial:run_unseen"
    assert limited.ask(task, as_bytes(loop(trips=3))) == {"outputs": 1}
    with pytest.raises(PackageError, match=r"could not be examined within 1 s and 1024 MiB"):
        limited.ask(task, as_bytes(make()))
    assert check(submitted(network()))


@pytest.mark.parametrize(
    ("task", "match"),
    [
        ("flood", "could not be examined"),
        ("stay", "could not be examined"),
        ("noise", "could not be examined"),
        ("deep", "could not be examined"),
        ("a_list", "the answer is not an object"),
        ("end", "status 3"),
        ("sleep", "status -9"),
        ("open_file", "no file"),
        ("write_file", "no file"),
        ("start_process", "no process"),
        ("take_memory", "needs too much memory"),
        ("refuse_loudly", r"\\x1b\[31m"),
    ],
)
def test_what_the_limited_process_cannot_do(task, match, monkeypatch):
    monkeypatch.setattr(limited, "WALL_S", 2.0 if task == "sleep" else 600.0)
    with pytest.raises(PackageError, match=match):
        limited.ask(f"tests.leaderboard.mischief:{task}", b"x" * 2**20)


def test_elsewhere_than_on_linux_it_says_so(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(P2PMarketError, match="on Linux only"):
        check(submitted(network()))


def test_a_decision_that_nobody_knows():
    with pytest.raises(PackageError, match="'decision' is 'dance'; known: around_rule, full"):
        check(submitted(network(decision="dance")))


def test_the_docs_list_the_operators():
    (listed,) = re.findall(r"^Operators: (.*?)\n\n", DOCS.read_text("utf-8"), flags=re.M | re.S)
    assert set(listed.rstrip(".").replace(",", " ").split()) == OPERATORS


@pytest.mark.parametrize(
    ("operator", "says"),
    [("ArgMax", "compare with ReduceMax"), ("BatchNormalization", "write it as Sub and Mul")],
)
def test_what_is_often_met_and_not_allowed_has_a_way_round(operator, says):
    assert not OPERATORS & REASONS.keys()
    with pytest.raises(RefusedError, match=says):
        examine(as_bytes(ending(node(operator, ["rows"], ["x"]))))


def test_weights_in_a_second_file_say_how_to_export(tmp_path, monkeypatch):
    """As torch writes them by itself; also where that file lies in the current folder."""
    network, weights = as_bytes(external("policy.onnx.data")), bytes(4 * 2**20)
    draft = DRAFT.replace('"rules"', '"onnx"')
    with pytest.raises(PackageError, match=r"onnx\.data'.*external_data=False"):
        from_bytes(package({"policy.onnx": network, "policy.onnx.data": weights}, draft))
    with pytest.raises(RefusedError, match="external_data=False"):
        examine(network)
    monkeypatch.chdir(tmp_path)
    Path("policy.onnx").write_bytes(network)
    for _ in range(2):
        with pytest.raises(PolicyError, match="external_data=False"):
            load_policy("policy.onnx", load_scenario("classic-v0"))
        Path("policy.onnx.data").write_bytes(weights)
    assert "external_data=False" in DOCS.read_text("utf-8")
