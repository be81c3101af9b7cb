"""What a track may bring for the leaderboard beyond its contract; all of it has a default."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from baselines.learners.decision import Decision
from baselines.learners.plain import Plain
from leaderboard.tracks import neutral
from p2p_market.evaluation.players.policy import Policy
from p2p_market.records import FloatArray, Record
from p2p_market.track import Card, EpisodeKey, Role, Trajectory

Number = Callable[[str], int]
"""A number of 128 bits of a draw, by what it is for: data, start, seed."""

Decide = Callable[[Any, Role], Decision]
"""(scenario, role) -> what a row of a network is, and what its outputs mean."""
PLAIN: Final = "plain"
"""The decision that every track has."""


class Rule(Protocol):
    """A policy of kind `rules`: a rule of the track and its settings."""

    def policy(self, scenario: Any, role: str) -> Policy:
        """The rule with these settings, as one role plays it."""


@dataclass(frozen=True, slots=True)
class Clock(Record):
    """What the tripwire that goes by the clock alone does; of a track with one role."""

    feature: str  # cosine of the hour's angle
    by_day: FloatArray  # (agent, column), normalised
    otherwise: FloatArray


@dataclass(frozen=True, slots=True)
class Shown:
    """A metric as it stands beside the score."""

    key: str  # name of the metric
    name: str
    digits: int
    unit: str | None = None  # in words; None: that of the metric
    on_board: bool = False  # on the board too, not only on the page of an entry


@dataclass(frozen=True, slots=True)
class Curve:
    """A line of a panel; its name is its class on the page."""

    name: str
    said: str
    values: FloatArray  # (step,), nan where there is none


@dataclass(frozen=True, slots=True)
class Panel:
    """Curves that share an axis."""

    title: str
    curves: tuple[Curve, ...]
    digits: int
    ends: tuple[float, float] | None = None  # of the axis; None: what the curves need


@dataclass(frozen=True, slots=True)
class Picture:
    """An episode as the pages draw it, step by step, and as a table of its days."""

    panels: tuple[Panel, ...]  # from top to bottom
    columns: tuple[tuple[str, str], ...]  # of the table: name and unit
    days: tuple[tuple[str, ...], ...]  # cells of each day
    alt: str
    caption: str


@dataclass(frozen=True, slots=True)
class BoardCard:
    """A track as the leaderboard needs it; scenarios and episodes are those of the track."""

    public: str = ""  # season whose secret everybody knows, for authors; "": there is none
    population: str = ""  # `module:attribute` of bots beside one seat; "": it has none of its own
    drawn: Callable[[Any, str, Number], tuple[Any, EpisodeKey]] = neutral.drawn
    """(shipped scenario, split, numbers) -> specification and key of a draw."""
    default: Callable[[Any], Mapping[str, FloatArray]] = neutral.default
    """Role -> (agent, column): what is played where an answer is faulty."""
    decisions: Mapping[str, Decide] = field(default_factory=dict)
    """What a row of a network is and what its outputs mean, by name; beside `PLAIN`."""
    rules: Callable[[Card, str, bytes], Rule] = neutral.rules
    """(card, name of the file, its text) -> the rule; PackageError where there is none."""
    facts: Callable[[Any, Any, str, int], Mapping[str, Any]] = neutral.facts
    """(scenario, episode, role, agent of the role) -> what is public of a seat before the first
    step, as JSON can hold it; for packages of code."""
    learnt: Callable[[Any, Any], Mapping[str, Any]] | None = None
    """(scenario, episode) -> further facts that take a solver; only for packages that ask."""
    published: Callable[[Any, Any, str, int, int], Mapping[str, FloatArray]] = neutral.published
    """(scenario, episode, role, agent, step) -> series that the market has published so far."""
    template: str = ""  # text of a rule's file; "": the rule at 0
    chance: str = "random"  # baseline that plays at random, for the tripwire
    clock: Callable[[Any], Clock] | None = None
    metrics: tuple[Shown, ...] | None = None  # beside the score; None: all, as they are named
    brief: Mapping[str, str] | None = None  # metric -> heading in a terminal; None: all
    zero: str = ""  # "0 costs what ... costs"; "": the name of the rule
    beside: str = "what stands beside the score is"  # "... shown, not added up"
    losses: Mapping[str, str] = field(default_factory=dict)  # part of the gap -> its meaning
    picture: Callable[[Any, Any, Trajectory], Picture] | None = None

    @property
    def every(self) -> Mapping[str, Decide]:
        """All decisions by name; the template has the first."""
        return {**self.decisions, PLAIN: Plain}
