"""A training is a function of its settings: twice the same, also when it was killed in between."""

import csv
import os
import signal
import subprocess
import sys
import time
from contextlib import nullcontext

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

import torch

from baselines.learners.ppo.args import Args, args_from
from baselines.learners.ppo.policy import TorchPolicy, Validation
from baselines.learners.ppo.train import Training, run
from baselines.learners.training import run as training_run
from p2p_market.errors import PolicyError, ScenarioError

pytestmark = pytest.mark.xdist_group("ppo")  # one training to compare with

FILES = ("policy.onnx", "checkpoint.pt")
EPISODE = 4 * 6 * 24  # agent-steps of four communities in a day


def settings(scenario, **others):
    return {
        "scenario": str(scenario),
        "communities": 4,
        "agent_steps": 5 * EPISODE,
        "minibatch": 128,
        "hidden": 16,
        "imitate": "",
        **others,
    }


def made(folder):
    """The files of a training without its clock times."""
    with (folder / "progress.csv").open(encoding="utf-8") as log:
        rows = [{**row, "seconds": ""} for row in csv.DictReader(log)]
    return [(folder / name).read_bytes() for name in FILES], rows


@pytest.fixture(scope="module")
def uninterrupted(one_day, tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    run(settings(one_day), folder)
    return made(folder)


def test_two_trainings_give_the_same_bytes(one_day, tmp_path, uninterrupted):
    run(settings(one_day), tmp_path)
    assert made(tmp_path) == uninterrupted
    assert len(uninterrupted[1]) == 4
    run(settings(one_day), tmp_path)  # already done: nothing happens
    assert made(tmp_path) == uninterrupted


def test_another_seed_gives_another_policy(one_day, tmp_path, uninterrupted):
    run(settings(one_day, seed=1), tmp_path)
    assert made(tmp_path)[0][0] != uninterrupted[0][0]


@pytest.mark.parametrize("call", [2, 3, 4, 5])
def test_a_training_that_broke_off_goes_on_alike(call, one_day, tmp_path, uninterrupted):
    calls = []

    def breaks(done, total, line):
        calls.append(done)
        if len(calls) == call:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(settings(one_day), tmp_path, tell=breaks)
    run(settings(one_day), tmp_path)
    assert made(tmp_path) == uninterrupted


def test_time_is_up_at_the_end_of_an_episode(one_day, tmp_path, uninterrupted):
    run(settings(one_day), tmp_path, minutes=0.0)
    assert not (tmp_path / "checkpoint.pt").exists()
    run(settings(one_day), tmp_path, minutes=1e-9)
    run(settings(one_day), tmp_path, minutes=60.0)
    assert made(tmp_path) == uninterrupted


def test_a_killed_command_goes_on_when_it_is_given_again(one_day, tmp_path, uninterrupted):
    given = settings(one_day)
    del given["scenario"]
    pairs = [part for key, value in given.items() for part in ("--set", f"{key}={value}")]
    command = [sys.executable, "-m", "p2p_market", "train", "ppo", "-s", str(one_day), *pairs]
    command += ["-o", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        while not (tmp_path / "checkpoint.pt").exists() and process.poll() is None:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL if os.name != "nt" else signal.SIGTERM)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "p2p-market evaluate -p" in done.stdout.replace("\n", " ")
    assert made(tmp_path) == uninterrupted


@pytest.mark.parametrize("critic", ["mappo", "ippo"])
def test_the_score_rises(critic, tmp_path):
    args = settings("classic-v0", communities=8, agent_steps=80_640, minibatch=256, critic=critic)
    training = Training(args_from(args))
    training.begin()
    validation = Validation(training.scenario)
    untrained = validation.saving_eur(training.policy())
    run(args, tmp_path)
    with (tmp_path / "progress.csv").open(encoding="utf-8") as log:
        savings = [float(row["validation_saving_eur"]) for row in csv.DictReader(log)]
    # the rule saves what its trades bring; a policy that learns saves more, and goes on to
    assert untrained == pytest.approx(validation.truthful_eur, rel=0.05)
    assert min(savings[3:]) > 1.08 * max(untrained, validation.truthful_eur)


def test_every_column_of_the_action_can_be_learnt(one_day, tmp_path):
    args = settings(one_day, decision="full", agent_steps=2 * EPISODE)
    assert run(args, tmp_path).is_file()
    assert len(Training(args_from(args)).decision.owners) == 6


def test_only_training_days_are_learnt_from(one_day):
    training = Training(args_from(settings(one_day)))
    training.begin()
    training.learn()
    assert {key.split for key in training.collector.batch.keys} == {"train"}
    assert {key.split for key in Validation(training.scenario).episode.keys} == {"validation"}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"learning_rat": 0.1}, "learning_rat 0.1: no such key; known: scenario, seed"),
        ({"epochs": "four"}, "epochs 'four': must be a whole number"),
        ({"epochs": 0}, "epochs 0: must be greater than 0"),
        ({"critic": "coma"}, "critic 'coma': must be one of mappo, ippo"),
        ({"decision": "all"}, "decision 'all': must be one of around_rule, full"),
        ({"discount_per_h": 1.5}, "discount_per_h 1.5: must be less than or equal to 1"),
        ({"learning_rate": 0.0}, "learning_rate 0.0: must be greater than 0"),
        ({"seed": -1}, "seed -1: must be greater than or equal to 0"),
        ({"memory": -1}, "memory -1: must be greater than or equal to 0"),
        ({"first_wear": 1.5}, "first_wear 1.5: must be less than or equal to 1"),
        ({"imitate": "nobody"}, "nobody"),
        ({"segment_h": 5}, "segment_h 5: needs whole steps of 1 h"),
        ({"segment_h": 0.5}, "segment_h 0.5: needs"),
    ],
)
def test_wrong_settings_are_named(wrong, told, one_day, tmp_path):
    with pytest.raises(PolicyError, match=told):
        run({**settings(one_day), **wrong}, tmp_path)


def test_an_unknown_scenario_is_named(tmp_path):
    with pytest.raises(ScenarioError, match="atlantis-v0"):
        run({"scenario": "atlantis-v0"}, tmp_path)


def test_texts_of_a_command_line_are_settings():
    assert args_from({"epochs": "3", "learning_rate": "1e-4"}) == Args(epochs=3, learning_rate=1e-4)


def test_a_foreign_checkpoint_is_refused(one_day, tmp_path):
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(b"no checkpoint")
    with pytest.raises(PolicyError, match=r"is not a checkpoint of ppo .* give another --output"):
        run(settings(one_day), tmp_path)
    torch.save({"weights": torch.zeros(3)}, path)
    with pytest.raises(PolicyError, match="is not a checkpoint of ppo"):
        run(settings(one_day), tmp_path)
    torch.save({"format": "other/1", "args": {}, "state": {}}, path)
    with pytest.raises(PolicyError, match="has format 'other/1'"):
        run(settings(one_day), tmp_path)
    path.unlink()
    run(settings(one_day, agent_steps=2 * EPISODE), tmp_path)
    with pytest.raises(PolicyError, match="another training, with hidden 16 instead of 32"):
        run(settings(one_day, agent_steps=2 * EPISODE, hidden=32), tmp_path)
    content = torch.load(path, weights_only=True)
    torch.save({**content, "scenario": "another digest"}, path)
    with pytest.raises(PolicyError, match=r"scenario or data of .* have changed"):
        run(settings(one_day, agent_steps=2 * EPISODE), tmp_path)


def test_tensorboard_shows_the_log(one_day, tmp_path, monkeypatch):
    shown = []

    class SummaryWriter(nullcontext):
        def __init__(self, folder, purge_step):
            super().__init__(self)
            shown.append((folder, purge_step))

        def add_scalar(self, key, value, step):
            shown.append((key, step))

    monkeypatch.setattr(training_run, "SummaryWriter", SummaryWriter)
    run(settings(one_day, agent_steps=3 * EPISODE), tmp_path)
    assert shown[0] == (str(tmp_path / "tensorboard"), EPISODE + 1)
    assert ("validation_saving_eur", 3 * EPISODE) in shown


def test_tensorboard_finds_events(one_day, tmp_path):
    run(settings(one_day, agent_steps=2 * EPISODE), tmp_path)
    (events,) = (tmp_path / "tensorboard").glob("events.out.tfevents.*")
    assert b"validation_saving_eur" in events.read_bytes()


def test_a_policy_in_torch_plays(one_day):
    training = Training(args_from(settings(one_day)))
    training.begin()
    assert isinstance(training.policy(), TorchPolicy)
