"""A reference of the tests: each role plays its part of the optimum, which knows all prices."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from p2p_market.evaluation.rollout import Recorded
from tests.toy.players import Optimum
from tests.toy.track import Episode, Scenario, replayed, take


@dataclass(frozen=True, slots=True)
class Oracle:
    """Plays the optimum, which knows all prices."""

    role: str
    scenario: Scenario

    def informed(self, episode: Episode) -> Recorded:
        """The policy for these episodes."""
        planner = Optimum(self.scenario)
        singles = [take(episode, number) for number in range(episode.batch)]
        joint = [replayed(self.scenario, single, planner.plan(single)) for single in singles]
        return Recorded(np.concatenate([one[self.role] for one in joint], axis=1))


storage, plant = partial(Oracle, "storage"), partial(Oracle, "plant")
