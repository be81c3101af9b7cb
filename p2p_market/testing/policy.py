"""Conformance of a policy: it answers, keeps no hidden state, and does not mix communities."""

import pickle
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from p2p_market.community import engine
from p2p_market.community.actions import action_map, to_proposal
from p2p_market.community.episode.episode import Episode, choose_key, draw, policy_seed, stack
from p2p_market.community.observation import observe
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.errors import ConformanceError, PolicyError
from p2p_market.evaluation.players import conduct
from p2p_market.evaluation.players.policy import Policy, checked_action
from p2p_market.records import Float32Array

STEPS: Final = 48
NOISE: Final = 1e-4
"""How far a network's outputs may move with the size of its batch, of a range from -1 to 1."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question to a policy, and its answer."""

    observation: Float32Array  # (batch, agent, feature)
    memory: Any
    action: NDArray[Any]  # (batch, agent, column)


def check_policy(policy: Policy, scenario: Scenario, steps: int = STEPS) -> None:
    """All checks of one policy in one scenario, on two communities at once.

    Raises:
        ConformanceError: at the first rule that is broken.
    """
    for check in CHECKS:
        check(policy, scenario, steps)


def check_answers(policy: Policy, scenario: Scenario, steps: int = STEPS) -> None:
    """Every answer is a finite action of the right shape, with a floating dtype, and a memory."""
    for step, asked in enumerate(play(policy, scenario, steps)):
        if not np.isfinite(asked.action).all():
            raise ConformanceError(
                f"{_name(policy)}: the action of step {step} is not finite; bound what it computes"
            )


def check_no_hidden_state(policy: Policy, scenario: Scenario, steps: int = STEPS) -> None:
    """The same observation and memory always give the same action, in any order of asking."""
    asked = play(policy, scenario, steps)
    for step, one in reversed(list(enumerate(asked))):
        for _ in range(2):
            action, _ = policy.act(one.observation.copy(), deepcopy(one.memory))
            if not np.array_equal(action, one.action):
                raise ConformanceError(
                    f"{_name(policy)}: asked again, it acts otherwise at step {step}; keep all "
                    "that changes in the memory, random generators and counters included"
                )


def check_same_seeds(policy: Policy, scenario: Scenario, steps: int = STEPS) -> None:
    """One seed gives one episode of actions, with the policy and with a pickled copy of it."""
    first = play(policy, scenario, steps)
    try:
        copy = pickle.loads(pickle.dumps(policy))
    except Exception as error:
        raise ConformanceError(
            f"{_name(policy)}: cannot be pickled for a worker: {error!r}; keep plain data"
        ) from error
    for other, what in ((policy, "a second time"), (copy, "as a pickled copy")):
        for step, (one, again) in enumerate(zip(first, play(other, scenario, steps), strict=True)):
            if not np.array_equal(one.action, again.action):
                raise ConformanceError(
                    f"{_name(policy)}: {what}, it plays one seed otherwise from step {step} on; "
                    "draw from the seeds of start() alone"
                )


def check_inputs_untouched(policy: Policy, scenario: Scenario, steps: int = STEPS) -> None:
    """Neither observation nor memory is written into: the next memory is a new one."""
    for step, asked in enumerate(play(policy, scenario, steps)):
        observation, memory = asked.observation.copy(), deepcopy(asked.memory)
        first, _ = policy.act(observation, memory)
        first = np.array(first)
        again, _ = policy.act(observation, memory)
        if not np.array_equal(observation, asked.observation) or not np.array_equal(first, again):
            raise ConformanceError(
                f"{_name(policy)}: act() wrote into its observation or memory at step {step}; "
                "return a new memory, change nothing"
            )


def check_communities_apart(policy: Policy, scenario: Scenario, steps: int = STEPS) -> None:
    """A community is played in a batch as alone, but for rounding (`NOISE`)."""
    episode = two_communities(scenario)
    seeds = [policy_seed(key) for key in episode.keys]
    memories = [policy.start([seed]) for seed in seeds]
    for step, asked in enumerate(play(policy, scenario, steps)):
        for b, memory in enumerate(memories):
            action, memories[b] = policy.act(asked.observation[b : b + 1], memory)
            if np.max(np.abs(action[0] - asked.action[b])) > NOISE:
                raise ConformanceError(
                    f"{_name(policy)}: at step {step} community {b} is played otherwise in a batch "
                    "than alone; compute each row of the batch from that row"
                )


def check_decentralised(policy: Policy, scenario: Scenario, steps: int = STEPS) -> None:
    """An agent's action depends on its own row only; not among the checks of `check_policy`."""
    played = play(policy, scenario, steps)
    seeds = [policy_seed(key) for key in two_communities(scenario).keys]
    asked = [conduct.Asked(one.observation, one.action) for one in played]
    others = [np.roll(one.observation, 1, axis=0) for one in played]
    if not conduct.minds_own_rows(policy, seeds, asked, others):
        raise ConformanceError(
            f"{_name(policy)}: an agent's action depends on what others see; compute row i of the "
            "action from row i of the observation"
        )


CHECKS: Final = (
    check_answers,
    check_same_seeds,
    check_no_hidden_state,
    check_inputs_untouched,
    check_communities_apart,
)
"""What `check_policy` runs, in order."""


def two_communities(scenario: Scenario) -> Episode:
    """A batch of two training episodes."""
    return stack([draw(scenario, choose_key(scenario, seed, "train", 4 * seed)) for seed in (1, 2)])


def play(policy: Policy, scenario: Scenario, steps: int) -> list[Asked]:
    """The first steps of two communities.

    Raises:
        ConformanceError: if an answer is not an action and a memory.
    """
    episode, table = two_communities(scenario), action_map(scenario)
    shape = (episode.batch, len(scenario.agents), table.width)
    state = engine.start(scenario, episode)
    memory = policy.start([policy_seed(key) for key in episode.keys])
    asked = []
    for _ in range(min(steps, scenario.steps)):
        observation, before = observe(scenario, episode, state), deepcopy(memory)
        answer = policy.act(observation.copy(), memory)
        try:
            action, memory = answer
            action = np.array(checked_action(action, shape, _name(policy)))
        except (PolicyError, TypeError, ValueError) as error:
            raise ConformanceError(
                f"{_name(policy)}: act() must return an action of shape {shape} and a memory; "
                f"{error}"
            ) from error
        asked.append(Asked(observation, before, action))
        present = np.ones(shape[:2], dtype=np.bool_)
        proposal = to_proposal(table.physical(action.astype(np.float64)), present)
        state, _ = engine.step(scenario, episode, state, proposal)
    return asked


def _name(policy: Policy) -> str:
    return type(policy).__name__
