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
from p2p_market.wholesale.features import features
from p2p_market.wholesale.records import LEDGER_ENTRIES
from p2p_market.wholesale.scenario import Scenario, build

Acting = Callable[[Float32Array], FloatArray]
"""(system, agent, feature) -> normalised actions, (system, agent, column)."""

TERMINAL: Final = LEDGER_ENTRIES.index("terminal")
SEEDS: Final = 1 << 20  # so many systems lie between the seeds of two trainings


@dataclass(frozen=True, slots=True)
class Played:
    """What came of one decision, summed over the steps for which it held."""

    seen: Float32Array  # (system, agent, feature), after the last of the steps
    entries_eur: FloatArray  # (system, agent, entry), of the role, positive = paid
    social_eur: FloatArray  # (system,), all entries of all agents, transfers cancel; what is
    # stored counts when it is stored, and not at the end of the episode
    tonnes: FloatArray  # (system,), emitted
    ended: bool  # `seen` is the last of the episode, and a new one has begun

    def beyond(self, other: "Played") -> "Played":
        """Money and emissions less those of another play of the same steps."""
        return Played(
            self.seen,
            self.entries_eur - other.entries_eur,
            self.social_eur - other.social_eur,
            self.tonnes - other.tonnes,
            self.ended,
        )


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
        self._rules = cast(dict[str, Policy], load_cast(RULE, scenario))
        self.rule = self._rules[role]
        names = [feature.name for feature in features(scenario, "operator")]
        storages, self._worth = range(scenario.sizes[1]), scenario.fleet.terminal
        self._levels = [names.index(f"level_{k}") for k in storages]
        self._carbon = [names.index(name) for name in ("co2_intensity", "demand")]
        self._seen: Any = {}

    @property
    def seen(self) -> Float32Array:
        """What the role sees now, (system, agent, feature)."""
        return np.asarray(self._seen[self.role])

    def begin(self, episode: int) -> None:
        """Go to an episode by its number; the same number is the same episode."""
        self._seen, _ = self._batch.reset(self._seed, first=episode)

    def by_rule(self) -> Played:
        """Play the steps of a decision with the rule in the role as well."""
        return self.act(lambda seen: self.rule.act(seen, None)[0])

    def act(self, acting: Acting) -> Played:
        """Play the steps of a decision; `acting` is asked in each of them."""
        entries: Any = 0.0
        social: Any = 0.0
        tonnes: Any = 0.0
        for _ in range(self.repeat):
            seen, role = self._seen, self.role
            joint = {
                name: acting(seen[name]) if name == role else rule.act(seen[name], None)[0]
                for name, rule in self._rules.items()
            }
            step = self._batch.step(joint)
            self._seen, after = step.observations, step.observations
            if step.final_observations is not None:
                after = step.final_observations
            entries = entries + step.entries_eur[role]
            social = social + sum(one.sum(axis=(1, 2)) for one in step.entries_eur.values())
            social = social - step.entries_eur["storage"][..., TERMINAL].sum(axis=1)
            moments = (
                one["operator"][:, 0, self._levels].astype(np.float64) for one in (seen, after)
            )
            before_mwh, after_mwh = moments
            social = social - (after_mwh - before_mwh) @ self._worth
            intensity, demand = after["operator"][:, 0, self._carbon].astype(np.float64).T
            tonnes = tonnes + intensity * demand * self.scenario.dt_h
            if step.ended:
                break
        return Played(np.asarray(after[role]), entries, social, tonnes, step.ended)


class Twin:
    """Two plays of the same episodes: in one the role decides, in the other it plays its rule.

    What the second costs no decision can change. Subtracted, it takes the weather out of rewards.
    """

    def __init__(self, scenario: Scenario, role: str, count: int, repeat: int, seed: int) -> None:
        """Draw nothing yet; see `Play`."""
        self.own = Play(scenario, role, count, repeat, seed)
        self._other = Play(scenario, role, count, repeat, seed)
        self.scenario, self.repeat, self.rule = scenario, repeat, self.own.rule

    @property
    def seen(self) -> Float32Array:
        """What the role sees now where it decides, (system, agent, feature)."""
        return self.own.seen

    def begin(self, episode: int) -> None:
        """Go to an episode by its number."""
        self.own.begin(episode)
        self._other.begin(episode)

    def act(self, acting: Acting) -> Played:
        """Play the steps of a decision; money and emissions are those beyond the rule's."""
        return self.own.act(acting).beyond(self._other.by_rule())


@lru_cache(maxsize=8)
def of_days(scenario: Scenario) -> Scenario:
    """The same power system in episodes of one day."""
    if scenario.spec.days == 1 or scenario.spec.steps:
        return scenario
    return build(scenario.spec.model_copy(update={"days": 1}))
