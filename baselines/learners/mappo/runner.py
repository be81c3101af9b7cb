"""Playing for RLlib without RLlib's episodes: a batch of communities, one compiled call a step."""

from collections.abc import Callable
from typing import Any

import numpy as np
import ray
import torch
from ray.rllib.core import COMPONENT_RL_MODULE
from ray.rllib.core.columns import Columns
from ray.rllib.env import INPUT_ENV_SPACES
from ray.rllib.env.env_runner import EnvRunner
from ray.rllib.evaluation.postprocessing import Postprocessing
from torch import Tensor

from baselines.learners.mappo.module import JOINT, SHARED, CommunityModule
from baselines.learners.mappo.sight import Sight
from baselines.learners.ppo.collect import Collector, Segment, first_seed
from baselines.learners.ppo.learn import advantages
from p2p_market.community.envs.batch import CommunityBatch

Table = dict[str, Tensor]
"""Columns by name, each (row, ...)."""


class CommunityRunner(EnvRunner):  # type: ignore[misc]
    """Plays segments of episodes with a share of the communities.

    What it plays is a function of weights, seed, its own number, episode and segment.
    """

    def __init__(
        self,
        *,
        config: Any,
        env_creator: Callable[[Any], Any],
        worker_index: int = 0,
        num_workers: int = 0,
        **kwargs: Any,
    ) -> None:
        """Built by RLlib. `env_creator` gives an environment with a `sight`."""
        super().__init__(
            config=config, worker_index=worker_index, num_workers=num_workers, **kwargs
        )
        torch.set_num_threads(1)
        self.sight: Sight = env_creator({}).sight
        self.share = self.sight.args.communities // max(1, num_workers)
        self.place = max(0, worker_index - 1)
        self.generator = torch.Generator()
        self.collector: Collector | None = None  # built where it is played
        self.at = (-1, 0)
        self.module: CommunityModule = self._module()

    def sample(self, *, episode: int, segment: int, **kwargs: Any) -> tuple[Table, float]:
        """Play one segment of an episode.

        Returns:
            Rows to learn from, with advantages and targets of the critic, and the mean reward.
        """
        collector, args = self._collector(), self.sight.args
        if self.at != (episode, segment):
            if segment:
                raise RuntimeError("a process that played was lost in mid-episode; start again")
            collector.begin(first_seed(args) + self.place * self.share, episode)
        entropy = np.random.SeedSequence([args.seed, self.place, episode, segment])
        self.generator.manual_seed(int(entropy.generate_state(1, np.uint64)[0] >> np.uint64(1)))
        played = collector.play(self.sight.inputs, self.module.actor)
        self.at = (episode + 1, 0) if played.ended else (episode, segment + 1)
        return table(played, self.sight, self.module), float(played.rewards.mean())

    def get_spaces(self) -> dict[str, Any]:
        """Spaces of a row."""
        spaces = (self.sight.observation_space, self.sight.action_space)
        return {INPUT_ENV_SPACES: spaces, SHARED: spaces}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take over weights."""
        weights = state.get(COMPONENT_RL_MODULE)
        if isinstance(weights, ray.ObjectRef):  # as they come to processes of their own at first
            weights = ray.get(weights)
        if weights is not None:
            self.module.set_state(weights[SHARED])

    def get_state(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Nothing that others would need."""
        return {}

    def get_metrics(self) -> dict[str, Any]:
        """They come with what was played."""
        return {}

    def assert_healthy(self) -> None:
        """Whether it was built."""
        assert self.module is not None

    def _module(self) -> CommunityModule:
        """With the critic, for advantages are computed where the play is."""
        spec = self.config.get_multi_rl_module_spec(
            spaces=self.get_spaces(), inference_only=False
        ).rl_module_specs[SHARED]
        module: CommunityModule = spec.build()
        return module

    def _collector(self) -> Collector:
        if self.collector is None:
            batch = CommunityBatch(self.sight.scenario, self.share, split="train")
            self.collector = Collector(batch, self.sight.decision, self.sight.args, self.generator)
        return self.collector


def table(played: Segment, sight: Sight, module: CommunityModule) -> Table:
    """Columns that PPO's loss asks for, out of a segment; advantages as they are."""
    args, dt_h, steps = sight.args, sight.scenario.dt_h, len(played.rewards)
    with torch.no_grad():
        joint = sight.joint(played.joint)[:, :, None]
        seen = {Columns.OBS: played.inputs, JOINT: joint.expand(*played.inputs.shape[:3], -1)}
        values = module.compute_values(seen)
        gain = advantages(
            played.rewards,
            values,
            played.ended,
            args.discount_per_h**dt_h,
            args.trace_per_h**dt_h,
        )
        seen = {name: column[:steps] for name, column in seen.items()}
        columns = {
            **(seen if module.critic.central else {Columns.OBS: seen[Columns.OBS]}),
            Columns.ACTIONS: played.outputs,
            Columns.ACTION_LOGP: played.log_probability,
            Columns.ACTION_DIST_INPUTS: module._forward(seen)[Columns.ACTION_DIST_INPUTS],
            Postprocessing.ADVANTAGES: gain,
            Postprocessing.VALUE_TARGETS: gain + values[:-1],
        }
        return {name: column.flatten(0, 2) for name, column in columns.items()}
