"""Conformance of a policy: it answers, keeps no hidden state, and does not mix communities."""

import pickle
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from p2p_market.errors import ConformanceError, PolicyError
from p2p_market.evaluation.players import conduct
from p2p_market.evaluation.players.answers import EDGE, OFTEN, percent
from p2p_market.evaluation.players.interface import insist_on_policy
from p2p_market.evaluation.players.policy import Policy, checked_action, load_policy
from p2p_market.records import Float32Array
from p2p_market.track import AnyEpisode, AnyScenario, Role, policy_seed
from p2p_market.tracks import counted, track_of

STEPS: Final = 48
NOISE: Final = 1e-4
"""How far a network's outputs may move with the size of its batch, of a range from -1 to 1."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question to a policy, and its answer."""

    observation: Float32Array  # (batch, agent, feature)
    memory: Any
    action: NDArray[Any]  # (batch, agent, column)


def check_policy(
    policy: Policy, scenario: AnyScenario, steps: int = STEPS, role: str | None = None
) -> None:
    """All checks of one policy in one scenario, on two communities at once.

    Args:
        role: that the policy plays; None: the first.

    Raises:
        ConformanceError: at the first rule that is broken.
    """
    try:
        insist_on_policy(policy, "check_policy() was given")
    except PolicyError as error:
        raise ConformanceError(str(error)) from None
    if not isinstance(policy, Policy):
        raise ConformanceError(f"{_name(policy)}: does not act step by step; give a policy")
    for check in CHECKS:
        check(policy, scenario, steps, role)


def check_answers(
    policy: Policy, scenario: AnyScenario, steps: int = STEPS, role: str | None = None
) -> None:
    """Every answer is a finite action of the right shape, and a memory.

    A column of choices holds whole numbers from 0 on.
    """
    columns = _role(scenario, role).columns
    for step, asked in enumerate(play(policy, scenario, steps, role)):
        if not np.isfinite(asked.action).all():
            raise ConformanceError(
                f"{_name(policy)}: the action of step {step} is NaN or infinite; bound what it "
                "computes"
            )
        for column, values in zip(columns, np.moveaxis(asked.action, -1, 0), strict=True):
            if column.choices and not np.isin(values, np.arange(column.choices)).all():
                raise ConformanceError(
                    f"{_name(policy)}: at step {step} its {column.name} is {values.tolist()}; "
                    f"answer whole numbers from 0 to {column.choices - 1}"
                )


def check_range(
    policy: Policy, scenario: AnyScenario, steps: int = STEPS, role: str | None = None
) -> None:
    """Few answers have a number outside [-1, 1], which would be cut; in kW there would be many."""
    columns = _role(scenario, role).columns
    asked = np.array([one.action for one in play(policy, scenario, steps, role)])
    chosen = [column.choices > 0 for column in columns]
    outside = (np.abs(asked) > EDGE) & ~np.array(chosen)
    if (share := float(outside.any(axis=-1).mean())) >= OFTEN:
        most = columns[int(np.count_nonzero(outside, axis=(0, 1, 2)).argmax())]
        raise ConformanceError(
            f"{_name(policy)}: {percent(share)} of its answers have a number outside [-1, 1], most "
            f"in {most.name}; if that is in {most.unit}, scale it, in a community with "
            "`action_map(scenario).normalised(...)`"
        )


def check_no_hidden_state(
    policy: Policy, scenario: AnyScenario, steps: int = STEPS, role: str | None = None
) -> None:
    """The same observation and memory always give the same action, in any order of asking."""
    asked = play(policy, scenario, steps, role)
    for step, one in reversed(list(enumerate(asked))):
        for _ in range(2):
            action, _ = policy.act(one.observation.copy(), deepcopy(one.memory))
            if not np.array_equal(action, one.action):
                raise ConformanceError(
                    f"{_name(policy)}: asked again, it acts differently at step {step}; keep all "
                    "that changes in the memory, random generators and counters included"
                )


def check_same_seeds(
    policy: Policy, scenario: AnyScenario, steps: int = STEPS, role: str | None = None
) -> None:
    """One seed gives one episode of actions, with the policy and with a pickled copy of it."""
    first = play(policy, scenario, steps, role)
    try:
        copy = pickle.loads(pickle.dumps(policy))
    except Exception as error:
        raise ConformanceError(
            f"{_name(policy)}: cannot be pickled for a worker: {error!r}; keep plain data"
        ) from error
    for other, what in ((policy, "a second time"), (copy, "as a pickled copy")):
        for step, (one, again) in enumerate(
            zip(first, play(other, scenario, steps, role), strict=True)
        ):
            if not np.array_equal(one.action, again.action):
                raise ConformanceError(
                    f"{_name(policy)}: {what}, it plays the same seed differently from step "
                    f"{step} on; "
                    "draw from the seeds of start() alone"
                )


def check_inputs_untouched(
    policy: Policy, scenario: AnyScenario, steps: int = STEPS, role: str | None = None
) -> None:
    """Neither observation nor memory is written into: the next memory is a new one."""
    for step, asked in enumerate(play(policy, scenario, steps, role)):
        observation, memory = asked.observation.copy(), deepcopy(asked.memory)
        first, _ = policy.act(observation, memory)
        first = np.array(first)
        again, _ = policy.act(observation, memory)
        if not np.array_equal(observation, asked.observation) or not np.array_equal(first, again):
            raise ConformanceError(
                f"{_name(policy)}: act() wrote into its observation or memory at step {step}; "
                "return a new memory, change nothing"
            )


def check_communities_apart(
    policy: Policy, scenario: AnyScenario, steps: int = STEPS, role: str | None = None
) -> None:
    """A community is played in a batch as alone, but for rounding (`NOISE`)."""
    episode = two_communities(scenario)
    seeds = [policy_seed(key) for key in episode.keys]
    memories = [policy.start([seed]) for seed in seeds]
    for step, asked in enumerate(play(policy, scenario, steps, role)):
        for b, memory in enumerate(memories):
            action, memories[b] = policy.act(asked.observation[b : b + 1], memory)
            if np.max(np.abs(action[0] - asked.action[b])) > NOISE:
                raise ConformanceError(
                    f"{_name(policy)}: at step {step} community {b} is played differently in a "
                    "batch than alone; compute each row of the batch from that row"
                )


def check_decentralised(
    policy: Policy, scenario: AnyScenario, steps: int = STEPS, role: str | None = None
) -> None:
    """An agent's action depends on its own row only; not among the checks of `check_policy`."""
    played = play(policy, scenario, steps, role)
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
    check_range,
    check_same_seeds,
    check_no_hidden_state,
    check_inputs_untouched,
    check_communities_apart,
)
"""What `check_policy` runs, in order."""


def two_communities(scenario: AnyScenario) -> AnyEpisode:
    """A batch of two training episodes."""
    track = track_of(scenario)
    units = track.keys(scenario, "train", 1), track.keys(scenario, "train", 2)
    places = [min(4 * seed, len(units[0]) - 1) for seed in (1, 2)]
    keys = [unit[place][0] for unit, place in zip(units, places, strict=True)]
    pair: AnyEpisode = track.stack([track.draw(scenario, key) for key in keys])
    return pair


def play(
    policy: Policy, scenario: AnyScenario, steps: int, role: str | None = None
) -> list[Question]:
    """The first steps of two communities; other roles play their rules.

    Args:
        role: of the policy; None: the first.

    Raises:
        ConformanceError: if an answer is not an action and a memory.
    """
    episode, track = two_communities(scenario), track_of(scenario)
    roles = {one.name: one for one in track.roles(scenario)}
    role = _role(scenario, role).name
    cast: dict[str, Any] = {n: load_policy(one.rule, scenario, n) for n, one in roles.items()}
    cast[role] = policy
    seeds = [policy_seed(key) for key in episode.keys]
    state = track.start(scenario, episode)
    memory = {name: cast[name].start(list(seeds)) for name in roles}
    asked = []
    for _ in range(min(steps, scenario.steps)):
        seen, actions = track.observe(scenario, episode, state), {}
        for name, one in roles.items():
            shape = (episode.batch, len(one.agents), len(one.columns))
            before = deepcopy(memory[name])
            answer = cast[name].act(seen[name].copy(), memory[name])
            try:
                action, memory[name] = answer
                action = np.array(checked_action(action, shape, _name(cast[name]), one.choices))
            except (PolicyError, TypeError, ValueError) as error:
                raise ConformanceError(
                    f"{_name(cast[name])}: act() must return an action of shape {shape} and a "
                    f"memory; {error}"
                ) from error
            actions[name] = action
            if name == role:
                asked.append(Question(seen[name], before, action))
        actions = counted(scenario, episode, state, actions)
        state, _ = track.step(scenario, episode, state, actions, True)
    return asked


def _role(scenario: AnyScenario, name: str | None) -> Role:
    """A role by name; None: the first."""
    found = {role.name: role for role in track_of(scenario).roles(scenario)}
    return found[name or next(iter(found))]


def _name(policy: Policy) -> str:
    return type(policy).__name__
