"""Two policies on the same weeks: differences and the probability of improvement."""

from dataclasses import dataclass

import numpy as np

from p2p_market.evaluation.statistics.aggregates import improvement_by_scenario, interquartile_mean
from p2p_market.evaluation.statistics.bootstrap import (
    Interval,
    draw_weeks,
    effective_weeks,
    interval,
    resample,
)
from p2p_market.evaluation.statistics.scores import block_scores, episode_scores
from p2p_market.records import FloatArray


@dataclass(frozen=True, slots=True)
class Improvement:
    """How much one policy is better than another over several scenarios, and how often."""

    iqm: Interval  # difference of the interquartile means of block scores; above 0: better
    probability: Interval  # that an episode of it beats one of the other, 0 to 1


def improvement(
    first_eur: FloatArray,
    second_eur: FloatArray,
    rule_eur: FloatArray,
    best_eur: FloatArray,
    generator: np.random.Generator,
) -> Improvement:
    """Both answers of the first policy against the second.

    Args:
        first_eur: social cost, (scenario, week) [EUR]; the others likewise.
    """
    first, second = (episode_scores(rule_eur, own, best_eur) for own in (first_eur, second_eur))
    return Improvement(
        paired_difference(first_eur, second_eur, rule_eur, best_eur, generator),
        probability_of_improvement(first, second, generator),
    )


def pooled_blocks(rule_eur: FloatArray, own_eur: FloatArray, best_eur: FloatArray) -> FloatArray:
    """Block scores of all scenarios in one row, (..., scenario, week) -> (..., block)."""
    found = block_scores(rule_eur, own_eur, best_eur)
    return found.reshape(*found.shape[:-2], -1)


def paired_difference(
    first_eur: FloatArray,
    second_eur: FloatArray,
    rule_eur: FloatArray,
    best_eur: FloatArray,
    generator: np.random.Generator,
) -> Interval:
    """IQM of the first policy's block scores less the second's, weeks drawn once for both.

    Args:
        first_eur: social cost, (scenario, week) [EUR]; the others likewise.
    """

    def difference(first: FloatArray, second: FloatArray, *ends: FloatArray) -> FloatArray:
        one, two = (pooled_blocks(ends[0], own, ends[1]) for own in (first, second))
        return interquartile_mean(one) - interquartile_mean(two)

    costs = (first_eur, second_eur, rule_eur, best_eur)
    chosen = draw_weeks(generator, 1, rule_eur.shape[-1])
    draws = difference(*(resample(cost, chosen) for cost in costs))
    return interval(float(difference(*costs)), draws, effective_weeks(rule_eur - best_eur))


def probability_of_improvement(
    first: FloatArray, second: FloatArray, generator: np.random.Generator
) -> Interval:
    """How often an episode of the first beats one of the second in the same scenario.

    Mean over scenarios of Mann and Whitney's U / (n m), ties one half; Agarwal et al. (2021). In a
    draw a week meets its own copies, so the draws lean towards what happens within weeks, on
    average by 1 / n of the way; this bias is subtracted.

    Args:
        first: episode scores, (scenario, week).
        second: the same weeks.
    """
    wins = improvement_by_scenario(first, second)
    weeks = first.shape[-1]
    chosen = draw_weeks(generator, 1, weeks)[:, 0]
    times = (chosen[:, :, None] == np.arange(weeks)).sum(axis=1).astype(np.float64)
    by_pair = wins.sum(axis=0)  # halves: every sum below is exact
    draws = ((times @ by_pair) * times).sum(axis=1) / (weeks * weeks * len(wins))
    bias = (np.trace(by_pair) / (weeks * len(wins)) - wins.mean()) / weeks
    return interval(float(wins.mean()), np.clip(draws - bias, 0.0, 1.0), weeks)
