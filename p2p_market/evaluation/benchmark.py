"""Evaluate policies on held-out weeks between the two ends of the scale."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np

from p2p_market.errors import OptimumError, ScenarioError
from p2p_market.evaluation.ends.certificate import Certificate, best_cost_eur, certify
from p2p_market.evaluation.ends.reference import published
from p2p_market.evaluation.players.answers import SOUND, Answers, answers
from p2p_market.evaluation.players.conduct import UNKNOWN, Conduct
from p2p_market.evaluation.players.failure import FailedPolicyError
from p2p_market.evaluation.players.player import Attempt, attempt
from p2p_market.evaluation.players.policy import Planner, load_policy
from p2p_market.evaluation.rollout import join
from p2p_market.evaluation.statistics.fairness import jain_index, worse_off_share
from p2p_market.evaluation.statistics.scores import NOTHING_EUR, Score, floor_costs, score
from p2p_market.records import FloatArray, IntArray
from p2p_market.registry import rule_of
from p2p_market.track import (
    OPTIMUM,
    AnyEpisode,
    AnyScenario,
    EpisodeKey,
    Plan,
    Series,
    Trajectory,
)
from p2p_market.tracks import extra, track_of

SEES_ALL: Final = Conduct("foresight", "centralised", True)
"""The conduct of the optimum."""


@dataclass(frozen=True, slots=True)
class Row:
    """One policy on one scenario; arrays are per episode.

    A policy that failed has the cost of the floor, and NaN for everything else.
    """

    policy: str
    score: Score
    social_cost_eur: FloatArray  # (episode,)
    gaps_eur: Mapping[str, FloatArray]  # part of the cost above the optimum -> (episode,)
    private_cost_eur: FloatArray  # (episode, agent)
    worse_off_share: FloatArray  # (episode,), members that pay more than alone
    jain_index: float  # of members' savings over all episodes; nan if nobody saves
    lost: Any  # why it costs more than the bound; None without prices that prove it
    metrics: Mapping[str, FloatArray]  # name of a metric -> (episode,)
    conduct: Conduct = UNKNOWN
    answers: Answers = SOUND


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """All policies on the held-out weeks of one scenario."""

    scenario: Any  # of any track
    episode: Any  # a batch of all weeks
    certificates: tuple[Certificate, ...]  # one per week
    prices: tuple[Series | None, ...]  # of the optimum, one per week; None: mixed-integer
    trajectories: Mapping[str, Trajectory]  # up to the failure; without those that never acted
    rows: tuple[Row, ...]  # the rule first, the optimum last

    @property
    def played(self) -> tuple[Row, ...]:
        """The rows of policies that played to the end."""
        return tuple(row for row in self.rows if row.conduct.failure is None)

    @property
    def certified(self) -> bool:
        """Whether the certificate holds in every episode."""
        return all(certificate.holds for certificate in self.certificates)

    @property
    def above_optimum(self) -> list[str]:
        """Policies that beat the bound in some episode: the engine or the optimum is wrong."""
        bound = np.array([c.bound_eur for c in self.certificates])
        tolerance = np.array([c.tolerance_eur for c in self.certificates])
        return [r.policy for r in self.rows if np.any(r.social_cost_eur < bound - tolerance)]

    @property
    def sound(self) -> bool:
        """Whether the scale holds and every policy played to the end."""
        return self.certified and not self.above_optimum and len(self.played) == len(self.rows)


def all_weeks(scenario: AnyScenario, split: str = "test") -> range:
    """Numbers of the units that a bootstrap draws whole, such as the weeks of a split."""
    return range(len(track_of(scenario).keys(scenario, split, 0)))


def evaluate(
    scenario: AnyScenario,
    policies: Sequence[str],
    split: str = "test",
    weeks: Sequence[int] | None = None,
    seed: int = 0,
) -> ScenarioResult:
    """Score policies on whole weeks, with the rule and the certified optimum as the ends.

    Args:
        policies: baseline names or `module:factory`; the two ends are added.
        weeks: numbers of weeks of the split; None: all.
    """
    numbers = all_weeks(scenario, split) if weeks is None else weeks
    singles = draw_weeks(scenario, split, numbers, seed)
    episode = track_of(scenario).stack(singles)
    played = {name: attempt(scenario, episode, name) for name in entrants(scenario, policies)}
    planner = Yardstick(scenario)
    plans = [planner.plan(single) for single in singles]
    proofs = [
        certify(scenario, single, plan, OPTIMUM)
        for single, plan in zip(singles, plans, strict=True)
    ]
    played[OPTIMUM] = Attempt(join([trajectory for _, trajectory in proofs]), SEES_ALL)
    certificates, prices = [proof for proof, _ in proofs], [plan.prices for plan in plans]
    return assemble(scenario, episode, played, certificates, prices)


def draw_weeks(
    scenario: AnyScenario, split: str, weeks: Sequence[int], seed: int
) -> tuple[Any, ...]:
    """The episodes of some weeks, a batch of one each.

    Raises:
        ScenarioError: if the split has no such week.
    """
    track = track_of(scenario)
    units = track.keys(scenario, split, seed)
    for week in weeks:
        if not 0 <= week < len(units):
            raise ScenarioError(
                f"{scenario.spec.id}: no week {week} in split {split!r}; it has 0 to "
                f"{len(units) - 1}"
            )
    return tuple(track.draw(scenario, key) for week in weeks for key in units[week])


def units_of(scenario: AnyScenario, keys: Sequence[EpisodeKey]) -> IntArray:
    """Number of the unit that holds each episode, (episode,): a bootstrap draws units whole.

    Raises:
        ScenarioError: if one of them is not an episode of its split.
    """
    track, places = track_of(scenario), dict[EpisodeKey, int]()
    for split, seed in dict.fromkeys((key.split, key.seed) for key in keys):
        for number, unit in enumerate(track.keys(scenario, split, seed), len(places)):
            for key in unit:
                places.setdefault(key, number)  # seeds of one block give the same units
    for key in keys:
        if key not in places:
            raise ScenarioError(f"{scenario.spec.id}: {key} is not an episode of its split")
    return np.array([places[key] for key in keys])


def weeks_and_draws(scenario: AnyScenario, keys: Sequence[EpisodeKey]) -> tuple[int, int]:
    """How many start days were played, and how often each; one draw where they are not alike."""
    units = units_of(scenario, keys)
    sizes = np.unique(units, return_counts=True)[1]
    days = {(unit, key.start_day) for unit, key in zip(units.tolist(), keys, strict=True)}
    if len(days) > len(sizes) or sizes.min() < sizes.max():
        return len(keys), 1
    return len(sizes), int(sizes[0])


def entrants(scenario: AnyScenario, policies: Sequence[str]) -> list[str]:
    """All policies that act on observations: the rule, then the others in the given order."""
    rule = rule_of(scenario)
    return [rule, *dict.fromkeys(name for name in policies if name not in (rule, OPTIMUM))]


@dataclass(frozen=True, slots=True)
class Yardstick:
    """The optimum out of the reference table, or solved where the table has no such episode."""

    scenario: AnyScenario

    @property
    def identity(self) -> str:
        """That of the solver's program."""
        return self._solver().identity

    def plan(self, episode: AnyEpisode) -> Plan:
        """Cheapest schedule of a batch of one."""
        found = published(self.scenario, episode)
        return found if found is not None else self._solver().plan(episode)

    def _solver(self) -> Planner:
        return _solver(self.scenario)


@lru_cache(maxsize=2)
def _solver(scenario: AnyScenario) -> Planner:
    """Cached planner: weeks of one scenario follow each other and share its compiled program."""
    planner = load_policy(OPTIMUM, scenario)
    assert isinstance(planner, Planner)
    return planner


def assemble(
    scenario: AnyScenario,
    episode: AnyEpisode,
    played: Mapping[str, Attempt],
    certificates: Sequence[Certificate],
    prices: Sequence[Series | None],
) -> ScenarioResult:
    """Score what was played.

    Args:
        episode: a batch of all weeks.
        played: name of a policy -> its result; the rule first, the optimum last.
        certificates: of the optimum, one per week.
        prices: of the optimum, one per week; None where it has integer variables.

    Raises:
        OptimumError: if there is nothing to win in these weeks.
        FailedPolicyError: if one of the two ends of the scale failed.
    """
    trajectories = {name: one.played for name, one in played.items() if one.played is not None}
    rule = rule_of(scenario)
    for end in (rule, OPTIMUM):
        if (failure := played[end].conduct.failure) is not None:
            raise FailedPolicyError(failure)
    alone = trajectories[rule]
    best = best_of(scenario, certificates, trajectories[OPTIMUM])
    if (alone.social_cost_eur - best).sum() <= NOTHING_EUR:
        raise OptimumError(
            f"{scenario.spec.id}: the optimum costs as much as the rule {rule!r} in these weeks; "
            "there is nothing to score"
        )
    rows, explain = [], extra(scenario, "breakdown")
    for name, one in played.items():
        if one.conduct.failure is None:
            own = trajectories[name]
            lost = None if explain is None else explain(scenario, episode, prices, own)
            rows.append(_row(scenario, episode, alone, best, own, lost, one.conduct))
        else:
            rows.append(_failed_row(scenario, episode, name, alone, best, one.conduct))
    proofs = tuple(certificates), tuple(prices)
    return ScenarioResult(scenario, episode, *proofs, trajectories, tuple(rows))


def best_of(
    scenario: AnyScenario, certificates: Sequence[Certificate], optimum: Trajectory
) -> FloatArray:
    """The 100 of the scale in each episode, (episode,) [EUR]."""
    bounds = [certificate.bound_eur for certificate in certificates]
    return best_cost_eur(scenario.spec.optimum, bounds, optimum.social_cost_eur)


def floor_eur(rule_eur: FloatArray, best_eur: FloatArray) -> FloatArray:
    """What a policy that failed costs in each of its episodes, (episode,) [EUR]."""
    every = np.ones(rule_eur.shape, dtype=np.bool_)
    return floor_costs(rule_eur, rule_eur, best_eur, every)


def _row(
    scenario: AnyScenario,
    episode: AnyEpisode,
    alone: Trajectory,
    best_eur: FloatArray,
    own: Trajectory,
    lost: Any,
    conduct: Conduct,
) -> Row:
    units = units_of(scenario, episode.keys)
    rule_eur, own_eur = alone.social_cost_eur, own.social_cost_eur
    private, alone_eur = own.private_cost_eur, alone.private_cost_eur
    apart, card = extra(scenario, "gaps"), track_of(scenario).CARD
    return Row(
        policy=own.policy,
        score=score(rule_eur, own_eur, best_eur, np.random.default_rng(0), units),
        social_cost_eur=own_eur,
        gaps_eur={} if apart is None else apart(scenario, episode, own, best_eur),
        private_cost_eur=private,
        worse_off_share=worse_off_share(alone_eur, private),
        jain_index=jain_index((alone_eur - private).sum(axis=0)),
        lost=lost,
        metrics={name: metric.of(scenario, episode, own) for name, metric in card.metrics.items()},
        conduct=conduct,
        answers=answers(scenario, own),
    )


def _failed_row(
    scenario: AnyScenario,
    episode: AnyEpisode,
    name: str,
    alone: Trajectory,
    best_eur: FloatArray,
    conduct: Conduct,
) -> Row:
    """The row of a policy that failed: all weeks count the floor, since they are one batch."""
    rule_eur, units = alone.social_cost_eur, units_of(scenario, episode.keys)
    floor, nothing = floor_eur(rule_eur, best_eur), np.full(rule_eur.shape, np.nan)
    card = track_of(scenario).CARD
    return Row(
        policy=name,
        score=score(rule_eur, floor, best_eur, np.random.default_rng(0), units),
        social_cost_eur=floor,
        gaps_eur=dict.fromkeys(card.gaps, nothing),
        private_cost_eur=np.full_like(alone.private_cost_eur, np.nan),
        worse_off_share=nothing,
        jain_index=float("nan"),
        lost=None,
        metrics=dict.fromkeys(card.metrics, nothing),
        conduct=conduct,
    )
