"""Costs of an entry, its scores, and draws of them that all entries of a season share.

The statistics are those of every other table of this project; here they only meet scenarios that
may have different numbers of draws, each drawn for itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from leaderboard.record.entries import Entered
from leaderboard.record.record import Episode
from p2p_market.errors import RecordError
from p2p_market.evaluation.statistics.aggregates import interquartile_mean
from p2p_market.evaluation.statistics.bootstrap import (
    Interval,
    draw_weeks,
    effective_weeks,
    interval,
    named_generator,
    resample,
)
from p2p_market.evaluation.statistics.methods import mean_of_drawn
from p2p_market.evaluation.statistics.scores import block_scores, ratio_of_sums
from p2p_market.evaluation.statistics.summary import Summary, unranked
from p2p_market.records import FloatArray, IntArray

STREAM: Final = "p2p_market/board/1"


@dataclass(frozen=True, slots=True)
class Costs:
    """Social costs of an entry on the draws of one scenario [EUR]."""

    scenario: str
    own_eur: FloatArray  # (training, draw); a policy entry has one training
    rule_eur: FloatArray  # (draw,)
    best_eur: FloatArray  # (draw,)

    @property
    def mean_eur(self) -> FloatArray:
        """Mean over trainings, (draw,)."""
        mean: FloatArray = self.own_eur.mean(axis=0)
        return mean

    @property
    def weeks(self) -> float:
        """Episodes that carry the score."""
        return effective_weeks(self.rule_eur - self.best_eur)

    @property
    def score(self) -> float:
        """Ratio of sums."""
        return float(ratio_of_sums(self.rule_eur, self.mean_eur, self.best_eur))


@dataclass(frozen=True, slots=True)
class Draws:
    """Bootstrap draws of an entry's scores; those of all entries meet the same episodes."""

    iqm: FloatArray  # (resample,)
    scenarios: tuple[FloatArray, ...]  # ratio of sums, (resample,) each


def costs_of(entered: Entered) -> tuple[Costs, ...]:
    """Costs by scenario, in the order of their names.

    Raises:
        RecordError: if not every file played every draw once, or files differ in the scale's ends.
    """
    by_scenario: dict[str, list[Episode]] = {}
    for episode in entered.record.episodes:
        by_scenario.setdefault(episode.scenario, []).append(episode)
    if not by_scenario:
        raise RecordError(f"{entered.name}: has no episodes")
    files = sorted({episode.file for episode in entered.record.episodes})
    return tuple(
        _costs(entered.name, files, by_scenario[scenario]) for scenario in sorted(by_scenario)
    )


def _costs(name: str, files: Sequence[str], episodes: Sequence[Episode]) -> Costs:
    scenario = episodes[0].scenario
    count, odd = divmod(len(episodes), len(files))
    places = {(one.file, one.draw) for one in episodes}
    if odd or places != {(file, draw) for file in files for draw in range(count)}:
        raise RecordError(f"{name}: {scenario}: not every file played every draw once")
    found = np.empty((3, len(files), count))
    for one in episodes:
        found[:, files.index(one.file), one.draw] = one.cost_eur, one.rule_eur, one.best_eur
    own, rule, best = found
    if np.any(rule != rule[0]) or np.any(best != best[0]):
        raise RecordError(f"{name}: {scenario}: its files differ in the ends of the scale")
    return Costs(scenario, own, rule[0], best[0])


def check_same_draws(name: str, own: Sequence[Costs], first: str, theirs: Sequence[Costs]) -> None:
    """Two entries played the same.

    Raises:
        RecordError: if they did not.
    """
    if [(one.scenario, len(one.rule_eur)) for one in own] != [
        (one.scenario, len(one.rule_eur)) for one in theirs
    ]:
        raise RecordError(f"{name} and {first}: played different scenarios or draws")
    for one, other in zip(own, theirs, strict=True):
        ends = (one.rule_eur, other.rule_eur), (one.best_eur, other.best_eur)
        if not all(np.array_equal(mine, known) for mine, known in ends):
            raise RecordError(
                f"{name} and {first}: {one.scenario}: differ in the cost of the rule or of the "
                "optimum, so they are not of one season"
            )


def choose(costs: Sequence[Costs]) -> tuple[IntArray, ...]:
    """Episodes for the bootstrap, (resample, draw) for each scenario, which draws for itself."""
    return tuple(
        draw_weeks(named_generator(f"{STREAM}/{one.scenario}"), 1, len(one.rule_eur))[:, 0]
        for one in costs
    )


def drawn(package: str, costs: Sequence[Costs], chosen: Sequence[IntArray]) -> Draws:
    """Scores on the chosen episodes; of several trainings, these are drawn too.

    Their stream bears the package's name, so an entry's interval does not depend on who else is
    there.
    """
    trainings = _trainings(package, costs)
    blocks, scenarios = [], []
    for one, own, weeks in zip(costs, trainings, chosen, strict=True):
        rule, best = resample(one.rule_eur, weeks), resample(one.best_eur, weeks)
        mine = np.take_along_axis(own, weeks, axis=-1)
        blocks.append(block_scores(rule, mine, best))
        scenarios.append(ratio_of_sums(rule, mine, best))
    return Draws(interquartile_mean(np.concatenate(blocks, axis=-1)), tuple(scenarios))


def _trainings(package: str, costs: Sequence[Costs]) -> list[FloatArray]:
    """Mean cost of drawn trainings, (resample or 1, draw) for each scenario."""
    if len(costs[0].own_eur) == 1:
        return [one.own_eur for one in costs]
    together = np.concatenate([one.own_eur for one in costs], axis=-1)
    found = mean_of_drawn(together, named_generator(f"{STREAM}/trainings/{package}"))
    ends = np.cumsum([len(one.rule_eur) for one in costs])[:-1]
    return np.split(found, ends, axis=-1)


def summary(name: str, costs: Sequence[Costs], draws: Draws) -> Summary:
    """One entry over all scenarios, not yet ranked."""
    blocks = np.concatenate(
        [block_scores(one.rule_eur, one.mean_eur, one.best_eur) for one in costs]
    )
    scenarios = {one.scenario: one.score for one in costs}
    return unranked(name, blocks, draws.iqm, weeks(costs), scenarios)


def by_scenario(costs: Sequence[Costs], draws: Draws) -> dict[str, Interval]:
    """Score of each scenario with its interval."""
    return {
        one.scenario: interval(one.score, found, one.weeks)
        for one, found in zip(costs, draws.scenarios, strict=True)
    }


def weeks(costs: Sequence[Costs]) -> float:
    """Episodes that carry the scores, mean over scenarios: what widens the intervals of few."""
    return float(np.mean([one.weeks for one in costs]))
