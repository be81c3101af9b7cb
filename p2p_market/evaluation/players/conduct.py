"""How a policy behaves: what it sees, whose rows it reads, whether it repeats its answers.

A policy that is not shipped is asked again after its play, with what it saw on the first day. It
must give the same bytes, as it is and loaded afresh. Then the rows of half of the agents are
replaced by those of another week; the others must act as before. Columns in which all agents of a
community see the same number stay: calendar and common prices are public. Finally it is
asked for one community beyond the first day (`judging`). The conduct of shipped policies is below;
tests check it.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from p2p_market.errors import PolicyError
from p2p_market.evaluation.players.answers import OFTEN, SOUND, Answers, recorded_answers
from p2p_market.evaluation.players.failure import Failure
from p2p_market.evaluation.players.names import of_roles
from p2p_market.evaluation.players.policy import Policy, ask
from p2p_market.evaluation.running.interruption import asked_for
from p2p_market.records import BoolArray, Float32Array
from p2p_market.registry import baselines
from p2p_market.track import OPTIMUM, AnyScenario

Sight = Literal["observations", "foresight"]
Rows = Literal["centralised", "decentralised, checked", "not checked"]

TOLERANCE: Final = 1e-6  # of a normalised action: so far others' rows may move it


@dataclass(frozen=True, slots=True)
class Conduct:
    """What is shown beside the score of a policy in one scenario."""

    sight: Sight = "observations"
    rows: Rows = "not checked"
    reproducible: bool | None = None  # None: not asked twice
    failure: Failure | None = None

    @property
    def contends(self) -> bool:
        """Whether it is ranked and compared; a policy that knows the future is a reference."""
        return self.sight == "observations"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a policy saw, and what it answered."""

    observation: Float32Array  # (batch, agent, feature)
    action: NDArray[Any]  # (batch, agent, column)


@dataclass(frozen=True, slots=True)
class Watched:
    """A policy, and a record of what it saw and answered first."""

    policy: Policy
    steps: int
    out_seen: list[Float32Array] = field(default_factory=list)
    out_answers: list[NDArray[Any]] = field(default_factory=list)

    def start(self, seeds: Sequence[int]) -> Any:
        """The policy's memory."""
        return self.policy.start(seeds)

    def act(self, observation: Float32Array, memory: Any) -> Any:
        """The policy's answer."""
        if len(self.out_seen) >= self.steps:
            return self.policy.act(observation, memory)
        self.out_seen.append(observation.copy())
        answer = self.policy.act(observation, memory)
        if isinstance(answer, tuple) and len(answer) == 2:
            with suppress(TypeError, ValueError):  # the play ends here
                self.out_answers.append(np.array(answer[0]))
        return answer


UNKNOWN: Final = Conduct()
"""Of a policy that has not played, and of all in older records."""

MARKS: Final = {
    "x": ("failed", "all its weeks count as a score of -100"),
    "f": ("foresight", "it knows the future; a reference, neither ranked nor compared"),
    "h": (
        "held",
        "its answers were NaN, infinite or huge, or named no choice, in so many steps of its "
        "agents, and the supervisor acted in their place: a score near 0 is then no result",
    ),
    "o": (
        "out of range",
        "so many of its answers had a number outside [-1, 1], which was cut; if they are in kW or "
        "EUR/kWh, scale them, in a community with `action_map(scenario).normalised(...)`",
    ),
    "n": (
        "not reproducible",
        "asked again, it gave another answer; keep all that changes in the memory, random "
        "generators and counters included, and draw from the seeds of start() alone",
    ),
    "c": ("centralised", "what agents do can depend on what others see"),
}
"""Letter in a table -> word, and what it means."""

CONDUCT: Final = TypeAdapter(Conduct)


def recorded_conduct(entry: Mapping[str, Any]) -> Conduct:
    """The conduct in a policy's entry of a run record.

    Raises:
        ValueError: if it is damaged.
    """
    return CONDUCT.validate_python(entry["conduct"]) if "conduct" in entry else UNKNOWN


def recorded_marks(record: Mapping[str, Any], names: Container[str] | None = None) -> list[str]:
    """What a run record says of the conduct of its policies, a line per mark.

    For example "failed: mine:make (classic-v0), other:make"; without scenarios it is all of them.

    Args:
        names: of policies that are told of; None: all.
    """
    scenarios = record["scenarios"]
    lines = []
    for mark, (word, _) in MARKS.items():
        found: dict[str, list[str]] = {}
        for scenario in scenarios:
            for entry in scenario["policies"]:
                name = entry["policy"]
                if name == OPTIMUM or (names is not None and name not in names):
                    continue
                if mark in marks(recorded_conduct(entry), recorded_answers(entry)):
                    found.setdefault(name, []).append(scenario["id"])
        told = [
            name if len(ids) == len(scenarios) else f"{name} ({', '.join(ids)})"
            for name, ids in found.items()
        ]
        if told:
            lines.append(f"{word}: {', '.join(told)}")
    return lines


def marks(conduct: Conduct, answered: Answers = SOUND) -> list[str]:
    """Letters of `MARKS`."""
    found = {
        "x": conduct.failure is not None,
        "f": not conduct.contends,
        "h": answered.held > 0.0,
        "o": answered.outside >= OFTEN,
        "n": conduct.reproducible is False,
        "c": conduct.rows == "centralised",
    }
    return [mark for mark, holds in found.items() if holds]


def of_shipped(name: str, scenario: AnyScenario) -> Conduct | None:
    """The conduct of a baseline, or of one for each role; None for all others."""
    known = baselines(scenario)
    try:
        parts = {name} if name in known else {*of_roles(scenario, name).values()}
    except PolicyError:
        return None
    if not parts <= known.keys():
        return None
    sight: Sight = "foresight" if any(known[part].foresight for part in parts) else "observations"
    centralised = any(known[part].centralised for part in parts)
    rows: Rows = "centralised" if centralised else "decentralised, checked"
    return Conduct(sight, rows, reproducible=True)


def known_conduct(name: str, scenario: AnyScenario) -> Conduct | None:
    """What a record must say of a shipped policy; None for all others."""
    if name == OPTIMUM:
        return Conduct("foresight", "centralised", True)
    return of_shipped(name, scenario)


def answers_alike(
    policy: Policy, afresh: Callable[[], Policy], seeds: Sequence[int], asked: Sequence[Asked]
) -> bool:
    """Whether the policy gives the same bytes for what it saw, as it is and loaded afresh.

    Args:
        policy: that has played.
        afresh: gives another one of its kind.
        seeds: that it was started with.
        asked: from the first step on.
    """

    def alike(policy: Policy) -> bool:
        memory = policy.start(seeds)
        for one in asked:
            seen, like = one.observation.copy(), one.action
            action, memory = ask(policy, seen, memory, like.shape, choices=True)
            if action.astype(like.dtype).tobytes() != like.tobytes():
                return False
        return True

    return holds(lambda: alike(policy) and alike(afresh()))


def minds_own_rows(
    policy: Policy, seeds: Sequence[int], asked: Sequence[Asked], others: Sequence[Float32Array]
) -> bool:
    """Whether agents act as before where the rows of others are of another week.

    Args:
        seeds: that the policy was started with.
        asked: from the first step on.
        others: observations of another week at the same steps.
    """
    batch, agents = asked[0].observation.shape[:2]
    halves = _halves(agents)

    def apart(kept: BoolArray) -> bool:
        memory = policy.start(seeds)
        for one, other in zip(asked, others, strict=True):
            seen = mixed(one.observation, other, kept)
            action, memory = ask(policy, seen, memory, one.action.shape, choices=True)
            same = np.isclose(action, one.action, rtol=0.0, atol=TOLERANCE, equal_nan=True)
            if not same[kept].all():
                return False
        return True

    turns = [halves[first : first + batch] for first in range(0, len(halves), batch)]
    return all(holds(partial(apart, np.resize(turn, (batch, agents)))) for turn in turns)


def holds(test: Callable[[], bool]) -> bool:
    """What a test finds; a policy that raises where it did not before acts differently."""
    try:
        return test()
    except BaseException as error:
        if asked_for(error):
            raise
        return False


def _halves(agents: int) -> BoolArray:
    """Sets of agents whose rows are kept, (set, agent); each pair is separated by some set."""
    bits = np.arange((agents - 1).bit_length())
    of_agent = (np.arange(agents) >> bits[:, None]) & 1
    return np.concatenate([of_agent == 0, of_agent == 1])


def mixed(own: Float32Array, other: Float32Array, kept: BoolArray) -> Float32Array:
    """Own rows where they are kept or where all agents see the same number, else the others'."""
    common = (own == own[:, :1]).all(axis=1, keepdims=True)
    return np.where(kept[..., None] | common, own, other)
