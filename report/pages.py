"""What a track may have on the page beyond what every track has; all of it has a default."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

from p2p_market.evaluation.benchmark import ScenarioResult
from p2p_market.track import AnyScenario
from p2p_market.tracks import extra
from report.figures import Picture
from report.table import Column, Line

GUIDE: Final = Path(__file__).with_name("guide.html")


@dataclass(frozen=True, slots=True)
class Why:
    """Why each policy loses, ready for the template."""

    note: str  # why there is no split; empty if there is one
    picture: Picture | None
    meanings: list[tuple[str, str]]  # name of a choice, what it means
    sentences: list[tuple[str, str]]  # policy, what is said of it
    head: str  # what the lines are: policies or causes
    columns: list[str]
    unit: str
    lines: list[Line]
    details: list[Line] = field(default_factory=list)  # what lines of a kind of device sum up


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the track's own, one line per policy."""

    title: str
    caption: str
    columns: Sequence[tuple[str, str]]  # name and unit
    lines: Sequence[Line]


def _no_tables(result: ScenarioResult) -> Sequence[Table]:
    return ()


def _no_pictures(result: ScenarioResult) -> Sequence[Picture]:
    return ()


def _no_pages(result: ScenarioResult, folder: Path) -> Mapping[str, str]:
    return {}


def _nothing(result: ScenarioResult) -> str:
    return ""


def _name_of_data(scenario: Any) -> str:
    return f"Data set {scenario.data.name}."


def _no_sources(scenario: Any) -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True)
class Pages:
    """What a track has on the page; scenarios are those of the track."""

    guide: Path = GUIDE  # HTML of ours: what its columns mean, as items of a list
    zero: str = ""  # what the rule at 0 does; "": its name says it
    hundred: str = "the perfect-foresight optimum of the same episodes"
    ends: Callable[[ScenarioResult], str] = _nothing  # what is to be added
    new_year: date | None = None  # first day of the data; None: episodes are of no year
    columns: tuple[Column, ...] | None = None  # after the costs; None: all metrics, as means
    colors: Mapping[str, str] = field(default_factory=dict)  # entry of the ledger -> its colour
    words: Mapping[str, str] = field(default_factory=dict)  # -> what it is called; else its name
    income: str = ""  # what costs below zero are
    cancels: str = ""  # what is not shown of the ledger
    gaps: str = ""  # what the parts of the gap mean
    why: Callable[[ScenarioResult], Why] | None = None
    tables: Callable[[ScenarioResult], Sequence[Table]] = _no_tables  # before the last pictures
    pictures: Callable[[ScenarioResult], Sequence[Picture]] = _no_pictures  # at the end
    data: Callable[[Any], str] = _name_of_data  # what its series are
    sources: Callable[[Any], Sequence[str]] = _no_sources  # attribution and licence, each once
    beside: Callable[[ScenarioResult, Path], Mapping[str, str]] = _no_pages  # writes further
    # pages into the folder of the report: what each is called -> name of its file


def pages_of(scenario: AnyScenario) -> Pages:
    """What the track of a scenario has on the page."""
    found = extra(scenario, "report")
    pages = Pages() if found is None else found
    assert isinstance(pages, Pages)
    return pages
