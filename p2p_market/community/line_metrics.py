"""What a trajectory does to the line: pure functions, one array (batch,) each.

They stand beside `metrics.METRICS`, which every record of a season holds: a scenario without a
voltage has none of them.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from p2p_market.community.episode.episode import Episode
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.records import FloatArray
from p2p_market.track import Metric, Trajectory

NEARLY_ALL: Final = 99.0  # percent of a line's hours that are loaded less


def voltage_low_pu(scenario: Scenario, episode: Episode, played: Trajectory) -> FloatArray:
    """Lowest voltage of any member [pu]."""
    return np.asarray(played.series["voltage_pu"].min(axis=(0, 2)))


def voltage_high_pu(scenario: Scenario, episode: Episode, played: Trajectory) -> FloatArray:
    """Highest voltage of any member [pu]."""
    return np.asarray(played.series["voltage_pu"].max(axis=(0, 2)))


def outside_share(scenario: Scenario, episode: Episode, played: Trajectory) -> FloatArray:
    """Share of steps and members whose voltage is outside the band, by more than rounding."""
    given, pu = scenario.spec.voltage, played.series["voltage_pu"]
    assert given is not None
    low, high = given.band_pu
    return np.asarray(((pu < low - 1e-9) | (pu > high + 1e-9)).mean(axis=(0, 2)))


def pulled_kwh(scenario: Scenario, episode: Episode, played: Trajectory) -> FloatArray:
    """By how much set-points were moved to keep a band that binds [kWh]."""
    return np.asarray(scenario.dt_h * played.series["pulled_kw"].sum(axis=(0, 2)))


def loading_p99(scenario: Scenario, episode: Episode, played: Trajectory) -> FloatArray:
    """Loading that the most loaded line on a member's way exceeds in 1 % of steps."""
    worst = played.series["line_loading"].max(axis=2)
    return np.asarray(np.percentile(worst, NEARLY_ALL, axis=0))


LINE_METRICS: Final[Mapping[str, Metric]] = {
    "voltage_low": Metric("pu", "", voltage_low_pu),
    "voltage_high": Metric("pu", "", voltage_high_pu),
    "outside": Metric("1", "low", outside_share),
    "pulled": Metric("kWh", "low", pulled_kwh),
    "loading_p99": Metric("1", "low", loading_p99),
}
"""Name of a metric -> unit, direction and function."""


def line_metrics(scenario: Scenario, episode: Episode, played: Trajectory) -> dict[str, FloatArray]:
    """All of them by name, (batch,); empty where a scenario has no voltage."""
    if scenario.spec.voltage is None:
        return {}
    return {name: metric.of(scenario, episode, played) for name, metric in LINE_METRICS.items()}
