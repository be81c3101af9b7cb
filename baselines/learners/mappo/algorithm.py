"""RLlib's PPO for communities: its configuration, and a variant that plays them in batches."""

from functools import partial
from typing import Any, Final

import torch
from ray.rllib.algorithms.ppo import PPO, PPOConfig
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.evaluation.postprocessing import Postprocessing
from ray.rllib.policy.sample_batch import MultiAgentBatch, SampleBatch
from ray.rllib.utils.metrics import (
    ENV_RUNNER_RESULTS,
    ENV_RUNNER_SAMPLING_TIMER,
    EPISODE_RETURN_MEAN,
    LEARNER_RESULTS,
    LEARNER_UPDATE_TIMER,
    NUM_ENV_STEPS_SAMPLED_LIFETIME,
    TIMERS,
)
from ray.tune.registry import register_env

from baselines.learners.mappo.environment import CommunityRows, JointStates
from baselines.learners.mappo.module import SHARED, CommunityModule
from baselines.learners.mappo.runner import CommunityRunner, Table
from baselines.learners.mappo.settings import Cluster
from baselines.learners.mappo.sight import Sight
from baselines.learners.ppo.collect import segment_steps
from baselines.learners.ppo.network import Actor, log_density
from p2p_market.errors import ClusterError

ENVIRONMENT: Final = "p2p_market"
RESUME: Final = "the same command goes on from the last checkpoint"


class BatchedPPO(PPO):  # type: ignore[misc]
    """PPO that plays with `CommunityRunner`; losses, optimisers and learners are RLlib's."""

    def setup(self, config: Any) -> None:
        """As PPO, and every player gets the critic too."""
        super().setup(config)
        self.rows: Table = {}  # last learnt from
        self.segment = 0  # of all that are played, from the beginning of the training
        self.sight: Sight = self.env_creator({}).sight
        self.generator = torch.Generator()
        self.share_weights()

    def share_weights(self) -> None:
        """Give the learners' weights to all players."""
        self.env_runner_group.sync_weights(
            from_worker_or_learner_group=self.learner_group, inference_only=False
        )

    def training_step(self) -> None:
        """Play one segment and learn from it."""
        with self.metrics.log_time((TIMERS, ENV_RUNNER_SAMPLING_TIMER)):
            self.rows = self._play()
        with self.metrics.log_time((TIMERS, LEARNER_UPDATE_TIMER)):
            self._learn(self.rows)
        self.share_weights()
        self.segment += 1

    def moved(self, actor: Actor) -> tuple[float, float]:
        """How far an actor is from the one that played last.

        Returns:
            Mean divergence, and the share of rows beyond the clip.
        """
        deviation = actor.log_deviation
        with torch.inference_mode():
            noise = (
                self.rows[Columns.ACTIONS] - actor.means(self.rows[Columns.OBS])
            ) / deviation.exp()
            ratio = (log_density(noise, deviation) - self.rows[Columns.ACTION_LOGP]).exp()
        beyond = (ratio - 1.0).abs() > self.config.clip_param
        return float((ratio - 1.0 - ratio.log()).mean()), float(beyond.float().mean())

    def _play(self) -> Table:
        """Rows of all players in the order of their numbers, advantages normalised."""
        scenario = self.sight.scenario
        segments = scenario.steps // segment_steps(self.sight.args, scenario)
        episode, segment = divmod(self.segment, segments)
        remote = self.env_runner_group.num_remote_workers() > 0
        played = self.env_runner_group.foreach_env_runner(
            partial(CommunityRunner.sample, episode=1 + episode, segment=segment),
            local_env_runner=not remote,
        )
        if len(played) < max(1, self.config.num_env_runners):
            raise ClusterError(f"a process that played was lost; {RESUME}")
        tables = [rows for rows, _ in played]
        rows = {name: torch.cat([one[name] for one in tables]) for name in tables[0]}
        gain = rows[Postprocessing.ADVANTAGES]
        rows[Postprocessing.ADVANTAGES] = (gain - gain.mean()) / (gain.std() + 1e-8)
        agents = len(self.sight.decision.owners)
        earned = agents * scenario.steps * sum(mean for _, mean in played) / len(played)
        self.metrics.log_value((ENV_RUNNER_RESULTS, EPISODE_RETURN_MEAN), earned, window=segments)
        return rows

    def _learn(self, rows: Table) -> None:
        """Each epoch in an order of its own, which the number of the segment draws."""
        count = len(rows[Postprocessing.ADVANTAGES])
        env_steps = count // len(self.sight.decision.owners)
        self.generator.manual_seed((self.config.seed << 32) + self.segment)
        for _ in range(self.config.num_epochs):
            order = torch.randperm(count, generator=self.generator)
            shuffled = SampleBatch({name: column[order] for name, column in rows.items()})
            batch = MultiAgentBatch({SHARED: shuffled}, env_steps)
            results = self.learner_group.update(
                batch=batch,
                num_epochs=1,
                minibatch_size=self.config.minibatch_size,
                shuffle_batch_per_epoch=False,
                timesteps={NUM_ENV_STEPS_SAMPLED_LIFETIME: (1 + self.segment) * env_steps},
            )
            self.metrics.aggregate(results, key=LEARNER_RESULTS)


def configuration(sight: Sight, cluster: Cluster, seed: int, left: float = 1.0) -> PPOConfig:
    """The configuration for RLlib.

    Args:
        seed: of RLlib's generators; the batched path draws from those of its own.
        left: share of the training that is left when RLlib begins to count. The batched path
            counts for itself, from the beginning of the training.
    """
    register_env(ENVIRONMENT, lambda _: CommunityRows(sight))
    batched, args = cluster.path == "batched", sight.args
    config = PPOConfig(algo_class=BatchedPPO if batched else PPO)
    config.environment(
        ENVIRONMENT, disable_env_checking=True, normalize_actions=False, clip_actions=False
    )
    config.framework("torch")
    config.multi_agent(
        policies={SHARED},
        policy_mapping_fn=lambda *_, **__: SHARED,
        count_steps_by="agent_steps",  # like minibatches; else the two cannot be compared
    )
    # a plain spec: only then do processes that play leave the critic out
    spec = RLModuleSpec(
        CommunityModule,
        observation_space=sight.observation_space,
        action_space=sight.action_space,
        model_config={"args": args.as_mapping(), "joint": len(sight.joint_mean)},
    )
    config.rl_module(rl_module_spec=spec)
    if args.critic == "mappo" and not batched:
        config.learners(learner_connector=JointStates)
    config.reporting(
        min_time_s_per_iteration=0,
        min_sample_timesteps_per_iteration=0,
        metrics_num_episodes_for_smoothing=args.communities,
    )
    config.debugging(seed=seed, log_level="ERROR")
    # who plays in batches cannot begin in mid-episode: such a training stops, and is resumed
    config.fault_tolerance(restart_failed_env_runners=not batched)
    _play(config, sight, cluster)
    _learn(config, sight, cluster, left)
    return config


def _play(config: PPOConfig, sight: Sight, cluster: Cluster) -> None:
    """Who plays how much."""
    args, batched = sight.args, cluster.path == "batched"
    agents = len(sight.decision.owners)
    config.env_runners(
        num_env_runners=cluster.env_runners,
        num_envs_per_env_runner=1 if batched else args.communities // max(1, cluster.env_runners),
        # counted in steps of agents too; as steps of the environment, episodes would be cut to bits
        rollout_fragment_length=agents * segment_steps(args, sight.scenario),
        env_runner_cls=CommunityRunner if batched else None,
        sample_timeout_s=3600.0,
    )


def _learn(config: PPOConfig, sight: Sight, cluster: Cluster, left: float) -> None:
    """PPO's numbers, those of the trainer `ppo`."""
    args, scenario = sight.args, sight.scenario
    agents, steps = len(sight.decision.owners), segment_steps(args, scenario)
    rows = args.communities * steps * agents
    env_steps = max(1, round(left * args.agent_steps / len(scenario.agents)))
    config.learners(num_learners=cluster.learners)
    config.training(
        gamma=args.discount_per_h**scenario.dt_h,
        lambda_=args.trace_per_h**scenario.dt_h,
        lr=[[0, left * args.learning_rate], [env_steps, 0.0]],
        num_epochs=args.epochs,
        train_batch_size_per_learner=rows // max(1, cluster.learners),
        minibatch_size=min(args.minibatch, rows // max(1, cluster.learners)),
        clip_param=args.clip,
        vf_loss_coeff=args.value_weight,
        vf_clip_param=1e9,  # RLlib cuts the squared error with it, and so the gradient
        entropy_coeff=args.entropy_weight,
        use_kl_loss=False,
        grad_clip=args.gradient_norm,
        grad_clip_by="global_norm",
    )
