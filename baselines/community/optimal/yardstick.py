"""Rows of the reference table: both ends of an episode, made from nothing but the scenario."""

from functools import lru_cache

import numpy as np

from baselines.community.optimal.individual import Individual, individual
from baselines.community.optimal.policy import Optimum, optimum
from p2p_market.community.baselines import RULE
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.optimum.digest import digest_of
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.evaluation.ends.certificate import certify
from p2p_market.evaluation.ends.reference import SEED, SPLIT, Entry, rounded
from p2p_market.evaluation.players.player import play
from p2p_market.registry import load_scenario
from p2p_market.track import OPTIMUM, Plan


def row(scenario_id: str, week: int) -> tuple[Entry, Plan]:
    """Play the rule, solve the optimum twice and each member's own, and certify the schedule.

    Args:
        week: of the test split.

    Raises:
        OptimumError: if a solver fails, or the certificate does not hold.
    """
    scenario, planner, alone = _compiled(scenario_id)
    episode = draw(scenario, choose_key(scenario, SEED, SPLIT, week))
    rule = play(scenario, episode, RULE)
    plan = rounded(scenario, episode, planner.plan(episode))
    certificate, played = certify(scenario, episode, plan, OPTIMUM)
    linear = scenario.spec.optimum == "linear"
    (key,) = episode.keys
    entry = Entry(
        key.split,
        key.start_day,
        key.seed,
        episode=digest_of(scenario, episode),
        rule_eur=float(rule.social_cost_eur[0]),
        rule_digest=rule.digests[0],
        plan_eur=plan.objective_eur,
        bound_eur=certificate.bound_eur,
        second_solver_eur=planner.second_opinion_eur(episode) if linear else None,
        replay_eur=certificate.replay_eur,
        optimum_digest=played.digests[0],
        tolerance_eur=certificate.tolerance_eur,
        holds=certificate.holds,
        individual_eur=tuple(np.round(alone.costs_eur(episode), 9).tolist()),
        solver=plan.solver,
    )
    return entry, plan


@lru_cache(maxsize=2)
def _compiled(scenario_id: str) -> tuple[Scenario, Optimum, Individual]:
    """Weeks of one scenario follow each other."""
    scenario = load_scenario(scenario_id)
    return scenario, optimum(scenario, proved=True), individual(scenario)
