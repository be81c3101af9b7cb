"""One update: advantages of what was played, then the clipped objective of PPO.

Source: Schulman et al. (2017), arXiv:1707.06347; advantages: Schulman et al. (2016),
arXiv:1506.02438; the critic on the joint state: Yu et al. (2022), arXiv:2103.01955.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from baselines.learners.ppo.args import Args
from baselines.learners.ppo.collect import Segment
from baselines.learners.ppo.network import layers, moments, normalised


class Law(Protocol):
    """An actor as it is learnt from, whatever its outputs are drawn from."""

    def judged(
        self, inputs: Tensor, carried: Tensor, outputs: Tensor, allowed: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Logarithms of the probability of outputs, (step, row), and their entropy."""

    def nothing(self, rows: int) -> Tensor:
        """What is carried into the first step of an episode, (row, number)."""

    def explored(self, entropy: float) -> float:
        """How much is explored, as the log tells it."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """All that is learnt."""


class Critic(nn.Module):
    """Value of a situation to an agent, from its own inputs and, for MAPPO, the joint state."""

    mean: Tensor
    spread: Tensor

    def __init__(self, inputs: int, joint: int, args: Args, generator: torch.Generator) -> None:
        """With no value anywhere."""
        super().__init__()
        self.central = args.critic == "mappo"
        self.register_buffer("mean", torch.zeros(joint))
        self.register_buffer("spread", torch.ones(joint))
        width = inputs + joint if self.central else inputs
        self.body = layers(width, args.hidden, 1, 0.01, generator)

    def freeze(self, joint: Tensor) -> None:
        """Take mean and spread of joint states, (row, feature)."""
        if self.central:
            self.mean, self.spread = moments(joint)

    def situations(self, segment: Segment) -> Tensor:
        """What values depend on, (step + 1, community, agent, input)."""
        if not self.central:
            return segment.inputs
        joint = normalised(segment.joint, self.mean, self.spread)[:, :, None]
        everywhere = joint.expand(*segment.inputs.shape[:3], joint.shape[-1])
        return torch.cat([segment.inputs, everywhere], -1)

    def forward(self, situations: Tensor) -> Tensor:
        """Values without their last axis."""
        values: Tensor = self.body(situations)[..., 0]
        return values


class Report(NamedTuple):
    """How an update went."""

    explained: float  # share of the variance of returns that the critic foretold
    moved: float  # mean divergence between the policies before and after
    cut: float  # share of rows at the clip
    explored: float  # deviation of the exploration, mean over outputs; of choices the entropy

    def row(self, told: str) -> dict[str, float]:
        """Columns of the log."""
        return {
            "explained": self.explained,
            "divergence": self.moved,
            "clipped": self.cut,
            told: self.explored,
        }


def advantages(
    rewards: Tensor, values: Tensor, ended: bool, discount: float, trace: float
) -> Tensor:
    """Generalised advantage estimates, (step, ...), given one more value than rewards."""
    result = torch.empty_like(rewards)
    follows = torch.zeros_like(values[-1]) if ended else values[-1]
    running = torch.zeros_like(follows)
    for step in range(len(rewards) - 1, -1, -1):
        surprise = rewards[step] + discount * follows - values[step]
        running = surprise + discount * trace * running
        result[step], follows = running, values[step]
    return result


@dataclass
class Learner:
    """Networks in training."""

    actor: Law
    critic: Critic
    args: Args
    dt_h: float
    generator: torch.Generator

    def __post_init__(self) -> None:
        """One optimiser for both networks."""
        parameters = [*self.actor.parameters(), *self.critic.parameters()]
        self.optimiser = torch.optim.Adam(
            parameters, lr=self.args.learning_rate, eps=1e-5, fused=True
        )

    def update(self, segment: Segment, left: float) -> Report:
        """Learn from a segment.

        Args:
            left: share of the training that is left; the learning rate falls with it.
        """
        args = self.args
        self.optimiser.param_groups[0]["lr"] = args.learning_rate * left
        situations, gain, returns = self._judged(segment)
        explained = 1.0 - float(gain.var() / returns.var())
        gain = (gain - gain.mean()) / (gain.std() + 1e-8)
        steps = len(segment.rewards)
        rows = [segment.inputs[:steps], situations[:steps], segment.outputs]
        parts = [*rows, segment.allowed, segment.log_probability, gain, returns]
        if args.memory:  # whole sequences, each with what was carried into it
            told = self._epochs([part.flatten(1, 2) for part in parts], segment.carried)
        else:  # single rows
            flat = [part.flatten(0, 2)[None] for part in parts]
            told = self._epochs(flat, self.actor.nothing(flat[0].shape[1]))
        moved, cut, entropy = told
        return Report(explained, moved, cut, self.actor.explored(entropy))

    def appraise(self, segment: Segment) -> None:
        """Fit the critic alone, to a policy that it does not know yet."""
        situations, _, returns = self._judged(segment)
        rows, wanted = situations[: len(returns)].flatten(0, 2), returns.flatten()
        optimiser = torch.optim.Adam(self.critic.parameters(), lr=self.args.learning_rate)
        for _ in range(self.args.epochs):
            order = torch.randperm(len(rows), generator=self.generator)
            for chosen in torch.split(order, self.args.minibatch):
                loss = ((self.critic(rows[chosen]) - wanted[chosen]) ** 2).mean()
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                optimiser.step()

    def _judged(self, segment: Segment) -> tuple[Tensor, Tensor, Tensor]:
        """What values depend on, (step + 1, ...); advantages and returns, (step, ...)."""
        situations = self.critic.situations(segment)
        with torch.no_grad():
            values = self.critic(situations)
        gain = advantages(
            segment.rewards,
            values,
            segment.ended,
            self.args.discount_per_h**self.dt_h,
            self.args.trace_per_h**self.dt_h,
        )
        return situations, gain, gain + values[:-1]

    def _epochs(self, parts: list[Tensor], carried: Tensor) -> list[float]:
        """Learn from parts (step, row, ...) in minibatches of rows, each in every epoch once.

        Returns:
            Means over minibatches: divergence, share at the clip, entropy.
        """
        told = []
        steps, count = parts[0].shape[:2]
        for _ in range(self.args.epochs):
            order = torch.randperm(count, generator=self.generator)
            for chosen in torch.split(order, max(1, self.args.minibatch // steps)):
                rows = [part.index_select(1, chosen) for part in parts]
                ratio, entropy = self._minibatch(rows, carried[chosen])
                moved = float((ratio - 1.0 - ratio.log()).mean())
                cut = float(((ratio - 1.0).abs() > self.args.clip).float().mean())
                told.append((moved, cut, float(entropy)))
        return [sum(column) / len(told) for column in zip(*told, strict=True)]

    def _minibatch(self, rows: list[Tensor], carried: Tensor) -> tuple[Tensor, Tensor]:
        """One gradient step; the ratios of probabilities and the entropy before it."""
        inputs, situations, outputs, allowed, before, gain, returns = rows
        args = self.args
        after, entropy = self.actor.judged(inputs, carried, outputs, allowed)
        ratio = (after - before).exp()
        held = ratio.clamp(1.0 - args.clip, 1.0 + args.clip)
        policy_loss = -torch.min(gain * ratio, gain * held).mean()
        value_loss = ((self.critic(situations) - returns) ** 2).mean()
        loss = policy_loss + args.value_weight * value_loss
        loss = loss - args.entropy_weight * entropy
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(
            [p for group in self.optimiser.param_groups for p in group["params"]],
            args.gradient_norm,
        )
        self.optimiser.step()
        return ratio.detach(), entropy.detach()
