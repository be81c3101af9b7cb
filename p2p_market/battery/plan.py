"""From a schedule to the actions that play it."""

import numpy as np

from p2p_market.battery.episode.episode import Episode
from p2p_market.battery.records import TIERS
from p2p_market.battery.scenario import Scenario
from p2p_market.records import FloatArray
from p2p_market.track import Series


def plan_actions(scenario: Scenario, episode: Episode, schedule: Series) -> FloatArray:
    """Numbers in [-1, 1] that play a schedule, (step, 1, agent, column).

    Args:
        episode: a batch of one.
        schedule: `offer_mw`, `tier` and `wish_mw`, (step, agent) each, and in a bidding scenario
            `position_mw` of every hour, (hour, agent).
    """
    power = scenario.fleet.power_mw
    clock_h = np.arange(scenario.steps) * scenario.dt_h
    hour = clock_h.astype(np.int64)
    position = episode.position_mw[0].T
    if scenario.bids:
        position = schedule["position_mw"]
    rest = power - np.abs(position[hour])
    share = np.divide(schedule["offer_mw"], rest, out=np.zeros_like(rest), where=rest > 0.0)
    tier = 2.0 * schedule["tier"] / (len(TIERS) - 1) - 1.0
    columns = [2.0 * share - 1.0, tier, schedule["wish_mw"] / power]
    tomorrow = 24 * (hour // 24 + 1)
    columns += [position[tomorrow + k] / power for k in range(scenario.bids)]
    return np.stack(columns, axis=-1)[:, None]
