"""The optimum's proof: the engine agrees with the solver, and nothing can cost less."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from p2p_market.evaluation.rollout import recorded, rollout
from p2p_market.records import FloatArray
from p2p_market.track import OPTIMUM, AnyEpisode, AnyScenario, Plan, Trajectory
from p2p_market.tracks import track_of

RELATIVE_TOLERANCE: Final = 1e-6
MIXED_INTEGER: Final = "mixed_integer"


@dataclass(frozen=True, slots=True)
class Certificate:
    """Three costs of one episode that must agree."""

    plan_eur: float  # objective of the solver that made the schedule
    bound_eur: float  # by arithmetic from the plan's prices; mixed-integer: of the search tree
    replay_eur: float  # cost of the schedule when the engine plays it
    tolerance_eur: float
    interventions: int  # supervisor events in the replay
    mixed_integer: bool = False  # then plan and bound may differ, and the gap is published

    @property
    def gap_eur(self) -> float:
        """How much cheaper than the plan a better one could be, at most."""
        return self.plan_eur - self.bound_eur

    @property
    def holds(self) -> bool:
        """Whether plan, bound and replay agree and the supervisor stayed quiet."""
        if self.mixed_integer:
            proved = self.gap_eur >= -self.tolerance_eur
        else:
            proved = abs(self.gap_eur) <= self.tolerance_eur
        replayed = abs(self.replay_eur - self.plan_eur) <= self.tolerance_eur
        return proved and replayed and self.interventions == 0

    def __str__(self) -> str:
        """The three costs in one line."""
        return (
            f"plan {self.plan_eur:.6f}, bound {self.bound_eur:.6f}, replay {self.replay_eur:.6f} "
            f"EUR, tolerance {self.tolerance_eur:.1e} EUR, {self.interventions} interventions"
        )


def best_cost_eur(form: str, bound_eur: Sequence[float], optimum_eur: FloatArray) -> FloatArray:
    """The 100 of the scale: what the optimum costs, or the proved bound if it is mixed-integer.

    Args:
        form: of the optimum, as its scenario says: "linear" or "mixed_integer".
        bound_eur: of the certificates, (episode,) [EUR].
        optimum_eur: social cost of the optimum as played, (episode,) [EUR].
    """
    return np.array(bound_eur) if form == MIXED_INTEGER else optimum_eur


def certificate_tolerance_eur(gross_eur: float) -> float:
    """How far plan, bound and replay may be apart when this much money moves [EUR]."""
    return RELATIVE_TOLERANCE * max(1.0, gross_eur)


def certify(
    scenario: AnyScenario, episode: AnyEpisode, plan: Plan, name: str = OPTIMUM
) -> tuple[Certificate, Trajectory]:
    """Play a plan through the engine and compare, whatever mechanism the scenario names.

    Where the plan has prices, they prove the bound here; the bound of its solver does not count.

    Args:
        episode: a batch of one.
        plan: its schedule and prices.
    """
    track = track_of(scenario)
    proved = plan.bound_eur
    if plan.prices is not None:
        proved = track.bound_eur(scenario, episode, plan.prices)
    market, sound = track.setting(scenario, episode)
    played = rollout(market, sound, recorded(track.replayed(scenario, episode, plan)), name)
    tolerance = certificate_tolerance_eur(float(played.gross_money_eur[0]))
    certificate = Certificate(
        plan_eur=plan.objective_eur,
        bound_eur=proved,
        replay_eur=float(played.social_cost_eur[0]),
        tolerance_eur=tolerance,
        interventions=int(np.count_nonzero(played.cause)),
        mixed_integer=scenario.spec.optimum == MIXED_INTEGER,
    )
    return certificate, played
