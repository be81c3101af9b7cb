"""Gjerstad and Dickhaut: the price with the highest expected surplus, by beliefs from experience.

Storage follows the self-consumption rule and all that is left is offered. A seller believes that an
ask at price a is taken with probability `T / (T + R)`: T counts what speaks for it (taken asks and
bids at a or above), R what speaks against it (rejected asks at a or below); a buyer's belief is the
mirror image. It asks the price that maximises belief times distance to the limit, which is the
grid's price, fee and carbon counted. Nothing is drawn. Source: Gjerstad and Dickhaut (1998), "Price
formation in double auctions", Games and Economic Behavior 22, doi:10.1006/game.1997.0576.

Adaptations to a call market, where a trader sees the clearing price and its own fill only:

- A clearing price q replaces the asks and bids that a trader cannot see: asks up to q count as
  taken, asks above q as rejected. Of the trader's own order, the share that traded counts as taken
  and the rest as rejected.
- When nothing trades the last clearing price remains; it counts as a new observation when it has
  moved or the trader's own order has traded.
- The source joins the beliefs at observed prices by splines that end at certainty and
  impossibility. Here they are counted on a grid of 64 steps between limit and end of the prices,
  with one imagined observation that falls linearly from one end to the other.
- The memory is the last 24 clearing prices, and the trader's last 24 orders of each side.
- As in the source, surplus is counted at the trader's own price. At a uniform price an order that
  does not set the price earns at least that much, so the rule asks for more than a price taker,
  who would ask for the truth.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from p2p_market.community.rules.wishes import Reader, Wishes, reader
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.records import BoolArray, Float32Array, FloatArray

MEMORY: Final = 24
GRID: Final = np.arange(65) / 64.0
SHARES: Final = 64.0
"""Shares of orders are counted in such parts: sums are exact, in whatever order."""


class Memory(NamedTuple):
    """What the traders saw; nan where nothing."""

    clearing_eur_per_kwh: FloatArray  # (batch, agent, entry)
    order_eur_per_kwh: FloatArray  # (batch, agent, 2, entry), of bids and of asks
    taken: FloatArray  # (batch, agent, 2, entry), share that traded
    last: Wishes | None
    price_eur_per_kwh: FloatArray  # (batch, agent), of the last order


@dataclass(frozen=True, slots=True)
class GjerstadDickhaut:
    """The storage rule with prices by belief."""

    wishes: Reader
    agents: int

    def start(self, seeds: Sequence[int]) -> Memory:
        """Nothing seen."""
        nothing = np.full((len(seeds), self.agents, 2, MEMORY), np.nan)
        price = np.zeros((len(seeds), self.agents))
        return Memory(nothing[..., 0, :], nothing, np.zeros_like(nothing), None, price)

    def act(self, observation: Float32Array, memory: Memory) -> tuple[FloatArray, Memory]:
        """Remember the last market, then ask the price of the highest expected surplus."""
        action, now = self.wishes.read(observation)
        memory = remember(now, memory)
        buys = now.quantity_kw > 0.0
        side = np.where(buys, 1.0, -1.0)
        gain = now.room_eur_per_kwh[..., None] * GRID
        price = now.limit_eur_per_kwh[..., None] - side[..., None] * gain
        own = (np.where(buys[..., None], x[..., 0, :], x[..., 1, :]) for x in memory[1:3])
        chance = belief(side, price, memory.clearing_eur_per_kwh, *own)
        best = np.argmax(chance * gain, axis=-1)[..., None]
        asked = np.take_along_axis(price, best, axis=-1)[..., 0]
        later = memory._replace(last=now, price_eur_per_kwh=asked)
        return self.wishes.priced(action, asked), later


def belief(
    side: FloatArray, price: FloatArray, clearing: FloatArray, order: FloatArray, taken: FloatArray
) -> FloatArray:
    """Probability that an order at each price trades, (batch, agent, price).

    Args:
        side: 1 buys, -1 sells, (batch, agent).
        price: of a grid from the limit to the end of the prices, (batch, agent, price) [EUR/kWh].
        clearing: prices seen, (batch, agent, entry) [EUR/kWh], nan where none.
        order: the agent's own prices on that side, (batch, agent, entry) [EUR/kWh], nan where none.
        taken: share of these orders that traded, (batch, agent, entry).
    """
    sign = side[..., None, None]
    off_clearing = sign * (price[..., None] - clearing[..., None, :])
    off_order = sign * (price[..., None] - order[..., None, :])
    share = taken[..., None, :]
    pro = (off_clearing >= 0.0).sum(axis=-1) + (share * (off_order >= 0.0)).sum(axis=-1)
    con = (off_clearing < 0.0).sum(axis=-1) + ((1.0 - share) * (off_order <= 0.0)).sum(axis=-1)
    pro, con = pro + 1.0 - GRID, con + GRID
    chance: FloatArray = pro / (pro + con)
    return chance


def remember(now: Wishes, memory: Memory) -> Memory:
    """The memory with the result of the last orders."""
    last = memory.last
    if last is None:
        return memory
    news = now.clearing_price_eur_per_kwh
    fresh = (news != last.clearing_price_eur_per_kwh) | (now.fill_kw != 0.0)
    asked = np.where(last.quantity_kw == 0.0, 1.0, last.quantity_kw)
    share = np.round(SHARES * np.clip(now.fill_kw / asked, 0.0, 1.0)) / SHARES
    placed = last.side[..., None] == np.array([1.0, -1.0])
    return memory._replace(
        clearing_eur_per_kwh=_pushed(memory.clearing_eur_per_kwh, news, fresh),
        order_eur_per_kwh=_pushed(
            memory.order_eur_per_kwh, memory.price_eur_per_kwh[..., None], placed
        ),
        taken=_pushed(memory.taken, share[..., None], placed),
    )


def _pushed(entries: FloatArray, value: FloatArray, where: BoolArray) -> FloatArray:
    """The entries, with a new one appended and the oldest dropped, where there is a new one."""
    new = np.broadcast_to(value[..., None], (*where.shape, 1))
    moved = np.concatenate([entries[..., 1:], new], axis=-1)
    return np.where(where[..., None], moved, entries)


def believing(scenario: Scenario) -> GjerstadDickhaut:
    """Gjerstad and Dickhaut's traders on the storage rule."""
    return GjerstadDickhaut(reader(scenario), len(scenario.agents))
