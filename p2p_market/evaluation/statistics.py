"""Scores and their intervals: short pure functions of cost arrays and a passed generator."""

from dataclasses import dataclass

import numpy as np

from p2p_market.records import FloatArray

RESAMPLES = 10_000


@dataclass(frozen=True, slots=True)
class Score:
    """A score between no trade (0) and the optimum (100)."""

    point: float  # ratio of sums over the block
    low: float  # 95 % interval, bootstrap over weeks
    high: float
    mean: float  # of the single episodes' scores
    worst: float  # episode


def ratio_of_sums(rule_eur: FloatArray, own_eur: FloatArray, best_eur: FloatArray) -> FloatArray:
    """100 * sum(rule - own) / sum(rule - best) over the last axis.

    Args:
        rule_eur: social cost of the no-trade rule, (..., episode) [EUR].
        own_eur: social cost of the policy, same shape.
        best_eur: social cost of the optimum, same shape.
    """
    gained: FloatArray = (rule_eur - own_eur).sum(axis=-1)
    possible: FloatArray = (rule_eur - best_eur).sum(axis=-1)
    return 100.0 * (gained / possible)


def score(
    rule_eur: FloatArray,
    own_eur: FloatArray,
    best_eur: FloatArray,
    generator: np.random.Generator,
) -> Score:
    """Score of a policy over the episodes of a block, (episode,) each.

    The interval is a percentile bootstrap over episodes (weeks), resampled together for all three
    costs.
    """
    count = len(rule_eur)
    chosen = generator.integers(count, size=(RESAMPLES, count))
    draws = ratio_of_sums(rule_eur[chosen], own_eur[chosen], best_eur[chosen])
    low, high = np.percentile(draws, [2.5, 97.5])
    single = 100.0 * ((rule_eur - own_eur) / (rule_eur - best_eur))
    return Score(
        point=float(ratio_of_sums(rule_eur, own_eur, best_eur)),
        low=float(low),
        high=float(high),
        mean=float(single.mean()),
        worst=float(single.min()),
    )
