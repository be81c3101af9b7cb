"""The operator's training from the first episode to the last: `p2p-market train operator-dqn`.

One network serves every preference: half of the systems draw their own for an episode, and half of
what is learnt from is valued under others. Costs are those beyond a twin system, which keeps the
rule; so the weather is not in them. `front` writes a file per corner of the Pareto front.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import smooth_l1_loss

from baselines.learners.ppo.export import write_onnx
from baselines.learners.training.run import Tell, drive
from baselines.wholesale.learners.networks import follow
from baselines.wholesale.learners.play import Played, Twin
from baselines.wholesale.learners.replay import Replay
from baselines.wholesale.learners.training import Loss, SocialWeeks, Training, preset_of
from baselines.wholesale.operator.args import REFERENCE, Args
from baselines.wholesale.operator.network import OBJECTIVES, Chooser, Heads, tap_of, weighed
from p2p_market.errors import PolicyError
from p2p_market.records import Float32Array, FloatArray
from p2p_market.wholesale.actions import NEUTRAL_TAP
from p2p_market.wholesale.records import LEDGER_ENTRIES, RESERVE_LEVELS, TAPS
from p2p_market.wholesale.rules.default import RESERVE_LEVEL
from p2p_market.wholesale.settlement import STABILITY_SCALE

DEVIATIONS: Final = [LEDGER_ENTRIES.index(name) for name in ("frequency", "voltage")]
CORNERS: Final = {
    "stability": (0.5, 0.5, 0.0),
    "cost": (0.0, 1.0, 0.0),
    "environment": (0.0, 0.5, 0.5),
}
"""Preferences at the ends of the front; the social cost always counts."""


class Operator(Training):
    """An operator that learns reserve and tap."""

    kind, role, playing = "operator-dqn", "operator", Twin

    def __init__(self, args: Args) -> None:
        """Before the first episode.

        Raises:
            PolicyError: if all weights of the preference are 0.
        """
        super().__init__(args)
        wanted = [float(getattr(args, name)) for name in OBJECTIVES]
        if not any(wanted):
            raise PolicyError(f"one of {', '.join(OBJECTIVES)} must be above 0")
        self.chooser = self._chooser(wanted, self.generator)
        self.network, self.heads = self.chooser, self.chooser.heads
        self.slow: Heads = deepcopy(self.heads)
        self.memory = Replay(args.memory_rows, self.generator)
        self.optimiser = torch.optim.Adam(self.heads.parameters(), lr=args.learning_rate)

    def _chooser(self, preference: Sequence[float], generator: torch.Generator) -> Chooser:
        tap_pu = self.scenario.rules.tap_pu
        margin = self.args.margin_eur / self.args.reward_eur
        return Chooser(self.decision.names, tap_pu, preference, margin, generator)

    def begin(self) -> None:
        """Play the training days by rule with random choices; learn from them alone."""
        args: Args = self.args
        play = self.days() if args.days else self.play
        play.begin(0)
        decisions = -(-play.scenario.steps // play.repeat)
        memory = Replay(decisions * max(1, args.days), self.generator)
        preference, ended = self._preferences(len(play.seen)), False
        while not ended:
            rule = torch.full((len(play.seen),), TAPS * RESERVE_LEVEL + NEUTRAL_TAP)
            moved = self._sometimes(rule, args.random_share)
            ended = self._decide(play, memory, moved, preference)[1].ended
        self.chooser.normal.freeze(memory.parts["seen"][: memory.held])
        for _ in range(args.day_updates if args.days else 0):
            self._update(memory)
        self.play.begin(0)

    def _preferences(self, count: int) -> Tensor:
        """Weights that add up to 1, all such alike, (system, objective)."""
        drawn = torch.rand((count, len(OBJECTIVES)), generator=self.generator)
        drawn = -torch.log(drawn.clamp(min=1e-9))  # 0 is drawn now and then
        return drawn / drawn.sum(dim=1, keepdim=True)

    def _sometimes(self, moved: Tensor, share: float) -> Tensor:
        """Reserve levels and moves, a share of them replaced by random levels, (system,).

        Half of the random ones move the tap as well: a wrong tap costs more than it teaches.
        """
        count, generator = len(moved), self.generator
        level = torch.randint(RESERVE_LEVELS, (count,), generator=generator)
        move = torch.randint(TAPS, (count,), generator=generator)
        drawn = torch.rand((2, count), generator=generator)
        move = torch.where(drawn[0] < 0.5, move, NEUTRAL_TAP)
        return torch.where(drawn[1] < share, TAPS * level + move, moved)

    def _decide(
        self, play: Twin, memory: Replay, moved: Tensor, preference: Tensor
    ) -> tuple[Tensor, Played]:
        """Play the steps of a decision and remember it; the rewards, and what came of it."""
        seen = torch.from_numpy(play.seen[:, 0])
        _, left = tap_of(moved, self.chooser.centre(seen))
        done = play.act(partial(self._chosen, moved))
        deviations = done.entries_eur[..., DEVIATIONS].sum(axis=(1, 2))
        money = np.stack(
            [
                -STABILITY_SCALE * deviations,
                -done.social_eur,
                -self.scenario.rules.carbon * done.tonnes,
            ],
            axis=1,
        )
        reward = torch.from_numpy(money / self.args.reward_eur).float()
        memory.add(
            seen=seen,
            choice=left,
            reward=reward,
            after=torch.from_numpy(np.ascontiguousarray(done.seen[:, 0])),
            ended=torch.full((len(seen),), float(done.ended)),
            preference=preference,
        )
        return reward, done

    def _chosen(self, moved: Tensor, seen: Float32Array) -> FloatArray:
        """Choices of a step: the tap follows the voltages while level and move are held."""
        choice, _ = tap_of(moved, self.chooser.centre(torch.from_numpy(seen[:, 0])))
        return choice.numpy().astype(np.float64)[:, None, None]

    def learn(self) -> tuple[Loss, float]:
        """Play and learn from one episode; how it went, and the mean reward by cost [EUR]."""
        args: Args = self.args
        losses, rewards, ended = [], [], False
        share = args.last_random + (args.first_random - args.last_random) * self.left
        preference = self._preferences(args.systems)
        preference[: args.systems // 2] = self.chooser.preference
        for group in self.optimiser.param_groups:
            group["lr"] = args.learning_rate * max(self.left, 0.02)
        while not ended:
            with torch.no_grad():
                normal = self.chooser.normal(torch.from_numpy(self.play.seen[:, 0]))
                best = weighed(self.heads(normal, preference), preference).argmax(dim=1)
            moved = self._sometimes(best, share)
            reward, done = self._decide(self.play, self.memory, moved, preference)
            losses += [self._update(self.memory) for _ in range(args.updates)]
            rewards.append(float(reward[:, 1].mean()) * args.reward_eur)
            ended = done.ended
        self.episode += 1
        error, explained = np.mean(losses, axis=0)
        return Loss(float(error), float(explained), share), float(np.mean(rewards))

    def _update(self, memory: Replay) -> tuple[float, float]:
        """One step of Adam, half of the rows under another preference than they were played."""
        args: Args = self.args
        rows = memory.draw(args.batch_rows)
        other, half = self._preferences(args.batch_rows), args.batch_rows // 2
        preference = torch.cat([rows["preference"][:half], other[half:]])
        with torch.no_grad():
            after = self.chooser.normal(rows["after"])
            chosen = weighed(self.heads(after, preference), preference).argmax(dim=1)
            place = chosen[:, None, None].expand(-1, len(OBJECTIVES), 1)
            follows = self.slow(after, preference).gather(2, place)[..., 0]
            going_on = args.discount * (1.0 - rows["ended"])[:, None]
            aim = rows["reward"] + going_on * follows
        values = self.heads(self.chooser.normal(rows["seen"]), preference)
        place = rows["choice"][:, None, None].expand(-1, len(OBJECTIVES), 1)
        told = values.gather(2, place)[..., 0]
        loss = smooth_l1_loss(told, aim)
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.heads.parameters(), 10.0)
        self.optimiser.step()
        follow(self.slow, self.heads, args.follow)
        missed = (told.detach() - aim).square().mean()
        return float(missed.sqrt()), float(1.0 - missed / aim.var().clamp(min=1e-9))

    def validation(self) -> SocialWeeks:
        """The weeks on which policies are chosen, by social cost."""
        return SocialWeeks(self.scenario, self.decision.role)

    def learnt(self) -> dict[str, Any]:
        """Networks, optimiser and memory."""
        return {
            "network": self.chooser.state_dict(),
            "slow": self.slow.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "memory": self.memory.state(),
        }

    def resume(self, state: Mapping[str, Any]) -> None:
        """Take them back."""
        self.chooser.load_state_dict(state["network"])
        self.slow.load_state_dict(state["slow"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.memory.restore(state["memory"])
        self.play.begin(self.episode)

    def front(self, folder: Path) -> dict[str, Path]:
        """Write the network as it is, once per corner of the front."""
        written = {}
        for name, preference in CORNERS.items():
            corner = self._chooser(preference, torch.Generator().manual_seed(0))
            corner.normal.load_state_dict(self.chooser.normal.state_dict())
            corner.heads.load_state_dict(self.heads.state_dict())
            written[name] = folder / f"{name}.onnx"
            write_onnx(written[name], corner, self.decision.names, self.meaning)
        return written


def run(
    settings: Mapping[str, Any],
    folder: Path,
    minutes: float | None = None,
    tell: Tell | None = None,
) -> Path:
    """Train, or go on training; the corners of the front are written beside the policy.

    Args:
        settings: values by key of `Args`; `preset=reference` takes those of the reference design.
        folder: as `minutes` and `tell`, see `drive`.

    Raises:
        PolicyError: wrong settings, or a folder with another training.
    """
    training = Operator(Args(**preset_of(settings, REFERENCE)))
    path = drive(training, folder, minutes, tell)
    training.front(folder)
    return path
