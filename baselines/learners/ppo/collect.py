"""Play communities with the policy of the moment and keep what is to be learnt from."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from baselines.learners.ppo.args import Args
from baselines.learners.ppo.decision import Decision
from baselines.learners.ppo.earned import Yield
from baselines.learners.ppo.network import Actor, Inputs, log_density
from p2p_market.community.envs.batch import CommunityBatch
from p2p_market.errors import PolicyError
from p2p_market.records import Float32Array, FloatArray
from p2p_market.track import AnyScenario, Role
from p2p_market.tracks import extra, track_of

SURVEY_EVERY: Final = 8
"""Steps between two looks at what there is to be seen."""


@dataclass(frozen=True, slots=True)
class Segment:
    """What was played; rows as in `Decision`."""

    inputs: Tensor  # (step + 1, community, row, input), the last row before the next segment
    joint: Tensor  # (step + 1, community, joint feature), as `CommunityBatch.state`
    outputs: Tensor  # (step, community, row, output), as drawn
    log_probability: Tensor  # (step, community, row)
    rewards: Tensor  # (step, community, row), of the row's agent
    allowed: Tensor  # (step, community, row, choice), True = may be chosen; of numbers no column
    carried: Tensor  # (community * row, number), by the actor into the first step
    ended: bool  # the episode, with the last step


def segment_steps(args: Args, scenario: AnyScenario) -> int:
    """Steps of a segment.

    Raises:
        PolicyError: if the segments do not make whole episodes.
    """
    steps = round(args.segment_h / float(scenario.spec.dt_h))
    if steps < 1 or steps * scenario.spec.dt_h != args.segment_h or scenario.steps % steps:
        raise PolicyError(
            f"segment_h {args.segment_h:g}: needs whole steps of {scenario.spec.dt_h:g} h, and a "
            f"whole number of segments in {scenario.steps * scenario.spec.dt_h:g} h"
        )
    return steps


def batch_of(scenario: AnyScenario, role: Role, communities: int) -> Any:
    """Communities in which a role learns; where there are several, the others play their rule."""
    found = extra(scenario, "batch")(scenario, communities, split="train")
    return found if len(track_of(scenario).roles(scenario)) == 1 else found.for_role(role.name, {})


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
        self.steps = segment_steps(args, batch.scenario)
        self.earned = Yield(batch.scenario, args)
        self.seen: Float32Array = np.zeros(0, np.float32)
        self.carried: Tensor | None = None  # by the actor; None at the start of an episode
        self.held: Tensor | None = None  # noise of outputs that are explored by the episode
        self.episode = 0

    def begin(self, seed: int, episode: int) -> None:
        """Begin the episode of this number in the sequence of a seed (see `first_seed`)."""
        self.seen = self.batch.reset(seed, first=episode).copy()
        self._start(episode)

    def rows(self) -> Tensor:
        """What the network is shown, (community, row, column)."""
        return torch.from_numpy(self.decision.rows(self.seen))

    def survey(self, generator: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Play an episode by rule, a random output now and then: what there is to be seen.

        Returns:
            Rows (row, column) and joint states (row, feature).
        """
        rows, joints = [], []
        shape = (len(self.seen), len(self.decision.owners), self.decision.width)
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
        owners, deviation = self.decision.owners, actor.log_deviation.detach().exp()
        shape = (len(self.seen), len(owners), len(deviation))
        rows, joints, outputs, rewards = [], [], [], []
        log_probability, ended = [], False
        with torch.inference_mode():
            nothing = actor.nothing(shape[0] * shape[1])
            carried = first = nothing if self.carried is None else self.carried
            for _ in range(self.steps):
                rows.append(inputs(self.rows()))
                joints.append(torch.from_numpy(self.batch.state()))
                noise = self._holding(torch.randn(shape, generator=self.generator))
                means, carried = actor(rows[-1].flatten(0, 1)[None], carried)
                outputs.append(means.view(shape) + deviation * noise)
                log_probability.append(log_density(noise, actor.log_deviation))
                reward, ended = self._step(outputs[-1].numpy())
                rewards.append(torch.from_numpy(reward[:, owners].astype(np.float32)))
            rows.append(inputs(self.rows()))
            joints.append(torch.from_numpy(self.batch.state()))
        self.carried = None if ended else carried
        return Segment(
            inputs=torch.stack(rows),
            joint=torch.stack(joints),
            outputs=torch.stack(outputs),
            log_probability=torch.stack(log_probability),
            rewards=torch.stack(rewards),
            allowed=torch.ones(self.steps, *shape[:2], 0, dtype=torch.bool),
            carried=first,
            ended=ended,
        )

    def _holding(self, noise: Tensor) -> Tensor:
        """Noise of a step; of the outputs that the decision holds that of the episode's first.

        What takes effect a day later would be lost among the noise of all steps between: who strays
        for a whole week can be told by its bill. Source: Raffin et al. (2021), arXiv:2005.05719,
        who hold noise for some steps.
        """
        if not self.decision.held:
            return noise
        if self.held is None:
            self.held = noise[..., -self.decision.held :].clone()
        noise[..., -self.decision.held :] = self.held
        return noise

    def _step(self, output: Float32Array) -> tuple[FloatArray, bool]:
        actions = self.decision.actions(self.seen, output)
        step = self.batch.step(actions)
        after = None if step.ended else step.observations
        rewards = self.earned.of(self.seen, actions, step.rewards, after)
        self.seen = step.observations.copy()
        if step.ended:
            self._start(self.episode + 1)
        return rewards, step.ended

    def _start(self, episode: int) -> None:
        self.episode, self.carried, self.held = episode, None, None
        self.earned.begin(self.seen, episode)


def first_seed(args: Args) -> int:
    """Seed of the first community; trainings with other seeds share no episode."""
    return args.seed << 20
