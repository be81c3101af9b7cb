"""What a training can be told beyond plain PPO: a warm start, memory, other rewards."""

from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

import torch

from baselines.learners.ppo.args import Args, args_from
from baselines.learners.ppo.decision import AroundRule, Full
from baselines.learners.ppo.earned import Yield
from baselines.learners.ppo.imitate import lessons
from baselines.learners.ppo.policy import Validation
from baselines.learners.ppo.train import Training, run
from p2p_market.community.envs.batch import CommunityBatch
from p2p_market.errors import PolicyError
from p2p_market.registry import load_scenario

EPISODE = 4 * 6 * 24  # agent-steps of four communities in a day


def settings(scenario, **others):
    small = {
        "communities": 4,
        "agent_steps": 4 * EPISODE,
        "minibatch": 128,
        "hidden": 16,
        "imitate": "",
    }
    return {"scenario": str(scenario), **small, **others}


@pytest.mark.parametrize("name", ["classic-v0", "ev-12-v0"])
def test_outputs_bring_forth_the_actions_they_were_made_from(name):
    scenario = load_scenario(name)
    batch, meaning = CommunityBatch(scenario, 4), AroundRule(scenario)
    generator, seen = np.random.default_rng(0), batch.reset(seed=3)
    decided = 0
    for _ in range(30):
        drawn = generator.uniform(-1.0, 1.0, (4, len(meaning.owners), 1))
        actions = meaning.actions(seen, drawn)
        found = meaning.outputs(seen, actions)
        free = ~np.isnan(found)
        again = meaning.actions(seen, np.where(free, found, 0.0))
        assets = slice(meaning.assets)
        np.testing.assert_allclose(again[..., assets], actions[..., assets], atol=1e-5)
        decided += free.sum()
        seen = batch.step(actions).observations
    assert decided > 100


def test_all_columns_are_put_out_as_they_are():
    scenario = load_scenario("classic-v0")
    meaning, seen = Full(scenario), CommunityBatch(scenario, 2).reset(seed=3)
    actions = np.random.default_rng(0).uniform(-1.0, 1.0, (*seen.shape[:2], meaning.width))
    np.testing.assert_array_equal(meaning.outputs(seen, actions), actions)


@pytest.mark.parametrize("expert", ["storage-value", "optimum"])
def test_lessons_are_what_the_expert_does_in_training_weeks(expert, one_day):
    args = args_from(settings(one_day, imitate=expert, imitate_weeks=3))
    scenario = load_scenario(str(one_day))
    meaning = AroundRule(scenario)
    taught = lessons(scenario, meaning, args)
    assert taught.rows.shape == (24, 3 * len(meaning.owners), len(meaning.names))
    given = taught.outputs[~taught.outputs.isnan()]
    assert given.abs().max() <= 1.0 + 1e-6
    assert given.abs().mean() > 0.1  # an expert does not do what the rule does
    again = lessons(scenario, meaning, args)
    torch.testing.assert_close(again.outputs, taught.outputs, rtol=0, atol=0, equal_nan=True)


def test_nobody_cannot_be_imitated(one_day):
    given = settings(one_day, imitate="mpc-foresight")
    with pytest.raises(PolicyError, match="imitate 'mpc-foresight': neither acts on observations"):
        Training(args_from(given)).begin()


@pytest.mark.parametrize("memory", [0, 8])
def test_who_imitated_saves_more_before_the_first_update(memory):
    given = settings("classic-v0", communities=2, memory=memory, imitate="storage-value")
    more = {"imitate_weeks": 6, "hidden": 32, "minibatch": 512, "learning_rate": 3e-3}
    training = Training(args_from({**given, **more}))
    training.begin()
    validation = Validation(training.scenario)
    assert validation.saving_eur(training.policy()) > 1.2 * validation.truthful_eur


@pytest.mark.parametrize("memory", [0, 8])
def test_what_was_played_is_as_probable_when_it_is_learnt_from(memory, one_day):
    """Before the first gradient step; what was carried on comes out as it was in the play."""
    training = Training(args_from(settings(one_day, memory=memory, segment_h=12.0)))
    training.begin()
    for _ in range(2):  # the second segment begins with what the first one carried on
        played = training.collector.play(training.inputs, training.actor)
    steps, count = len(played.rewards), len(played.carried)
    if memory:
        rows, carried = played.inputs[:steps].flatten(1, 2), played.carried
        assert carried.abs().max() > 0.0
    else:
        rows, carried = played.inputs[:steps].flatten(0, 2)[None], played.carried
    with torch.no_grad():
        means, _ = training.actor(rows, carried)
    outputs = played.outputs.reshape(means.shape)
    noise = (outputs - means) / training.actor.log_deviation.exp()
    expected = torch.distributions.Normal(0.0, 1.0).log_prob(noise).sum(-1)
    expected = expected - training.actor.log_deviation.sum()
    torch.testing.assert_close(played.log_probability.reshape(expected.shape), expected)
    assert count == 4 * len(training.decision.owners)


def test_nothing_is_carried_into_an_episode(one_day):
    training = Training(args_from(settings(one_day, memory=8, segment_h=12.0)))
    training.begin()
    first = [training.collector.play(training.inputs, training.actor).carried for _ in range(4)]
    assert [float(carried.abs().max()) > 0.0 for carried in first] == [False, True, False, True]


def test_a_recurrent_training_that_broke_off_goes_on_alike(one_day, tmp_path):
    given = settings(one_day, memory=8, imitate="storage-value", imitate_weeks=2, first_wear=0.0)
    run(given, tmp_path / "whole")
    calls = []

    def breaks(done, total, line):
        calls.append(done)
        if len(calls) == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(given, tmp_path / "broken", tell=breaks)
    run(given, tmp_path / "broken")
    for name in ("policy.onnx", "checkpoint.pt"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "broken" / name).read_bytes()


def paid(scenario, meaning, seed=0, episode=0, **options):
    """Rewards as learnt of two steps at random in an episode of this number, four in all."""
    args = Args(communities=2, agent_steps=4 * 2 * len(scenario.agents) * scenario.steps, **options)
    batch, earned = CommunityBatch(scenario, 2), Yield(scenario, args)
    seen, generator = batch.reset(seed=1).copy(), np.random.default_rng(seed)
    earned.begin(seen, episode)
    shape = (2, len(meaning.owners), meaning.width)
    actions = meaning.actions(seen, generator.uniform(-1.0, 1.0, shape))
    step = batch.step(actions)
    return earned.of(seen, actions, step.rewards, step.observations) / args.reward_scale


def test_degradation_counts_more_from_episode_to_episode():
    scenario = load_scenario("resale-6-v0")
    meaning = AroundRule(scenario)
    whole = paid(scenario, meaning)
    gifts = [paid(scenario, meaning, episode=n, first_wear=0.2) - whole for n in range(4)]
    assert gifts[0].min() >= -1e-12
    assert gifts[0].max() > 1e-3
    np.testing.assert_allclose(gifts[1], 0.5 * gifts[0], atol=1e-12)
    np.testing.assert_allclose(gifts[2], 0.0, atol=1e-12)
    np.testing.assert_allclose(gifts[3], 0.0, atol=1e-12)
    all_of_it = paid(scenario, meaning, first_wear=0.0) - whole
    np.testing.assert_allclose(0.8 * all_of_it, gifts[0], atol=1e-12)


def test_set_points_beyond_the_limits_have_a_price():
    scenario = load_scenario("classic-v0")
    inside, anywhere = AroundRule(scenario), Full(scenario)
    price = {"correction_eur_per_kwh": 0.5}
    np.testing.assert_allclose(paid(scenario, inside, **price), paid(scenario, inside), atol=1e-9)
    lost = paid(scenario, anywhere) - paid(scenario, anywhere, **price)
    assert lost.min() >= 0.0
    assert lost.max() > 0.1
    for first, second in pairwise([0.5, 1.0, 1.5]):
        dearer = paid(scenario, anywhere, correction_eur_per_kwh=second)
        cheaper = paid(scenario, anywhere, correction_eur_per_kwh=first)
        np.testing.assert_allclose(cheaper - dearer, lost, atol=1e-9)


@pytest.mark.parametrize("memory", [0, 8])
def test_an_update_begins_where_the_play_left_off(memory, one_day):
    """A step of nothing does not move the policy: what is carried in is what the play carried."""
    given = settings(one_day, memory=memory, segment_h=12.0, learning_rate=1e-9)
    training = Training(args_from(given))
    training.begin()
    for _ in range(2):
        segment = training.collector.play(training.inputs, training.actor)
    report = training.learner.update(segment, 1.0)
    assert report.moved == pytest.approx(0.0, abs=1e-7)
    assert report.cut == 0.0


def test_trainings_forgive_less_degradation_from_episode_to_episode(one_day):
    training = Training(args_from(settings(one_day, first_wear=0.0, agent_steps=8 * EPISODE)))
    training.begin()
    forgiven = []
    for _ in range(4):
        forgiven.append(training.collector.earned.forgiven)
        training.learn()
    assert forgiven == pytest.approx([0.75, 0.5, 0.25, 0.0])
