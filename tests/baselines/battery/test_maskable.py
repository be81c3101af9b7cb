"""MaskablePPO: what its reward counts, and the file that it leaves."""

import csv

import numpy as np
import pytest

pytest.importorskip("sb3_contrib")
pytest.importorskip("onnx")

import torch

from baselines.battery.maskable import train
from baselines.battery.maskable.args import Args
from baselines.learners.onnx_policy.policy import from_file
from baselines.learners.training.run import drive
from p2p_market.battery.records import LEDGER_ENTRIES, SHAPING
from p2p_market.errors import PolicyError
from p2p_market.registry import load_scenario, make_batch
from p2p_market.testing import check_policy

pytestmark = pytest.mark.xdist_group("maskable")

SMALL = {"agent_steps": 384, "environments": 2, "n_steps": 96, "n_epochs": 1, "hidden": 16}


@pytest.mark.parametrize(
    ("steps", "eur_per_mwh"),
    [(0, 0.0), (100_000, 3.0), (250_000, 7.5), (500_000, 15.0), (3_000_000, 15.0)],
)
def test_wear_grows_in_the_reward(steps, eur_per_mwh):
    """Known values of a common curriculum."""
    assert 15.0 * Args().counted(steps) == pytest.approx(eur_per_mwh)
    weights = train.weights(Args(shaping=0.5), steps)
    by_name = dict(zip(LEDGER_ENTRIES, weights, strict=True))
    assert 15.0 * by_name["degradation"] == pytest.approx(eur_per_mwh)
    assert {by_name[name] for name in SHAPING} == {0.5}
    assert by_name["dam"] == by_name["terminal"] == 1.0


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder, told = tmp_path_factory.mktemp("maskable"), []
    given = {**SMALL, "validate_every": 1}
    train.run(given, folder, tell=lambda done, total, line: told.append(line))
    return folder, told


def test_a_training_leaves_its_best_network_and_a_log(trained):
    folder, told = trained
    with (folder / "progress.csv").open(encoding="utf-8") as log:
        rows = list(csv.DictReader(log))
    assert [int(row["agent_steps"]) for row in rows] == [192, 384]
    assert 5.5 < float(rows[-1]["entropy"]) < 6.26  # ln 525 without masks
    assert told[-1].startswith("entropy ")
    assert {path.name for path in folder.iterdir()} == {
        "curve.csv", "policy.onnx", "progress.csv", "tensorboard", "training.toml",
    }  # fmt: skip
    (events,) = (folder / "tensorboard").iterdir()
    names = (b"train/approx_kl", b"custom/avg_profit", b"participation/bid_rate")
    assert all(name in events.read_bytes() for name in names)


def test_its_file_keeps_the_rules_for_policies(trained):
    scenario = load_scenario("battery-146-v0")
    policy = from_file(scenario, str(trained[0] / "policy.onnx"))
    check_policy(policy, scenario)
    seen, masks = make_batch("battery-146-v0", 3).reset(seed=0)
    action, _ = policy.act(seen, policy.start([0, 1, 2]))
    for place, mask in enumerate(np.split(masks, [5, 10], axis=-1)):
        assert np.take_along_axis(mask, action[..., place, None].astype(int), -1).all()


def test_the_file_says_what_the_library_says(tmp_path):
    training = train.Training(Args(**{**SMALL, "agent_steps": 192}))
    path = drive(training, tmp_path)
    seen, _ = make_batch("battery-146-v0", 16).reset(seed=9)
    policy = from_file(load_scenario("battery-146-v0"), str(path))
    logits, _ = policy.outputs(seen, policy.start(range(16)))
    shown = torch.as_tensor(training.env.normalize_obs(seen[:, 0]))
    with torch.no_grad():
        law = training.model.policy.get_distribution(shown)
    first = torch.as_tensor(logits[:, 0, :5]).log_softmax(-1)
    np.testing.assert_allclose(first, law.distributions[0].logits, atol=1e-5)


def test_minutes_end_a_training(tmp_path):
    train.run({**SMALL, "agent_steps": 10**6}, tmp_path, minutes=1e-3)
    assert (tmp_path / "policy.onnx").is_file()


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"n_step": 8}, "n_step 8: no such key; known: scenario, seed"),
        ({"n_steps": "many"}, "n_steps 'many': must be a whole number"),
        ({"n_steps": 0}, "n_steps 0: must be greater than 0"),
        ({"seed": -1}, "seed -1: must be greater than or equal to 0"),
    ],
)
def test_wrong_settings_are_named(wrong, told):
    with pytest.raises(PolicyError, match=told):
        Args(**wrong)


def test_it_is_for_batteries(tmp_path):
    with pytest.raises(PolicyError, match="classic-v0 is of the track 'community', not 'battery'"):
        train.run({"scenario": "classic-v0"}, tmp_path)
