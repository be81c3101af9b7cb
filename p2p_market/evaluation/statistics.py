"""Scores and their intervals: short pure functions of cost arrays and a passed generator."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from p2p_market.records import FloatArray

RESAMPLES: Final = 10_000
NOTHING_EUR: Final = 1e-6  # a week with less to win scores 0 for everybody


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
    share = np.zeros_like(possible)
    return 100.0 * np.divide(gained, possible, out=share, where=possible > NOTHING_EUR)


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
    possible = rule_eur - best_eur
    winnable = possible > NOTHING_EUR
    single = 100.0 * np.where(
        winnable, (rule_eur - own_eur) / np.where(winnable, possible, 1.0), 0.0
    )
    return Score(
        point=float(ratio_of_sums(rule_eur, own_eur, best_eur)),
        low=float(low),
        high=float(high),
        mean=float(single.mean()),
        worst=float(single.min()),
    )
