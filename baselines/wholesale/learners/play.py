"""Training episodes of one role in many power systems at once; the other roles play their rule."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, cast

import numpy as np

from p2p_market.evaluation.players.policy import Policy, load_cast
from p2p_market.records import Float32Array, FloatArray
from p2p_market.wholesale.baselines import RULE
from p2p_market.wholesale.envs.batch import systems
from p2p_market.wholesale.scenario import Scenario, build

Acting = Callable[[Float32Array], FloatArray]
"""(system, agent, feature) -> normalised actions, (system, agent, column)."""

SEEDS: Final = 1 << 20  # so many systems lie between the seeds of two trainings


@dataclass(frozen=True, slots=True)
class Played:
    """What came of one decision, summed over the steps for which it held."""

    seen: Float32Array  # (system, agent, feature), after the last of the steps
    entries_eur: FloatArray  # (system, agent, entry), of the role, positive = paid
    social_eur: FloatArray  # (system,), all entries of all agents; transfers cancel
    ended: bool  # `seen` is the last of the episode, and a new one has begun


class Play:
    """Systems in which a role decides every so many steps."""

    def __init__(self, scenario: Scenario, role: str, count: int, repeat: int, seed: int) -> None:
        """Draw nothing yet.

        Args:
            scenario: in which they are played.
            role: that decides.
            count: of systems.
            repeat: steps for which a decision holds.
            seed: of the training.
        """
        self.scenario, self.role, self.repeat = scenario, role, repeat
        self._batch, self._seed = systems(scenario, count), seed * SEEDS
        rules = cast(dict[str, Policy], load_cast(RULE, scenario))
        self.rule = rules.pop(role)
        self._others = rules
        self._seen: Any = {}

    @property
    def seen(self) -> Float32Array:
        """What the role sees now, (system, agent, feature)."""
        return np.asarray(self._seen[self.role])

    def begin(self, episode: int) -> None:
        """Go to an episode by its number; the same number is the same episode."""
        self._seen, _ = self._batch.reset(self._seed, first=episode)

    def act(self, acting: Acting) -> Played:
        """Play the steps of a decision; `acting` is asked in each of them."""
        entries: Any = 0.0
        social: Any = 0.0
        for _ in range(self.repeat):
            seen = self._seen
            joint = {name: rule.act(seen[name], None)[0] for name, rule in self._others.items()}
            step = self._batch.step({**joint, self.role: acting(seen[self.role])})
            self._seen, after = step.observations, step.observations
            if step.final_observations is not None:
                after = step.final_observations
            entries = entries + step.entries_eur[self.role]
            social = social + sum(one.sum(axis=(1, 2)) for one in step.entries_eur.values())
            if step.ended:
                break
        return Played(np.asarray(after[self.role]), entries, social, step.ended)


@lru_cache(maxsize=8)
def of_days(scenario: Scenario) -> Scenario:
    """The same power system in episodes of one day."""
    if scenario.spec.days == 1 or scenario.spec.steps:
        return scenario
    return build(scenario.spec.model_copy(update={"days": 1}))
