"""What RLlib is shown and what it makes of it; RLlib's own classes, and no cluster."""

import logging
import warnings

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("ray.rllib", exc_type=ImportError)

import torch
from ray.rllib.core.columns import Columns
from ray.rllib.env.multi_agent_env_runner import MultiAgentEnvRunner
from ray.rllib.evaluation.postprocessing import Postprocessing

from baselines.learners.mappo.algorithm import configuration
from baselines.learners.mappo.environment import CommunityRows
from baselines.learners.mappo.module import JOINT, SHARED
from baselines.learners.mappo.runner import CommunityRunner, table
from baselines.learners.mappo.settings import Cluster
from baselines.learners.mappo.sight import remembered, survey
from baselines.learners.ppo.args import Args
from baselines.learners.ppo.collect import Collector
from baselines.learners.ppo.earned import Yield
from baselines.learners.ppo.learn import advantages
from p2p_market.community.envs.batch import CommunityBatch
from p2p_market.registry import load_scenario

pytestmark = [
    pytest.mark.xdist_group("rllib"),  # two samplers for all of them
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning"),
]


@pytest.fixture(scope="module", params=["classic-v0", "ev-12-v0"])
def sight(request, shortened):
    scenario = load_scenario(str(shortened(request.param)))
    return survey(scenario, Args(communities=3, hidden=8, minibatch=64, segment_h=12.0))


def outputs(sight, generator):
    shape = (len(sight.decision.owners), sight.decision.width)
    return generator.uniform(-1.2, 1.2, shape).astype(np.float32)


def test_rows_rewards_and_joint_states_are_those_of_the_batch(sight):
    """The environment of RLlib against the trainer's own play: one community of a batch."""
    batch, generator = CommunityBatch(sight.scenario, 1), np.random.default_rng(0)
    earned, rows = Yield(sight.scenario, sight.args), CommunityRows(sight)
    shown, infos = rows.reset(seed=5)
    seen = batch.reset(seed=5).copy()
    earned.begin(seen, 0)
    for step in range(sight.scenario.steps):
        assert [*shown] == rows.agents
        np.testing.assert_array_equal(np.stack([*shown.values()]), sight.rows(seen)[0])
        joint = sight.joint(torch.from_numpy(batch.state()))[0]
        assert [*infos] == [0]
        np.testing.assert_array_equal(infos[0][JOINT], joint)
        drawn = outputs(sight, generator)
        actions = sight.decision.actions(seen, drawn[None])
        played = batch.step(actions)
        after = None if played.ended else played.observations
        expected = earned.of(seen, actions, played.rewards, after)[0, sight.decision.owners]
        shown, rewards, terminated, truncated, infos = rows.step(dict(enumerate(drawn)))
        np.testing.assert_allclose([*rewards.values()], expected, atol=1e-9)
        last = step == sight.scenario.steps - 1
        assert set(terminated.values()) == {last}
        assert set(terminated) == {*rows.agents, "__all__"}
        assert truncated == {"__all__": False}
        seen = played.observations.copy()
    assert played.ended


def test_what_is_shown_lies_in_its_space(sight):
    rows, generator = CommunityRows(sight), np.random.default_rng(1)
    shown, _ = rows.reset(seed=1)
    for _ in range(sight.scenario.steps):
        for row, inputs in shown.items():
            assert rows.get_observation_space(row).contains(inputs)
        shown, *_ = rows.step(dict(enumerate(outputs(sight, generator))))


def test_a_sight_is_remembered(sight):
    again = remembered(sight.scenario, sight.args, sight.state())
    seen = CommunityBatch(sight.scenario, 2).reset(seed=3)
    np.testing.assert_array_equal(again.rows(seen), sight.rows(seen))
    state = torch.ones(len(sight.joint_mean))
    torch.testing.assert_close(again.joint(state), sight.joint(state))


@pytest.fixture(scope="module", params=["mappo", "ippo"])
def sampled(request, shortened):
    """RLlib's sampler and learner on a small community: config, sampler, learner, sight."""
    scenario = load_scenario(str(shortened("classic-v0")))
    args = Args(communities=2, hidden=8, minibatch=64, segment_h=12.0, critic=request.param)
    logging.getLogger("ray.rllib").setLevel(logging.ERROR)
    found = survey(scenario, args)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        config = configuration(found, Cluster(path="episodes"), seed=3)
        config.validate()
        runner = MultiAgentEnvRunner(config=config, worker_index=0)
        learner = config.build_learner(env=None, spaces=runner.get_spaces())
    return found, config, runner, learner


def learnt_from(sight, runner, learner, steps):
    """Episodes of a number of steps, and what the learner makes of them."""
    count = sight.args.communities * len(sight.decision.owners)
    episodes = runner.sample(num_timesteps=steps * count)
    batch = learner._learner_connector(
        rl_module=learner.module, batch={}, episodes=episodes, shared_data={}
    )
    return episodes, batch[SHARED]


def test_advantages_and_joint_states_of_episodes_are_ours(sampled):
    """Against the trainer `ppo`: at the end of the week nothing follows, at a cut the value does.

    Segments of five and seven steps, so that episodes are cut where no segment ends.
    """
    sight, config, runner, learner = sampled
    module, ends = learner.module[SHARED], []
    for steps in (5, 7, 12):
        episodes, batch = learnt_from(sight, runner, learner, steps)
        assert {len(episode) for episode in episodes} == {steps}
        with torch.no_grad():
            values = module.compute_values(batch)
        at = 0
        for one in learner._learner_connector.connectors[0].single_agent_episode_iterator(
            episodes, agents_that_stepped_only=False
        ):
            own, played = slice(at, at + len(one)), slice(at, at + len(one) - 1)
            gain = advantages(
                batch[Columns.REWARDS][played],
                values[own],
                one.is_terminated,
                config.gamma,
                config.lambda_,
            )
            torch.testing.assert_close(
                batch[Postprocessing.VALUE_TARGETS][played],
                gain + values[played],
                atol=1e-3,
                rtol=1e-4,
            )
            if module.critic.central:
                infos = next(e for e in episodes if e.id_ == one.multi_agent_episode_id)
                joint = infos.agent_episodes[0].get_infos(slice(0, len(one)))
                expected = np.stack([info[JOINT] for info in joint])
                np.testing.assert_array_equal(batch[JOINT][own].numpy(), expected)
            ends.append(one.is_terminated)
            at += len(one)
        assert at == len(values)
    assert set(ends) == {True, False}


def test_a_row_stands_beside_the_joint_state_of_its_community_and_step(sampled):
    """Time left is in both: as a feature of the row and as one of the joint state."""
    sight, _, runner, learner = sampled
    _, batch = learnt_from(sight, runner, learner, 12)
    if not learner.module[SHARED].critic.central:
        assert JOINT not in batch
        return
    names = [feature.name for feature in CommunityBatch(sight.scenario, 1).state_feature_table]
    own, joint = sight.decision.names.index("time_left"), names.index("time_left")
    row = batch[Columns.OBS][:, own] * sight.inputs.spread[own] + sight.inputs.mean[own]
    both = batch[JOINT][:, joint] * sight.joint_spread[joint] + sight.joint_mean[joint]
    torch.testing.assert_close(row, both, atol=1e-4, rtol=1e-4)
    assert len(set(row.tolist())) > 5


def test_a_segment_is_played_in_one_piece(sampled):
    """RLlib counts the length of a fragment as it counts batches, here in steps of agents."""
    _, _, runner, _ = sampled
    assert {len(episode) for episode in runner.sample()} == {12}


def test_who_only_plays_has_no_critic(sampled):
    _, _, runner, learner = sampled
    assert not hasattr(runner.module[SHARED], "critic")
    assert hasattr(learner.module[SHARED], "critic")


@pytest.mark.parametrize("critic", ["mappo", "ippo"])
def test_the_table_of_a_batch_says_what_was_played(critic, shortened):
    scenario = load_scenario(str(shortened("classic-v0")))
    args = Args(communities=3, hidden=8, minibatch=64, segment_h=12.0, critic=critic)
    sight = survey(scenario, args)
    config = configuration(sight, Cluster(), seed=3)
    runner = CommunityRunner(config=config, env_creator=lambda _: CommunityRows(sight))
    rows, mean = runner.sample(episode=1, segment=0)
    count = 3 * 12 * len(sight.decision.owners)
    assert {len(column) for column in rows.values()} == {count}
    assert (JOINT in rows) == (critic == "mappo")
    dist = runner.module.get_exploration_action_dist_cls().from_logits(
        rows[Columns.ACTION_DIST_INPUTS]
    )
    torch.testing.assert_close(dist.logp(rows[Columns.ACTIONS]), rows[Columns.ACTION_LOGP])
    again, _ = CommunityRunner(config=config, env_creator=lambda _: CommunityRows(sight)).sample(
        episode=1, segment=0
    )
    assert all(torch.equal(rows[name], again[name]) for name in rows)
    second, _ = runner.sample(episode=1, segment=1)
    assert not torch.equal(second[Columns.OBS], rows[Columns.OBS])
    collector = Collector(CommunityBatch(scenario, 3), sight.decision, args, torch.Generator())
    collector.begin(args.seed, 1)
    played = collector.play(sight.inputs, runner.module.actor)
    joint = table(played, sight, runner.module)
    assert joint[Columns.OBS].shape == rows[Columns.OBS].shape
    torch.testing.assert_close(  # the same first step, whatever was drawn then
        joint[Columns.OBS][: count // 12], rows[Columns.OBS][: count // 12]
    )
    assert mean == pytest.approx(float(mean))


def test_a_player_that_was_lost_in_mid_episode_says_so(shortened):
    scenario = load_scenario(str(shortened("classic-v0")))
    sight = survey(scenario, Args(communities=1, hidden=8, segment_h=12.0))
    config = configuration(sight, Cluster(), seed=3)
    runner = CommunityRunner(config=config, env_creator=lambda _: CommunityRows(sight))
    with pytest.raises(RuntimeError, match="lost in mid-episode"):
        runner.sample(episode=1, segment=1)
