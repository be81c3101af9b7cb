"""The two roles: an entry in all seats, or in one among bots; each as a policy for one draw."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from leaderboard.package.rules import read_rule
from leaderboard.playing.candidate import Candidate
from leaderboard.playing.guard import Guarded, OnGrid, allowed_faults, safe_default
from leaderboard.playing.reference import optimum
from leaderboard.sandbox.process import PolicyProcess
from leaderboard.sandbox.remote import process_of, remote
from leaderboard.season.draws import Draw, following
from leaderboard.season.season import Season
from leaderboard.tripwires import OTHER_OPTIMUM
from p2p_market.community.actions import action_map
from p2p_market.community.baselines import TRUTHFUL
from p2p_market.community.optimum.plan import plan_actions
from p2p_market.errors import PolicyError
from p2p_market.evaluation.players.mixture import Mixture
from p2p_market.evaluation.players.policy import Informed, Planner, Policy, load_policy
from p2p_market.evaluation.players.population import Seeded, bot_seed, load_population, seated
from p2p_market.evaluation.rollout import Recorded, rollout
from p2p_market.records import FloatArray
from p2p_market.track import OPTIMUM


@dataclass(frozen=True, slots=True)
class Actor:
    """A policy at work, and the process that it needs, if any."""

    policy: Policy
    process: PolicyProcess | None


@contextmanager
def actor(
    candidate: Candidate, file: str, season: Season, drawn: Draw, seat: int | None
) -> Iterator[Actor]:
    """A file of a candidate in a draw; its process ends with the block.

    Args:
        candidate: who plays.
        file: of it.
        season: whose limits hold.
        drawn: where it plays.
        seat: which it is asked for; None for all.
    """
    scenario = drawn.scenario
    network = candidate.seats(file, scenario)
    if network is None:
        yield Actor(_own_code(candidate, file, season, drawn), None)
        return
    asked = tuple(range(len(scenario.agents))) if seat is None else (seat,)
    with process_of(network, season.file.limits, asked) as process:
        yield Actor(remote(network, process, asked), process)


def _own_code(candidate: Candidate, file: str, season: Season, drawn: Draw) -> Policy:
    """A rule of ours with a stranger's settings, or a reference."""
    if candidate.package is not None:
        return read_rule(file, candidate.package.files[file]).policy(drawn.scenario)
    if file in (OPTIMUM, OTHER_OPTIMUM):
        return _planned(season, drawn, drawn if file == OPTIMUM else following(season, drawn))
    policy = load_policy(file, drawn.scenario)
    if isinstance(policy, Planner):
        raise PolicyError(f"{file!r} plans with perfect foresight; only the optimum may")
    return policy.informed(drawn.episode()) if isinstance(policy, Informed) else policy


def _planned(season: Season, drawn: Draw, of: Draw) -> Policy:
    """The schedule of a draw's optimum, in this draw."""
    plan = optimum(season, of)
    return Recorded(plan_actions(drawn.scenario, drawn.episode(), plan.schedule))


def guarded(policy: Policy, season: Season, drawn: Draw, out_faults: list[int]) -> Guarded:
    """The policy with the safe default behind it."""
    scenario = drawn.scenario
    most = allowed_faults(scenario.steps, season.file.limits.faulty_share)
    return Guarded(policy, safe_default(scenario), most, out_faults)


def among_bots(policy: Policy, season: Season, drawn: Draw, seat: int) -> Policy:
    """The policy in one seat, a bot of the season's population in each of the others."""
    scenario, key = drawn.scenario, drawn.key
    population = load_population(season.file.population)
    names = seated(scenario, population, key)
    bots = list(dict.fromkeys(names))
    member_of = np.array([[1 + bots.index(name) for name in names]])
    member_of[0, seat] = 0
    players = []
    for bot in bots:
        player = load_policy(population.bots[bot].target, scenario)
        if not isinstance(player, Policy):
            raise PolicyError(f"{population.name}: {bot} sees more than observations")
        players.append(Seeded(player, (bot_seed(key),)))
    labels = ("entry", *(f"{population.name}: {bot}" for bot in bots))
    return Mixture(labels, (policy, *players), member_of, action_map(scenario).width)


@lru_cache(maxsize=4)
def truthful_costs_eur(season: Season, drawn: Draw, seat: int) -> FloatArray:
    """Private costs where the seat plays the truthful rule among the same bots, (agent,)."""
    policy = load_policy(TRUTHFUL, drawn.scenario)
    assert isinstance(policy, Policy)
    joint = OnGrid(among_bots(policy, season, drawn, seat))
    played = rollout(drawn.scenario, drawn.episode(), joint, TRUTHFUL)
    return np.asarray(played.private_cost_eur[0])
