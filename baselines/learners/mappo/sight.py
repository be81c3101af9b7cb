"""What RLlib is shown: rows of agents and the joint state, normalised once and for all."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from gymnasium.spaces import Box
from torch import Tensor

from baselines.learners.ppo.args import Args
from baselines.learners.ppo.collect import Collector, first_seed
from baselines.learners.ppo.decision import Decision, chosen
from baselines.learners.ppo.network import FAR, Inputs, moments, normalised
from p2p_market.community.envs.batch import CommunityBatch
from p2p_market.community.observation import state_features
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.records import Float32Array


@dataclass(frozen=True, slots=True)
class Sight:
    """One scenario as a training sees it; travels to all processes that play."""

    scenario: Scenario
    args: Args
    decision: Decision
    inputs: Inputs
    joint_mean: Tensor
    joint_spread: Tensor

    @property
    def observation_space(self) -> Box:
        """Of a row: inputs of the network."""
        return Box(-FAR, FAR, (self.inputs.width,), np.float32)

    @property
    def action_space(self) -> Box:
        """Of a row: outputs of the network, which may be larger; the decision cuts them."""
        return Box(-1.0, 1.0, (self.decision.width,), np.float32)

    def rows(self, seen: Float32Array) -> Float32Array:
        """Normalised inputs, (batch, row, input).

        Args:
            seen: observations, (batch, agent, feature).
        """
        with torch.inference_mode():
            inputs = self.inputs(torch.from_numpy(self.decision.rows(seen)))
        return np.asarray(inputs.numpy(), dtype=np.float32)

    def joint(self, state: Tensor) -> Tensor:
        """Normalised joint state, (..., joint feature)."""
        return normalised(state, self.joint_mean, self.joint_spread)

    def state(self) -> dict[str, Tensor]:
        """What has to be kept beside the weights."""
        return {
            **{f"inputs.{key}": value for key, value in self.inputs.state_dict().items()},
            "joint_mean": self.joint_mean,
            "joint_spread": self.joint_spread,
        }


def survey(scenario: Scenario, args: Args) -> Sight:
    """Play the first episode by rule and at random, and freeze what is normal."""
    sight = _blank(scenario, args)
    batch = CommunityBatch(scenario, args.communities, split="train")
    collector = Collector(batch, sight.decision, args, torch.Generator())
    collector.begin(first_seed(args), 0)
    rows, joint = collector.survey(np.random.default_rng(args.seed))
    sight.inputs.freeze(rows)
    return Sight(scenario, args, sight.decision, sight.inputs, *moments(joint))


def remembered(scenario: Scenario, args: Args, state: Mapping[str, Tensor]) -> Sight:
    """The same out of `Sight.state`."""
    sight = _blank(scenario, args)
    own = {key.removeprefix("inputs."): value for key, value in state.items() if "inputs." in key}
    sight.inputs.load_state_dict(own)
    moments = state["joint_mean"], state["joint_spread"]
    return Sight(scenario, args, sight.decision, sight.inputs, *moments)


def _blank(scenario: Scenario, args: Args) -> Sight:
    decision, width = chosen(args.decision, scenario), len(state_features(scenario))
    inputs = Inputs(decision.names)
    return Sight(scenario, args, decision, inputs, torch.zeros(width), torch.ones(width))
