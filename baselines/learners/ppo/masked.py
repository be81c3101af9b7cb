"""PPO for a role whose columns are choices: what it plays, earns and is validated on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from baselines.learners.plain import Plain
from baselines.learners.ppo.args import FAST, Args
from baselines.learners.ppo.choices import ChoiceActor, Seen
from baselines.learners.ppo.collect import Segment, segment_steps
from baselines.learners.ppo.policy import SEED, SPLIT, saved
from p2p_market.errors import PolicyError
from p2p_market.evaluation.players.player import play
from p2p_market.evaluation.players.policy import Policy
from p2p_market.evaluation.rollout import rollout
from p2p_market.loading import load
from p2p_market.records import BoolArray, Float32Array, FloatArray
from p2p_market.track import AnyScenario, Role, Trajectory
from p2p_market.tracks import extra, track_of

WEAR: Final = "degradation"
"""The entry of a ledger that may count for less at the beginning."""

SHOWN: Final[Mapping[str, str]] = {"battery": "baselines.battery.shown:shown"}
"""Track -> what TensorBoard shows of the validation weeks, imported on use."""

FIXED: Final = ("critic", "decision", "memory", "imitate", "community_share")
"""Settings of which only the preset's value is known here."""


def choices_of(role: Role) -> list[int]:
    """Choices of each column; none if one of them is a number."""
    choices = [column.choices for column in role.columns]
    return choices if all(choices) else []


class Earned:
    """The reward that is learnt from: the money of the ledger, wear growing to its whole."""

    def __init__(self, scenario: AnyScenario, args: Args) -> None:
        """By the track's entries."""
        card = track_of(scenario).CARD
        self.args, self.wear = args, np.array([entry == WEAR for entry in card.entries])
        hidden = np.array([entry in card.hidden for entry in card.entries])
        self.weights = -args.reward_scale * np.where(hidden, args.shaping, 1.0)

    def counted(self, agent_steps: int) -> float:
        """Share of the wear that counts after so many agent-steps."""
        whole = self.args.wear_steps or self.args.agent_steps / 2.0
        first = self.args.first_wear
        return first + (1.0 - first) * min(1.0, agent_steps / whole)

    def of(self, entries_eur: FloatArray, agent_steps: int) -> FloatArray:
        """Rewards, (community, agent), from the ledger of a step."""
        weights = np.where(self.wear, self.counted(agent_steps), 1.0) * self.weights
        return np.asarray(entries_eur @ weights)


@dataclass(frozen=True, slots=True)
class Parts:
    """What differs between columns that are choices and those that are numbers."""

    collector: Any
    decision: Any
    inputs: Any
    actor: Any
    joint: int  # features of the joint state
    weeks: Callable[[Any], Any]  # the validation weeks of a scenario


class Collector:
    """Communities in mid-play; the track's batch shows masks and the ledger of a step."""

    def __init__(
        self, scenario: AnyScenario, role: Role, args: Args, generator: torch.Generator
    ) -> None:
        """Nothing is played before `begin`."""
        self.batch = extra(scenario, "batch")(scenario, args.communities, split="train")
        self.role, self.generator = role, generator
        self.steps, self.earned = segment_steps(args, scenario), Earned(scenario, args)
        self.whole = scenario.steps  # of an episode
        self.agent_steps = 0  # played before this step
        self.seen: Float32Array = np.zeros(0, np.float32)
        self.allowed: BoolArray = np.zeros(0, np.bool_)

    def begin(self, seed: int, episode: int) -> None:
        """Begin the episode of this number in the sequence of a seed."""
        self.seen, self.allowed = self.batch.reset(seed, first=episode)
        self.agent_steps = episode * self.whole * self.seen.shape[0] * self.seen.shape[1]

    def survey(self, generator: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Play an episode, half of the communities at rest and half at random.

        Returns:
            What there is to be seen, (row, feature), and joint states, of which there are none.
        """
        rows = []
        choices = choices_of(self.role)
        resting = np.arange(len(self.seen)) % 2 == 0
        for _ in range(self.whole):
            rows.append(torch.from_numpy(self.seen).flatten(0, 1))
            noise = np.where(self.allowed, generator.random(self.allowed.shape), -1.0)
            parts = np.split(noise, np.cumsum(choices)[:-1], axis=-1)
            drawn = np.stack([part.argmax(axis=-1) for part in parts], axis=-1)
            self._step(np.where(resting[:, None, None], self.role.rest, drawn))
        seen = torch.cat(rows)
        return seen, seen[:, :0]

    def play(self, inputs: Seen, actor: ChoiceActor) -> Segment:
        """Play one segment."""
        seen, outputs, allowed, logarithms, rewards = [], [], [], [], []
        ended = False
        with torch.inference_mode():
            for _ in range(self.steps):
                seen.append(inputs(torch.from_numpy(self.seen)))
                allowed.append(torch.from_numpy(self.allowed))
                drawn, known = actor.drawn(seen[-1], allowed[-1], self.generator)
                outputs.append(drawn)
                logarithms.append(known)
                reward, ended = self._step(drawn.numpy().astype(np.float64))
                rewards.append(torch.from_numpy(reward.astype(np.float32)))
            seen.append(inputs(torch.from_numpy(self.seen)))
        rows = torch.stack(seen)
        return Segment(
            inputs=rows,
            joint=rows[:, :, 0, :0],
            outputs=torch.stack(outputs),
            log_probability=torch.stack(logarithms),
            rewards=torch.stack(rewards),
            allowed=torch.stack(allowed),
            carried=actor.nothing(rows.shape[1] * rows.shape[2]),
            ended=ended,
        )

    def _step(self, actions: FloatArray) -> tuple[FloatArray, bool]:
        step = self.batch.step(actions)
        reward = self.earned.of(step.entries_eur, self.agent_steps)
        self.agent_steps += reward.size
        self.seen, self.allowed = step.observations, step.masks
        return reward, bool(step.ended)


class Weeks:
    """The validation weeks of any track, all their draws."""

    def __init__(self, scenario: AnyScenario) -> None:
        """Draws them, and plays the rule at 0 and what the track is compared with."""
        track = track_of(scenario)
        keys = [key for unit in track.keys(scenario, SPLIT, SEED) for key in unit]
        self.episode = track.stack([track.draw(scenario, key) for key in keys])
        self.scenario, self.card = scenario, track.CARD
        self.rule_eur = self._cost_eur(play(scenario, self.episode, self.card.rule))
        self.shown: Mapping[str, float] = {}

    def told(self) -> str:
        """What to compare with: the best of the track's rules."""
        savings = {
            name: self.rule_eur - self._cost_eur(play(self.scenario, self.episode, name))
            for name, one in self.card.baselines.items()
            if not (one.slow or one.foresight)
        }
        best = max(savings, key=lambda name: savings[name])
        return f"{saved(savings[best], self.card.rule)}: {best}"

    def saving_eur(self, policy: Policy) -> float:
        """Social cost saved against the rule at 0, mean per week: what the score measures."""
        played = rollout(self.scenario, self.episode, policy)
        target = SHOWN.get(self.card.name)
        self.shown = load(target)(self.scenario, self.episode, played) if target else {}
        return self.rule_eur - self._cost_eur(played)

    def _cost_eur(self, played: Trajectory) -> float:
        return float(np.mean(played.social_cost_eur))


def parts(args: Args, scenario: AnyScenario, role: Role, generator: torch.Generator) -> Parts:
    """What a training of a role with choices is made of.

    Raises:
        PolicyError: for settings that only columns of numbers have.
    """
    for key in FIXED:
        preset = FAST.get(key, _DEFAULTS[key])
        if getattr(args, key) != preset:
            raise PolicyError(
                f"{key} {getattr(args, key)!r}: where columns are choices it is {preset!r}"
            )
    inputs = Seen(len(role.features))
    actor = ChoiceActor(inputs.width, choices_of(role), args, generator)
    collector = Collector(scenario, role, args, generator)
    return Parts(collector, Plain(scenario, role), inputs, actor, 0, Weeks)


_DEFAULTS: Final = Args().as_mapping()
