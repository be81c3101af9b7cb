"""What is public for one battery: its figures and the rules; day-ahead prices as published."""

import math
from collections.abc import Mapping
from typing import Any

from leaderboard.tracks import neutral
from p2p_market.battery.episode.episode import Episode, window
from p2p_market.battery.observation import BACK_H
from p2p_market.battery.scenario import Scenario
from p2p_market.records import FloatArray


def facts(scenario: Scenario, episode: Episode, role: str, agent: int) -> Mapping[str, Any]:
    """Figures of the battery, and rules of the markets; a limit that there is not is left out."""
    rules = {
        name: value
        for name, value in scenario.rules._asdict().items()
        if not (isinstance(value, float) and math.isinf(value))
    }
    return {
        **neutral.facts(scenario, episode, role, agent),
        **{name: float(values[agent]) for name, values in scenario.fleet._asdict().items()},
        "rules": rules,
        "scale": scenario.scale,
    }


def published(
    scenario: Scenario, episode: Episode, role: str, agent: int, step: int
) -> Mapping[str, FloatArray]:
    """Day-ahead prices from two days before the episode to the last hour that is published."""
    hour = int(step * scenario.dt_h)
    days = 2 if hour % 24 >= scenario.rules.publish_hour else 1
    known = 24 * (hour // 24 + days)
    prices = window(scenario, episode.keys[0].start_day).day_ahead
    return {"day_ahead_eur_per_mwh": prices[: BACK_H + known]}
