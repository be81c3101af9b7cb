"""Prices that a member who plans by itself counts on."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from baselines.community.duals.learn import Lessons, seasons_and_hours
from baselines.community.optimal.outlook import Outlook
from p2p_market.community.episode.window import window
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.records import FloatArray

PARTS: Final = 4
REACH: Final = 4.0
"""That of `baselines.community.storage_value`, where it was chosen on validation weeks."""


@dataclass(frozen=True, slots=True)
class Posted:
    """Prices of a member's own trade, each worse than the one before, (part, block, agent)."""

    most_kw: FloatArray  # (block, agent), at each of the prices
    buy_eur_per_kwh: FloatArray
    sell_eur_per_kwh: FloatArray


def posted_prices(
    scenario: Scenario, learnt: Lessons, told: Outlook, day: int, step: int, block_steps: int
) -> Posted:
    """Prices to expect at the hub, inside what the grid leaves, and how much to count on.

    Args:
        day: day of the year on which the episode began.
        step: steps played since.
        block_steps: steps of the scenario in a block of the outlook.
    """
    floor, cap = told.ask_floor_eur_per_kwh[:, 0], told.bid_cap_eur_per_kwh[:, 0]
    season, hour = seasons_and_hours(scenario, day)
    row = (step + np.arange(len(cap)) * block_steps) % len(season)
    hub = learnt.hub_eur_per_kwh[season[row], hour[row]][:, None]
    hub = np.clip(hub, np.minimum(floor, cap), cap)
    common = window(scenario, day)
    mean_kw = np.abs(common.expected_load_kw - common.expected_pv_kw).mean()
    share = ((np.arange(PARTS) + 0.5) / PARTS)[:, None, None]
    return Posted(
        np.where(floor < cap, REACH * mean_kw / PARTS, 0.0),
        hub + share * (cap - hub),
        hub - share * (hub - floor),
    )
