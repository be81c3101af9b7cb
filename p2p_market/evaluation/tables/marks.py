"""The marks beside policies in the table of a scenario, and what is said of them below it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from p2p_market.evaluation.benchmark import Row, ScenarioResult, weeks_and_draws
from p2p_market.evaluation.players.answers import Answers, percent
from p2p_market.evaluation.players.conduct import MARKS, Conduct, marks
from p2p_market.registry import rule_of
from p2p_market.track import OPTIMUM
from p2p_market.tracks import track_of
from p2p_market.words import counted, episodes

NO_MARK = "decentralised, checked, and reproducible"
"""What it means that a policy has none; the optimum has none either, and knows the future."""


@dataclass(frozen=True, slots=True)
class Legend:
    """One mark that stands in a table."""

    mark: str
    word: str
    meaning: str
    policies: tuple[str, ...]
    shares: tuple[str, ...]  # of their answers, in percent; empty where the mark has none


def marks_of(row: Row) -> list[str]:
    """Letters beside a policy's name; the end of the scale needs none."""
    return [] if row.policy == OPTIMUM else marks(row.conduct, row.answers)


def legends(rows: Sequence[Row]) -> list[Legend]:
    """The marks that stand in a table, and only those."""
    found = []
    for mark, (word, meaning) in MARKS.items():
        own = [row for row in rows if mark in marks_of(row)]
        shares: tuple[str, ...] = ()
        if mark == "h":
            shares = tuple(percent(row.answers.held) for row in own)
        if mark == "o":
            shares = tuple(_outside(row.answers) for row in own)
        if own:
            found.append(Legend(mark, word, meaning, tuple(row.policy for row in own), shares))
    return found


def nothing(result: ScenarioResult) -> list[str]:
    """For example "mine:make: traded 0 kWh in 12 of 13 weeks", of policies between the ends."""
    ends, spec = (rule_of(result.scenario), OPTIMUM), result.scenario.spec
    _, draws = weeks_and_draws(result.scenario, result.episode.keys)
    asked = {n: m for n, m in track_of(result.scenario).CARD.metrics.items() if m.tell_zero}
    told = []
    for row in result.played:
        for name, metric in asked.items() if row.policy not in ends else ():
            if none := int(np.count_nonzero(row.metrics[name] == 0.0)):
                count = len(row.metrics[name])
                of = counted(count, "draw") if draws > 1 else episodes(count, spec.days)
                told.append(f"{row.policy}: {name} 0 {metric.unit} in {none} of {of}")
    return told


def _outside(found: Answers) -> str:
    most = f", most in {found.column}" if found.column else ""
    return f"{percent(found.outside)}{most}"


def unmarked(rows: Sequence[Row]) -> list[str]:
    """Policies that were checked, and nothing was found."""
    checked = Conduct(rows="decentralised, checked", reproducible=True)
    return [row.policy for row in rows if row.conduct == checked and not marks_of(row)]
