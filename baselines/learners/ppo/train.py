"""PPO from the first episode to the last: `p2p-market train ppo`.

All agents share one actor, which sees only its agent's observation, so one file serves communities
of any size.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from baselines.learners.plain import role_for
from baselines.learners.ppo import masked
from baselines.learners.ppo.args import FAST, Args
from baselines.learners.ppo.collect import Collector, first_seed
from baselines.learners.ppo.decision import chosen
from baselines.learners.ppo.imitate import imitate, lessons
from baselines.learners.ppo.learn import Critic, Learner, Report
from baselines.learners.ppo.masked import Parts, choices_of
from baselines.learners.ppo.network import Actor, Inputs
from baselines.learners.ppo.own import own_of
from baselines.learners.ppo.policy import Network, TorchPolicy, Validation
from baselines.learners.training.run import Tell, drive
from p2p_market.community.envs.batch import CommunityBatch
from p2p_market.errors import PolicyError
from p2p_market.registry import load_scenario


class Training:
    """Networks, communities and log of one training."""

    kind = "ppo"
    goes_on = True
    alone = True

    def __init__(self, args: Args) -> None:
        """Before the first episode.

        Raises:
            PolicyError: if the segments do not make whole episodes.
        """
        self.args, self.settings, self.meaning = args, args, args.decision
        self.scenario = scenario = load_scenario(args.scenario)
        self.generator = torch.Generator().manual_seed(args.seed)
        made = _parts(args, scenario, self.generator)
        self.collector, self.decision = made.collector, made.decision
        self.inputs, self.actor, self.weeks = made.inputs, made.actor, made.weeks
        critic = Critic(self.inputs.width, made.joint, args, self.generator)
        self.learner = Learner(self.actor, critic, args, float(scenario.spec.dt_h), self.generator)
        self.network, self.made = made.network, made
        self.episode, self.best_eur = 0, -np.inf
        learning = role_for(scenario, args.role or None).agents
        self.episode_agent_steps = args.communities * len(learning) * scenario.steps

    @property
    def agent_steps(self) -> int:
        """Played so far, the first episode included, in which nothing is learnt."""
        return int(self.episode * self.episode_agent_steps)

    def begin(self) -> None:
        """Play the first episode by rule and at random; freeze the normalisation of inputs."""
        self.collector.begin(first_seed(self.args), 0)
        inputs, joint = self.collector.survey(np.random.default_rng(self.args.seed))
        self.inputs.freeze(inputs)
        self.learner.critic.freeze(joint)
        self.episode = 1
        if self.args.imitate:
            self.made.imitate()
            for _ in range(self.made.appraised):
                self.learner.appraise(self.collector.play(self.inputs, self.actor))
                self.episode += 1

    def learn(self) -> tuple[Report, float]:
        """Play and learn from one episode; the last report, and the mean reward."""
        rewards = []
        for _ in range(self.scenario.steps // self.collector.steps):
            left = max(0.0, 1.0 - self.agent_steps / self.args.agent_steps)
            segment = self.collector.play(self.inputs, self.actor)
            report = self.learner.update(segment, left)
            rewards.append(float(segment.rewards.mean()))
        self.episode += 1
        return report, float(np.mean(rewards))

    def validation(self) -> Any:
        """The weeks on which policies are chosen."""
        return self.weeks(self.scenario)

    def policy(self) -> TorchPolicy:
        """The policy of the moment."""
        return TorchPolicy(self.network, self.decision)

    def state(self) -> dict[str, Any]:
        """All that the rest of the training is a function of."""
        return {
            "network": self.network.state_dict(),
            "critic": self.learner.critic.state_dict(),
            "optimiser": self.learner.optimiser.state_dict(),
            "generator": self.generator.get_state(),
            "episode": self.episode,
            "best_eur": self.best_eur,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self.network.load_state_dict(state["network"])
        self.learner.critic.load_state_dict(state["critic"])
        self.learner.optimiser.load_state_dict(state["optimiser"])
        self.generator.set_state(state["generator"])
        self.episode, self.best_eur = state["episode"], state["best_eur"]
        self.collector.begin(first_seed(self.args), self.episode)


def _parts(args: Args, scenario: Any, generator: torch.Generator) -> Parts:
    """By the columns of the role: choices or numbers.

    Raises:
        PolicyError: if they are numbers of another track than the community.
    """
    role = role_for(scenario, args.role or None)
    if choices_of(role):
        return masked.parts(args, scenario, role, generator)
    if scenario.spec.track != "community":
        raise PolicyError(
            f"{scenario.spec.id}: columns of role {role.name!r} are numbers, which 'ppo' learns in "
            "communities alone; train it on rows of `p2p_market.kit.vector.BatchVectorEnv`"
        )
    batch = CommunityBatch(scenario, args.communities, split="train")
    decision = chosen(args.decision, scenario)
    inputs, joint = Inputs(decision.names), len(batch.state_feature_table)
    actor = Actor(inputs.width, decision.width, args, generator)

    def taught() -> None:
        imitate(inputs, actor, lessons(scenario, decision, args), args, generator)

    return Parts(
        collector=Collector(batch, decision, args, generator),
        decision=decision,
        inputs=inputs,
        actor=actor,
        joint=joint,
        weeks=Validation,
        network=Network(inputs, actor),
        imitate=taught,
    )


def _args(settings: Mapping[str, Any]) -> Args:
    """Settings, on top of those of the scenario's kind of columns."""
    scenario = load_scenario(settings.get("scenario", Args().scenario))
    if not choices_of(role_for(scenario, settings.get("role") or None)):
        return Args(**settings)
    return Args(**{**FAST, **own_of(scenario).settings, **settings})


def run(
    settings: Mapping[str, Any],
    folder: Path,
    minutes: float | None = None,
    tell: Tell | None = None,
) -> Path:
    """Train, or go on training.

    Args:
        settings: values by key of `Args`.
        folder: as `minutes` and `tell`, see `drive`.

    Raises:
        PolicyError: wrong settings, or a folder with another training.
    """
    return drive(Training(_args(settings)), folder, minutes, tell)
