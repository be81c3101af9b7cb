"""Actor and critic as RLlib wants them."""

from typing import Any, Final

import torch
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.apis import InferenceOnlyAPI, ValueFunctionAPI
from ray.rllib.core.rl_module.torch import TorchRLModule
from torch import Tensor

from baselines.learners.ppo.args import Args
from baselines.learners.ppo.learn import Critic
from baselines.learners.ppo.network import Actor

SHARED: Final = "shared"
"""The one policy, which all agents use."""
JOINT: Final = "joint"
"""Column of a batch: normalised joint state of the row's community."""


class CommunityModule(TorchRLModule, InferenceOnlyAPI, ValueFunctionAPI):  # type: ignore[misc]
    """Actor on a row; critic on the row and, for MAPPO, on the joint state.

    `model_config` holds `args`, values by key, and `joint`, the width of the joint state. Processes
    that only play get no critic.
    """

    def setup(self) -> None:
        """Equal first weights wherever it is built."""
        args = Args(**self.model_config["args"])
        generator = torch.Generator().manual_seed(args.seed)
        inputs, outputs = self.observation_space.shape[0], self.action_space.shape[0]
        self.actor = Actor(inputs, outputs, args, generator)
        self.critic = Critic(inputs, self.model_config["joint"], args, generator)

    def get_non_inference_attributes(self) -> list[str]:
        """What playing does not need."""
        return ["critic"]

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Tensor]:
        """Mean and logarithm of the deviation of a normal law, side by side."""
        mean = self.actor.means(batch[Columns.OBS])
        spread = self.actor.log_deviation.expand_as(mean)
        return {Columns.ACTION_DIST_INPUTS: torch.cat([mean, spread], -1)}

    def compute_values(self, batch: dict[str, Any], embeddings: Any = None) -> Tensor:
        """Value of each row's situation."""
        situations = batch[Columns.OBS]
        if self.critic.central:
            situations = torch.cat([situations, batch[JOINT]], -1)
        values: Tensor = self.critic(situations)
        return values
