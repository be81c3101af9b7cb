"""One policy over several scenarios: IQM with interval, and what the IQM does not show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from p2p_market.evaluation.statistics.aggregates import cvar, groups, interquartile_mean, ranks
from p2p_market.evaluation.statistics.bootstrap import (
    draw_weeks,
    effective_weeks,
    interval,
    resample,
)
from p2p_market.evaluation.statistics.paired import pooled_blocks
from p2p_market.evaluation.statistics.scores import ratio_of_sums
from p2p_market.records import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Summary:
    """One policy over all scenarios of a run; scores between 0 and 100."""

    policy: str
    blocks: int  # of weeks, over all scenarios
    iqm: float  # interquartile mean of the block scores
    low: float  # its 95 % interval
    high: float
    mean: float  # of the block scores
    cvar: float  # mean of the worst tenth of the blocks
    worst: float  # scenario, ratio of sums
    worst_scenario: str
    rank_low: int  # best and worst rank in 95 % of the joint draws
    rank_high: int
    group: int  # policies whose ranges of ranks overlap share one, 1 is best


def summarise(
    policies: Sequence[str],
    scenarios: Sequence[str],
    rule_eur: FloatArray,
    own_eur: FloatArray,
    best_eur: FloatArray,
    generator: np.random.Generator,
) -> list[Summary]:
    """Sum up policies over scenarios that share their weeks.

    Args:
        policies: names, one per row of `own_eur`.
        scenarios: ids.
        rule_eur: (scenario, week) [EUR].
        own_eur: (policy, scenario, week) [EUR].
        best_eur: (scenario, week) [EUR].
    """
    chosen = draw_weeks(generator, 1, rule_eur.shape[-1])
    rule, best = resample(rule_eur, chosen), resample(best_eur, chosen)
    draws = np.stack(
        [interquartile_mean(pooled_blocks(rule, resample(own, chosen), best)) for own in own_eur]
    )
    low, high = rank_ranges(draws)
    group = groups(low, high)
    weeks = effective_weeks(rule_eur - best_eur)
    found = []
    for number, policy in enumerate(policies):
        blocks = pooled_blocks(rule_eur, own_eur[number], best_eur)
        whole = ratio_of_sums(rule_eur, own_eur[number], best_eur).tolist()
        alone = unranked(
            policy, blocks, draws[number], weeks, dict(zip(scenarios, whole, strict=True))
        )
        found.append(
            replace(
                alone,
                rank_low=int(low[number]),
                rank_high=int(high[number]),
                group=int(group[number]),
            )
        )
    return found


def unranked(
    policy: str, blocks: FloatArray, draws: FloatArray, weeks: float, scenarios: Mapping[str, float]
) -> Summary:
    """One policy by itself; its ranks and its group are 0.

    Args:
        policy: its name.
        blocks: scores of all blocks of all scenarios, (block,).
        draws: bootstrap draws of their interquartile mean, (resample,).
        weeks: that carry the scores.
        scenarios: id -> score.
    """
    iqm = interval(float(interquartile_mean(blocks)), draws, weeks)
    worst = min(scenarios, key=lambda name: scenarios[name])
    return Summary(
        policy=policy,
        blocks=len(blocks),
        iqm=iqm.point,
        low=iqm.low,
        high=iqm.high,
        mean=float(blocks.mean()),
        cvar=float(cvar(blocks)),
        worst=scenarios[worst],
        worst_scenario=worst,
        rank_low=0,
        rank_high=0,
        group=0,
    )


def rank_ranges(draws: FloatArray) -> tuple[IntArray, IntArray]:
    """Best and worst rank of each policy in 95 % of the joint draws, (policy, resample)."""
    placed = ranks(np.moveaxis(draws, 0, -1))
    low, high = np.quantile(placed, [0.025, 0.975], axis=0, method="inverted_cdf")
    return low.astype(np.int64), high.astype(np.int64)
