"""MADDPG from the first episode to the last: `p2p-market train maddpg`.

Consumers share an actor, which sees its own consumer alone, and a critic, which sees all of them
and is needed in training only. The reward is what a consumer saves against a twin system, in which
all consumers play their rule: so the weather is not in it, and that load which waits lowers the
price of all other load is.
"""

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from baselines.learners.training.run import Tell, drive
from baselines.wholesale.learners.networks import follow
from baselines.wholesale.learners.play import Played, Twin
from baselines.wholesale.learners.replay import Replay
from baselines.wholesale.learners.training import Loss, Training, preset_of
from baselines.wholesale.maddpg.args import REFERENCE, Args
from baselines.wholesale.maddpg.network import Attending, Pricer, offers, price_of
from p2p_market.records import Float32Array
from p2p_market.wholesale.records import LEDGER_ENTRIES

COUNTED = [LEDGER_ENTRIES.index(name) for name in ("market", "discomfort", "backlog")]
"""What a price of flexible load can change of a bill."""


class Consumers(Training):
    """Consumers that learn a price for their flexible load."""

    kind, role, playing = "maddpg", "consumer", Twin

    def __init__(self, args: Args) -> None:
        """Before the first episode."""
        super().__init__(args)
        names = self.decision.names
        self.pricer = Pricer(names, args.first_price_eur_per_mwh, self.generator)
        self.network = self.pricer
        self.critic = Attending(len(names), self.generator)
        self.slow_pricer, self.slow_critic = deepcopy(self.pricer), deepcopy(self.critic)
        self.memory = Replay(args.memory_rows, self.generator)
        rate = args.learning_rate
        self.of_actor = torch.optim.Adam(self.pricer.body.parameters(), lr=rate)
        self.of_critic = torch.optim.Adam(self.critic.parameters(), lr=rate)

    @property
    def deviation(self) -> float:
        """Of the exploration at this moment."""
        args: Args = self.args
        return args.last_deviation + (args.first_deviation - args.last_deviation) * self.left

    def begin(self) -> None:
        """Play the training days, freeze the normalisation, teach the critic alone."""
        args: Args = self.args
        play = self.days() if args.days else self.play
        play.begin(0)
        decisions = -(-play.scenario.steps // play.repeat)
        memory = Replay(decisions * max(1, args.days), self.generator)
        ended = False
        while not ended:
            ended = self._decide(play, memory, self._tried(play.seen))[1].ended
        seen = memory.parts["seen"][: memory.held]
        for pricer in (self.pricer, self.slow_pricer):
            pricer.normal.freeze(seen.flatten(0, 1))
        for _ in range(args.day_updates if args.days else 0):
            self._value(memory)
        self.play.begin(0)

    def _tried(self, seen: Float32Array) -> Tensor:
        """The actor's outputs and a deviation, a share of random ones among them, (system, agent).

        The random ones teach the critic what far prices do; the deviation shows the way.
        """
        with torch.no_grad():
            given = self.pricer.output(torch.from_numpy(seen))
        noise = torch.randn(given.shape, generator=self.generator)
        given = torch.clamp(given + self.deviation * noise, 0.0, 1.0)
        drawn, other = torch.rand((2, *given.shape), generator=self.generator)
        return torch.where(drawn < self.args.random_share, other, given)

    def _decide(self, play: Twin, memory: Replay, output: Tensor) -> tuple[Tensor, Played]:
        """Play the steps of a decision and remember it; the rewards, and what came of it."""
        first, action = play.seen, offers(price_of(output)).numpy().astype(np.float64)
        done = play.act(lambda now: action)
        beyond_eur = done.entries_eur[..., COUNTED].sum(axis=-1)
        waits = 0.0 if done.ended else done.seen[..., self.place["backlog"]]
        worth_eur = self.args.waiting_eur_per_mwh * (waits - first[..., self.place["backlog"]])
        reward = torch.from_numpy(-(beyond_eur + worth_eur) / self.args.reward_eur).float()
        seen, after = torch.from_numpy(first), torch.from_numpy(done.seen)
        ended = torch.full((len(seen),), float(done.ended))
        memory.add(seen=seen, output=output, reward=reward, after=after, ended=ended)
        return reward, done

    def learn(self) -> tuple[Loss, float]:
        """Play and learn from one episode; how it went, and the mean saving of a decision [EUR]."""
        args: Args = self.args
        losses, saved, ended = [], [], False
        for optimiser in (self.of_actor, self.of_critic):
            for group in optimiser.param_groups:
                group["lr"] = args.learning_rate * max(self.left, 0.02)
        while not ended:
            output = self._tried(self.play.seen)
            reward, done = self._decide(self.play, self.memory, output)
            for _ in range(args.updates):
                losses.append(self._value(self.memory))
                self._improve(self.memory)
            saved.append(float(reward.mean()) * args.reward_eur)
            ended = done.ended
        self.episode += 1
        error, explained = np.mean(losses, axis=0)
        return Loss(float(error), float(explained), self.deviation), float(np.mean(saved))

    def _value(self, memory: Replay) -> tuple[float, float]:
        """One step of Adam on the critic; error, and share explained."""
        args: Args = self.args
        rows = memory.draw(args.batch_rows)
        with torch.no_grad():
            normal = self.pricer.normal(rows["after"])
            follows = self.slow_critic(normal, self.slow_pricer.output(rows["after"]))
            aim = rows["reward"] + args.discount * (1.0 - rows["ended"][:, None]) * follows
        told = self.critic(self.pricer.normal(rows["seen"]), rows["output"])
        missed = (told - aim).square().mean()
        self.of_critic.zero_grad()
        missed.backward()
        torch.nn.utils.clip_grad_norm_(self.critic.parameters(), 10.0)
        self.of_critic.step()
        follow(self.slow_critic, self.critic, args.follow)
        return float(missed.detach().sqrt()), float(
            1.0 - missed.detach() / aim.var().clamp(min=1e-9)
        )

    def _improve(self, memory: Replay) -> None:
        """One step of Adam on the actor: each consumer's own price, the others' as remembered."""
        rows = memory.draw(self.args.batch_rows)
        normal, own = self.pricer.normal(rows["seen"]), self.pricer.output(rows["seen"])
        gain: Any = 0.0
        for agent in range(own.shape[1]):
            joint = rows["output"].clone()
            joint[:, agent] = own[:, agent]
            gain = gain + self.critic(normal, joint)[:, agent].mean()
        self.of_actor.zero_grad()
        (-gain).backward()
        torch.nn.utils.clip_grad_norm_(self.pricer.body.parameters(), 1.0)
        self.of_actor.step()
        follow(self.slow_pricer, self.pricer, self.args.follow)

    def learnt(self) -> dict[str, Any]:
        """Networks, optimisers and memory."""
        modules = {name: getattr(self, name).state_dict() for name in PARTS}
        return {**modules, "memory": self.memory.state()}

    def resume(self, state: Mapping[str, Any]) -> None:
        """Take them back."""
        for name in PARTS:
            getattr(self, name).load_state_dict(state[name])
        self.memory.restore(state["memory"])
        self.play.begin(self.episode)


PARTS = ("pricer", "critic", "slow_pricer", "slow_critic", "of_actor", "of_critic")
"""What a checkpoint holds beside the memory."""


def run(
    settings: Mapping[str, Any],
    folder: Path,
    minutes: float | None = None,
    tell: Tell | None = None,
) -> Path:
    """Train, or go on training.

    Args:
        settings: values by key of `Args`; `preset=reference` takes those of the reference design.
        folder: as `minutes` and `tell`, see `drive`.

    Raises:
        PolicyError: wrong settings, or a folder with another training.
    """
    return drive(Consumers(Args(**preset_of(settings, REFERENCE))), folder, minutes, tell)
