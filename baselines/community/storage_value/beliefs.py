"""What a member believes that its net load will cost in the hours ahead."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from baselines.community.duals.learn import Lessons, seasons_and_hours
from baselines.community.mpc.forecasts import columns, forecast
from baselines.community.mpc.worlds import WorldAhead, stacked
from baselines.community.storage_value.value import Tariff
from p2p_market.community.episode.window import window
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.records import FloatArray

REACH: Final = 4.0
"""Net load at which the hub helps no more, in mean net loads of the community's members; chosen on
validation weeks of `classic-v0`, `community-16-v0` and `ev-12-v0`."""

PARTS: Final = 8
"""Steps that stand for the straight line from the hub price to the grid's price."""


@dataclass(frozen=True, slots=True)
class Prices:
    """What a kWh costs or brings, (..., agent) each [EUR/kWh]."""

    retail: FloatArray  # carbon included
    feed_in: FloatArray
    hub: FloatArray


def tariff(prices: Prices, fee_eur_per_kwh: FloatArray, reach_kw: FloatArray) -> Tariff:
    """Price of net load: near the hub price for a little, that of the grid from the reach on.

    All members learn the same hub price. Who believed in any quantity at that price would do what
    all others do in the same hour; so a member counts on a price that its own net load moves.
    Where an order cannot pay its fee, there is the grid alone.
    """
    floor, cap = prices.feed_in + fee_eur_per_kwh, prices.retail - fee_eur_per_kwh
    hub = np.clip(prices.hub, np.minimum(floor, cap), cap)
    buy = np.where(floor < cap, hub + fee_eur_per_kwh, prices.retail)[..., None]
    sell = np.where(floor < cap, hub - fee_eur_per_kwh, prices.feed_in)[..., None]
    retail, feed_in = prices.retail[..., None], prices.feed_in[..., None]
    line = (np.arange(PARTS) + 0.5) / PARTS
    edge = np.linspace(-1.0, 1.0, 2 * PARTS + 1) * reach_kw[..., None]
    price = np.concatenate(
        [feed_in, feed_in + (sell - feed_in) * line, buy + (retail - buy) * line, retail], axis=-1
    )
    return Tariff(np.broadcast_to(edge, (*prices.retail.shape, edge.shape[-1])), price)


@dataclass(frozen=True, slots=True)
class Beliefs:
    """From the agent's own observation, what the scenario fixes, and the learnt prices."""

    scenario: Scenario
    learnt: Lessons
    reach: float = REACH

    @property
    def per_hour(self) -> int:
        """Steps of the scenario in an hour."""
        return round(1.0 / self.scenario.dt_h)

    def now(self, seen: FloatArray, days: Sequence[int], step: int) -> Tariff:
        """Of this step, (batch, agent); without the grid there is the neighbourhood alone."""
        at = columns(self.scenario)
        retail = seen[..., at["retail"]] + seen[..., at["carbon_cost"]]
        feed_in = seen[..., at["feed_in"]]
        if "grid" in at:
            there = seen[..., at["grid"]] > 0.0
            retail = np.where(there, retail, self.scenario.spec.lost_load_eur_per_kwh)
            feed_in = np.where(there, feed_in, 0.0)
        return self._tariff(Prices(retail, feed_in, self._hub(days, step, 1)[0]), days)

    def ahead(
        self, seen: FloatArray, days: Sequence[int], step: int, hours: int
    ) -> tuple[Tariff, FloatArray, WorldAhead | None]:
        """Of each hour ahead: price, and net load without storage [kW], (hour, batch, agent).

        Carbon stays as it is now, and the grid is there. Last the world of machines, (hour, batch,
        agent, asset).
        """
        told = [
            forecast(self.scenario, one, day, step, hours, self.per_hour)
            for one, day in zip(seen, days, strict=True)
        ]
        net_load = np.stack([one.load_kw - one.pv_kw for one in told], axis=1)
        retail = np.stack([one.retail_eur_per_kwh for one in told], axis=1)
        retail = retail + seen[..., columns(self.scenario)["carbon_cost"]]
        feed_in = np.stack([one.feed_in_eur_per_kwh for one in told], axis=1)
        tariff = self._tariff(Prices(retail, feed_in, self._hub(days, step, hours)), days)
        return tariff, net_load, stacked([one.world for one in told])

    def _tariff(self, prices: Prices, days: Sequence[int]) -> Tariff:
        common = [window(self.scenario, day) for day in days]
        mean = [np.abs(one.expected_load_kw - one.expected_pv_kw).mean() for one in common]
        reach = self.reach * np.array(mean)[:, None]
        return tariff(prices, self.scenario.network_fee_eur_per_kwh, reach)

    def _hub(self, days: Sequence[int], step: int, hours: int) -> FloatArray:
        """Hub prices of the lessons, (hour, batch, 1); past the end the first day stands in."""
        prices = []
        for day in days:
            season, hour = seasons_and_hours(self.scenario, day)
            row = (step + np.arange(hours) * self.per_hour) % len(season)
            prices.append(self.learnt.hub_eur_per_kwh[season[row], hour[row]])
        return np.stack(prices, axis=1)[..., None]
