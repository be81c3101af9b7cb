"""Columns that are choices: masks in play and in learning, what is earned, and the file."""

import csv
import math

import numpy as np
import pytest
from typer.testing import CliRunner

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import torch
import yaml

from baselines.learners.onnx_policy.policy import from_file
from baselines.learners.plain import role_for
from baselines.learners.ppo.args import FAST, args_from
from baselines.learners.ppo.choices import ChoiceActor
from baselines.learners.ppo.masked import Earned
from baselines.learners.ppo.own import own_of
from baselines.learners.ppo.train import Training, run
from baselines.learners.training import run as training_run
from baselines.learners.training.verdicts import verdicts
from p2p_market.battery.records import LEDGER_ENTRIES, SHAPING
from p2p_market.commands.app import app
from p2p_market.errors import PolicyError
from p2p_market.registry import load_scenario, make_batch
from p2p_market.testing import check_policy

pytestmark = pytest.mark.xdist_group("choices")

EPISODE = 4 * 24  # agent-steps of four fleets in a day


@pytest.fixture(scope="module")
def a_day(tmp_path_factory):
    path = tmp_path_factory.mktemp("scenario") / "battery-day-v0.yaml"
    spec = {"extends": "battery-146-v0", "id": "battery-day-v0", "days": 1}
    path.write_text(yaml.safe_dump(spec), encoding="utf-8")
    return path


def settings(scenario, **others):
    small = {
        "communities": 4, "agent_steps": 5 * EPISODE, "segment_h": 24.0, "epochs": 1,
        "minibatch": 64, "hidden": 16, "validate_every": 1, "imitate": "",
    }  # fmt: skip
    return {"scenario": str(scenario), **small, **others}


def made(folder):
    with (folder / "progress.csv").open(encoding="utf-8") as log:
        rows = [{**row, "seconds": ""} for row in csv.DictReader(log)]
    return [(folder / name).read_bytes() for name in ("policy.onnx", "checkpoint.pt")], rows


@pytest.fixture(scope="module")
def uninterrupted(a_day, tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    run(settings(a_day), folder)
    return folder


def actor_of(choices, scale=1.0):
    generator = torch.Generator().manual_seed(0)
    actor = ChoiceActor(3, choices, args_from({"hidden": 8}), generator)
    with torch.no_grad():
        actor.body[-1].weight.mul_(scale)
    return actor, generator


def test_only_allowed_choices_are_drawn_and_each_by_its_probability():
    actor, generator = actor_of([2, 4], 300.0)
    inputs = torch.tensor([[1.0, -2.0, 0.5]]).expand(40_000, 3)
    allowed = torch.tensor([True, True, True, False, True, True]).expand(40_000, 6)
    with torch.no_grad():
        drawn, known = actor.drawn(inputs, allowed, generator)
        logits = actor.means(inputs[0])
    shares = torch.bincount(drawn[:, 1], minlength=4) / len(drawn)
    free = logits[2:].clone()
    free[1] = -math.inf
    assert shares[1] == 0.0
    torch.testing.assert_close(shares, free.softmax(0), atol=0.01, rtol=0.0)
    pairs = logits[:2].log_softmax(0)[drawn[:, 0]] + free.log_softmax(0)[drawn[:, 1]]
    torch.testing.assert_close(known, pairs)


def test_forbidden_choices_have_no_part_in_entropy_and_gradient():
    actor, _ = actor_of([5, 21])
    with torch.no_grad():
        actor.body[-1].weight.zero_()
    allowed = torch.ones(1, 7, 26, dtype=torch.bool)
    allowed[..., 1:5] = False  # one of five is left
    allowed[..., 5:16] = False  # ten of twenty-one are left
    outputs = torch.tensor([0, 15]).expand(1, 7, 2)
    known, entropy = actor.judged(torch.ones(1, 7, 3), actor.nothing(7), outputs, allowed)
    assert float(entropy.detach()) == pytest.approx(math.log(10.0))
    assert known[0, 0].item() == pytest.approx(-math.log(10.0))
    (known.sum() + entropy).backward()
    moved = actor.body[-1].bias.grad
    assert moved[~allowed[0, 0]].abs().max() == 0.0
    assert moved[allowed[0, 0]][1:].abs().min() > 0.0


def test_what_was_played_is_as_probable_when_it_is_learnt_from(a_day):
    training = Training(args_from({**FAST, **settings(a_day)}))
    training.begin()
    played = training.collector.play(training.inputs, training.actor)
    allowed = torch.split(played.allowed, [5, 5, 21], -1)
    for column, mask in enumerate(allowed):
        assert mask.gather(-1, played.outputs[..., column, None]).all()
    assert not played.allowed.all()
    with torch.no_grad():
        again, _ = training.actor.judged(
            played.inputs[:-1].flatten(1, 2), training.actor.nothing(4),
            played.outputs.flatten(1, 2), played.allowed.flatten(1, 2),
        )  # fmt: skip
    torch.testing.assert_close(again, played.log_probability.flatten(1, 2))


def earned_of(scenario, others=None):
    args = args_from({**FAST, **(others or {})})
    return Earned(scenario, role_for(scenario), own_of(scenario), args)


def test_money_counts_but_what_is_given_and_wear_grows_to_its_whole():
    scenario = load_scenario("battery-146-v0")
    entries = np.arange(1.0, 1.0 + len(LEDGER_ENTRIES))[None, None]
    wear, given = (
        entries[..., LEDGER_ENTRIES.index(name)].item() for name in ("degradation", "dam")
    )
    shaping = sum(entries[..., LEDGER_ENTRIES.index(name)].item() for name in SHAPING)
    earned = earned_of(scenario)
    for steps, share in ((0, 0.0), (50_000, 0.25), (200_000, 1.0), (4_000_000, 1.0)):
        expected = -0.001 * (entries.sum() - shaping - given - (1.0 - share) * wear)
        assert earned.of(entries, steps).item() == pytest.approx(expected)
    shaped = earned_of(scenario, {"shaping": 1.0})
    assert shaped.of(entries, 200_000).item() == pytest.approx(-0.001 * (entries.sum() - given))
    bidding = earned_of(load_scenario("battery-146-bidding-v0"))  # there it is not given
    expected = -0.001 * (entries.sum() - shaping)
    assert bidding.of(entries, 200_000).item() == pytest.approx(expected)


def test_energy_counts_when_it_is_stored_and_over_an_episode_for_nothing():
    scenario = load_scenario("battery-fleet-4-v0")
    earned, batch = earned_of(scenario), make_batch("battery-fleet-4-v0", 2)
    seen, _ = batch.reset(seed=0)
    earned.begin(batch.keys, seen)
    hour = 24 * batch.keys[0].start_day
    price = scenario.day_ahead_eur_per_mwh[hour : hour + 168].mean()
    level, total = seen[..., 0].astype(float), np.zeros(seen.shape[:2])
    action = np.tile([0.0, 2.0, 0.0], (*seen.shape[:2], 1))  # buy
    for number in range(scenario.steps):
        step = batch.step(action)
        last = step.final_observations if step.ended else step.observations
        credit = earned.stored(last, step.ended)
        if number == 0:
            moved = (last[0, 0, 0] - level[0, 0]) * scenario.fleet.capacity_mwh[0]
            assert moved > 10.0
            assert credit[0, 0] == pytest.approx(0.001 * price * moved)
        total += credit
    assert step.ended
    np.testing.assert_allclose(total, 0.0, atol=1e-9)


def test_a_batch_goes_on_where_it_was_left():
    batch, other = make_batch("battery-146-v0", 2), make_batch("battery-146-v0", 2)
    batch.reset(seed=3)
    batch.reset()
    expected = batch.reset()[0].tobytes()
    assert other.reset(seed=3, first=2)[0].tobytes() == expected


def test_a_training_that_broke_off_goes_on_alike(a_day, tmp_path, uninterrupted):
    calls = []

    def breaks(done, total, line):
        calls.append(done)
        if len(calls) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(settings(a_day), tmp_path, tell=breaks)
    run(settings(a_day), tmp_path)
    assert made(tmp_path) == made(uninterrupted)


def test_the_file_keeps_the_rules_for_policies_and_the_masks(uninterrupted):
    scenario = load_scenario("battery-146-v0")
    policy = from_file(scenario, str(uninterrupted / "policy.onnx"))
    check_policy(policy, scenario)
    seen, masks = make_batch("battery-146-v0", 3).reset(seed=0)
    action, _ = policy.act(seen, policy.start([0, 1, 2]))
    for place, mask in enumerate(np.split(masks, [5, 10], axis=-1)):
        chosen = action[..., place].astype(int)
        assert np.take_along_axis(mask, chosen[..., None], -1).all()
    logits, _ = policy.outputs(policy.decision.rows(seen), policy.start([0, 1, 2]))
    assert logits.shape == (3, 1, 31)


def test_a_file_with_other_choices_is_refused(uninterrupted):
    """What a bidding battery sees is the same; it chooses more."""
    told = "has 31 outputs per row, and battery-146-bidding-v0 needs 295"
    with pytest.raises(PolicyError, match=told):
        from_file(load_scenario("battery-146-bidding-v0"), str(uninterrupted / "policy.onnx"))


def test_file_and_training_agree(a_day, tmp_path):
    given = settings(a_day, agent_steps=2 * EPISODE)
    run(given, tmp_path)
    training = Training(args_from({**FAST, **given}))
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["state"]
    training.restore(state)
    seen, _ = make_batch(str(a_day), 64).reset(seed=1)
    scenario = load_scenario(str(a_day))
    in_file = from_file(scenario, str(tmp_path / "policy.onnx"))
    logits, _ = in_file.outputs(seen, in_file.start(range(64)))
    with torch.inference_mode():
        carried = training.network.actor.nothing(64)
        expected = training.network(torch.from_numpy(seen[:, 0]), carried)[0]
    np.testing.assert_allclose(logits[:, 0], expected, atol=1e-5)


def test_the_board_has_the_names_of_other_libraries(a_day, tmp_path, monkeypatch):
    shown, told = {}, []
    writer = training_run.SummaryWriter.add_scalar

    def add(self, key, value, step):
        shown[key] = value
        writer(self, key, value, step)

    monkeypatch.setattr(training_run.SummaryWriter, "add_scalar", add)
    run(settings(a_day), tmp_path, tell=lambda done, total, line: told.append(line))
    names = {
        "train": ("clip_fraction", "approx_kl", "entropy_loss", "explained_variance"),
        "custom": ("avg_profit", "avg_cycles", "profit_per_cycle"),
        "markets": tuple(
            f"{market}_profit"
            for market in ("dam", "intraday", "afrr_capacity", "afrr_energy", "mfrr")
        ),
        "participation": ("bid_rate", "selection_rate", "activation_rate"),
    }
    assert {f"{room}/{name}" for room, own in names.items() for name in own} <= shown.keys()
    assert -6.26 < shown["train/entropy_loss"] < -5.0  # ln 525 without masks
    assert 0.0 < shown["participation/selection_rate"] <= shown["participation/bid_rate"] <= 1.0
    assert told[0].startswith("reserve-first saves ")
    assert told[-1].startswith("entropy ")


@pytest.mark.parametrize(
    ("name", "most"),
    [("battery-fleet-4-v0", math.log(525)),
     ("battery-146-bidding-v0", math.log(525) + math.log(11))],  # 24 bids in one step of 24
)  # fmt: skip
def test_fleets_and_bids_are_learnt_too(name, most, tmp_path):
    path = tmp_path / "other-day-v0.yaml"
    spec = {"extends": name, "id": "other-day-v0", "days": 2}
    path.write_text(yaml.safe_dump(spec), encoding="utf-8")
    agents = len(load_scenario(name).agents)
    more = {"segment_h": 48.0, "agent_steps": 3 * 4 * 48 * agents}
    assert run(settings(path, **more), tmp_path / "made").is_file()
    with (tmp_path / "made" / "progress.csv").open(encoding="utf-8") as log:
        entropy = float(next(csv.DictReader(log))["entropy"])
    assert most - 1.5 < entropy < most


@pytest.mark.parametrize(
    ("clipped", "divergence", "explained", "words"),
    [(0.1, 0.01, 0.8, "good good good"), (0.2, 0.02, 0.5, "fair fair fair"),
     (0.4, 0.05, -0.1, "bad bad bad")],
)  # fmt: skip
def test_every_number_gets_its_verdict(clipped, divergence, explained, words):
    row = {"clipped": clipped, "divergence": divergence, "explained": explained}
    low, high = ({key: k * value for key, value in row.items()} for k in (0.5, 1.5))
    *lines, _ = verdicts([{**low, "entropy": 5.0}, {**high, "entropy": 4.0}])
    assert " ".join(line.split(": ")[1].split(" ")[0] for line in lines) == words
    assert verdicts([{**row, "deviation": 0.3}]) == []


def test_an_entropy_that_falls_too_early_is_named():
    row = {"clipped": 0.1, "divergence": 0.01, "explained": 0.8}
    ways = (5, 1, 1), (5, 3.5, 1.5), (1, 1, 1)
    early, late, warm = ([{**row, "entropy": one} for one in way] for way in ways)
    assert "premature" in verdicts(early)[-1]
    assert verdicts(late)[-1].endswith("good")
    assert verdicts(warm)[-1].endswith("low from the beginning, as after a warm start")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"memory": 8}, "memory 8: where columns are choices it is 0"),
        ({"critic": "mappo"}, "critic 'mappo': where columns are choices it is 'ippo'"),
        ({"imitate": "optimum"}, "imitate 'optimum': choices are learnt from a policy"),
        ({"decision": "full"}, "decision 'full': where columns are choices it is 'plain'"),
    ],
)
def test_settings_for_numbers_are_refused(wrong, told, a_day, tmp_path):
    with pytest.raises(PolicyError, match=told):
        run(settings(a_day, **wrong), tmp_path)


def test_choices_are_for_tracks_that_have_them(tmp_path):
    with pytest.raises(PolicyError, match="decision 'plain' is for columns that are choices"):
        run({"scenario": "classic-v0", "decision": "plain"}, tmp_path)


def test_the_command_trains_on_a_battery(a_day, tmp_path):
    pairs = [part for key, value in settings(a_day).items() if key != "scenario"
             for part in ("--set", f"{key}={value}")]  # fmt: skip
    command = ["train", "ppo", "-s", str(a_day), *pairs, "-o", str(tmp_path)]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "policy.onnx").is_file()
