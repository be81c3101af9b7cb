"""A warm start for choices: what an actor has learnt from a baseline."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import torch
import yaml

from baselines.learners.ppo.args import FAST, args_from
from baselines.learners.ppo.policy import TorchPolicy
from baselines.learners.ppo.train import Training
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.registry import make_batch

pytestmark = pytest.mark.xdist_group("choices")


@pytest.fixture(scope="module", params=["battery-146-v0", "battery-fleet-4-v0"])
def taught(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("scenario") / "other-day-v0.yaml"
    spec = {"extends": request.param, "id": "other-day-v0", "days": 1}
    path.write_text(yaml.safe_dump(spec), encoding="utf-8")
    settings = {
        **FAST, "scenario": str(path), "communities": 4, "segment_h": 24.0, "hidden": 32,
        "agent_steps": 10_000, "imitate": "reserve-first", "imitate_weeks": 64, "epochs": 1,
        "imitate_epochs": 40,
    }  # fmt: skip
    training = Training(args_from(settings))
    training.begin()
    return training


def test_it_does_what_the_baseline_does_on_days_that_it_has_not_seen(taught):
    expert, learner = load_policy("reserve-first", taught.scenario), taught.policy()
    batch = make_batch(taught.args.scenario, 8, split="validation")
    seen, _ = batch.reset(seed=0)
    memory, state = learner.start(range(8)), expert.start(range(8))
    same = []
    for _ in range(taught.scenario.steps):
        action, memory = learner.act(seen, memory)
        told, state = expert.act(seen, state)
        same.append(action[..., [0, 2]] == told[..., [0, 2]])
        seen = batch.step(action).observations
    assert isinstance(learner, TorchPolicy)
    assert np.mean(same) > 0.8


def test_the_critic_has_looked_on_and_the_actor_has_not_moved(taught):
    """Two episodes are played for the critic behind the survey, before the first update."""
    assert taught.episode == 3
    before = [part.clone() for part in taught.actor.parameters()]
    segment = taught.collector.play(taught.inputs, taught.actor)
    situations = taught.learner.critic.situations(segment)
    with torch.no_grad():
        loss = (taught.learner.critic(situations)[:-1] ** 2).mean()
    assert loss > 0.0
    taught.learner.appraise(segment)
    for part, old in zip(taught.actor.parameters(), before, strict=True):
        torch.testing.assert_close(part, old, atol=0.0, rtol=0.0)
