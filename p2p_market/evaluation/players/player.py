"""One policy on all weeks of a scenario: loaded, played and asked again; failing is an answer."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from p2p_market.community.episode.episode import Episode
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.errors import OptimumError
from p2p_market.evaluation.players.conduct import (
    Conduct,
    Watched,
    of_shipped,
)
from p2p_market.evaluation.players.failure import FailedPolicyError
from p2p_market.evaluation.players.interface import insist_on_policy
from p2p_market.evaluation.players.judging import Play, judged
from p2p_market.evaluation.players.policy import Informed, Policy, load_policy
from p2p_market.evaluation.rollout import author_of, rollout
from p2p_market.places import staying
from p2p_market.track import Trajectory

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of a policy."""

    played: Trajectory | None  # to the end, or up to the failure; None if it never acted
    conduct: Conduct


@staying()
def attempt(
    scenario: Scenario,
    episode: Episode,
    name: str,
    centralised: bool = False,
    progress: Progress | None = None,
) -> Attempt:
    """Play one policy on all weeks, as one batch, and look how it behaves.

    Args:
        centralised: it says so itself; whose rows it reads is not looked at. What shipped ones
            do is known.
        progress: called with the number of steps played since its last call.

    Raises:
        PolicyError: if there is no such policy.
        OptimumError: if it makes one plan with perfect foresight.
    """
    conduct = Conduct()
    try:
        policy, conduct = load_player(name, scenario, episode)
        watched = Watched(policy, scenario.steps if conduct.reproducible is None else 0)
        played = rollout(scenario, episode, watched, name, progress=progress)
    except FailedPolicyError as error:
        return Attempt(error.played, replace(conduct, failure=error.failure))
    if conduct.reproducible is None:

        def make(episode: Episode) -> Policy:
            return load_player(name, scenario, episode)[0]

        done = Play(scenario, episode, watched, played.actions, played.digests, make)
        found = judged(done, centralised, not conduct.contends)
        conduct = replace(found, sight=conduct.sight)
    return Attempt(played, conduct)


@staying()
def play(
    scenario: Scenario, episode: Episode, name: str, progress: Progress | None = None
) -> Trajectory:
    """Play one policy on all weeks, as one batch.

    Raises:
        FailedPolicyError: if it fails.
        OptimumError: if it makes one plan with perfect foresight.
    """
    policy, _ = load_player(name, scenario, episode)
    return rollout(scenario, episode, policy, name, progress=progress)


def load_player(name: str, scenario: Scenario, episode: Episode) -> tuple[Policy, Conduct]:
    """A policy that acts step by step, and what is known of it before it plays.

    Whoever asks to know the episode is told it, and is marked.

    Raises:
        PolicyError: if there is no such policy.
        FailedPolicyError: if it cannot be made.
        OptimumError: if it makes one plan with perfect foresight.
    """
    policy, conduct = load_policy(name, scenario), of_shipped(name) or Conduct()
    if isinstance(policy, Informed):
        conduct = replace(conduct, sight="foresight")
        policy = author_of(name, scenario).call(None, _informed, policy, episode)
    if not isinstance(policy, Policy):
        raise OptimumError(f"{name!r} plans with perfect foresight; only the optimum may")
    return policy, conduct


def _informed(policy: Informed, episode: Episode) -> Policy:
    told = policy.informed(episode)
    insist_on_policy(told, "informed()")
    return told
