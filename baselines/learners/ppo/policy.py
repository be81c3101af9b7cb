"""A network as a policy, and what it saves on the validation weeks."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor, nn

from baselines.learners.decision import Decision
from baselines.learners.ppo.choices import ChoiceNetwork
from baselines.learners.ppo.network import Actor, Inputs
from p2p_market.community.episode.episode import choose_key, draw, stack
from p2p_market.community.rules.policy import no_trade, truthful
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.data.calendar import WEEKS_PER_SPLIT
from p2p_market.evaluation.players.policy import Policy
from p2p_market.evaluation.rollout import rollout
from p2p_market.records import Float32Array, FloatArray

SPLIT = "validation"
SEED = 0


class Network(nn.Module):
    """Normalisation and actor in one."""

    def __init__(self, inputs: Inputs, actor: Actor) -> None:
        """Out of parts that may go on training."""
        super().__init__()
        self.inputs, self.actor = inputs, actor

    def forward(self, rows: Tensor, carried: Tensor) -> tuple[Tensor, Tensor]:
        """Means of the actor, without exploration, and what is carried on.

        Args:
            rows: (row, column).
            carried: (row, number), of the actor.
        """
        outputs, carried = self.actor(self.inputs(rows)[None], carried)
        return outputs[0], carried


class TorchPolicy:
    """Plays a network without exploration."""

    def __init__(self, network: Network | ChoiceNetwork, decision: Decision) -> None:
        """For the scenario of the decision."""
        self.network, self.decision = network, decision

    def start(self, seeds: Sequence[int]) -> Tensor:
        """What is carried into the first step, (row, number)."""
        return self.network.actor.nothing(len(seeds) * len(self.decision.owners))

    def act(self, observation: Float32Array, memory: Tensor) -> tuple[FloatArray, Tensor]:
        """Actions for what is seen."""
        rows = torch.from_numpy(self.decision.rows(observation))
        with torch.inference_mode():
            output, memory = self.network(rows.flatten(0, 1), memory)
        shaped = output.numpy().reshape(*rows.shape[:2], -1)
        return self.decision.actions(observation, shaped), memory


class Validation:
    """The weeks on which policies are chosen; test weeks are never played in a training."""

    shown: Mapping[str, float] = MappingProxyType({})  # beside the log; nothing

    def __init__(self, scenario: Scenario) -> None:
        """Draws them, and plays the two rules."""
        keys = [choose_key(scenario, SEED, SPLIT, week) for week in range(WEEKS_PER_SPLIT)]
        self.scenario, self.episode = scenario, stack([draw(scenario, key) for key in keys])
        self.rule_eur = self._cost_eur(no_trade(scenario))
        self.truthful_eur = self.saving_eur(truthful(scenario))

    def told(self) -> str:
        """What to compare with."""
        return f"truthful {saved(self.truthful_eur, 'no-trade')}"

    def saving_eur(self, policy: Policy) -> float:
        """Social cost saved against the no-trade rule, mean per week: what the score measures."""
        return self.rule_eur - self._cost_eur(policy)

    def _cost_eur(self, policy: Policy) -> float:
        return float(np.mean(rollout(self.scenario, self.episode, policy).social_cost_eur))


def saved(saving_eur: float, rule: str) -> str:
    """In words."""
    return f"saves {saving_eur:,.2f} EUR per validation week against {rule}"
