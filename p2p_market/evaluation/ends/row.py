"""Rows of the reference table: both ends of an episode, made from nothing but the scenario."""

from functools import lru_cache
from typing import Any

from p2p_market.evaluation.ends.certificate import certify
from p2p_market.evaluation.ends.reference import Entry, reference_keys, rounded
from p2p_market.evaluation.players.player import play
from p2p_market.evaluation.players.policy import Planner, load_policy
from p2p_market.registry import load_scenario, rule_of
from p2p_market.track import OPTIMUM, AnyEpisode, AnyScenario, Plan
from p2p_market.tracks import track_of


def row(scenario_id: str, place: int) -> tuple[Entry, Plan]:
    """Play the rule, solve the optimum and certify its schedule.

    Args:
        place: of the episode in the table.

    Raises:
        OptimumError: if the solver fails.
    """
    scenario, planner = _planner(scenario_id)
    episode = track_of(scenario).draw(scenario, reference_keys(scenario)[place])
    return entry_of(scenario, episode, planner.plan(episode))


def entry_of(
    scenario: AnyScenario,
    episode: AnyEpisode,
    plan: Plan,
    second_solver_eur: float | None = None,
    individual_eur: tuple[float, ...] = (),
) -> tuple[Entry, Plan]:
    """What the table says of an optimum, and the plan as the table holds it.

    Args:
        episode: a batch of one.
        plan: as solved.
        second_solver_eur: see `Entry`, as `individual_eur`.
    """
    rule, plan = play(scenario, episode, rule_of(scenario)), rounded(scenario, episode, plan)
    certificate, played = certify(scenario, episode, plan, OPTIMUM)
    (key,) = episode.keys
    entry = Entry(
        key.split,
        key.start_day,
        key.seed,
        episode=track_of(scenario).digest(scenario, episode),
        rule_eur=float(rule.social_cost_eur[0]),
        rule_digest=rule.digests[0],
        plan_eur=plan.objective_eur,
        bound_eur=certificate.bound_eur,
        second_solver_eur=second_solver_eur,
        replay_eur=certificate.replay_eur,
        optimum_digest=played.digests[0],
        tolerance_eur=certificate.tolerance_eur,
        holds=certificate.holds,
        individual_eur=individual_eur,
        solver=plan.solver,
    )
    return entry, plan


@lru_cache(maxsize=2)
def _planner(scenario_id: str) -> tuple[Any, Planner]:
    """Cached: episodes of one scenario follow each other."""
    scenario = load_scenario(scenario_id)
    planner = load_policy(OPTIMUM, scenario)
    assert isinstance(planner, Planner)
    return scenario, planner
