"""Actor and critic from the first episode to the last: `p2p-market train actor-critic`.

All storages share both networks. A decision is the value of a stored MWh for half an hour.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from baselines.learners.ppo.learn import advantages
from baselines.learners.training.run import Tell, drive
from baselines.wholesale.actor_critic.args import REFERENCE, Args
from baselines.wholesale.actor_critic.network import WIDTHS, Valuer, orders, value_of
from baselines.wholesale.learners.networks import dense
from baselines.wholesale.learners.training import Loss, Training, preset_of
from p2p_market.records import Float32Array, FloatArray
from p2p_market.wholesale.records import LEDGER_ENTRIES

TERMINAL = LEDGER_ENTRIES.index("terminal")


class Segment(NamedTuple):
    """An episode as it was played, (decision, row, ...)."""

    seen: Tensor  # one more than decisions
    output: Tensor
    reward: Tensor


class Storages(Training):
    """Storages that learn what energy is worth."""

    kind, role = "actor-critic", "storage"

    def __init__(self, args: Args) -> None:
        """Before the first episode."""
        super().__init__(args)
        self.valuer = Valuer(self.decision.names, self.generator)
        self.network = self.valuer
        self.critic = dense(WIDTHS, self.generator)
        weights = [*self.valuer.body.parameters(), *self.critic.parameters()]
        self.optimiser = torch.optim.Adam(weights, lr=args.learning_rate)

    @property
    def deviation(self) -> float:
        """Of the exploration at this moment."""
        args: Args = self.args
        return args.last_deviation + (args.first_deviation - args.last_deviation) * self.left

    def begin(self) -> None:
        """Play an episode with values at random; it gives the normalisation of inputs."""
        self.play.begin(0)
        segment = self._played(lambda rows: 2.0 * torch.rand(rows, generator=self.generator) - 1.0)
        self.valuer.normal.freeze(segment.seen.flatten(0, 1))
        self.play.begin(0)

    def _played(self, chosen: Any) -> Segment:
        """An episode.

        Args:
            chosen: number of rows -> outputs, (row,), for what is seen now; None: by the actor.
        """
        seen, output, reward, ended = [_flat(self.play.seen)], [], [], False
        while not ended:
            rows = seen[-1]
            if chosen is not None:
                drawn = chosen(len(rows))
            else:
                with torch.inference_mode():
                    mean = self.valuer.output(rows)
                noise = torch.randn(mean.shape, generator=self.generator)
                drawn = mean + self.deviation * noise
            value = value_of(drawn).reshape(self.play.seen.shape[:2])
            done = self.play.act(lambda now, value=value: self._ordered(now, value))
            reward.append(self._reward(rows, _flat(done.seen), done.entries_eur, done.ended))
            output.append(drawn)
            seen.append(_flat(done.seen))
            ended = done.ended
        return Segment(torch.stack(seen), torch.stack(output), torch.stack(reward))

    def _ordered(self, seen: Float32Array, value: Tensor) -> FloatArray:
        """Orders around a value, at the last price of each step."""
        price = torch.from_numpy(seen[..., self.place["price_1_ago"]])
        return orders(value, price).numpy().astype(np.float64)

    def _reward(self, before: Tensor, after: Tensor, entries: FloatArray, ended: bool) -> Tensor:
        """Money, and a price for what is stored meanwhile; over an episode it is the profit."""
        args: Args = self.args
        level = self.place["level"]
        stored = after[:, level] - before[:, level]
        money = -torch.from_numpy(entries.sum(axis=-1).ravel()).float()
        money = money + args.shaping_eur_per_mwh * stored
        if ended:
            start = torch.tensor(self.scenario.fleet.start_mwh).float()
            more = after[:, level] - start.repeat(len(after) // len(start))
            money = money - args.shaping_eur_per_mwh * more
        return money / args.reward_eur

    def learn(self) -> tuple[Loss, float]:
        """Play and learn from one episode; how it went, and the mean reward [EUR]."""
        args: Args = self.args
        segment, deviation = self._played(None), self.deviation
        for group in self.optimiser.param_groups:
            group["lr"] = args.learning_rate * max(self.left, 0.02)
        with torch.no_grad():
            normal = self.valuer.normal(segment.seen)
            values = self.critic(normal)[..., 0]
            advantage = advantages(segment.reward, values, True, args.discount, args.trace)
            returns = advantage + values[:-1]
            before = _log(self.valuer.output(segment.seen[:-1]), segment.output, deviation)
            advantage = (advantage - advantage.mean()) / advantage.std().clamp(min=1e-6)
        rows = [one.flatten(0, 1) for one in (segment.seen[:-1], normal[:-1])]
        flat = [one.flatten() for one in (segment.output, before, advantage, returns)]
        missed = (returns - values[:-1]).square().mean()
        for _ in range(args.epochs):
            order = torch.randperm(len(flat[0]), generator=self.generator)
            for first in range(0, len(order), args.batch_rows):
                chosen = order[first : first + args.batch_rows]
                self._update(deviation, *(one[chosen] for one in (*rows, *flat)))
        self.episode += 1
        explained = float(1.0 - missed / returns.var().clamp(min=1e-9))
        mean = float(segment.reward.mean()) * args.reward_eur
        return Loss(float(missed.sqrt()), explained, deviation), mean

    def _update(
        self,
        deviation: float,
        seen: Tensor,
        normal: Tensor,
        output: Tensor,
        before: Tensor,
        advantage: Tensor,
        returns: Tensor,
    ) -> None:
        """One step of Adam on actor and critic."""
        clip = self.args.clip
        ratio = torch.exp(_log(self.valuer.output(seen), output, deviation) - before)
        kept = torch.clamp(ratio, 1.0 - clip, 1.0 + clip)
        gain = torch.minimum(ratio * advantage, kept * advantage).mean()
        missed = (self.critic(normal)[..., 0] - returns).square().mean()
        self.optimiser.zero_grad()
        (0.5 * missed - gain).backward()
        torch.nn.utils.clip_grad_norm_(self.optimiser.param_groups[0]["params"], 1.0)
        self.optimiser.step()

    def learnt(self) -> dict[str, Any]:
        """Networks and optimiser."""
        return {
            "network": self.valuer.state_dict(),
            "critic": self.critic.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }

    def resume(self, state: Mapping[str, Any]) -> None:
        """Take them back."""
        self.valuer.load_state_dict(state["network"])
        self.critic.load_state_dict(state["critic"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.play.begin(self.episode)


def _flat(seen: Float32Array) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(seen).reshape(-1, seen.shape[-1]))


def _log(mean: Tensor, output: Tensor, deviation: float) -> Tensor:
    """Logarithm of the density of outputs, less what is the same for all."""
    return -0.5 * ((output - mean) / deviation).square()


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
    return drive(Storages(Args(**preset_of(settings, REFERENCE))), folder, minutes, tell)
