"""What a list of scores is summed up to; sources: Agarwal et al. (2021), arXiv 2108.13264."""

from typing import Final

import numpy as np

from p2p_market.records import FloatArray, IntArray

TAIL: Final = 0.1  # CVaR: the worst tenth


def interquartile_mean(scores: FloatArray) -> FloatArray:
    """Mean of the middle half over the last axis; scores at its edges count by their share."""
    count = scores.shape[-1]
    return _mean_of_ranks(scores, 0.25 * count, 0.75 * count)


def cvar(scores: FloatArray) -> FloatArray:
    """Mean of the worst tenth over the last axis, fractional; Rockafellar and Uryasev (2000)."""
    return _mean_of_ranks(scores, 0.0, TAIL * scores.shape[-1])


def _mean_of_ranks(scores: FloatArray, first: float, last: float) -> FloatArray:
    """Mean of the sorted scores between two ranks; each score covers a width of 1."""
    place = np.arange(scores.shape[-1])
    width = np.clip(np.minimum(place + 1, last) - np.maximum(place, first), 0.0, 1.0)
    total: FloatArray = (np.sort(scores, axis=-1) * width).sum(axis=-1)
    return total / (last - first)


def performance_profile(scores: FloatArray, tau: FloatArray) -> FloatArray:
    """Share of scores above each threshold, (..., score) and (tau,) -> (..., tau)."""
    share: FloatArray = (scores[..., None, :] > tau[:, None]).mean(axis=-1)
    return share


def improvement_by_scenario(first: FloatArray, second: FloatArray) -> FloatArray:
    """Whether one episode of the first beats one of the second, 1, 0.5 or 0, all pairs.

    Args:
        first: scores, (scenario, week); `second` likewise.

    Returns:
        (scenario, week of the first, week of the second).
    """
    return 0.5 + 0.5 * np.sign(first[:, :, None] - second[:, None, :])


def ranks(scores: FloatArray) -> IntArray:
    """1 + how many policies are strictly better, (..., policy); equal scores share a rank."""
    better = scores[..., None, :] > scores[..., :, None]
    rank: IntArray = 1 + better.sum(axis=-1)
    return rank


def groups(low: IntArray, high: IntArray) -> IntArray:
    """Number of each policy's group, best first; ranges of ranks that overlap share one."""
    number = np.zeros(len(low), dtype=np.int64)
    current, reached = 0, 0
    for place in np.lexsort((high, low)):
        current += int(low[place] > reached)
        reached = max(reached, int(high[place]))
        number[place] = current
    return number
