"""The first question to each policy, so that a broken one is reported before hours of play."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from p2p_market.errors import ClusterError
from p2p_market.evaluation.benchmark import draw_weeks
from p2p_market.evaluation.players.failure import FailedPolicyError, Failure
from p2p_market.evaluation.players.names import is_ours
from p2p_market.evaluation.players.player import load_player
from p2p_market.evaluation.rollout import rollout
from p2p_market.evaluation.running.parts import Tell, blamed_exit
from p2p_market.evaluation.running.processes import DeadProcessError, in_processes
from p2p_market.files import staying
from p2p_market.registry import scenario_of
from p2p_market.track import AnyScenario

Outcomes = tuple[Failure | None, ...]
"""How each scenario went; None: the policy gave an action."""


@dataclass(frozen=True, slots=True)
class Question:
    """One policy in some scenarios, in words that travel to another process."""

    policy: str
    specifications: tuple[str, ...]  # as JSON
    split: str


def first_tries(
    chosen: Sequence[AnyScenario], policies: Sequence[str], split: str
) -> dict[str, Outcomes]:
    """Ask each policy for one action in each scenario.

    Somebody else's policy is asked in another process, which it may end without ending this one.

    Raises:
        PolicyError: if there is no such policy.
        OptimumError: if it makes one plan with perfect foresight.
        ClusterError: if the system ended the other process.
    """
    outcomes: dict[str, Outcomes] = {}
    for policy in dict.fromkeys(policies):
        if is_ours(policy):
            outcomes[policy] = tuple(first_try(policy, one, split) for one in chosen)
    for policy in dict.fromkeys(policies):
        if not is_ours(policy):
            outcomes[policy] = _apart(policy, chosen, split)
    return outcomes


def _apart(policy: str, chosen: Sequence[AnyScenario], split: str) -> Outcomes:
    """The same in another process; if the policy ends the process, that is told as its failure."""
    texts = tuple(scenario.spec.model_dump_json() for scenario in chosen)
    try:
        with closing(in_processes([Question(policy, texts, split)], 1, _silent, work)) as asking:
            ((_, outcomes),) = asking
            return outcomes
    except DeadProcessError as error:
        if error.code is None:
            raise
        how = blamed_exit(error.code)
        if how is None:
            raise ClusterError(
                f"the process that tried policy {policy!r} was ended by the system (signal "
                f"{-error.code}), perhaps for lack of memory"
            ) from error
        where = ", ".join(scenario.spec.id for scenario in chosen)
        failure = Failure(f"policy {policy!r} failed in {where}: it ended its process ({how})")
        return (failure,) * len(chosen)


def work(question: Question, tell: Tell) -> Outcomes:
    """What the other process does."""
    scenarios = [scenario_of(text) for text in question.specifications]
    return tuple(first_try(question.policy, one, question.split) for one in scenarios)


@staying()
def first_try(name: str, scenario: AnyScenario, split: str) -> Failure | None:
    """Ask a policy for one action, in this process; None if it gave one."""
    (episode, *_) = draw_weeks(scenario, split, (0,), 0)
    try:
        cast, _ = load_player(name, scenario, episode)
        rollout(scenario, episode, cast, name, steps=1)
    except FailedPolicyError as error:
        return error.failure
    return None


def _silent(number: int, units: int) -> None:
    """Tells no progress: the first try is short."""
