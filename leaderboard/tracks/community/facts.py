"""What is public for one member of a community: before the first step, and price by price."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from typing import Any, Final

import numpy as np

from baselines.community.duals.learn import lessons, seasons_and_hours
from leaderboard.tracks import neutral
from p2p_market.community.actions import action_map
from p2p_market.community.episode.episode import Episode
from p2p_market.community.episode.window import window
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.data.calendar import QUARTERS_PER_DAY, local_quarters, split_mask, step_means
from p2p_market.data.forecast import PUBLISHED_HOUR
from p2p_market.records import FloatArray

OF_DEVICE: Final = (
    "power_min_kw", "power_max_kw", "energy_min_kwh", "energy_max_kwh", "eta_charge",
    "eta_discharge", "leak_per_h", "degradation_eur_per_kwh", "target_kwh",
)  # fmt: skip


def facts(scenario: Scenario, episode: Episode, role: str, agent: int) -> Mapping[str, Any]:
    """Devices, contract, fees, means over training days; series are by step, and a day longer.

    Of the days of the episode itself it holds the calendar alone.
    """
    spec, table = scenario.spec, action_map(scenario)
    common, start_day = window(scenario, episode.keys[0].start_day), episode.keys[0].start_day
    net_kw = common.expected_load_kw - common.expected_pv_kw
    devices = [asdict(node) for node in scenario.flexible[agent]]
    return {
        **neutral.facts(scenario, episode, role, agent),
        "devices": [{name: node[name] for name in OF_DEVICE} for node in devices],
        "middle": table.middle[agent].tolist(),
        "half": table.half[agent].tolist(),
        "connection_limit_kw": spec.connection_limit_kw,
        "price_max_eur_per_kwh": spec.price_max_eur_per_kwh,
        "tick_eur_per_kwh": spec.tick_eur_per_kwh,
        "feed_in_eur_per_kwh": _feed_in_eur_per_kwh(scenario, agent),
        "network_fee_eur_per_kwh": float(scenario.network_fee_eur_per_kwh[agent]),
        "terminal_value_eur_per_kwh": spec.terminal_value_eur_per_kwh,
        "shortfall_eur_per_kwh": spec.shortfall_eur_per_kwh,
        "local_h": local_hours(scenario, start_day).tolist(),
        "expected_load_kw": common.expected_load_kw[:, agent].tolist(),
        "expected_pv_kw": common.expected_pv_kw[:, agent].tolist(),
        "peak_load_kw": float(scenario.peak_load_kw[agent]),
        "mean_net_load_kw": float(np.abs(net_kw).mean()),
    }


def _feed_in_eur_per_kwh(scenario: Scenario, agent: int) -> float:
    """The tariff of the contract; of one that follows a price, the mean over training days."""
    own = scenario.feed_in_eur_per_kwh[:, scenario.contract_of[agent]]
    if not scenario.feed_in_follows[agent]:
        return float(own[0])
    return float(own[np.repeat(split_mask("train"), QUARTERS_PER_DAY)].mean())


def learnt(scenario: Scenario, episode: Episode) -> Mapping[str, Any]:
    """What the market's price was in training weeks, at the season and hour of each step."""
    when = seasons_and_hours(scenario, episode.keys[0].start_day)
    return {"learnt_price_eur_per_kwh": lessons(scenario).hub_eur_per_kwh[when].tolist()}


def published(
    scenario: Scenario, episode: Episode, role: str, agent: int, step: int
) -> Mapping[str, FloatArray]:
    """Prices from the first step to the last that the day-ahead market has published.

    Feed-in tariffs are among them where some of them follow a price.
    """
    start_day = episode.keys[0].start_day
    common = window(scenario, start_day)
    known = published_steps(scenario, local_hours(scenario, start_day), step)
    told = {"retail_eur_per_kwh": common.retail_eur_per_kwh[:known, agent]}
    if scenario.feed_in_follows.any():
        told["feed_in_eur_per_kwh"] = common.feed_in_eur_per_kwh[:known, agent]
    return told


def published_steps(scenario: Scenario, local_h: FloatArray, step: int) -> int:
    """How many steps of an episode have a price that is known in this one."""
    now = local_h[step]
    days = 2.0 if now % 24.0 >= PUBLISHED_HOUR else 1.0
    ahead = now + (np.arange(len(local_h)) - step) * scenario.dt_h
    return int(np.sum(ahead < 24.0 * (np.floor(now / 24.0) + days)))


@lru_cache(maxsize=32)
def local_hours(scenario: Scenario, start_day: int) -> FloatArray:
    """Hours on the wall clock since the first local midnight, at each step and a day on."""
    first = QUARTERS_PER_DAY * start_day
    local = local_quarters(scenario.data.summer_time)
    local = local[first : first + QUARTERS_PER_DAY * (scenario.spec.days + 1)]
    since = (local - local[0] // QUARTERS_PER_DAY * QUARTERS_PER_DAY) / 4.0
    return np.asarray(step_means(since, scenario.dt_h) - (scenario.dt_h - 0.25) / 2.0)
