"""PPO for a role whose columns are choices: what it plays, earns and is validated on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from baselines.learners.plain import Plain
from baselines.learners.ppo.args import FAST, Args
from baselines.learners.ppo.choices import ChoiceActor, ChoiceNetwork, Seen, Shown
from baselines.learners.ppo.collect import Segment, batch_of, segment_steps
from baselines.learners.ppo.follow import follow
from baselines.learners.ppo.own import Own, own_of
from baselines.learners.ppo.policy import SEED, SPLIT, saved
from p2p_market.errors import PolicyError
from p2p_market.evaluation.players.player import play
from p2p_market.evaluation.players.policy import Policy, load_cast
from p2p_market.evaluation.rollout import rollout
from p2p_market.records import BoolArray, Float32Array, FloatArray
from p2p_market.track import AnyScenario, EpisodeKey, Role, Trajectory
from p2p_market.tracks import track_of

WEAR: Final = "degradation"
"""The entry of a ledger that may count for less at the beginning."""

LEVEL: Final = "soc"
"""The feature that says how full a storage is."""

APPRAISED: Final = 2
"""Episodes after a warm start in which the critic alone learns."""

FIXED: Final = ("critic", "decision", "memory", "community_share")
"""Settings of which only the preset's value is known here."""


def choices_of(role: Role) -> list[int]:
    """Choices of each column; none if one of them is a number."""
    choices = [column.choices for column in role.columns]
    return choices if all(choices) else []


class Earned:
    """The reward that is learnt from: the money of the ledger, wear growing to its whole.

    What no action changes is left out. And energy counts when it is stored, at a price that the
    track names, instead of when it is sold; over an episode that adds nothing.
    """

    def __init__(self, scenario: AnyScenario, role: Role, own: Own, args: Args) -> None:
        """By the track's entries."""
        card = track_of(scenario).CARD
        self.scenario, self.own = scenario, own
        self.args, self.wear = args, np.array([entry == WEAR for entry in card.entries])
        hidden = np.array([entry in card.hidden for entry in card.entries])
        given = set(own.given(scenario)) if own.given else set()
        self.weights = -args.reward_scale * np.where(hidden, args.shaping, 1.0)
        self.weights[[entry in given for entry in card.entries]] = 0.0
        names = [feature.name for feature in role.features]
        self.place = names.index(LEVEL) if own.full_eur else 0
        self.full_eur: FloatArray = np.zeros((0, 0))  # (community, agent), of a full storage
        self.first: FloatArray = np.zeros((0, 0))  # level at the beginning
        self.level: FloatArray = np.zeros((0, 0))

    def begin(self, keys: Sequence[EpisodeKey], seen: Float32Array) -> None:
        """Episodes begin, with their first observations."""
        if self.own.full_eur:
            self.full_eur = self.args.reward_scale * self.own.full_eur(self.scenario, keys)
            self.first = self.level = seen[..., self.place].astype(np.float64)

    def stored(self, after: Float32Array, ended: bool) -> FloatArray:
        """What a step stored, (community, agent); at the end less all that the episode did."""
        if not self.own.full_eur:
            return np.zeros(after.shape[:2])
        level = after[..., self.place].astype(np.float64)
        moved = level - self.level
        self.level = level
        return np.asarray(self.full_eur * (self.first - level + moved if ended else moved))

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
    network: Any  # inputs and actor in one
    imitate: Callable[[], None]  # fits the actor to somebody else
    appraised: int = 0  # episodes after that in which the critic alone learns


class Collector:
    """Communities in mid-play; the track's batch shows masks and the ledger of a step."""

    def __init__(
        self,
        scenario: AnyScenario,
        role: Role,
        inputs: Shown,
        args: Args,
        generator: torch.Generator,
    ) -> None:
        """Nothing is played before `begin`."""
        self.batch = batch_of(scenario, role, args.communities)
        self.role, self.inputs, self.generator = role, inputs, generator
        self.steps = segment_steps(args, scenario)
        self.earned = Earned(scenario, role, own_of(scenario), args)
        self.carried = torch.zeros(0)  # (community, agent, number)
        self.whole = scenario.steps  # of an episode
        self.agent_steps = 0  # played before this step
        self.seen: Float32Array = np.zeros(0, np.float32)
        self.allowed: BoolArray = np.zeros(0, np.bool_)

    def begin(self, seed: int, episode: int) -> None:
        """Begin the episode of this number in the sequence of a seed."""
        self.seen, self.allowed = self.batch.reset(seed, first=episode)
        self.agent_steps = episode * self.whole * self.seen.shape[0] * self.seen.shape[1]
        self._start()

    def survey(self, generator: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Play an episode, half of the communities at rest and half at random.

        Returns:
            What there is to be seen, (row, input), and joint states, of which there are none.
        """
        rows = []
        choices = choices_of(self.role)
        resting = np.arange(len(self.seen)) % 2 == 0
        for _ in range(self.whole):
            rows.append(self.inputs.raw(torch.from_numpy(self.seen), self.carried).flatten(0, 1))
            noise = np.where(self.allowed, generator.random(self.allowed.shape), -1.0)
            parts = np.split(noise, np.cumsum(choices)[:-1], axis=-1)
            drawn = np.stack([part.argmax(axis=-1) for part in parts], axis=-1)
            self._step(np.where(resting[:, None, None], self.role.rest, drawn))
        seen = torch.cat(rows)
        return seen, seen[:, :0]

    def play(self, inputs: Shown, actor: ChoiceActor) -> Segment:
        """Play one segment."""
        seen, outputs, allowed, logarithms, rewards = [], [], [], [], []
        ended = False
        with torch.inference_mode():
            for _ in range(self.steps):
                seen.append(inputs(torch.from_numpy(self.seen), self.carried))
                allowed.append(torch.from_numpy(self.allowed))
                drawn, known = actor.drawn(seen[-1], allowed[-1], self.generator)
                outputs.append(drawn)
                logarithms.append(known)
                reward, ended = self._step(drawn.numpy().astype(np.float64))
                rewards.append(torch.from_numpy(reward.astype(np.float32)))
            seen.append(inputs(torch.from_numpy(self.seen), self.carried))
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
        last = step.final_observations if step.ended else step.observations
        reward = self.earned.of(step.entries_eur, self.agent_steps)
        reward = reward + self.earned.stored(last, bool(step.ended))
        self.agent_steps += reward.size
        self.carried = self.inputs.after(torch.from_numpy(self.seen), self.carried)
        self.seen, self.allowed = step.observations, step.masks
        if step.ended:
            self._start()
        return reward, bool(step.ended)

    def _start(self) -> None:
        """Episodes begin everywhere."""
        self.carried = torch.zeros(*self.seen.shape[:2], self.inputs.carried)
        self.earned.begin(self.batch.keys, self.seen)


class Weeks:
    """The validation weeks of any track, all their draws.

    Where there are several roles the others play their rule, and what counts is what the agents of
    this one pay.
    """

    def __init__(self, scenario: AnyScenario, role: Role | None = None) -> None:
        """Draws them, and plays the rule at 0 and what the track is compared with.

        Args:
            scenario: in which they are played.
            role: that learns; None: the only one.
        """
        track, roles = track_of(scenario), track_of(scenario).roles(scenario)
        self.role = role if len(roles) > 1 else None
        keys = [key for unit in track.keys(scenario, SPLIT, SEED) for key in unit]
        self.episode = track.stack([track.draw(scenario, key) for key in keys])
        self.scenario, self.card = scenario, track.CARD
        self.rule_eur = self._cost_eur(self._played(self.card.rule))
        self.shown: Mapping[str, float] = {}

    def told(self) -> str:
        """What to compare with: the best of the track's rules."""
        savings = {
            name: self.rule_eur - self._cost_eur(self._played(name))
            for name, one in self.card.baselines.items()
            if not (one.slow or one.foresight)
            and (self.role is None or self.role.name in one.targets)
        }
        best = max(savings, key=lambda name: savings[name])
        return f"{best} {saved(savings[best], self.card.rule)}"

    def saving_eur(self, policy: Policy) -> float:
        """Cost saved against the rule at 0, mean per week: what the score measures, or a role's."""
        cast: Any = policy
        if self.role is not None:
            cast = {**load_cast(self.card.rule, self.scenario), self.role.name: policy}
        played = rollout(self.scenario, self.episode, cast)
        shown = own_of(self.scenario).shown
        self.shown = shown(self.scenario, self.episode, played) if shown else {}
        return self.rule_eur - self._cost_eur(played)

    def _played(self, name: str) -> Trajectory:
        """A baseline, in all roles or in this one."""
        asked = name if self.role is None else f"{self.role.name}={name}"
        return play(self.scenario, self.episode, asked)

    def _cost_eur(self, played: Trajectory) -> float:
        if self.role is None:
            return float(np.mean(played.social_cost_eur))
        own = np.isin(self.scenario.agents, self.role.agents)
        return float(played.private_cost_eur[:, own].sum(axis=1).mean())


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
    sight = own_of(scenario).sight
    inputs: Any = (sight(scenario) if sight else None) or Seen(len(role.features))
    choices, more = choices_of(role), inputs.carried
    actor = ChoiceActor(inputs.width, choices, args, generator, more)
    return Parts(
        collector=Collector(scenario, role, inputs, args, generator),
        decision=Plain(scenario, role),
        inputs=inputs,
        actor=actor,
        joint=0,
        weeks=partial(Weeks, role=role),
        network=ChoiceNetwork(inputs, actor),
        imitate=partial(follow, scenario, role, inputs, actor, args, generator),
        appraised=APPRAISED,
    )


_DEFAULTS: Final = Args().as_mapping()
