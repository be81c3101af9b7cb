"""Play communities with the policy of the moment and keep what is to be learnt from."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from baselines.ppo.args import Args
from baselines.ppo.decision import Decision
from baselines.ppo.network import Actor, Inputs
from p2p_market.batch import CommunityBatch
from p2p_market.observation import Feature
from p2p_market.records import Float32Array, FloatArray
from p2p_market.scenario import Scenario

SURVEY_EVERY: Final = 8
"""Steps between two looks at what there is to be seen."""


@dataclass(frozen=True, slots=True)
class Segment:
    """What was played; agents are those who decide."""

    inputs: Tensor  # (step + 1, community, agent, input), the last row before the next segment
    joint: Tensor  # (step + 1, community, joint feature), as `CommunityBatch.state`
    outputs: Tensor  # (step, community, agent, output), as drawn
    log_probability: Tensor  # (step, community, agent)
    rewards: Tensor  # (step, community, agent)
    ended: bool  # the episode, with the last step


class Yield:
    """What an agent earns beside what would have come without its doing.

    From the reward in EUR is taken what the agent's load and PV alone would have cost at the grid:
    no action changes that, so no policy gains or loses by it, but the critic need not foretell it.
    And stored energy is credited, at the terminal value, when it is stored instead of at the end of
    the week: the sum over an episode stays the same.
    """

    def __init__(self, scenario: Scenario, features: tuple[Feature, ...], args: Args) -> None:
        """For observations with these features."""
        self.column = {feature.name: number for number, feature in enumerate(features)}
        self.assets = scenario.nodes.present.shape[1]
        self.dt_h, self.worth = scenario.dt_h, scenario.spec.terminal_value_eur_per_kwh
        self.share, self.scale = args.community_share, args.reward_scale
        self.stored_eur: FloatArray = np.zeros(0)  # (community, agent, asset), while last seen
        self.first_eur: FloatArray = np.zeros(0)

    def begin(self, seen: Float32Array) -> None:
        """A new episode with its first observations."""
        self.stored_eur = np.zeros((*seen.shape[:2], self.assets))
        self.stored_eur = self._stored(seen)
        self.first_eur = self.stored_eur

    def _stored(self, seen: Float32Array) -> FloatArray:
        """Worth of what is stored; of a vehicle that is away, what it was when it left."""
        now = np.empty_like(self.stored_eur)
        for k in range(self.assets):
            level = seen[..., self.column[f"soc_{k}"]] * seen[..., self.column[f"capacity_{k}"]]
            here = seen[..., self.column[f"power_max_{k}"]] > 0.0
            now[..., k] = np.where(here, self.worth * level, self.stored_eur[..., k])
        return now

    def of(self, seen: Float32Array, rewards: FloatArray, after: Float32Array | None) -> FloatArray:
        """Scaled rewards, (community, agent).

        Args:
            seen: before the step.
            after: after it; None at the end of an episode, where the energy is settled.
        """
        net = seen[..., self.column["load"]] - seen[..., self.column["pv"]].astype(np.float64)
        buying = seen[..., self.column["retail"]] + seen[..., self.column["carbon_cost"]]
        price = np.where(net > 0.0, buying, seen[..., self.column["feed_in"]])
        stored = self.first_eur if after is None else self._stored(after)
        gained = (stored - self.stored_eur).sum(axis=-1)
        own = rewards + self.dt_h * net * price + gained
        self.stored_eur = stored
        mean = own.mean(axis=1, keepdims=True)
        mixed = (1.0 - self.share) * own + self.share * mean
        return np.asarray(self.scale * mixed)


class Collector:
    """Communities in mid-play."""

    def __init__(
        self,
        batch: CommunityBatch,
        decision: Decision,
        args: Args,
        generator: torch.Generator,
    ) -> None:
        """Nothing is played before `begin`."""
        self.batch, self.decision, self.generator = batch, decision, generator
        self.steps = round(args.segment_h / batch.scenario.dt_h)
        self.deciding = np.flatnonzero(decision.decides)
        self.earned = Yield(batch.scenario, batch.feature_table, args)
        self.seen: Float32Array = np.zeros(0, np.float32)

    def begin(self, seed: int, episode: int) -> None:
        """Begin the episode of this number of what a seed brings forth."""
        self.seen = self.batch.reset(seed, first=episode).copy()
        self.earned.begin(self.seen)

    def rows(self) -> Tensor:
        """Observations of those who decide, (community, agent, feature)."""
        return torch.from_numpy(self.seen[:, self.deciding])

    def survey(self, generator: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Play an episode by rule, a random output now and then: what there is to be seen.

        Returns:
            Observations (row, feature) and joint states (row, feature).
        """
        rows, joints = [], []
        shape = (*self.seen.shape[:2], self.decision.width)
        for step in range(self.batch.scenario.steps):
            if step % SURVEY_EVERY == 0:
                rows.append(self.rows().flatten(0, 1))
                joints.append(torch.from_numpy(self.batch.state()))
            strays = step % (2 * SURVEY_EVERY) < SURVEY_EVERY
            output = generator.uniform(-1.0, 1.0, shape) if strays else np.zeros(shape)
            self._step(output.astype(np.float32))
        return torch.cat(rows), torch.cat(joints)

    def play(self, inputs: Inputs, actor: Actor) -> Segment:
        """Play one segment."""
        shape = (self.batch.batch, len(self.deciding))
        deviation = actor.log_deviation.detach().exp()
        everyone = np.zeros((len(self.seen), self.seen.shape[1], len(deviation)), np.float32)
        rows, joints, outputs, rewards = [], [], [], []
        log_probability, ended = [], False
        with torch.inference_mode():
            for _ in range(self.steps):
                rows.append(inputs(self.rows()))
                joints.append(torch.from_numpy(self.batch.state()))
                noise = torch.randn((*shape, len(deviation)), generator=self.generator)
                outputs.append(actor(rows[-1]) + deviation * noise)
                log_probability.append(log_density(noise, actor.log_deviation))
                everyone[:, self.deciding] = outputs[-1].numpy()
                reward, ended = self._step(everyone)
                rewards.append(torch.from_numpy(reward[:, self.deciding].astype(np.float32)))
            rows.append(inputs(self.rows()))
            joints.append(torch.from_numpy(self.batch.state()))
        return Segment(
            inputs=torch.stack(rows),
            joint=torch.stack(joints),
            outputs=torch.stack(outputs),
            log_probability=torch.stack(log_probability),
            rewards=torch.stack(rewards),
            ended=ended,
        )

    def _step(self, output: Float32Array) -> tuple[FloatArray, bool]:
        step = self.batch.step(self.decision.actions(self.seen, output))
        after = None if step.ended else step.observations
        rewards = self.earned.of(self.seen, step.rewards, after)
        self.seen = step.observations.copy()
        if step.ended:
            self.earned.begin(self.seen)
        return rewards, step.ended


def log_density(noise: Tensor, log_deviation: Tensor) -> Tensor:
    """Logarithm of the density of a normal law, summed over outputs."""
    return (-0.5 * noise**2 - log_deviation - 0.5 * math.log(2.0 * math.pi)).sum(-1)
