"""Metrics of any track."""

from p2p_market.records import FloatArray, Trajectory


def total(name: str, scenario: object, episode: object, played: Trajectory) -> FloatArray:
    """Sum of a series over steps and agents, (batch,)."""
    series = played.series[name]
    summed: FloatArray = series.sum(axis=(0, *range(2, series.ndim)))
    return summed
