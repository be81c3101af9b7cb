"""Scores of a way to train, over several trainings that differ in their seed only."""

import numpy as np

from p2p_market.evaluation.statistics.bootstrap import (
    RESAMPLES,
    Interval,
    draw_weeks,
    effective_weeks,
    interval,
    resample,
)
from p2p_market.evaluation.statistics.scores import ratio_of_sums
from p2p_market.records import FloatArray


def method_score(
    own_eur: FloatArray, rule_eur: FloatArray, best_eur: FloatArray, generator: np.random.Generator
) -> Interval:
    """Mean score of the trainings; the interval draws trainings and weeks.

    Args:
        own_eur: social cost, (training, week) [EUR].
        rule_eur: of the no-trade rule, (week,); the optimum's likewise.
    """
    return method_difference(own_eur, rule_eur[None], rule_eur, best_eur, generator)


def method_difference(
    first_eur: FloatArray,
    second_eur: FloatArray,
    rule_eur: FloatArray,
    best_eur: FloatArray,
    generator: np.random.Generator,
) -> Interval:
    """Mean score of the first method's trainings less that of the second's, on the same weeks.

    Trainings of both are drawn for themselves, weeks once for both.

    Args:
        first_eur: social cost, (training, week) [EUR]; a policy that was not trained has one row.
        rule_eur: of the no-trade rule, (week,); the optimum's likewise.
    """

    def gained(first: FloatArray, second: FloatArray, *ends: FloatArray) -> FloatArray:
        return ratio_of_sums(ends[0], first, ends[1]) - ratio_of_sums(ends[0], second, ends[1])

    methods = first_eur, second_eur
    chosen = draw_weeks(generator, 1, len(rule_eur))[:, 0]
    drawn = [mean_of_drawn(own, generator) for own in methods]
    costs = [np.take_along_axis(own, chosen, axis=1) for own in drawn]
    ends = rule_eur, best_eur
    draws = gained(*costs, *(resample(cost, chosen) for cost in ends))
    point = gained(*(own.mean(axis=0) for own in methods), *ends)
    return interval(float(point), draws, effective_weeks(rule_eur - best_eur))


def mean_of_drawn(own_eur: FloatArray, generator: np.random.Generator) -> FloatArray:
    """Mean cost of as many trainings as there are, drawn with replacement.

    Args:
        own_eur: social cost, (training, ...) [EUR].

    Returns:
        (resample, ...).
    """
    count = len(own_eur)
    chosen = generator.integers(count, size=(RESAMPLES, count))
    times = (chosen[:, :, None] == np.arange(count)).sum(axis=1)
    drawn: FloatArray = times @ own_eur.reshape(count, -1) / count
    return drawn.reshape(-1, *own_eur.shape[1:])
