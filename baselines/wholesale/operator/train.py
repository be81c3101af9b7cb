"""The operator's training from the first episode to the last: `p2p-market train operator-dqn`.

One network serves every preference: each system draws its own for an episode, so that what is
learnt under one is used under all. `front` writes a file per corner of the Pareto front.
"""

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import smooth_l1_loss

from baselines.learners.ppo.export import write_onnx
from baselines.learners.training.run import Tell, drive
from baselines.wholesale.learners.merit import merit_cost_eur
from baselines.wholesale.learners.networks import follow
from baselines.wholesale.learners.play import Play, Played
from baselines.wholesale.learners.replay import Replay
from baselines.wholesale.learners.training import Loss, SocialWeeks, Training, preset_of
from baselines.wholesale.operator.args import REFERENCE, Args
from baselines.wholesale.operator.network import OBJECTIVES, Chooser, Heads, weighed
from p2p_market.errors import PolicyError
from p2p_market.records import Float32Array, FloatArray
from p2p_market.wholesale.actions import CHOICES
from p2p_market.wholesale.records import LEDGER_ENTRIES
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

    kind, role = "operator-dqn", "operator"

    def __init__(self, args: Args) -> None:
        """Before the first episode.

        Raises:
            PolicyError: if all weights of the preference are 0.
        """
        super().__init__(args)
        wanted = [float(getattr(args, name)) for name in OBJECTIVES]
        if not any(wanted):
            raise PolicyError(f"one of {', '.join(OBJECTIVES)} must be above 0")
        self.chooser = Chooser(self.decision.names, wanted, self.generator)
        self.network, self.heads = self.chooser, self.chooser.heads
        self.slow: Heads = deepcopy(self.heads)
        self.memory = Replay(args.memory_rows, self.generator)
        self.optimiser = torch.optim.Adam(self.heads.parameters(), lr=args.learning_rate)

    def begin(self) -> None:
        """Play the training days by rule with random choices; learn from them alone."""
        args: Args = self.args
        play = self.days() if args.days else self.play
        play.begin(0)
        decisions = -(-play.scenario.steps // play.repeat)
        memory = Replay(decisions * max(1, args.days), self.generator)
        preference, ended = self._preferences(len(play.seen)), False
        while not ended:
            rule = play.rule.act(play.seen, None)[0]
            action = self.mixed(rule, self._random(play.seen), args.random_share)
            ended = self._decide(play, memory, action, preference)[1].ended
        self.chooser.normal.freeze(memory.parts["seen"][: memory.held])
        for _ in range(args.day_updates if args.days else 0):
            self._update(memory)
        self.play.begin(0)

    def _preferences(self, count: int) -> Tensor:
        """Weights that add up to 1, all such alike, (system, objective)."""
        drawn = -torch.log(torch.rand((count, len(OBJECTIVES)), generator=self.generator))
        return drawn / drawn.sum(dim=1, keepdim=True)

    def _random(self, seen: Float32Array) -> FloatArray:
        drawn = torch.randint(CHOICES, (*seen.shape[:2], 1), generator=self.generator)
        return drawn.numpy().astype(np.float64)

    def _decide(
        self, play: Play, memory: Replay, action: FloatArray, preference: Tensor
    ) -> tuple[Tensor, Played]:
        """Play the steps of a decision and remember it; the rewards, and what came of it."""
        seen, known = play.seen, 0.0 * play.seen[:, 0, :2].astype(np.float64)
        tonnes = np.zeros(len(seen))
        before: Any = None

        def acting(now: Float32Array) -> FloatArray:
            nonlocal before, known, tonnes
            if before is not None:
                known, tonnes = known + self._known(now), tonnes + self._tonnes(now)
            before = now
            return action

        done = play.act(acting)
        known, tonnes = known + self._known(done.seen), tonnes + self._tonnes(done.seen)
        deviations = done.entries_eur[..., DEVIATIONS].sum(axis=(1, 2))
        money = np.stack(
            [
                -STABILITY_SCALE * deviations,
                known[:, 0] - done.social_eur,
                known[:, 1] - self.scenario.rules.carbon * tonnes,
            ],
            axis=1,
        )
        reward = torch.from_numpy(money / self.args.reward_eur).float()
        memory.add(
            seen=torch.from_numpy(seen[:, 0]),
            choice=torch.from_numpy(action[:, 0, 0].astype(np.int64)),
            reward=reward,
            after=torch.from_numpy(np.ascontiguousarray(done.seen[:, 0])),
            ended=torch.full((len(seen),), float(done.ended)),
            preference=preference,
        )
        return reward, done

    def _known(self, seen: Float32Array) -> FloatArray:
        """Cost and carbon of the step's net load by merit order, which no choice changes [EUR]."""
        return merit_cost_eur(self.scenario, seen[:, 0, self.place["net_load"]])

    def _tonnes(self, seen: Float32Array) -> FloatArray:
        """Emissions of a step [t]."""
        intensity = seen[:, 0, self.place["co2_intensity"]].astype(np.float64)
        return np.asarray(intensity * seen[:, 0, self.place["demand"]] * self.scenario.dt_h)

    def learn(self) -> tuple[Loss, float]:
        """Play and learn from one episode; how it went, and the mean reward by cost [EUR]."""
        args: Args = self.args
        losses, rewards, ended = [], [], False
        share = args.last_random + (args.first_random - args.last_random) * self.left
        preference = self._preferences(args.systems)
        for group in self.optimiser.param_groups:
            group["lr"] = args.learning_rate * max(self.left, 0.02)
        while not ended:
            seen = self.play.seen
            with torch.inference_mode():
                normal = self.chooser.normal(torch.from_numpy(seen[:, 0]))
                best = weighed(self.heads(normal, preference), preference).argmax(dim=1)
            action = best.numpy().astype(np.float64)[:, None, None]
            action = self.mixed(action, self._random(seen), share)
            reward, done = self._decide(self.play, self.memory, action, preference)
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
        loss.backward()
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
            corner = Chooser(self.decision.names, preference, torch.Generator().manual_seed(0))
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
