"""What is learnt with on batteries: who is imitated, what is shown, and what is left out."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from baselines.battery.ppo.sight import Sight
from baselines.battery.shown import shown
from baselines.learners.ppo.own import Own
from p2p_market.battery.scenario import Scenario
from p2p_market.records import FloatArray
from p2p_market.track import EpisodeKey

SETTINGS: Final = {
    "agent_steps": 1_600_000, "learning_rate": 3e-4, "imitate": "mpc-battery",
    "imitate_weeks": 192, "imitate_epochs": 6, "first_wear": 1.0,
}  # fmt: skip
"""On top of those for choices; who knows how to trade needs no wear that grows."""


def sight(scenario: Scenario) -> Sight | None:
    """One battery by the hour sees more than the observation."""
    return Sight(scenario) if Sight.fits(scenario) else None


def given(scenario: Scenario) -> Sequence[str]:
    """A position that is given earns its price, delivered or not."""
    return () if scenario.rules.bidding else ("dam",)


def full_eur(scenario: Scenario, keys: Sequence[EpisodeKey]) -> FloatArray:
    """Full batteries at the mean day-ahead price of each week, (batch, agent)."""
    hours = 24 * scenario.spec.days
    first = [24 * key.start_day for key in keys]
    price = [scenario.day_ahead_eur_per_mwh[hour : hour + hours].mean() for hour in first]
    return np.outer(price, scenario.fleet.capacity_mwh)


OWN: Final = Own(SETTINGS, shown, sight, given, full_eur)
