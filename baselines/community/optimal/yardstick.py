"""Rows of the community's reference table: also of a second solver, and of each member alone."""

from functools import lru_cache

import numpy as np

from baselines.community.optimal.individual import Individual, individual
from baselines.community.optimal.policy import Optimum, optimum
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.evaluation.ends.reference import SEED, SPLIT, Entry
from p2p_market.evaluation.ends.row import entry_of
from p2p_market.registry import load_scenario
from p2p_market.track import Plan


def row(scenario_id: str, week: int) -> tuple[Entry, Plan]:
    """Play the rule, solve the optimum twice and each member's own, and certify the schedule.

    Args:
        week: of the test split.

    Raises:
        OptimumError: if a solver fails.
    """
    scenario, planner, alone = _compiled(scenario_id)
    episode = draw(scenario, choose_key(scenario, SEED, SPLIT, week))
    linear = scenario.spec.optimum == "linear"
    return entry_of(
        scenario,
        episode,
        planner.plan(episode),
        second_solver_eur=planner.second_opinion_eur(episode) if linear else None,
        individual_eur=tuple(np.round(alone.costs_eur(episode), 9).tolist()),
    )


@lru_cache(maxsize=2)
def _compiled(scenario_id: str) -> tuple[Scenario, Optimum, Individual]:
    """Weeks of one scenario follow each other."""
    scenario = load_scenario(scenario_id)
    return scenario, optimum(scenario, proved=True), individual(scenario)
