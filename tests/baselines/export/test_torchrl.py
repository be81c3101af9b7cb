"""Actors of TorchRL and modules of torch play from a file what they play without exploring."""

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("torch")
pytest.importorskip("torchrl")

import torch
from tensordict import TensorDict
from tensordict.nn import AddStateIndependentNormalScale, NormalParamExtractor, TensorDictModule
from torch import nn
from torchrl.envs.utils import ExplorationType, set_exploration_type
from torchrl.modules import (
    MLP,
    Actor,
    IndependentNormal,
    MultiAgentMLP,
    ProbabilisticActor,
    TanhNormal,
)

from baselines.learners.export import export
from baselines.learners.interop.view import View, ViewPolicy
from baselines.learners.onnx_policy.policy import from_file
from p2p_market.community.envs.batch import CommunityBatch
from p2p_market.errors import PolicyError
from p2p_market.registry import load_scenario
from tests.baselines.export.weeks import agree

NAME = "classic-v0"
FEATURES, AGENTS, WIDTH = 43, 6, 3


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def shared(**more):
    """An actor as in the notebook: one network for a group of agents."""
    told = {"centralized": False, "share_params": True, "depth": 1, "num_cells": 16, **more}
    network = MultiAgentMLP(FEATURES, WIDTH, AGENTS, **told)
    scale = AddStateIndependentNormalScale(WIDTH)
    group = [("agents", name) for name in ("observation", "loc", "scale", "action")]
    return ProbabilisticActor(
        TensorDictModule(nn.Sequential(network, scale), in_keys=group[:1], out_keys=group[1:3]),
        in_keys=group[1:3],
        out_keys=group[3:],
        distribution_class=IndependentNormal,
        return_log_prob=True,
        log_prob_key=("agents", "log_prob"),
    )


def alone(law):
    network = nn.Sequential(MLP(FEATURES, 2 * WIDTH, num_cells=[16]), NormalParamExtractor())
    return ProbabilisticActor(
        TensorDictModule(network, in_keys=["observation"], out_keys=["loc", "scale"]),
        in_keys=["loc", "scale"],
        out_keys=["action"],
        distribution_class=law,
    )


def played_by(actor):
    """What it plays without exploring; what falls outside [-1, 1] counts as its end."""
    seen_key, action_key = actor.in_keys[0], "action"
    if isinstance(seen_key, tuple):
        action_key = (seen_key[0], "action")

    def predict(seen):
        shown = TensorDict({seen_key: torch.from_numpy(np.ascontiguousarray(seen))}, batch_size=[])
        with torch.no_grad(), set_exploration_type(ExplorationType.DETERMINISTIC):
            return actor(shown)[action_key].clamp(-1.0, 1.0).numpy()

    return predict


@pytest.mark.parametrize(
    "make",
    [shared, lambda: alone(TanhNormal), lambda: alone(IndependentNormal),
     lambda: Actor(nn.Sequential(MLP(FEATURES, WIDTH, num_cells=[16]), nn.Tanh()))],
)  # fmt: skip
def test_the_file_plays_what_the_actor_plays(make, tmp_path):
    actor = make()
    path = export(actor, NAME, tmp_path / "policy.onnx")
    assert agree(path, NAME, played_by(actor)).std() > 0.1


def test_what_is_not_one_network_for_all_is_named(tmp_path):
    path = tmp_path / "policy.onnx"
    with pytest.raises(PolicyError, match="is centralized; a file is one network"):
        export(shared(centralized=True), NAME, path)
    with pytest.raises(PolicyError, match="is a network for each agent; a file is one network"):
        export(shared(share_params=False), NAME, path)
    joint = TensorDictModule(
        nn.Bilinear(43, 5, 3), in_keys=["observation", "state"], out_keys=["action"]
    )
    with pytest.raises(PolicyError, match="asks for observation, state; an actor asks for one key"):
        export(joint, NAME, path)
    with pytest.raises(PolicyError, match="puts out loc; needed is action"):
        export(TensorDictModule(nn.Linear(43, 3), in_keys=["seen"], out_keys=["loc"]), NAME, path)


def test_a_module_plays_as_it_is_and_may_remember(tmp_path):
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = nn.GRUCell(FEATURES, 4)
            self.last = nn.Linear(4, WIDTH)

        def forward(self, rows, state):
            later = self.cell(rows, state)
            return self.last(later), later

    network = Counting()
    path, carried = export(network, NAME, tmp_path / "policy.onnx", state=4), [torch.zeros(6, 4)]

    def predict(seen):
        with torch.no_grad():
            actions, carried[0] = network(torch.from_numpy(seen), carried[0])
        return actions.clamp(-1.0, 1.0).numpy()

    assert agree(path, NAME, predict).std() > 0.05
    with pytest.raises(PolicyError, match=r"gives \[\(5, 2\)\] for 5 rows; needed: \[\(5, 3\)\]"):
        export(nn.Linear(FEATURES, 2), NAME, path)


def test_layers_that_no_graph_can_hold_are_noticed(tmp_path):
    class Odd(nn.Module):
        def forward(self, rows):
            return rows[:, :WIDTH] if rows[0, 0] > 0.0 else rows[:, -WIDTH:]

    with pytest.raises(PolicyError, match="does not do what the network does"):
        export(Odd(), NAME, tmp_path / "policy.onnx")


@pytest.mark.parametrize("decision", ["around_rule", "full"])
def test_a_policy_over_a_view_plays_as_the_view_does(decision, tmp_path):
    scenario = load_scenario(NAME)
    view = View(scenario, decision)
    network = nn.Sequential(nn.Linear(view.observation_space.shape[0], 8), nn.Tanh(),
                            nn.Linear(8, view.action_space.shape[0]))  # fmt: skip
    path = export(network, view, tmp_path / "policy.onnx")

    def choose(rows):
        with torch.no_grad():
            return network(torch.from_numpy(rows)).numpy()

    mine, seen = ViewPolicy(view, choose), CommunityBatch(scenario, 2).reset(seed=0)
    filed = from_file(scenario, str(path))
    outputs, _ = filed.outputs(filed.decision.rows(seen), filed.start([0, 1]))
    np.testing.assert_allclose(outputs, choose(view.rows(seen)), rtol=0.0, atol=1e-5)
    expected, _ = mine.act(seen, None)
    np.testing.assert_allclose(filed.decision.actions(seen, outputs), expected, atol=1e-4)
