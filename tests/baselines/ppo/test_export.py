"""What stands in an ONNX file acts like the network it was made from, in any community."""

import json
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import onnx
import torch

from baselines.learners.onnx_policy.policy import PER_UNIT, from_file
from baselines.learners.ppo.args import Args
from baselines.learners.ppo.decision import AroundRule
from baselines.learners.ppo.export import write_onnx
from baselines.learners.ppo.network import Actor, Inputs
from baselines.learners.ppo.policy import Network
from p2p_market.commands.app import app
from p2p_market.community.envs.batch import CommunityBatch
from p2p_market.community.scenario.scenario import build
from p2p_market.errors import PolicyError
from p2p_market.evaluation.focal.focal import focal
from p2p_market.evaluation.focal.summary import focal_record
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.evaluation.running.part_store import installation
from p2p_market.registry import load_scenario
from p2p_market.testing import check_policy

pytestmark = pytest.mark.xdist_group("onnx")  # one network for all of them

AGREE = 1e-5
OBSERVATIONS = 10_000


def observed(scenario, count):
    """Rows (1, row, column) of communities in random play."""
    batch, meaning = CommunityBatch(scenario, 64), AroundRule(scenario)
    generator, seen = np.random.default_rng(0), batch.reset(seed=2)
    rows = []
    while sum(map(len, rows)) < count:
        rows.append(meaning.rows(seen).reshape(-1, len(meaning.names)))
        actions = generator.uniform(-1.0, 1.0, (*seen.shape[:2], batch.action_map.width))
        seen = batch.step(actions).observations
    return np.concatenate(rows)[None, :count]


def network_for(scenario, memory=0):
    """A network whose outputs are anywhere in [-1, 1]."""
    names = AroundRule(scenario).names
    generator, args = torch.Generator().manual_seed(0), Args(memory=memory)
    inputs = Inputs(names)
    inputs.freeze(torch.from_numpy(observed(scenario, 2000)[0]))
    actor = Actor(inputs.width, 1, args, generator)
    with torch.no_grad():
        actor.body[-1].weight.mul_(100.0)
    return Network(inputs, actor), names


@pytest.fixture(scope="module")
def classic(tmp_path_factory):
    """A network and its file."""
    path = tmp_path_factory.mktemp("onnx") / "classic.onnx"
    network, names = network_for(load_scenario("classic-v0"))
    write_onnx(path, network, names, "around_rule")
    return network, path


@pytest.mark.parametrize(
    ("trained_in", "played_in"),
    [("community-16-v0", "community-16-v0"), ("community-16-v0", "community-64-v0"),
     ("ev-12-v0", "ev-12-v0"), ("ev-12-v0", "community-16-v0")],
)  # fmt: skip
def test_file_and_network_agree(trained_in, played_in, tmp_path):
    network, names = network_for(load_scenario(trained_in))
    write_onnx(tmp_path / "policy.onnx", network, names, "around_rule")
    scenario = load_scenario(played_in)
    policy = from_file(scenario, str(tmp_path / "policy.onnx"))
    seen = observed(scenario, OBSERVATIONS)
    with torch.inference_mode():
        expected, _ = network(torch.from_numpy(seen[0]), network.actor.nothing(OBSERVATIONS))
    outputs, _ = policy.outputs(seen, policy.start([0]))
    assert outputs.shape == (1, OBSERVATIONS, 1)
    assert np.abs(outputs[0] - expected.numpy()).max() <= AGREE
    assert outputs.std() > 0.3


@pytest.mark.parametrize("played_in", ["classic-v0", "resale-6-v0"])
def test_file_and_network_remember_alike(played_in, tmp_path):
    network, names = network_for(load_scenario("classic-v0"), memory=8)
    write_onnx(tmp_path / "policy.onnx", network, names, "around_rule")
    scenario = load_scenario(played_in)
    policy, plain = from_file(scenario, str(tmp_path / "policy.onnx")), AroundRule(scenario)
    batch = CommunityBatch(scenario, 3)
    seen, state = batch.reset(seed=1), policy.start([0, 1, 2])
    carried = network.actor.nothing(3 * len(plain.owners))
    for _ in range(20):
        rows = plain.rows(seen)
        with torch.inference_mode():
            expected, carried = network(torch.from_numpy(rows).flatten(0, 1), carried)
        outputs, state = policy.outputs(rows, state)
        np.testing.assert_allclose(outputs.reshape(expected.shape), expected, atol=AGREE)
        np.testing.assert_allclose(state, carried, atol=AGREE)
        seen = batch.step(plain.actions(seen, outputs)).observations
    forgetful, _ = policy.outputs(rows, policy.start([0, 1, 2]))
    assert np.abs(forgetful - outputs).max() > 0.01


def test_files_that_remember_keep_the_rules_for_policies(tmp_path):
    scenario = load_scenario("classic-v0")
    network, names = network_for(scenario, memory=8)
    write_onnx(tmp_path / "policy.onnx", network, names, "around_rule")
    check_policy(load_policy(str(tmp_path / "policy.onnx"), scenario), scenario)


def test_files_keep_the_rules_for_policies(classic):
    scenario = load_scenario("classic-v0")
    check_policy(load_policy(str(classic[1]), scenario), scenario)


def test_outputs_are_rounded_to_the_grid(classic, monkeypatch):
    scenario = load_scenario("classic-v0")
    policy = from_file(scenario, str(classic[1]))
    seen = CommunityBatch(scenario, 2).reset(seed=0)
    before, _ = policy.act(seen, policy.start([0, 1]))
    exact, _ = policy.outputs(policy.decision.rows(seen), policy.start([0, 1]))
    on_grid = np.round(exact * PER_UNIT) / PER_UNIT
    np.testing.assert_array_equal(before, policy.decision.actions(seen, on_grid))
    assert not np.array_equal(before, policy.decision.actions(seen, exact))


def test_no_torch_is_loaded_to_play(classic):
    source = (
        "import sys\n"
        "from p2p_market.evaluation.players.policy import load_policy\n"
        "from p2p_market import load_scenario\n"
        f"load_policy({str(classic[1])!r}, load_scenario('classic-v0'))\n"
        "print('onnxruntime' in sys.modules, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True)
    assert done.stdout.split() == ["True", "False"], done.stderr


def test_a_file_is_evaluated_by_the_command_line(classic, tmp_path, monkeypatch):
    command = ["evaluate", "-p", str(classic[1]), "-s", "classic-v0", "--weeks", "3", "-w", "1"]
    done = CliRunner().invoke(app, [*command, "-o", str(tmp_path)])
    assert done.exit_code == 0, done.output
    (folder,) = tmp_path.glob("*-classic-v0")
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert str(classic[1]) in json.dumps(record)
    assert CliRunner().invoke(app, ["replay", str(folder)]).exit_code == 0


def test_another_file_of_the_same_name_is_another_policy(tmp_path):
    path = tmp_path / "policy.onnx"
    path.write_bytes(b"one")
    one = installation([str(path)])
    path.write_bytes(b"other")
    assert installation([str(path)]) != one


def test_what_cannot_be_played_is_named(classic, tmp_path):
    scenario = load_scenario("classic-v0")
    with pytest.raises(PolicyError, match=r"no file 'nowhere\.onnx'"):
        load_policy("nowhere.onnx", scenario)
    with pytest.raises(PolicyError, match=r"other observations than those of outage-v0: grid"):
        load_policy(str(classic[1]), load_scenario("outage-v0"))
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no model")
    with pytest.raises(PolicyError, match="not an ONNX model"):
        load_policy(str(broken), scenario)
    model = onnx.load(classic[1])
    onnx.helper.set_model_props(model, {"columns": "[]"})
    onnx.save(model, broken)
    with pytest.raises(PolicyError, match="its metadata lack 'decision'; add it with"):
        load_policy(str(broken), scenario)
    onnx.helper.set_model_props(model, {"columns": "[]", "decision": "dance"})
    onnx.save(model, broken)
    with pytest.raises(PolicyError, match="decision 'dance'; known: around_rule, full"):
        load_policy(str(broken), scenario)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda one: setattr(one, "name", "x"), r"inputs are \['x'\]; they must be 'rows', or"),
        (lambda one: setattr(one.type.tensor_type.shape.dim[0], "dim_value", 4), "dynamic_axes={"),
    ],
)
def test_other_inputs_are_named_before_it_plays(classic, tmp_path, change, says):
    model, broken = onnx.load(classic[1]), tmp_path / "broken.onnx"
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            if name == "rows" and "must be" in says:
                node.input[place] = "x"
    change(model.graph.input[0])
    onnx.save(model, broken)
    with pytest.raises(PolicyError, match=says):
        load_policy(str(broken), load_scenario("classic-v0"))


def test_a_file_plays_in_focus(classic):
    scenario = load_scenario("classic-v0")
    short = build(scenario.spec.model_copy(update={"days": 1}))
    result = focal(short, [str(classic[1])], "train", [3])
    assert result.rows[0].policy == str(classic[1])
    assert result.saving_eur(str(classic[1])).any()
    assert focal_record(result)["policies"][0]["policy"] == str(classic[1])


def test_a_file_of_another_track_says_of_which(classic):
    path = classic[-1]
    with pytest.raises(
        PolicyError, match=r"trained for the track community .*battery-146-v0 is of"
    ):
        from_file(load_scenario("battery-146-v0"), path)
