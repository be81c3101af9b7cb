"""Rows of the reference table: both ends of an episode, made from nothing but the scenario."""

from functools import lru_cache

from baselines.battery.optimal.policy import Optimum, optimum
from p2p_market.battery.baselines import RULE
from p2p_market.battery.episode.episode import draw
from p2p_market.battery.scenario import Scenario
from p2p_market.evaluation.ends.certificate import certify
from p2p_market.evaluation.ends.reference import Entry, reference_keys, rounded
from p2p_market.evaluation.players.player import play
from p2p_market.kit.defaults import digest
from p2p_market.registry import load_scenario
from p2p_market.track import OPTIMUM, Plan


def row(scenario_id: str, place: int) -> tuple[Entry, Plan]:
    """Play the rule, solve the optimum and certify its schedule.

    Args:
        place: of the episode in the table.

    Raises:
        OptimumError: if the solver fails, or the certificate does not hold.
    """
    scenario, planner = _compiled(scenario_id)
    key = reference_keys(scenario)[place]
    episode = draw(scenario, key)
    rule = play(scenario, episode, RULE)
    plan = rounded(scenario, episode, planner.plan(episode))
    certificate, played = certify(scenario, episode, plan, OPTIMUM)
    entry = Entry(
        key.split,
        key.start_day,
        key.seed,
        episode=digest(scenario, episode),
        rule_eur=float(rule.social_cost_eur[0]),
        rule_digest=rule.digests[0],
        plan_eur=plan.objective_eur,
        bound_eur=certificate.bound_eur,
        second_solver_eur=None,  # the search tree's bound is the only one
        replay_eur=certificate.replay_eur,
        optimum_digest=played.digests[0],
        tolerance_eur=certificate.tolerance_eur,
        holds=certificate.holds,
        individual_eur=(),  # batteries are bound to their own markets, not to each other
        solver=plan.solver,
    )
    return entry, plan


@lru_cache(maxsize=2)
def _compiled(scenario_id: str) -> tuple[Scenario, Optimum]:
    """Episodes of one scenario follow each other."""
    scenario = load_scenario(scenario_id)
    return scenario, optimum(scenario)
