"""What each role sees."""

from functools import lru_cache

import numpy as np

from p2p_market.records import Float32Array
from p2p_market.track import Feature
from p2p_market.wholesale.episode.episode import Episode
from p2p_market.wholesale.records import ROLES, State
from p2p_market.wholesale.scenario import Scenario

WIDTHS = {"generator": 64, "storage": 48, "consumer": 40, "operator": 80}


@lru_cache(maxsize=32)
def features(scenario: Scenario, role: str) -> tuple[Feature, ...]:
    """Name, unit and range of each number that a role sees."""
    return tuple(Feature(f"f{k}", "1", -1e4, 1e4) for k in range(WIDTHS[role]))


def observe_roles(scenario: Scenario, episode: Episode, state: State) -> dict[str, Float32Array]:
    """Role -> (batch, agent, feature)."""
    counts = dict(zip(ROLES, (*scenario.sizes, 1), strict=True))
    return {
        role: np.zeros((episode.batch, counts[role], WIDTHS[role]), np.float32) for role in ROLES
    }
