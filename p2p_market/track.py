"""What a track promises, and what the neutral rooms hand around.

A track is a module, `p2p_market/<track>/track.py`, that only passes on: its rules stand in the
files beside it. Rollout, certificate, benchmark, records, replay and leaderboard know of a track
what stands here, and reach it through `p2p_market.tracks`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

from p2p_market.records import BoolArray, FloatArray, IntArray, Record

Joint = Mapping[str, NDArray[Any]]
"""Role -> array, (batch, agent of the role, feature or column)."""

Series = Mapping[str, NDArray[Any]]
"""Name -> array."""

Line = Callable[[tuple[int | str, ...]], int | None]
"""Path of a field in a scenario file -> its line."""

OPTIMUM: Final = "optimum"
"""Name of the 100 of every track."""


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


@dataclass(frozen=True, slots=True)
class Metric:
    """A column beside the score."""

    unit: str
    better: str  # "low", "high" or "" where neither is
    of: Callable[[Any, Any, Trajectory], FloatArray]  # (scenario, episode, played) -> (batch,)


@dataclass(frozen=True, slots=True)
class Baseline:
    """A policy by name."""

    targets: Mapping[str, str]  # role -> `module:factory`, imported on use
    benchmark: bool = True  # whether a benchmark plays it; others are played where asked for
    slow: bool = False  # solves a program in every hour
    foresight: bool = False  # knows the episode before it starts
    centralised: bool = False  # what agents do depends on what others see


@dataclass(frozen=True, slots=True)
class Card:
    """A track in tables."""

    name: str
    entries: tuple[str, ...]  # columns of the ledger
    social: tuple[str, ...]  # entries that make up the social cost
    causes: tuple[str, ...]  # why the supervisor holds an agent; the first: it does not
    metrics: Mapping[str, Metric]
    baselines: Mapping[str, Baseline]
    rule: str  # baseline at 0; the optimum is at 100
    unpaid: tuple[str, ...] = ()  # names of `Outcome.unpaid_eur`
    hidden: tuple[str, ...] = ()  # entries that no agent pays
    prices: tuple[str, ...] = ()  # names of `Plan.prices`, where prices prove the bound
    losses: tuple[str, ...] = ()  # kinds of choices that a breakdown tells apart
    gaps: Mapping[str, str] = field(default_factory=dict)  # part of `extras["gaps"]` -> its cause
    compared: str = ""  # baseline that others are measured against, beside the rule
    default: str = ""  # scenario that a benchmark plays unless told otherwise
    extras: Mapping[str, str] = field(default_factory=dict)  # name -> `module:name`, see EXTRAS


EXTRAS: Final[Mapping[str, str]] = {
    "batch": "(scenario, batch, threads, split) -> many communities at once, for training",
    "breakdown": "(scenario, episode, prices, played) -> why a policy loses, or None",
    "gaps": "(scenario, episode, played, best_eur) -> name in `Card.gaps` -> (batch,) [EUR]",
    "held": "(scenario, played) -> a sentence on why the supervisor held agents, or ''",
    "foreign": "(scenario) -> (module, words) of somebody else's code inside the step, or None",
    "twin": "(scenario) -> the scenario under whose id its optima are published",
    "pack": "(scenario, episode, plan) -> the plan as the reference table holds it",
    "unpack": "(scenario, episode, schedule) -> the schedule, with what is not stored",
    "mechanisms": "(scenario, episode, play) -> a row per market mechanism; its module lays it out",
    "optimum": "module:factory of the planner, called with the scenario",
    "row": "(scenario, week) -> a row of the reference table, solved anew",
    "report": "pages of the report",
}
"""What a track may have beside the contract: name -> signature. Neutral code asks for it by name
with `p2p_market.tracks.extra`, and does without where there is none."""


class AnyScenario(Protocol):
    """What neutral code reads of a scenario."""

    def __hash__(self) -> int:
        """By identity or by value: roles are computed once per scenario."""

    @property
    def spec(self) -> Any:
        """The file, a pydantic model: `id`, `title`, `track`, `days`, `dt_h`, `optimum`."""

    @property
    def digest(self) -> str:
        """Of the file and its data."""

    @property
    def data(self) -> Any:
        """Data set: `name` and `digest`."""

    @property
    def agents(self) -> tuple[str, ...]:
        """All agents, role after role."""

    @property
    def steps(self) -> int:
        """Of an episode."""


class AnyEpisode(Protocol):
    """What neutral code reads of a batch of episodes."""

    @property
    def keys(self) -> tuple[EpisodeKey, ...]:
        """One per community."""

    @property
    def batch(self) -> int:
        """Number of communities."""


S = TypeVar("S", bound=AnyScenario)
E = TypeVar("E", bound=AnyEpisode)
X = TypeVar("X")  # what changes from step to step


class Track(Protocol[S, E, X]):
    """The contract; a module keeps it."""

    @property
    def CARD(self) -> Card:  # noqa: N802 (a constant of the module)
        """The track in tables."""

    def read(self, values: Mapping[str, Any], source: str = ..., line: Line | None = ...) -> Any:
        """The file of a scenario, validated: a pydantic model with `id`, `title`, `track`, `days`.

        Args:
            values: what the file says, bases included.
            source: name of the file, for errors.
            line: tells the line of a field, for errors.

        Raises:
            ScenarioError: if it breaks the schema; it names file, line and field.
        """

    def build(self, spec: Any, source: str = ...) -> S:
        """A scenario with its arrays.

        Raises:
            ScenarioError: if what the file says is impossible.
        """

    def roles(self, scenario: S) -> tuple[Role, ...]:
        """Who acts."""

    def keys(self, scenario: S, split: str, seed: int) -> tuple[tuple[EpisodeKey, ...], ...]:
        """Episodes of a split in units that a bootstrap draws whole; a week of a split is one.

        Raises:
            ScenarioError: if there is no such split.
        """

    def draw(self, scenario: S, key: EpisodeKey) -> E:
        """One episode, a batch of one; all that is random is drawn here."""

    def stack(self, singles: Sequence[E]) -> E:
        """One batch out of several."""

    def take(self, episode: E, number: int) -> E:
        """One of a batch, as a batch of one."""

    def start(self, scenario: S, episode: E) -> X:
        """The state before the first step."""

    def observe(self, scenario: S, episode: E, state: X) -> Joint:
        """What agents see, role -> (batch, agent, feature), float32."""

    def masks(self, scenario: S, role: str, observation: NDArray[Any]) -> BoolArray | None:
        """Which choices are allowed, (batch, agent, sum of choices); None: all are."""

    def reads(self, scenario: S, episode: E, state: X) -> Mapping[str, BoolArray]:
        """Which columns count in this step, role -> (batch, agent, column).

        Records hold the role's rest in the others; a role that is left out reads all.
        """

    def step(
        self, scenario: S, episode: E, state: X, actions: Joint, strict: bool
    ) -> tuple[X, Outcome]:
        """One step of all roles.

        Args:
            actions: role -> (batch, agent, column).
            strict: raise on a broken invariant.
        """

    def digest(self, scenario: S, episode: E) -> str:
        """Of all that the cost of a schedule depends on; published tables hold it."""

    def bound_eur(self, scenario: S, episode: E, prices: Series) -> float:
        """What no schedule can undercut, by arithmetic from prices [EUR]."""

    def setting(self, scenario: S, episode: E) -> tuple[S, E]:
        """Where an optimum is played: a market that matches all volume, sound sensors."""

    def replayed(self, scenario: S, episode: E, plan: Plan) -> Joint:
        """Actions that play a plan there, role -> (step, 1, agent, column)."""

    def environment(
        self, scenario: S, render_mode: str | None, info: str
    ) -> ParallelEnv[Any, Any, Any]:
        """The PettingZoo environment."""


AnyTrack = Track[Any, Any, Any]
"""A track whose scenario, episode and state the caller only passes on."""
