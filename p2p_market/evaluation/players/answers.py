"""What became of a policy's answers: agents that it had held, numbers that were cut."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from p2p_market.records import BoolArray
from p2p_market.track import AnyScenario, Role, Trajectory
from p2p_market.tracks import track_of

HUGE: Final = 1e4
"""Times the range: a supervisor that holds an agent holds it because of such a number."""

EDGE: Final = 1.01
"""Of the range [-1, 1]: a number up to here is rounded, one beyond is cut."""

OFTEN: Final = 0.05
"""Of its answers: a policy that may ask for a little too much stays below."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Shares of all answers, one per agent and step, that could not be taken as they were."""

    held: float = 0.0  # NaN, infinite, huge or no choice, and the agent was held for it
    outside: float = 0.0  # a number outside [-1, 1], which was cut
    column: str = field(default="", compare=False)  # most often outside; records do not hold it


SOUND: Final = Answers()
"""Of a policy whose answers were all taken, and of all in older records."""

_ANSWERS: Final = TypeAdapter(Answers)


def answers(scenario: AnyScenario, played: Trajectory) -> Answers:
    """How many of a policy's answers were not taken as they were."""
    held, outside, most = [], [], (0, "")
    roles: Iterable[Role] = track_of(scenario).roles(scenario)
    for role in roles:
        asked = played.actions[role.name]
        numbers = [column.choices == 0 for column in role.columns]
        size = np.abs(asked[..., numbers].astype(np.float64))
        held.append(~possible(role, asked).all(axis=-1))
        outside.append((size > EDGE).any(axis=-1))
        beyond = np.count_nonzero(size > EDGE, axis=(0, 1, 2)).tolist()
        names = [column.name for column in role.columns if column.choices == 0]
        most = max([most, *zip(beyond, names, strict=True)], key=lambda one: one[0])
    lost = np.concatenate(held, axis=-1) & (played.cause != 0)
    cut = np.concatenate(outside, axis=-1) & ~lost
    return Answers(float(lost.mean()), float(cut.mean()), most[1] if cut.any() else "")


def possible(role: Role, asked: NDArray[Any]) -> BoolArray:
    """Whether each number is one that a supervisor takes: a choice, or neither NaN nor huge.

    Args:
        asked: actions of the role, (..., column).
    """
    choices = np.array([column.choices for column in role.columns])
    asked = asked.astype(np.float64)
    chosen = (asked == np.rint(asked)) & (asked >= 0.0) & (asked < choices)
    return np.asarray(np.where(choices > 0, chosen, np.abs(asked) <= HUGE))


def entry_of(found: Answers) -> dict[str, dict[str, float]]:
    """What a record keeps: nothing where all were taken as they were, as in older records."""
    shares = {"held": found.held, "outside": found.outside}
    return {} if found == SOUND else {"answers": shares}


def recorded_answers(entry: Mapping[str, Any]) -> Answers:
    """The same in a policy's entry of a run record."""
    return _ANSWERS.validate_python(entry["answers"]) if "answers" in entry else SOUND


def percent(share: float) -> str:
    """A share that is not zero, as a whole number of percent or as less than one."""
    return f"{100.0 * share:.0f} %" if share >= 0.005 else "less than 1 %"
