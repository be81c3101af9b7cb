"""The columns of a scenario's table: scores and money of every track, then what the track adds."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from p2p_market.evaluation.benchmark import Row, ScenarioResult, weeks_and_draws
from p2p_market.track import OPTIMUM, Card
from p2p_market.tracks import track_of
from p2p_market.words import per, period
from report.pages import Pages, pages_of
from report.table import Column


def _interval(row: Row, end: float) -> float:
    """An end of the interval; nan if there is none: one week, or an end of the scale."""
    apart = row.policy != OPTIMUM and row.score.high > row.score.low + 1e-9
    return end if apart else float("nan")


SCORE: Final = (
    Column("Score", "score", "", 1, lambda row: row.score.point),
    Column("Score", "95 % from", "", 1, lambda row: _interval(row, row.score.low)),
    Column("Score", "95 % to", "", 1, lambda row: _interval(row, row.score.high)),
    Column("Score", "mean", "of {period}s", 1, lambda row: row.score.mean),
    Column("Score", "worst", "{period}", 1, lambda row: row.score.worst),
    Column("Money", "cost", "EUR {per}", None, lambda row: row.social_cost_eur.mean()),
)


def shares(group: str) -> tuple[Column, ...]:
    """How costs are shared among the agents, under a heading."""
    return (
        Column(group, "worse off", "%, mean", 1, lambda row: 100.0 * row.worse_off_share.mean()),
        Column(group, "Jain index", "of savings", 2, lambda row: row.jain_index),
    )


def every(card: Card, pages: Pages) -> tuple[Column, ...]:
    """All columns of a track; the name of the policy stands before them.

    "{per}" in a unit stands for "a week", or what else an episode of the scenario is, "{period}"
    for "week", or "draw" where each week is drawn several times.
    """
    gaps = (Column("Money", f"{name} gap", "EUR {per}", None, _gap(name)) for name in card.gaps)
    return (*SCORE, *gaps, *(_metrics(card) if pages.columns is None else pages.columns))


def shown(result: ScenarioResult) -> list[Column]:
    """The columns that say something about a scenario."""
    own = every(track_of(result.scenario).CARD, pages_of(result.scenario))
    days = result.scenario.spec.days
    _, draws = weeks_and_draws(result.scenario, result.episode.keys)
    words = {"{per}": per(days), "{period}": period(days, draws)}
    return [
        replace(column, unit=_filled(column.unit, words))
        for column in own
        if not column.optional or any(column.of(row) != 0.0 for row in result.played)
    ]


def _filled(unit: str, words: Mapping[str, str]) -> str:
    for place, word in words.items():
        unit = unit.replace(place, word)
    return unit


def _metrics(card: Card) -> tuple[Column, ...]:
    """Means over the episodes, and how the costs are shared."""
    metrics = (
        Column("Metrics", name.replace("_", " "), _unit(metric.unit), None, mean(name))
        for name, metric in card.metrics.items()
    )
    return (*metrics, *shares("Agents"))


def _unit(unit: str) -> str:
    return "mean" if unit in ("", "1") else f"{unit}, mean"


def _gap(name: str) -> Callable[[Row], float]:
    return lambda row: float(row.gaps_eur[name].mean())


def mean(name: str) -> Callable[[Row], float]:
    """Mean of a metric over the episodes."""
    return lambda row: float(row.metrics[name].mean())
