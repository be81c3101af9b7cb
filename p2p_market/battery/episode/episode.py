"""An episode: the series of all markets, the position and what is seen of both; drawn at reset."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from p2p_market.battery.commitments import positions_mw
from p2p_market.battery.episode.market import draw_market
from p2p_market.battery.observation import BACK_H, calendar_table, with_market
from p2p_market.battery.scenario import Scenario
from p2p_market.data.calendar import start_days
from p2p_market.records import Float32Array, FloatArray, Record
from p2p_market.track import EpisodeKey

DRAWS: Final = 4  # of the synthetic series in each week of a split
"""One failed activation costs as much as days of trade: thirteen weeks alone scatter too widely."""


@dataclass(frozen=True, slots=True)
class Episode(Record):
    """All that is random; the first row of `market` is the step before the first."""

    keys: tuple[EpisodeKey, ...]  # one per community of the batch
    market: FloatArray  # (batch, step + 2, column of `MARKET`)
    position_mw: FloatArray  # (batch, agent, hour), a day longer than the episode
    table: Float32Array  # (batch, step + 1, feature), without what depends on play

    @property
    def batch(self) -> int:
        """Number of communities."""
        return len(self.keys)


class Window(NamedTuple):
    """What all episodes that start on one day share."""

    day_ahead: FloatArray  # (hour,) [EUR/MWh], from `BACK_H` before to a day after
    position_mw: FloatArray  # (agent, hour)
    table: Float32Array  # (step + 1, feature)


def keys(scenario: Scenario, split: str, seed: int) -> tuple[tuple[EpisodeKey, ...], ...]:
    """Weeks of a split, each with four draws of the synthetic series.

    Draws differ in their seeds, which come in blocks of four: every seed of a block gives the same
    units, so that each key is found again by its own seed.
    """
    first = seed - seed % DRAWS
    return tuple(
        tuple(EpisodeKey(split, day, first + draw) for draw in range(DRAWS))
        for day in start_days(split, scenario.spec.days).tolist()
    )


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


def stack(episodes: Sequence[Episode]) -> Episode:
    """One batch out of several episodes of one scenario."""
    columns: dict[str, Any] = {"keys": tuple(key for one in episodes for key in one.keys)}
    for field in fields(Episode)[1:]:
        columns[field.name] = np.concatenate([getattr(one, field.name) for one in episodes])
    return Episode(**columns)


def take(episode: Episode, number: int) -> Episode:
    """One community of a batch, as a batch of one."""
    columns: dict[str, Any] = {"keys": episode.keys[number : number + 1]}
    for field in fields(Episode)[1:]:
        columns[field.name] = getattr(episode, field.name)[number : number + 1]
    return Episode(**columns)
