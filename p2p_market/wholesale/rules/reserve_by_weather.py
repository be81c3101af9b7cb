"""An operator that keeps more reserve where wind and sun are strong and power is cheap."""

from typing import Final

import numpy as np

from p2p_market.kit.policies import Rule
from p2p_market.records import FloatArray
from p2p_market.wholesale.actions import NEUTRAL_TAP
from p2p_market.wholesale.records import TAPS
from p2p_market.wholesale.rules.default import centred, places
from p2p_market.wholesale.scenario import Scenario

DEAR_EUR_PER_MWH: Final = 64.0
SOME_MW, MUCH_MW = 40.0, 60.0
"""Renewable output above which one more level is kept, at dear and at other prices."""


def operator(scenario: Scenario) -> Rule:
    """Levels 1 to 3 by last price and renewable output; the tap of the default rule."""
    return Rule(_act, scenario)


def _act(scenario: Scenario, seen: FloatArray) -> FloatArray:
    at = places(scenario, "operator")
    dear = seen[..., at["price_1_ago"]] >= DEAR_EUR_PER_MWH
    output = seen[..., at["renewable_output"]]
    level = np.where(dear, 1 + (output > SOME_MW), 2 + (output > MUCH_MW))
    return np.asarray((TAPS * level + NEUTRAL_TAP + centred(scenario, seen))[..., None])
