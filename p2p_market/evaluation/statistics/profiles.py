"""Performance profile of one policy over several scenarios, with a band."""

from dataclasses import dataclass

import numpy as np

from p2p_market.evaluation.statistics.aggregates import performance_profile
from p2p_market.evaluation.statistics.bootstrap import (
    draw_weeks,
    effective_weeks,
    resample,
    tail_level,
)
from p2p_market.evaluation.statistics.paired import pooled_blocks
from p2p_market.records import FloatArray


@dataclass(frozen=True, slots=True)
class Band:
    """A curve with 95 % intervals point by point, each (tau,)."""

    point: FloatArray
    low: FloatArray
    high: FloatArray


def profile_band(
    own_eur: FloatArray,
    rule_eur: FloatArray,
    best_eur: FloatArray,
    tau: FloatArray,
    generator: np.random.Generator,
) -> Band:
    """Share of block scores above each threshold; Dolan and Moré (2002), weeks resampled.

    Args:
        own_eur: social cost of the policy, (scenario, week) [EUR]; rule and optimum likewise.
        tau: thresholds, (tau,).
    """
    chosen = draw_weeks(generator, 1, rule_eur.shape[-1])
    blocks = pooled_blocks(*(resample(cost, chosen) for cost in (rule_eur, own_eur, best_eur)))
    tail = tail_level(effective_weeks(rule_eur - best_eur))
    ends = [tail, 1.0 - tail]
    low, high = np.array(
        [np.quantile(performance_profile(blocks, one), ends) for one in tau[:, None]]
    ).T
    return Band(performance_profile(pooled_blocks(rule_eur, own_eur, best_eur), tau), low, high)
