"""DQN from the first episode to the last: `p2p-market train dqn`.

Units of one kind share a network and a memory: steam, gas, engine and inverter. Each is paid its
own profit, so what all learn together is what each wants in a market in which all learn.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import smooth_l1_loss

from baselines.learners.plain import Plain, indicators
from baselines.learners.training.run import Tell, drive
from baselines.wholesale.dqn.args import REFERENCE, Args
from baselines.wholesale.dqn.network import Bidder, KindNets, copied, targets
from baselines.wholesale.learners.networks import follow
from baselines.wholesale.learners.play import Play, Played
from baselines.wholesale.learners.replay import Replay
from baselines.wholesale.learners.training import Loss, Training, preset_of
from p2p_market.errors import PolicyError
from p2p_market.records import Float32Array, FloatArray
from p2p_market.wholesale.actions import LEVELS
from p2p_market.wholesale.schema import KINDS

NOTHING = torch.zeros(0, 0)


class Generators(Training):
    """Generators that learn what to bid."""

    kind, role = "dqn", "generator"

    def __init__(self, args: Args) -> None:
        """Before the first episode.

        Raises:
            PolicyError: if there is no such unit.
        """
        super().__init__(args)
        role = self.decision.role
        if args.unit and args.unit not in role.agents:
            raise PolicyError(f"unit: no {args.unit!r}; units are {', '.join(role.agents)}")
        names = [feature.name for feature in role.features]
        self.decision = Plain(self.scenario, role, [*names, *indicators(role)])
        self.learning = np.array([args.unit in ("", agent) for agent in role.agents])
        self.bidder = Bidder(
            self.decision.names, self.learning.tolist(), len(role.agents), self.generator
        )
        self.network = self.bidder
        self.slow = KindNets(self.generator)
        self.slow.load_state_dict(copied(self.bidder.nets.state_dict()))
        kinds = self.scenario.fleet.kind
        self.of_kind = [np.flatnonzero((kinds == k) & self.learning) for k in range(len(KINDS))]
        self.memories = self._memories(args.memory_rows)
        self.optimiser = torch.optim.Adam(self.bidder.nets.parameters(), lr=args.learning_rate)

    def _memories(self, rows: int) -> dict[int, Replay]:
        """One per kind of the units that learn."""
        return {k: Replay(rows, self.generator) for k, own in enumerate(self.of_kind) if len(own)}

    def begin(self) -> None:
        """Play the training days by rule with random bids; learn from them alone."""
        args: Args = self.args
        play = self.days() if args.days else self.play
        play.begin(0)
        memories = self._memories(play.scenario.steps * max(1, args.days) * len(self.learning))
        self._watch(play, memories, args.random_share)
        rows = [memory.parts["seen"][: memory.held] for memory in memories.values()]
        self.bidder.normal.freeze(torch.cat(rows))
        for _ in range(args.day_updates if args.days else 0):
            self._update(memories)
        self.play.begin(0)

    def _watch(self, play: Play, memories: Mapping[int, Replay], share: float) -> None:
        """Play one episode by rule and at random, and remember it."""
        ended = False
        while not ended:
            seen = play.seen
            action = self.mixed(play.rule.act(seen, None)[0], self._random(seen), share)
            done = play.act(partial(_given, action))
            self._remember(memories, seen, action, done)
            ended = done.ended

    def _random(self, seen: Float32Array) -> FloatArray:
        """Bids at random, of all that a unit can give."""
        level = torch.randint(LEVELS, seen.shape[:2], generator=self.generator).numpy()
        return np.stack([2.0 * level / (LEVELS - 1) - 1.0, np.ones(level.shape)], axis=-1)

    def _remember(
        self, memories: Mapping[int, Replay], seen: Float32Array, action: FloatArray, done: Played
    ) -> None:
        profit = -done.entries_eur.sum(axis=-1) / self.args.reward_eur
        level = np.rint((action[..., 0] + 1.0) / 2.0 * (LEVELS - 1)).astype(np.int64)
        for k, memory in memories.items():
            own = self.of_kind[k]
            memory.add(
                seen=_flat(seen[:, own]),
                level=torch.from_numpy(level[:, own].ravel()),
                reward=torch.from_numpy(profit[:, own].ravel()).float(),
                after=_flat(done.seen[:, own]),
                ended=torch.full((len(seen) * len(own),), float(done.ended)),
            )

    def learn(self) -> tuple[Loss, float]:
        """Play and learn from one episode; how it went, and the mean profit of a unit [EUR]."""
        args: Args = self.args
        losses, profits, ended = [], [], False
        share = args.last_random + (args.first_random - args.last_random) * self.left
        for group in self.optimiser.param_groups:
            group["lr"] = args.learning_rate * max(self.left, 0.02)
        while not ended:
            seen = self.play.seen
            action = self.mixed(self.policy().act(seen, NOTHING)[0], self._random(seen), share)
            action[:, ~self.learning] = self.play.rule.act(seen, None)[0][:, ~self.learning]
            done = self.play.act(partial(_given, action))
            self._remember(self.memories, seen, action, done)
            losses += [self._update(self.memories) for _ in range(args.updates)]
            profits.append(-done.entries_eur[:, self.learning].sum(axis=-1).mean())
            ended = done.ended
        self.episode += 1
        error, explained = np.mean(losses, axis=0)
        return Loss(float(error), float(explained), share), float(np.mean(profits))

    def _update(self, memories: Mapping[int, Replay]) -> tuple[float, float]:
        """One step of Adam on transitions of every kind; error, and share explained."""
        args: Args = self.args
        drawn = [memory.draw(args.batch_rows) for memory in memories.values()]
        rows = {name: torch.stack([one[name] for one in drawn]) for name in drawn[0]}
        chosen, nets, normal = list(memories), self.bidder.nets, self.bidder.normal
        with torch.no_grad():
            after = _spread(normal(rows["after"]), chosen)
            ahead, slow = nets(after)[chosen], self.slow(after)[chosen]
            aim = targets(rows["reward"], ahead, slow, rows["ended"], args.discount)
        values = nets(_spread(normal(rows["seen"]), chosen))[chosen]
        told = values.gather(-1, rows["level"][..., None])[..., 0]
        loss = smooth_l1_loss(told, aim)
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(nets.parameters(), 10.0)
        self.optimiser.step()
        follow(self.slow, nets, args.follow)
        missed = (aim - told.detach()).square().mean()
        return float(missed.sqrt()), float(1.0 - missed / aim.var().clamp(min=1e-9))

    def learnt(self) -> dict[str, Any]:
        """Networks, optimiser and memories."""
        return {
            "network": self.bidder.state_dict(),
            "slow": self.slow.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "memories": {str(k): memory.state() for k, memory in self.memories.items()},
        }

    def resume(self, state: Mapping[str, Any]) -> None:
        """Take them back."""
        self.bidder.load_state_dict(state["network"])
        self.slow.load_state_dict(state["slow"])
        self.optimiser.load_state_dict(state["optimiser"])
        for k, memory in self.memories.items():
            memory.restore(state["memories"][str(k)])
        self.play.begin(self.episode)


def _given(action: FloatArray, seen: Float32Array) -> FloatArray:
    """The action that was chosen before, whatever is seen."""
    return action


def _flat(seen: Float32Array) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(seen).reshape(-1, seen.shape[-1]))


def _spread(rows: Tensor, chosen: list[int]) -> Tensor:
    """Rows of some kinds at the places of all kinds, zeros elsewhere."""
    every = torch.zeros(len(KINDS), *rows.shape[1:])
    every[chosen] = rows
    return every


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
    return drive(Generators(Args(**preset_of(settings, REFERENCE))), folder, minutes, tell)
