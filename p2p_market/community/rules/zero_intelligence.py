"""Zero intelligence, constrained: random prices that never lose against the grid.

Storage follows the self-consumption rule and all that is left is offered. A buyer bids uniformly
between zero and its cap, a seller asks uniformly between its floor and the highest price. Source:
Gode and Sunder (1993), "Allocative efficiency of markets with zero-intelligence traders", J.
Political Economy 101, doi:10.1086/261868.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from p2p_market.community.observation import features
from p2p_market.community.rules.policy import SelfConsumption, truthful
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.records import Float32Array, FloatArray

Memory = tuple[tuple[int, ...], int]


@dataclass(frozen=True, slots=True)
class ZeroIntelligence:
    """Truthful quantities at random prices; the price at step t depends on the seed and t alone."""

    rule: SelfConsumption
    price_max_eur_per_kwh: float
    retail: int  # columns of the observation
    feed_in: int
    fee: int
    carbon: int

    def start(self, seeds: Sequence[int]) -> Memory:
        """Seeds and the step counter."""
        return tuple(seeds), 0

    def act(self, observation: Float32Array, memory: Memory) -> tuple[FloatArray, Memory]:
        """Orders of the truthful rule with prices drawn afresh."""
        seeds, step = memory
        action, _ = self.rule.act(observation, None)
        draws = np.stack([_uniform(seed, step, observation.shape[1]) for seed in seeds])
        seen = observation.astype(np.float64)
        cap = seen[..., self.retail] + seen[..., self.carbon] - seen[..., self.fee]
        floor = seen[..., self.feed_in] + seen[..., self.fee]
        bid = draws * cap
        ask = floor + draws * (self.price_max_eur_per_kwh - floor)
        quantity = self.rule.table.assets
        price = np.where(action[..., quantity] > 0.0, bid, ask)
        action[..., quantity + 1] = 2.0 * price / self.price_max_eur_per_kwh - 1.0
        return action, (seeds, step + 1)


def _uniform(seed: int, step: int, agents: int) -> FloatArray:
    """Uniform numbers that are a function of seed and step, (agent,)."""
    return np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, 0, step])).random(agents)


def constrained(scenario: Scenario) -> ZeroIntelligence:
    """Gode and Sunder's constrained traders on the storage rule."""
    names = [feature.name for feature in features(scenario)]
    return ZeroIntelligence(
        truthful(scenario),
        scenario.spec.price_max_eur_per_kwh,
        *(names.index(name) for name in ("retail", "feed_in", "network_fee", "carbon_cost")),
    )
