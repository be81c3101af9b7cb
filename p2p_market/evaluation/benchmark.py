"""Evaluate policies on held-out weeks between the two ends of the scale."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from p2p_market.community import metrics
from p2p_market.community.episode.episode import Episode, choose_key, draw, stack
from p2p_market.community.optimum.breakdown import Breakdown, breakdown
from p2p_market.community.optimum.plan import Plan, Prices
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.data.calendar import WEEKS_PER_SPLIT
from p2p_market.errors import OptimumError
from p2p_market.evaluation.ends.certificate import Certificate, certify
from p2p_market.evaluation.ends.reference import published
from p2p_market.evaluation.players.conduct import OPTIMUM as OPTIMUM
from p2p_market.evaluation.players.conduct import UNKNOWN, Conduct
from p2p_market.evaluation.players.failure import FailedPolicyError
from p2p_market.evaluation.players.player import Attempt, attempt
from p2p_market.evaluation.players.policy import Planner, load_policy
from p2p_market.evaluation.rollout import join
from p2p_market.evaluation.statistics.scores import NOTHING_EUR, Score, floor_costs, score
from p2p_market.records import FloatArray
from p2p_market.track import Trajectory

RULE: Final = "no-trade"
TRUTHFUL: Final = "truthful"  # the best of the rules, what others are measured against

SEES_ALL: Final = Conduct("foresight", "centralised", True)
"""The conduct of the optimum."""


@dataclass(frozen=True, slots=True)
class Row:
    """One policy on one scenario; arrays are per episode.

    A policy that failed has the floor for its social cost, and nan for everything else.
    """

    policy: str
    score: Score
    social_cost_eur: FloatArray  # (episode,)
    dispatch_gap_eur: FloatArray  # (episode,), best matching of the realised net loads - optimum
    allocation_gap_eur: FloatArray  # (episode,), realised cost - best matching
    private_cost_eur: FloatArray  # (episode, agent)
    worse_off_share: FloatArray  # (episode,), members that pay more than alone
    jain_index: float  # of members' savings over all episodes; nan if nobody saves
    lost: Breakdown | None  # why it costs more than the bound; None without prices that prove it
    metrics: Mapping[str, FloatArray]  # name in METRICS -> (episode,)
    conduct: Conduct = UNKNOWN


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """All policies on the held-out weeks of one scenario."""

    scenario: Scenario
    episode: Episode  # a batch of all weeks
    certificates: tuple[Certificate, ...]  # one per week
    prices: tuple[Prices | None, ...]  # of the optimum, one per week; None: mixed-integer
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


def all_weeks() -> range:
    """The weeks of every split."""
    return range(WEEKS_PER_SPLIT)


def evaluate(
    scenario: Scenario,
    policies: Sequence[str],
    split: str = "test",
    weeks: Sequence[int] = all_weeks(),
    seed: int = 0,
) -> ScenarioResult:
    """Score policies on whole weeks, with the rule and the certified optimum as the ends.

    Args:
        policies: baseline names or `module:factory`; the two ends are added.
    """
    singles = draw_weeks(scenario, split, weeks, seed)
    episode = stack(singles)
    played = {name: attempt(scenario, episode, name) for name in entrants(policies)}
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
    scenario: Scenario, split: str, weeks: Sequence[int], seed: int
) -> tuple[Episode, ...]:
    """One episode per week."""
    return tuple(draw(scenario, choose_key(scenario, seed, split, week)) for week in weeks)


def entrants(policies: Sequence[str]) -> list[str]:
    """All that are played on observations: the rule, then the others in the order asked for."""
    return [RULE, *dict.fromkeys(name for name in policies if name not in (RULE, OPTIMUM))]


@dataclass(frozen=True, slots=True)
class Yardstick:
    """The optimum out of the reference table, or solved where the table has no such episode."""

    scenario: Scenario

    @property
    def identity(self) -> str:
        """That of the solver's program."""
        return self._solver().identity

    def plan(self, episode: Episode) -> Plan:
        """Cheapest schedule of a batch of one."""
        found = published(self.scenario, episode)
        return found if found is not None else self._solver().plan(episode)

    def _solver(self) -> Planner:
        return _solver(self.scenario)


@lru_cache(maxsize=2)
def _solver(scenario: Scenario) -> Planner:
    """Weeks of one scenario follow each other and share its compiled program."""
    planner = load_policy(OPTIMUM, scenario)
    assert isinstance(planner, Planner)
    return planner


def assemble(
    scenario: Scenario,
    episode: Episode,
    played: Mapping[str, Attempt],
    certificates: Sequence[Certificate],
    prices: Sequence[Prices | None],
) -> ScenarioResult:
    """Score what was played.

    Args:
        episode: a batch of all weeks.
        played: name of a policy -> what became of it; the rule first, the optimum last.
        certificates: of the optimum, one per week.
        prices: of the optimum, one per week; None where whole numbers are in it.

    Raises:
        OptimumError: if there is nothing to win in these weeks.
        FailedPolicyError: if one of the two ends of the scale failed.
    """
    trajectories = {name: one.played for name, one in played.items() if one.played is not None}
    for end in (RULE, OPTIMUM):
        if (failure := played[end].conduct.failure) is not None:
            raise FailedPolicyError(failure)
    alone = trajectories[RULE]
    best = best_cost_eur(scenario, certificates, trajectories[OPTIMUM])
    if (metrics.social_cost_eur(alone) - best).sum() <= NOTHING_EUR:
        raise OptimumError(
            f"{scenario.spec.id}: the optimum costs what the no-trade rule costs in these weeks; "
            "there is nothing to score"
        )
    rows = []
    for name, one in played.items():
        if one.conduct.failure is None:
            own = trajectories[name]
            lost = breakdown(scenario, episode, prices, own)
            rows.append(_row(scenario, episode, alone, best, own, lost, one.conduct))
        else:
            rows.append(_failed_row(name, alone, best, one.conduct))
    proofs = tuple(certificates), tuple(prices)
    return ScenarioResult(scenario, episode, *proofs, trajectories, tuple(rows))


def best_cost_eur(
    scenario: Scenario, certificates: Sequence[Certificate], optimum: Trajectory
) -> FloatArray:
    """The 100 of the scale: what the optimum costs, or the proved bound if it is mixed-integer."""
    if scenario.spec.optimum == "mixed_integer":
        return np.array([certificate.bound_eur for certificate in certificates])
    return metrics.social_cost_eur(optimum)


def floor_eur(rule_eur: FloatArray, best_eur: FloatArray) -> FloatArray:
    """What a policy that failed costs in each of its episodes, (episode,) [EUR]."""
    every = np.ones(rule_eur.shape, dtype=np.bool_)
    return floor_costs(rule_eur, rule_eur, best_eur, every)


def _row(
    scenario: Scenario,
    episode: Episode,
    alone: Trajectory,
    best_eur: FloatArray,
    own: Trajectory,
    lost: Breakdown | None,
    conduct: Conduct,
) -> Row:
    rule_eur, own_eur = metrics.social_cost_eur(alone), metrics.social_cost_eur(own)
    allocation = metrics.allocation_gap_eur(scenario, episode, own)
    private = metrics.private_cost_eur(own)
    alone_eur = metrics.private_cost_eur(alone)
    return Row(
        policy=own.policy,
        score=score(rule_eur, own_eur, best_eur, np.random.default_rng(0)),
        social_cost_eur=own_eur,
        dispatch_gap_eur=own_eur - best_eur - allocation,
        allocation_gap_eur=allocation,
        private_cost_eur=private,
        worse_off_share=metrics.worse_off_share(alone_eur, private),
        jain_index=metrics.jain_index((alone_eur - private).sum(axis=0)),
        lost=lost,
        metrics={
            name: metric.of(scenario, episode, own) for name, metric in metrics.METRICS.items()
        },
        conduct=conduct,
    )


def _failed_row(name: str, alone: Trajectory, best_eur: FloatArray, conduct: Conduct) -> Row:
    """A policy plays all its weeks as one batch, so all of them count the floor."""
    rule_eur = metrics.social_cost_eur(alone)
    floor, nothing = floor_eur(rule_eur, best_eur), np.full(rule_eur.shape, np.nan)
    return Row(
        policy=name,
        score=score(rule_eur, floor, best_eur, np.random.default_rng(0)),
        social_cost_eur=floor,
        dispatch_gap_eur=nothing,
        allocation_gap_eur=nothing,
        private_cost_eur=np.full_like(metrics.private_cost_eur(alone), np.nan),
        worse_off_share=nothing,
        jain_index=float("nan"),
        lost=None,
        metrics=dict.fromkeys(metrics.METRICS, nothing),
        conduct=conduct,
    )
