"""One policy on all weeks of a scenario: loaded, played and asked again; failing is an answer."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from p2p_market.evaluation.players.conduct import (
    Conduct,
    Watched,
    of_shipped,
)
from p2p_market.evaluation.players.failure import FailedPolicyError
from p2p_market.evaluation.players.interface import insist_on_policy
from p2p_market.evaluation.players.judging import Play, judged, together
from p2p_market.evaluation.players.policy import Informed, Policy, load_cast
from p2p_market.evaluation.rollout import authors_of, rollout
from p2p_market.files import staying
from p2p_market.track import AnyEpisode, AnyScenario, Trajectory

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Attempt:
    """The result of a policy."""

    played: Trajectory | None  # to the end, or up to the failure; None if it never acted
    conduct: Conduct


@staying()
def attempt(
    scenario: AnyScenario,
    episode: AnyEpisode,
    name: str,
    centralised: bool = False,
    progress: Progress | None = None,
) -> Attempt:
    """Play one policy on all weeks, as one batch, and check how it behaves.

    Args:
        centralised: it claims to be; whose rows it reads is not checked. That of shipped ones
            is known.
        progress: called with the number of steps played since its last call.

    Raises:
        PolicyError: if there is no such policy.
        OptimumError: if it makes one plan with perfect foresight.
    """
    conduct = Conduct()
    try:
        cast, conduct = load_player(name, scenario, episode)
        steps = scenario.steps if conduct.reproducible is None else 0
        watched = {role: Watched(policy, steps) for role, policy in cast.items()}
        played = rollout(scenario, episode, watched, name, progress=progress)
    except FailedPolicyError as error:
        return Attempt(error.played, replace(conduct, failure=error.failure))
    if conduct.reproducible is None:
        found = [
            judged(_play_of(role, name, scenario, episode, one, played), centralised, conduct)
            for role, one in watched.items()
        ]
        conduct = replace(together(found), sight=conduct.sight)
    return Attempt(played, conduct)


def _play_of(
    role: str,
    name: str,
    scenario: AnyScenario,
    episode: AnyEpisode,
    watched: Watched,
    played: Trajectory,
) -> Play:
    """What the policy of one role saw and did."""

    def make(episode: AnyEpisode) -> Policy:
        return load_player(name, scenario, episode)[0][role]

    return Play(scenario, episode, role, watched, played.actions, played.digests, make)


@staying()
def play(
    scenario: AnyScenario, episode: AnyEpisode, name: str, progress: Progress | None = None
) -> Trajectory:
    """Play one policy on all weeks, as one batch.

    Raises:
        FailedPolicyError: if it fails.
        OptimumError: if it makes one plan with perfect foresight.
    """
    cast, _ = load_player(name, scenario, episode)
    return rollout(scenario, episode, cast, name, progress=progress)


def load_player(
    name: str, scenario: AnyScenario, episode: AnyEpisode
) -> tuple[dict[str, Policy], Conduct]:
    """Policies that act step by step, one per role, and what is known of them before they play.

    A policy that asks for the episode gets it, and is marked.

    Raises:
        PolicyError: if there is no such policy.
        FailedPolicyError: if it cannot be made.
        OptimumError: if it makes one plan with perfect foresight.
    """
    conduct, authors = of_shipped(name, scenario) or Conduct(), authors_of(name, scenario)
    cast: dict[str, Policy] = {}
    for role, given in load_cast(name, scenario).items():
        if isinstance(given, Informed):
            conduct = replace(conduct, sight="foresight")
            cast[role] = authors[role].call(None, _informed, given, episode)
        else:
            cast[role] = given
    return cast, conduct


def _informed(policy: Informed, episode: AnyEpisode) -> Policy:
    told = policy.informed(episode)
    insist_on_policy(told, "informed() returned")
    return told
