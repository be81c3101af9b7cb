"""Trainings with RLlib: twice the same, also after a break; better than the rule; clear words."""

import csv
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
pytest.importorskip("ray.rllib", exc_type=ImportError)

import torch

from baselines.learners.mappo.settings import settings_from
from baselines.learners.mappo.train import Training, run
from baselines.learners.ppo.policy import Validation
from baselines.learners.ppo.train import run as run_ppo
from p2p_market.community.envs.batch import CommunityBatch
from p2p_market.errors import PolicyError, ScenarioError
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.registry import load_scenario

pytestmark = [
    pytest.mark.xdist_group("ray"),  # one cluster for all of them
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning"),
]

FILES = ("policy.onnx", "checkpoint.pt")
EPISODE = 4 * 6 * 24  # agent-steps of four communities in a day


@pytest.fixture(scope="module")
def ray():
    """A cluster that lives as long as this module's tests."""
    import ray as found

    found.init(num_cpus=4, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield found
    found.shutdown()


@pytest.fixture(scope="module")
def one_day(shortened):
    return shortened("classic-v0")


def settings(scenario, **others):
    return {
        "scenario": str(scenario),
        "communities": 4,
        "agent_steps": 4 * EPISODE,
        "minibatch": 128,
        "hidden": 16,
        "imitate": "",
        "segment_h": 12.0,
        **others,
    }


def log(folder):
    with (folder / "progress.csv").open(encoding="utf-8") as text:
        return list(csv.DictReader(text))


def made(folder):
    """The files of a training without its clock times."""
    rows = [{**row, "seconds": ""} for row in log(folder)]
    return [(folder / name).read_bytes() for name in FILES], rows


def break_off(given, folder, call):
    """A training that ends when it tells of its progress for the nth time."""
    calls = []

    def breaks(done, total, line):
        calls.append(done)
        if len(calls) == call:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(given, folder, tell=breaks)


@pytest.fixture(scope="module")
def uninterrupted(ray, one_day, tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    run(settings(one_day), folder)
    return made(folder)


@pytest.mark.parametrize("call", [2, 3])
def test_a_training_that_broke_off_goes_on_alike(call, one_day, tmp_path, uninterrupted):
    break_off(settings(one_day), tmp_path, call)
    run(settings(one_day), tmp_path)
    assert made(tmp_path) == uninterrupted
    assert len(uninterrupted[1]) == 3
    assert all(0.0 < float(row["divergence"]) < 0.1 for row in uninterrupted[1])


def test_rllibs_own_episodes_are_learnt_from(ray, one_day, tmp_path):
    given = settings(one_day, path="episodes", critic="ippo")
    break_off(given, tmp_path, 3)
    first = log(tmp_path)
    assert len(first) == 1
    run(given, tmp_path)
    assert log(tmp_path)[0] == first[0]
    assert [int(row["agent_steps"]) for row in log(tmp_path)] == [n * EPISODE for n in (2, 3, 4)]
    assert len({row["reward"] for row in log(tmp_path)}) == 3


@pytest.mark.parametrize("critic", ["mappo", "ippo"])
def test_the_score_rises(ray, critic, tmp_path):
    given = settings("classic-v0", communities=8, agent_steps=64_512, minibatch=256, critic=critic)
    given["segment_h"] = 24.0
    training = Training(settings_from(given))
    training.begin()
    validation = Validation(training.scenario)
    untrained = validation.saving_eur(training.policy())
    training.stop()
    run(given, tmp_path)
    savings = [float(row["validation_saving_eur"]) for row in log(tmp_path)]
    # untrained it does as the rule does, whose trades save something already
    assert min(savings[3:]) > 1.08 * max(untrained, validation.truthful_eur)


def test_the_file_acts_as_the_network_also_in_another_community(ray, one_day, tmp_path):
    given = settings(one_day, agent_steps=2 * EPISODE)
    training = Training(settings_from(given))
    training.begin()
    training.learn()
    policy = training.policy()
    training.stop()
    path = run(given, tmp_path)
    for name in (str(one_day), "few-sellers-v0"):
        scenario = load_scenario(name)
        file, batch = load_policy(str(path), scenario), CommunityBatch(scenario, 125)
        batch.reset(seed=3)
        idle = np.zeros((125, len(scenario.agents), batch.action_map.width))
        seen = np.concatenate([batch.step(idle).observations.copy() for _ in range(20)])
        rows = file.decision.rows(seen)
        nothing = file.start(range(len(seen)))
        with torch.inference_mode():
            flat = torch.from_numpy(rows).flatten(0, 1)
            expected, _ = policy.network(flat, torch.from_numpy(nothing))
        outputs, _ = file.outputs(rows, nothing)
        assert outputs.size >= 10_000
        np.testing.assert_allclose(outputs.reshape(expected.shape), expected, atol=1e-5)
    assert expected.abs().max() > 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("path", ["batched", "episodes"])
def test_more_processes_are_a_matter_of_settings(ray, path, one_day, tmp_path):
    given = settings(one_day, path=path, env_runners=2, learners=1, agent_steps=3 * EPISODE)
    assert run(given, tmp_path).is_file()
    assert [int(row["agent_steps"]) for row in log(tmp_path)] == [2 * EPISODE, 3 * EPISODE]


@pytest.mark.slow
def test_a_killed_command_goes_on_when_it_is_given_again(one_day, tmp_path, uninterrupted):
    given = settings(one_day)
    del given["scenario"]
    pairs = [part for key, value in given.items() for part in ("--set", f"{key}={value}")]
    command = [sys.executable, "-m", "p2p_market", "train", "mappo", "-s", str(one_day), *pairs]
    command += ["-o", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        while not (tmp_path / "checkpoint.pt").exists() and process.poll() is None:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL if os.name != "nt" else signal.SIGTERM)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "p2p-market evaluate -p" in done.stdout.replace("\n", " ")
    assert made(tmp_path) == uninterrupted


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (
            {"learning_rat": 0.1},
            "learning_rat 0.1: no such key; known: .* path, env_run",
        ),
        ({"epochs": "four"}, "epochs 'four': must be a whole number"),
        ({"env_runners": "two"}, "env_runners 'two': must be a whole number"),
        ({"env_runners": -1}, "env_runners -1: must be greater than or equal to 0"),
        ({"env_runners": 3}, "communities 4 cannot be shared evenly by env_runners 3"),
        ({"memory": 8}, "memory 8: only the trainer 'ppo'"),
        ({"first_wear": 0.5, "path": "episodes"}, "first_wear 0.5: needs --set path=batched"),
        ({"path": "fast"}, "path 'fast': must be one of batched, episodes"),
        ({"critic": "coma"}, "critic 'coma': must be one of mappo, ippo"),
        ({"segment_h": 5}, "segment_h 5: needs whole steps of 1 h"),
    ],
)
def test_wrong_settings_are_named(wrong, told, one_day, tmp_path):
    with pytest.raises(PolicyError, match=told):
        run({**settings(one_day), **wrong}, tmp_path)


def test_a_warm_start_reaches_the_learners(ray, one_day):
    given = settings(one_day, imitate="storage-value", imitate_weeks=4)
    training = Training(settings_from(given))
    training.begin()
    validation = Validation(training.scenario)
    taught = training.network.actor.state_dict()
    taught = {key: value.clone() for key, value in taught.items()}
    training._fetch()
    saved = validation.saving_eur(training.policy())
    training.stop()
    for key, value in training.network.actor.state_dict().items():
        torch.testing.assert_close(value, taught[key], rtol=0, atol=0)
    assert saved > 1.1 * validation.truthful_eur


def test_an_unknown_scenario_is_named(tmp_path):
    with pytest.raises(ScenarioError, match="atlantis-v0"):
        run({"scenario": "atlantis-v0"}, tmp_path)


def test_choices_are_for_the_other_trainer(tmp_path):
    with pytest.raises(PolicyError, match="learns numbers, and here are choices; take 'ppo'"):
        run({"scenario": "battery-146-v0"}, tmp_path)


def test_texts_of_a_command_line_are_settings():
    given = settings_from({"epochs": "3", "env_runners": "2", "ray": "auto"})
    assert (given.args.epochs, given.cluster.env_runners) == (3, 2)
    assert "ray" not in given.as_mapping()  # where it runs is no part of what it is


def test_a_foreign_checkpoint_is_refused(one_day, tmp_path):
    given = settings(one_day, agent_steps=2 * EPISODE)
    run_ppo(given, tmp_path)
    with pytest.raises(PolicyError, match="has format 'p2p_market/ppo/1', not 'p2p_market/mappo/1"):
        run(given, tmp_path)
    (tmp_path / "checkpoint.pt").write_bytes(b"no checkpoint")
    with pytest.raises(PolicyError, match=r"is not a checkpoint of mappo .* give another --output"):
        run(given, tmp_path)


def test_a_checkpoint_of_other_settings_is_refused(one_day, tmp_path, uninterrupted):
    run(settings(one_day, agent_steps=2 * EPISODE), tmp_path)
    with pytest.raises(PolicyError, match="another training, with env_runners 0 instead of 2"):
        run(settings(one_day, agent_steps=2 * EPISODE, env_runners=2), tmp_path)
