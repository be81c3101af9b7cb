"""Zero Intelligence Plus: margins that learn by the Widrow-Hoff rule with momentum.

Storage follows the self-consumption rule and all that is left is offered; only the price is
learned. A trader asks its limit (the grid's price, fee and carbon counted) plus a margin. After
each market it moves its price p towards a target near a price q that it saw: the change is
`momentum * last change + (1 - momentum) * rate * (target - p)`, where the target is
`(1 + d * R) * q + d * A` with R, A drawn afresh between 0 and 0.05 (A: of a tenth of the highest
price), d = 1 for a buyer, -1 for a seller. Rates lie between 0.1 and 0.5, momenta between 0 and
0.1, first margins between 0.05 and 0.35, drawn once per agent. Source: Cliff and Bruten (1997),
"Minimal-intelligence agents for bargaining behaviors in market-based environments", HP Labs
HPL-97-91.

Adaptations to a call market, where no shouts are heard but one price comes out per step:

- An order that traded in full moves to the clearing price q. Any other order is what the source
  calls active: its q is the worse of clearing price and own price, so that rationed orders compete
  and an order that met nobody moves as a rejected one does.
- All traders aim at the side of q that trades. In the source, a trader that traded aims a little
  beyond q; there a shout at too high a price is repeated at once, here it costs the step. Where
  demand and supply do not change (see the tests), aiming beyond q would lose more than a third of
  the surplus, though at the right price.
- A trader without an order does not learn, because it has no price to compare.
- A member buys in one step and sells in another, so it has a margin per side.
- Limits move with the tariff, and a floor may be zero. So a margin is a share of the way from the
  limit to the end of the prices: to zero for a buyer, as in the source, to the highest price for a
  seller. A margin is never below zero: no order is worse than the grid.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from p2p_market.community.rules.wishes import Reader, Wishes, reader
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.records import BoolArray, Float32Array, FloatArray

RATES: Final = (0.1, 0.5)
MOMENTA: Final = (0.0, 0.1)
MARGINS: Final = (0.05, 0.35)
RELATIVE: Final = 0.05
ABSOLUTE: Final = 0.005  # of the highest price
FULL: Final = 0.999  # share of an order, meters being rounded


class Memory(NamedTuple):
    """What the traders know; the last axis of margin and change is buyer, seller."""

    seeds: tuple[int, ...]
    step: int
    margin: FloatArray  # (batch, agent, 2), share of the room
    change_eur_per_kwh: FloatArray  # (batch, agent, 2), last change of price
    last: Wishes | None
    price_eur_per_kwh: FloatArray  # (batch, agent), of the last order


@dataclass(frozen=True, slots=True)
class ZeroIntelligencePlus:
    """The storage rule with learned prices; draws depend on the seed and the step alone."""

    wishes: Reader
    agents: int

    def start(self, seeds: Sequence[int]) -> Memory:
        """Margins drawn from the seeds, nothing traded yet."""
        margin = _between(MARGINS, _draws(seeds, _TRAITS, self.agents)[..., :2])
        zero = np.zeros_like(margin)
        return Memory(tuple(seeds), 0, margin, zero, None, zero[..., 0])

    def act(self, observation: Float32Array, memory: Memory) -> tuple[FloatArray, Memory]:
        """Learn from the last market, then ask the limit plus margin."""
        action, now = self.wishes.read(observation)
        margin, change = self._learn(now, memory)
        own = np.where(now.side > 0.0, margin[..., 0], margin[..., 1])
        away = np.where(now.quantity_kw > 0.0, -1.0, 1.0)
        price = now.limit_eur_per_kwh + away * own * now.room_eur_per_kwh
        later = Memory(memory.seeds, memory.step + 1, margin, change, now, price)
        return self.wishes.priced(action, price), later

    def _learn(self, now: Wishes, memory: Memory) -> tuple[FloatArray, FloatArray]:
        """Margins and changes after the last market, (batch, agent, 2)."""
        last = memory.last
        if last is None:
            return memory.margin, memory.change_eur_per_kwh
        traits = _draws(memory.seeds, _TRAITS, self.agents)[..., 2:]
        noise = _draws(memory.seeds, memory.step, self.agents)[..., :2]
        aim = target(
            last.side, memory.price_eur_per_kwh, now.clearing_price_eur_per_kwh,
            now.fill_kw / np.where(last.quantity_kw == 0.0, 1.0, last.quantity_kw) >= FULL,
            RELATIVE * noise[..., 0],
            ABSOLUTE * self.wishes.price_max_eur_per_kwh * noise[..., 1],
        )  # fmt: skip
        rate, momentum = _between(RATES, traits[..., :1]), _between(MOMENTA, traits[..., 1:])
        error = (aim - memory.price_eur_per_kwh)[..., None]
        change = momentum * memory.change_eur_per_kwh + (1.0 - momentum) * rate * error
        price = memory.price_eur_per_kwh[..., None] + change
        room = np.maximum(last.room_eur_per_kwh, 1e-9)[..., None]
        margin = np.clip(np.abs(price - last.limit_eur_per_kwh[..., None]) / room, 0.0, 1.0)
        inside = (last.limit_eur_per_kwh[..., None] - price) * last.side[..., None] > 0.0
        margin = np.where(inside, margin, 0.0)
        learns = last.side[..., None] == np.array([1.0, -1.0])
        return (
            np.where(learns, margin, memory.margin),
            np.where(learns, change, memory.change_eur_per_kwh),
        )


def target(
    side: FloatArray,
    price: FloatArray,
    clearing_price: FloatArray,
    filled: BoolArray,
    relative: FloatArray,
    absolute: FloatArray,
) -> FloatArray:
    """Where a trader would have wanted its price to be in the last market [EUR/kWh].

    Args:
        side: 1 buys, -1 sells.
        price: of the agent's own order [EUR/kWh].
        clearing_price: of the market [EUR/kWh].
        filled: whether the agent's own order traded in full.
        relative: share of the price to give way by, at least 0.
        absolute: what to give way by as well [EUR/kWh], at least 0.
    """
    worse = np.where(
        side > 0.0, np.maximum(price, clearing_price), np.minimum(price, clearing_price)
    )
    seen = np.where(filled, clearing_price, worse)
    return (1.0 + side * relative) * seen + side * absolute


_TRAITS: Final = -1
"""In the place of a step: what is drawn once."""


def _draws(seeds: Sequence[int], step: int, agents: int) -> FloatArray:
    """Four uniform numbers per agent, a function of seed and step, (batch, agent, 4)."""
    generators = (np.random.Philox(key=seed, counter=[0, 0, 0, step + 1]) for seed in seeds)
    return np.stack([np.random.Generator(own).random((agents, 4)) for own in generators])


def _between(ends: tuple[float, float], share: FloatArray) -> FloatArray:
    return ends[0] + (ends[1] - ends[0]) * share


def plus(scenario: Scenario) -> ZeroIntelligencePlus:
    """Cliff and Bruten's traders on the storage rule."""
    return ZeroIntelligencePlus(reader(scenario), len(scenario.agents))
