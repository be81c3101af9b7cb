"""An episode: the series of all markets, the position and what is seen of both; drawn at reset."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Final, NamedTuple

import numpy as np

from p2p_market.battery.commitments import positions_mw
from p2p_market.battery.episode.market import draw_market
from p2p_market.battery.observation import BACK_H, calendar_table, with_market
from p2p_market.battery.scenario import Scenario
from p2p_market.data.calendar import SPLIT_DAYS, start_days
from p2p_market.kit.episodes import Drawn, keys_of
from p2p_market.records import Float32Array, FloatArray
from p2p_market.track import EpisodeKey

DRAWS: Final = 4  # of the synthetic series in each week of a split
"""One failed activation costs as much as days of trade: thirteen weeks alone scatter too widely."""


@dataclass(frozen=True, slots=True)
class Episode(Drawn):
    """All that is random; the first row of `market` is the step before the first."""

    BATCH_AXIS: ClassVar[Mapping[str, int]] = {"market": 0, "position_mw": 0, "table": 0}

    market: FloatArray  # (batch, step + 2, column of `MARKET`)
    position_mw: FloatArray  # (batch, agent, hour), a day longer than the episode
    table: Float32Array  # (batch, step + 1, feature), without what depends on play


class Window(NamedTuple):
    """What all episodes that start on one day share."""

    day_ahead: FloatArray  # (hour,) [EUR/MWh], from `BACK_H` before to a day after
    position_mw: FloatArray  # (agent, hour)
    table: Float32Array  # (step + 1, feature)


def keys(scenario: Scenario, split: str, seed: int) -> tuple[tuple[EpisodeKey, ...], ...]:
    """Weeks of a split, each with four draws of the synthetic series.

    Raises:
        ScenarioError: if there is no such split.
    """
    days = {name: start_days(name, scenario.spec.days).tolist() for name in SPLIT_DAYS}
    return keys_of(days, split, seed, DRAWS)


def draw(scenario: Scenario, key: EpisodeKey) -> Episode:
    """Draw one episode (a batch of one)."""
    shared = window(scenario, key.start_day)
    market = draw_market(scenario, key, shared.day_ahead[BACK_H - 24 :])
    table = with_market(scenario, shared.table, market)
    return Episode((key,), market[None], shared.position_mw[None], table[None])


@lru_cache(maxsize=128)
def window(scenario: Scenario, start_day: int) -> Window:
    """Prices around an episode, and what follows from them alone."""
    first, days = 24 * start_day, scenario.spec.days
    day_ahead = scenario.day_ahead_eur_per_mwh[first - BACK_H : first + 24 * (days + 1)]
    position = positions_mw(scenario, day_ahead[BACK_H - 24 : -24])
    if scenario.rules.bidding:
        position = np.where(np.arange(position.shape[1]) < 24, position, 0.0)
    return Window(day_ahead, position, calendar_table(scenario, start_day, day_ahead))
