"""Columns beside a score: means over the episodes of a record."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import numpy as np

from leaderboard.record.record import Episode, FocalEpisode, Record
from p2p_market.evaluation.statistics.bootstrap import (
    Interval,
    draw_weeks,
    interval,
    named_generator,
)
from p2p_market.evaluation.statistics.fairness import jain_index
from p2p_market.records import FloatArray
from p2p_market.track import Card

CENT_EUR: Final = 0.01
"""Savings and losses below this count as none: even for the rule itself, the rounding of actions
in traces makes some."""
FOCAL_STREAM: Final = "p2p_market/board/focal/1"

SHARES: Final[Mapping[str, tuple[str, str]]] = {"worse_off": ("%", "low"), "jain": ("1", "high")}
CONDUCT: Final[Mapping[str, tuple[str, str]]] = {
    "faults": ("‰", "low"),
    "failed": ("%", "low"),
    "time": ("ms", "low"),
}


def several_agents(records: Iterable[Record]) -> bool:
    """Whether any agent has others beside it, so that something can be shared among them."""
    return any(len(one.saved_eur) > 1 for record in records for one in record.episodes)


def columns_of(card: Card) -> dict[str, tuple[str, str]]:
    """Column -> unit and which direction is better.

    Means per episode; `faults` and `time` per step.
    """
    metrics = {name: (metric.unit, metric.better) for name, metric in card.metrics.items()}
    return {**SHARES, **metrics, **CONDUCT}


def columns(record: Record, card: Card) -> dict[str, float]:
    """All columns of a record."""
    episodes = record.episodes
    steps = max(1, sum(one.steps for one in episodes))
    faults = sum(sum(one.faults.values()) for one in episodes)
    found = {name: np.mean([one.metrics[name] for one in episodes]) for name in card.metrics}
    found["worse_off"] = 100.0 * np.mean([_worse_off(one) for one in episodes])
    found["jain"] = np.float64(_jain(episodes))
    found["faults"] = np.float64(1000.0 * faults / steps)
    found["failed"] = 100.0 * np.mean([one.failed for one in episodes])
    found["time"] = np.float64(1000.0 * sum(one.seconds for one in episodes) / steps)
    return {name: float(found[name]) for name in columns_of(card)}


def _worse_off(episode: Episode) -> float:
    """Share of agents that pay more than under the rule."""
    return float(np.mean(np.array(episode.saved_eur) < -CENT_EUR))


def _jain(episodes: Sequence[Episode]) -> float:
    """Jain's index of agents' savings over all draws of a scenario, mean over scenarios.

    Less than a cent a week is no saving; where nobody saves anything the index counts as 0.
    """
    saved: dict[tuple[str, str], list[FloatArray]] = {}
    for one in episodes:
        key = (one.file, one.scenario)
        saved.setdefault(key, []).append(np.array(one.saved_eur))
    means = [np.mean(weeks, axis=0) for weeks in saved.values()]
    found = [jain_index(np.where(mean > CENT_EUR, mean, 0.0)) for mean in means]
    return float(np.nan_to_num(found).mean())


def focal_columns(record: Record) -> dict[str, Interval]:
    """What one seat saves among strangers, and what the others gain by it [EUR per episode].

    `saving` is against the rule at 0, `edge` against what others are measured against in the same
    seat, `others` what all others save compared with a seat that plays that. Intervals are over
    draws; seats of one draw, and files of one package, share it.
    """
    if not record.focal:
        return {}
    return {
        "saving": _mean(record.focal, lambda one: one.alone_eur - one.cost_eur),
        "edge": _mean(record.focal, lambda one: one.truthful_eur - one.cost_eur),
        "others": _mean(record.focal, lambda one: one.others_gain_eur),
    }


def _mean(episodes: list[FocalEpisode], worth: Callable[[FocalEpisode], float]) -> Interval:
    """Mean over draws, each the mean of its seats."""
    by_draw: dict[tuple[str, int], list[float]] = {}
    for one in episodes:
        by_draw.setdefault((one.scenario, one.draw), []).append(worth(one))
    values: FloatArray = np.array([np.mean(by_draw[key]) for key in sorted(by_draw)])
    if len(values) < 2:
        return Interval(float(values[0]), float(values[0]), float(values[0]))
    chosen = draw_weeks(named_generator(FOCAL_STREAM), 1, len(values))[:, 0]
    return interval(float(values.mean()), values[chosen].mean(axis=-1), len(values))
