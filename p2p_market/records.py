"""Records and types of arrays: the base of all, and what is handed around in play."""

from collections import namedtuple
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from operator import attrgetter
from typing import Any, Self, TypeVar, cast, get_args

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Float32Array = NDArray[np.float32]


@cache
def _reader(record: Any) -> Callable[[Any], tuple[Any, ...]]:
    """What reads all fields of a record at once."""
    names: tuple[str, ...] = record.__match_args__
    if len(names) > 1:
        return attrgetter(*names)
    return lambda one: tuple(getattr(one, name) for name in names)


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """Base of all records: a frozen dataclass whose arrays are read-only as well."""

    Arrays = cast(Any, None)  # of a class that `for_kernels` was put on

    def arrays(self) -> Any:
        """The fields as a named tuple."""
        return self.Arrays._of(self)

    def __post_init__(self) -> None:
        """Make every array read-only, those in mappings too."""
        record: Any = type(self)
        for value in _reader(record)(self):
            if isinstance(value, np.ndarray):  # first, for a step makes a hundred of them
                value.setflags(write=False)
            elif value is not None and isinstance(value, Mapping):  # most others are None
                for inner in value.values():
                    if isinstance(inner, np.ndarray):
                        inner.setflags(write=False)

    def __reduce__(self) -> tuple[type[Self], tuple[Any, ...]]:
        """Pickled by its fields; built anew, its arrays are read-only again, a part of their type.

        Else every process that was sent a scenario would compile the kernels once more.
        """
        return type(self), tuple(getattr(self, field.name) for field in fields(self))


def _inner(value: Any) -> Any:
    """A record inside a record, as kernels take it; anything else as it is."""
    return value.arrays() if isinstance(value, Record) else value


def _is_record(kind: Any) -> bool:
    """Whether a field of a type may be a record, or a record or nothing."""
    kinds = kind, *get_args(kind)
    return any(isinstance(one, type) and issubclass(one, Record) for one in kinds)


R = TypeVar("R", bound=Record)


def for_kernels(record: type[R]) -> type[R]:
    """Give a record `Arrays`, a named tuple of its fields: the form in which kernels take it.

    It can be reached by its name, so that what is compiled for it can be kept on disk.
    """
    names = [field.name for field in fields(record)]
    given = [field.default for field in fields(record) if field.default is not MISSING]
    arrays = cast(Any, namedtuple)("Arrays", names, defaults=given, module=record.__module__)
    arrays.__qualname__ = f"{record.__qualname__}.Arrays"
    read = attrgetter(*names)
    plain = staticmethod(lambda one: arrays._make(read(one)))  # many of them in a step
    records = [place for place, field in enumerate(fields(record)) if _is_record(field.type)]

    def nested(one: Any) -> Any:
        values = list(read(one))
        for place in records:
            values[place] = _inner(values[place])
        return arrays._make(values)

    arrays._of = staticmethod(nested) if records else plain
    record.Arrays = arrays
    return record


Joint = Mapping[str, NDArray[Any]]
"""Role -> array, (batch, agent of the role, feature or column)."""

Series = Mapping[str, NDArray[Any]]
"""Name -> array."""


@dataclass(frozen=True, slots=True)
class EpisodeKey:
    """What an episode is drawn from; the same key gives the same episode.

    Its text is hashed into published digests: name and fields stay.
    """

    split: str
    start_day: int  # day of the year, 0 = 1 January
    seed: int


def policy_seed(key: EpisodeKey) -> int:
    """Seed that a policy gets for an episode: another each week, and no way back to the draw."""
    mixed = np.random.SeedSequence([key.seed, key.start_day, 0x706F6C69])
    return int(mixed.generate_state(1, np.uint64)[0] >> np.uint64(1))


@dataclass(frozen=True, slots=True)
class Feature:
    """One number of an observation or of the joint state."""

    name: str
    unit: str
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Column:
    """One number of an action."""

    name: str
    unit: str
    choices: int = 0  # 0: a number in [-1, 1]; n: an index, 0 to n - 1


@dataclass(frozen=True, slots=True)
class Role(Record):
    """Agents that see the same features and have the same columns."""

    name: str
    agents: tuple[str, ...]  # in the order of `scenario.agents`, where roles follow each other
    features: tuple[Feature, ...]
    columns: tuple[Column, ...]
    rest: FloatArray  # (agent, column), stands where an agent sent nothing or is not asked
    rule: str  # baseline that plays this role where no policy is given

    @property
    def choices(self) -> bool:
        """Whether every column is a choice, so that an action may hold integers."""
        return all(column.choices for column in self.columns)


@dataclass(frozen=True, slots=True)
class Outcome(Record):
    """What one step produced."""

    entries_eur: FloatArray  # (batch, agent, entry of the card), positive = paid
    unpaid_eur: FloatArray  # (batch, unpaid of the card), costs that nobody pays, such as damage
    reward: FloatArray  # (batch, agent) [EUR]
    cause: IntArray  # (batch, agent), index into the card's causes, 0 = left alone
    series: Series  # (batch, ...) by name: what metrics and report need
    chained: tuple[NDArray[Any], ...]  # (batch, ...), hashed in this order: state, trades, ledger


@dataclass(frozen=True, slots=True)
class Trajectory(Record):
    """One batch of episodes as it was played."""

    policy: str
    actions: Joint  # role -> (step, batch, agent, column), normalised, as the policies gave them
    entries_eur: FloatArray  # (step, batch, agent, entry)
    unpaid_eur: FloatArray  # (step, batch, unpaid)
    reward: FloatArray  # (step, batch, agent)
    cause: IntArray  # (step, batch, agent)
    series: Series  # (step, batch, ...)
    digests: tuple[str, ...]  # one per community: hash chain over what the outcomes chain
    social: tuple[int, ...]  # entries that make up the social cost
    hidden: tuple[int, ...]  # entries that no agent pays, such as penalties for training

    @property
    def steps(self) -> int:
        """How many steps were played."""
        return len(self.entries_eur)

    @property
    def social_cost_eur(self) -> FloatArray:
        """Social cost of each episode, (batch,) [EUR]; what nobody pays is part of it."""
        total: FloatArray = self.entries_eur[..., list(self.social)].sum(axis=(0, 2, 3))
        return total + self.unpaid_eur.sum(axis=(0, 2)) if self.unpaid_eur.size else total

    @property
    def private_cost_eur(self) -> FloatArray:
        """What each agent pays in the episode, trades included, (batch, agent) [EUR]."""
        return np.asarray(np.delete(self.entries_eur, list(self.hidden), axis=-1).sum(axis=(0, 3)))

    @property
    def gross_money_eur(self) -> FloatArray:
        """All money that moved, in either direction, (batch,) [EUR]."""
        total: FloatArray = np.abs(self.entries_eur).sum(axis=(0, 2, 3))
        return total


@dataclass(frozen=True, slots=True)
class Plan(Record):
    """A schedule made with perfect foresight, with its proof."""

    schedule: Series  # (step, ...) by name, as in the reference tables
    prices: Series | None  # they prove the bound by arithmetic; None: the search tree did
    objective_eur: float  # cost of the plan by the solver that made it
    bound_eur: float  # no schedule costs less
    solver: str  # name and version
