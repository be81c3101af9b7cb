"""What a track promises; what is handed around in play stands in `p2p_market.records`.

A track is a module, `p2p_market/<track>/track.py`, that only passes on: its rules stand in the
files beside it. Rollout, certificate, benchmark, records, replay and leaderboard know of a track
what stands here, and reach it through `p2p_market.tracks`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

from numpy.typing import NDArray
from pettingzoo import ParallelEnv

from p2p_market.records import (
    BoolArray,
    Column,
    EpisodeKey,
    Feature,
    FloatArray,
    Joint,
    Outcome,
    Plan,
    Role,
    Series,
    Trajectory,
    policy_seed,
)

__all__ = [
    "EXTRAS",
    "OPTIMUM",
    "AnyEpisode",
    "AnyScenario",
    "AnyTrack",
    "Baseline",
    "Card",
    "Column",
    "EpisodeKey",
    "Feature",
    "Joint",
    "Line",
    "Metric",
    "Outcome",
    "Plan",
    "Role",
    "Series",
    "Track",
    "Trajectory",
    "policy_seed",
]

Line = Callable[[tuple[int | str, ...]], int | None]
"""Path of a field in a scenario file -> its line."""

OPTIMUM: Final = "optimum"
"""Name of the 100 of every track."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A column beside the score."""

    unit: str
    better: str  # "low", "high" or "" where neither is
    of: Callable[[Any, Any, Trajectory], FloatArray]  # (scenario, episode, played) -> (batch,)
    tell_zero: bool = False  # whether it is said below the table where a contestant has none


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
    "batch": "(scenario, batch, threads, split) -> many communities at once, for training; with "
    "several roles it has `for_role(role, others)`",
    "breakdown": "(scenario, episode, prices, played) -> why a policy loses, or None",
    "gaps": "(scenario, episode, played, best_eur) -> name in `Card.gaps` -> (batch,) [EUR]",
    "figures": "(scenario, episode, played) -> more columns of metrics.csv -> (episode,)",
    "held": "(scenario, played) -> why the supervisor held agents, in the track's words, or ''",
    "foreign": "(scenario) -> (module, words) of somebody else's code inside the step, or None",
    "twin": "(scenario) -> the scenario under whose id its optima are published",
    "pack": "(scenario, episode, plan) -> the plan as the reference table holds it",
    "unpack": "(scenario, episode, schedule) -> the schedule, with what is not stored",
    "mechanisms": "(scenario, episode, play) -> a row per market mechanism; its module lays it out",
    "starter": "(data set) -> text of a first scenario file on what a user imported",
    "optimum": "module:factory of the planner, called with the scenario",
    "row": "(scenario, week) -> a row of the reference table, where it holds more than any track's",
    "population": "bots that play beside an agent in focus, of one role each or of all",
    "report": "pages of the report",
    "dashboard": "file of a Streamlit page on a recorded play, or on one of a scenario",
    "board": "a `BoardCard` of `leaderboard.tracks.card`, for the leaderboard",
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

        Every track has the splits `train`, `validation` and `test`. A key is found again by its
        own seed: `keys(scenario, key.split, key.seed)` holds it, in the same unit. So its seed is
        the one that is asked for; or, where a start day is drawn several times or units are seeds,
        one of a block of seeds, all of which give the same units (`p2p_market.kit.episodes`).

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
        """Which choices are allowed, (batch, agent, sum of choices); None: all are.

        They tell; `step` judges what is sent in spite of them.
        """

    def reads(self, scenario: S, episode: E, state: X) -> Mapping[str, BoolArray]:
        """Which columns count in this step, role -> (batch, agent, column).

        Step and records get the role's rest in the others (`p2p_market.tracks.counted`); a role
        that is left out reads all.
        """

    def step(
        self, scenario: S, episode: E, state: X, actions: Joint, strict: bool
    ) -> tuple[X, Outcome]:
        """One step of all roles; the only judge of what was sent, whoever sent it.

        It fails on no number: one out of its range or none at all, and a choice that is no index
        or is masked, is replaced by what the track says (`p2p_market.kit.actions` for most), and
        the cause says why.

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
