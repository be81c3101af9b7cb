"""Scores between no trade (0) and the optimum (100): of episodes, blocks and whole scenarios."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from p2p_market.evaluation.statistics.bootstrap import (
    RESAMPLES,
    draw_weeks,
    effective_weeks,
    interval,
    resample,
    unit_sums,
)
from p2p_market.records import BoolArray, FloatArray, IntArray

NOTHING_EUR: Final = 1e-6  # a week with less to win scores 0 for everybody
BLOCK_WEEKS: Final = 4  # at least so many weeks share a block
FLOOR_SCORE: Final = -100.0  # of a failed episode


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
    share = np.zeros_like(gained)
    return 100.0 * np.divide(gained, possible, out=share, where=possible > NOTHING_EUR)


def episode_scores(rule_eur: FloatArray, own_eur: FloatArray, best_eur: FloatArray) -> FloatArray:
    """Score of every single episode, the shape of the costs; 0 where there is nothing to win."""
    return ratio_of_sums(rule_eur[..., None], own_eur[..., None], best_eur[..., None])


def block_scores(rule_eur: FloatArray, own_eur: FloatArray, best_eur: FloatArray) -> FloatArray:
    """Ratio of sums in blocks of weeks, (..., week) -> (..., block).

    A scenario of n weeks has max(1, n // 4) blocks, 13 weeks three; block b of B holds the weeks
    b, b + B, b + 2B, ..., so that each spans the year and no block has winter weeks only.
    """
    count = max(1, rule_eur.shape[-1] // BLOCK_WEEKS)
    parts = [
        ratio_of_sums(*(cost[..., first::count] for cost in (rule_eur, own_eur, best_eur)))
        for first in range(count)
    ]
    return np.stack(parts, axis=-1)


def floor_costs(
    rule_eur: FloatArray, own_eur: FloatArray, best_eur: FloatArray, failed: BoolArray
) -> FloatArray:
    """Costs in which a failed episode costs what a score of `FLOOR_SCORE` costs.

    Args:
        own_eur: values of failed episodes are ignored, even NaN.
        failed: whether an episode was not played to its end, same shape.
    """
    floor_eur = rule_eur - FLOOR_SCORE / 100.0 * (rule_eur - best_eur)
    return np.where(failed, floor_eur, own_eur)


def score(
    rule_eur: FloatArray,
    own_eur: FloatArray,
    best_eur: FloatArray,
    generator: np.random.Generator,
    units: IntArray | None = None,
) -> Score:
    """Score of a policy over the episodes of one scenario, (episode,) each.

    The interval is a small-sample percentile bootstrap over units (weeks), resampled together
    for all three costs.

    Args:
        units: number of each episode's unit, (episode,); None: each episode is one.
    """
    rule, own, best = (unit_sums(cost, units) for cost in (rule_eur, own_eur, best_eur))
    chosen = draw_weeks(generator, 1, len(rule), RESAMPLES)
    costs = (resample(cost, chosen[:, 0]) for cost in (rule, own, best))
    point = float(ratio_of_sums(rule_eur, own_eur, best_eur))
    found = interval(point, ratio_of_sums(*costs), effective_weeks(rule - best))
    single = episode_scores(rule_eur, own_eur, best_eur)
    return Score(point, found.low, found.high, float(single.mean()), float(single.min()))
