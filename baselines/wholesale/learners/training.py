"""The run of a training of one role: what all four learners have in common."""

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

import numpy as np
import torch

from baselines.learners.plain import plain, role_for
from baselines.learners.ppo.masked import Weeks
from baselines.learners.ppo.policy import TorchPolicy
from baselines.wholesale.learners.networks import Decider
from baselines.wholesale.learners.play import Play, Twin, of_days
from p2p_market.errors import PolicyError
from p2p_market.records import FloatArray
from p2p_market.registry import load_scenario
from p2p_market.track import Trajectory
from p2p_market.wholesale.scenario import Scenario


class Loss(NamedTuple):
    """How the updates of an episode went."""

    error: float  # root of the mean squared error of values, in scaled rewards
    explained: float  # share of the variance of targets that the values foretold
    explored: float  # share of random actions, or the deviation of the exploration

    def row(self, told: str) -> dict[str, float]:
        """Columns of the log."""
        return {"value_error": self.error, "explained": self.explained, told: self.explored}


class SocialWeeks(Weeks):
    """Validation weeks of a role that learns for all: what counts is the social cost."""

    def _cost_eur(self, played: Trajectory) -> float:
        return float(np.mean(played.social_cost_eur))


class Training:
    """A role in training; subclasses say how it learns from an episode."""

    kind: str
    role: str
    scenario: Any
    settings: Any
    playing: type[Play] | type[Twin] = Play
    meaning, goes_on, alone = "plain", True, True

    def __init__(self, args: Any) -> None:
        """Before the first episode.

        Args:
            args: settings, with `scenario`, `seed`, `systems` and `repeat` among them.

        Raises:
            PolicyError: if the scenario is of another track.
        """
        self.args = self.settings = args
        self.scenario = scenario = of_wholesale(args.scenario)
        self.decision = plain(scenario, self.role)
        self.place = {name: place for place, name in enumerate(self.decision.names)}
        self.generator = torch.Generator().manual_seed(args.seed)
        self.play: Any = self._playing(scenario, args.systems)
        self.episode, self.best_eur = 0, -np.inf
        self.network: Decider

    @property
    def agent_steps(self) -> int:
        """Played so far, those of the days before the first episode left out."""
        agents = len(self.decision.owners)
        return int(self.episode * self.args.systems * agents * self.scenario.steps)

    @property
    def left(self) -> float:
        """Share of the training that is still to come."""
        return max(0.0, 1.0 - self.agent_steps / float(self.args.agent_steps))

    def days(self) -> Any:
        """The training days that are played before the first episode, each in a system."""
        return self._playing(of_days(self.scenario), self.args.days)

    def _playing(self, scenario: Scenario, count: int) -> Any:
        args = self.args
        return self.playing(scenario, self.role, count, args.repeat, args.seed)

    def mixed(self, given: FloatArray, other: FloatArray, share: float) -> FloatArray:
        """Actions, of which a share is replaced by others, agent by agent."""
        drawn = torch.rand(given.shape[:2], generator=self.generator).numpy() < share
        return np.where(drawn[..., None], other, given)

    def validation(self) -> Weeks:
        """The weeks on which policies are chosen."""
        return Weeks(self.scenario, role_for(self.scenario, self.role))

    def policy(self) -> TorchPolicy:
        """The policy of the moment."""
        return TorchPolicy(cast(Any, self.network), self.decision)

    def state(self) -> dict[str, Any]:
        """All that the rest of the training is a function of."""
        return {
            "generator": self.generator.get_state(),
            "episode": self.episode,
            "best_eur": self.best_eur,
            **self.learnt(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self.generator.set_state(state["generator"])
        self.episode, self.best_eur = state["episode"], state["best_eur"]
        self.resume(state)

    def begin(self) -> None:
        """Play what comes before the first episode."""
        raise NotImplementedError

    def learn(self) -> tuple[Loss, float]:
        """Play and learn from one episode."""
        raise NotImplementedError

    def learnt(self) -> dict[str, Any]:
        """Networks, optimisers and memory, as plain values and tensors."""
        raise NotImplementedError

    def resume(self, state: Mapping[str, Any]) -> None:
        """Take them back."""
        raise NotImplementedError


def of_wholesale(name: str) -> Scenario:
    """A scenario of this track.

    Raises:
        PolicyError: if it is of another one.
    """
    scenario: Any = load_scenario(name)
    if not isinstance(scenario, Scenario):
        raise PolicyError(
            f"{name} is of the track {scenario.spec.track!r}; this trainer learns a role of a "
            "power system, such as wholesale-12-v0"
        )
    return scenario


def preset_of(settings: Mapping[str, Any], reference: Mapping[str, Any]) -> dict[str, Any]:
    """Settings on top of those of the preset that they name, `fast` where they name none.

    Raises:
        PolicyError: if there is no such preset.
    """
    given = dict(settings)
    presets: dict[str, Mapping[str, Any]] = {"fast": {}, "reference": reference}
    name = given.pop("preset", "fast")
    if name not in presets:
        raise PolicyError(f"preset: must be one of {', '.join(presets)}, not {name!r}")
    return {**presets[name], **given}
