"""The optimum's proof: the engine agrees with the solver, and nothing can cost less."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from p2p_market.community.actions import action_map
from p2p_market.community.episode.episode import Episode
from p2p_market.community.metrics import gross_money_eur, social_cost_eur
from p2p_market.community.optimum.duality import bound_eur
from p2p_market.community.optimum.full_matching import fully_matched
from p2p_market.community.optimum.plan import Plan
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.evaluation.rollout import Recorded, rollout
from p2p_market.records import FloatArray
from p2p_market.track import Trajectory

RELATIVE_TOLERANCE: Final = 1e-6
MARGIN_KW: Final = 1e-3  # orders ask for this much more, so that rounding leaves nothing unmatched


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


def certificate_tolerance_eur(gross_eur: float) -> float:
    """How far plan, bound and replay may be apart when this much money moves [EUR]."""
    return RELATIVE_TOLERANCE * max(1.0, gross_eur)


def plan_actions(scenario: Scenario, episode: Episode, plan: Plan) -> FloatArray:
    """Normalised actions of a plan: its set-points, and truthful orders for all that is left.

    At truthful prices the auction finds the best matching of the surpluses and deficits. In an
    outage, where what is not traded is shed or lost, the plan says who trades how much.

    Returns:
        (step, 1, agent, column).
    """
    table = action_map(scenario)
    margin = np.where(episode.grid > 0.0, MARGIN_KW, 0.0)
    quantity = plan.order_kw + np.sign(plan.order_kw) * margin
    price = np.where(quantity > 0.0, 2.0 * table.half[:, -1], 0.0)
    physical = np.concatenate([plan.setpoint_kw, quantity[..., None], price[..., None]], axis=-1)
    return table.normalised(physical)[:, None]


def setting(scenario: Scenario, episode: Episode) -> tuple[Scenario, Episode]:
    """Where optima are played: a market that matches all volume, and sound sensors."""
    return fully_matched(scenario), episode.without_faults()


def replayed(
    scenario: Scenario, episode: Episode, plan: Plan
) -> tuple[Scenario, Episode, FloatArray]:
    """Scenario, episode and actions, (step, 1, agent, column), that play a plan."""
    return *setting(scenario, episode), plan_actions(scenario, episode, plan)


def certify(
    scenario: Scenario, episode: Episode, plan: Plan, name: str = "optimum"
) -> tuple[Certificate, Trajectory]:
    """Play a plan through the engine and compare, whatever mechanism the scenario names.

    Where the plan has prices, they prove the bound here; what its solver said of it does not count.

    Args:
        episode: a batch of one.
        plan: its schedule and prices.
    """
    proved = plan.bound_eur if plan.prices is None else bound_eur(scenario, episode, plan.prices)
    market, sound, actions = replayed(scenario, episode, plan)
    played = rollout(market, sound, Recorded(actions), name)
    tolerance = certificate_tolerance_eur(float(gross_money_eur(played)[0]))
    certificate = Certificate(
        plan_eur=plan.objective_eur,
        bound_eur=proved,
        replay_eur=float(social_cost_eur(played)[0]),
        tolerance_eur=tolerance,
        interventions=int(np.count_nonzero(played.cause)),
        mixed_integer=scenario.spec.optimum == "mixed_integer",
    )
    return certificate, played
