"""The step as one would write it in NumPy, in one file: what the compiled step is compared to.

It knows batteries, a feeder that is charged and not binding, and the uniform-price auction, and it
trusts its callers: no screen, no connection limit, no outages, no vehicles, no invariants.
"""

import numpy as np

from p2p_market.community import engine
from p2p_market.community.actions import action_map
from p2p_market.community.episode.episode import Episode
from p2p_market.community.observation import features, horizons
from p2p_market.community.records import LEDGER_COLUMN
from p2p_market.community.reward import weights
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.data.forecast import BAND

ROUNDING_KW = 1e-9


def auction(quantity, price, tick, k):
    """Uniform price by sorting, (batch, order); returns fills and the price, nan without trade."""
    buying = quantity > 0.0
    # Lowest price first, asks before bids: where demand from above meets supply from below.
    key = 2 * np.rint(price / tick).astype(np.int64) + buying
    order = np.argsort(key, axis=1)
    level = np.take_along_axis(price, order, axis=1)
    bid = np.take_along_axis(np.maximum(quantity, 0.0), order, axis=1)
    ask = np.take_along_axis(np.maximum(-quantity, 0.0), order, axis=1)
    demand = np.cumsum(bid[:, ::-1], axis=1)[:, ::-1]
    supply = np.cumsum(ask, axis=1)
    volume = np.minimum(demand, supply).max(axis=1, keepdims=True)
    enough, more = volume - ROUNDING_KW, volume + ROUNDING_KW
    highest = lambda where: np.where(where, level, -np.inf).max(axis=1, keepdims=True)  # noqa: E731
    lowest = lambda where: np.where(where, level, np.inf).min(axis=1, keepdims=True)  # noqa: E731
    last_bid = highest((bid > 0.0) & (demand >= enough))
    last_ask = lowest((ask > 0.0) & (supply >= enough))
    low = np.maximum(last_ask, highest((bid > 0.0) & (demand > more)))
    high = np.minimum(last_bid, lowest((ask > 0.0) & (supply > more)))
    fill = _served(np.maximum(quantity, 0.0), price > last_bid, price == last_bid, volume)
    fill -= _served(np.maximum(-quantity, 0.0), price < last_ask, price == last_ask, volume)
    trades = volume > ROUNDING_KW
    with np.errstate(invalid="ignore"):
        hub = np.where(trades, low + k * (high - low), np.nan)
    return np.where(trades, fill, 0.0), hub[:, 0]


def _served(wanted, inside, marginal, volume):
    """Everything better than the margin, and of the margin its share of what is left."""
    full = np.where(inside, wanted, 0.0)
    left = volume - full.sum(axis=1, keepdims=True)
    edge = np.where(marginal, wanted, 0.0)
    asked = np.maximum(edge.sum(axis=1, keepdims=True), ROUNDING_KW)
    return full + edge * np.clip(left / asked, 0.0, 1.0)


class NumpyCommunities:
    """Communities of one scenario in NumPy, stepped in place."""

    def __init__(self, scenario: Scenario, episode: Episode) -> None:
        spec = scenario.spec
        assert spec.mechanism == "k_double_auction"
        assert spec.feeder.mode == "penalty"
        assert spec.outages is None
        assert spec.faults is None
        self.scenario, self.episode, self.t = scenario, episode, 0
        self.energy_kwh = episode.start_energy_kwh.copy()
        self.fill_kw = np.zeros(episode.load_kw.shape[1:])
        self.hub_price = engine.start(scenario, episode).last_price_eur_per_kwh
        self.entries_eur = np.zeros((*self.fill_kw.shape, len(LEDGER_COLUMN)))
        shape = (*self.fill_kw.shape, len(features(scenario)))
        self.seen = np.zeros(shape, dtype=np.float32)

    def step(self, actions):
        """Play one step of normalised actions; returns observations and rewards."""
        scenario, episode, t = self.scenario, self.episode, self.t
        spec, nodes = scenario.spec, scenario.nodes
        asked = action_map(scenario).physical(actions)
        low, high = self._power_limits()
        power = np.clip(asked[..., :-2], low, high)
        net = episode.load_kw[t] - episode.pv_kw[t] + power.sum(axis=2)
        quantity, price = self._order(asked[..., -2], asked[..., -1], net)
        fill, hub = auction(quantity, price, spec.tick_eur_per_kwh, spec.k)
        stored = np.where(power > 0.0, nodes.charge_gain_h, nodes.discharge_gain_h) * power
        after = nodes.retention * self.energy_kwh + stored
        after = np.clip(after, nodes.energy_min_kwh, nodes.energy_max_kwh)
        moved = np.abs(asked[..., -2] - quantity) + np.abs(asked[..., :-2] - power).sum(axis=2)
        self._bill(net, fill, hub, power, after, moved)
        self.energy_kwh, self.fill_kw = after, fill
        self.hub_price = np.where(np.isnan(hub), self.hub_price, hub)
        self.t += 1
        return self._observe(), self._rewards()

    def _power_limits(self):
        nodes = self.scenario.nodes
        kept = nodes.retention * self.energy_kwh
        charge = np.where(nodes.present, nodes.charge_gain_h, 1.0)
        discharge = np.where(nodes.present, nodes.discharge_gain_h, 1.0)
        low = np.maximum(nodes.power_min_kw, (nodes.energy_min_kwh - kept) / discharge)
        return low, np.minimum(nodes.power_max_kw, (nodes.energy_max_kwh - kept) / charge)

    def _order(self, quantity, price, net):
        spec, t = self.scenario.spec, self.t
        floor, cap = self.episode.ask_floor_eur_per_kwh[t], self.episode.bid_cap_eur_per_kwh[t]
        quantity = np.clip(quantity, np.minimum(net, 0.0), np.maximum(net, 0.0))
        quantity = np.where(floor >= cap, 0.0, quantity)
        price = np.clip(price, 0.0, spec.price_max_eur_per_kwh) / spec.tick_eur_per_kwh
        price = np.floor(price + 0.5) * spec.tick_eur_per_kwh
        price = np.where(quantity > 0.0, np.minimum(price, cap), price)
        return quantity, np.where(quantity < 0.0, np.maximum(price, floor), price)

    def _bill(self, net, fill, hub, power, after, moved):
        scenario, episode, t, dt = self.scenario, self.episode, self.t, self.scenario.dt_h
        spec, nodes, feeder = scenario.spec, scenario.nodes, scenario.spec.feeder
        imported, exported = np.maximum(net - fill, 0.0), np.maximum(fill - net, 0.0)
        flow = net.sum(axis=1, keepdims=True)
        causing = np.maximum(np.sign(flow) * net, 0.0)
        excess = np.maximum(np.abs(flow) - feeder.limit_kw, 0.0)
        share = causing / np.maximum(causing.sum(axis=1, keepdims=True), ROUNDING_KW)
        value = spec.terminal_value_eur_per_kwh if t == scenario.steps - 1 else 0.0
        carbon = episode.carbon_eur_per_kwh[t][:, None]
        penalty = spec.reward.filter_penalty_eur_per_kwh
        for name, eur in (
            ("p2p_payment", np.where(fill == 0.0, 0.0, fill * np.nan_to_num(hub)[:, None] * dt)),
            ("grid_import", imported * episode.retail_eur_per_kwh[t] * dt),
            ("grid_export", -exported * episode.feed_in_eur_per_kwh[t] * dt),
            ("network_fee", np.abs(fill) * scenario.network_fee_eur_per_kwh * dt),
            ("carbon", imported * carbon * dt),
            ("degradation", (np.abs(power) * nodes.degradation_eur_per_kwh * dt).sum(axis=2)),
            ("terminal_value", -value * (after - episode.start_energy_kwh).sum(axis=2)),
            ("filter_penalty", penalty * moved * dt),
            ("overload", share * excess * feeder.overload_eur_per_kwh * dt),
        ):
            self.entries_eur[..., LEDGER_COLUMN[name]] = eur

    def _rewards(self):
        share = self.scenario.spec.reward.community_share
        own = -(self.entries_eur * weights(self.scenario)).sum(axis=2)
        return (1.0 - share) * own + share * own.mean(axis=1, keepdims=True)

    def _observe(self):
        scenario, episode, steps = self.scenario, self.episode, self.scenario.steps
        nodes, t = scenario.nodes, min(self.t, steps - 1)
        top = nodes.energy_max_kwh
        soc = np.divide(self.energy_kwh, top, out=np.zeros_like(self.energy_kwh), where=top > 0.0)
        zero, load, pv = np.zeros_like(self.fill_kw), episode.load_kw[t], episode.pv_kw[t]
        columns = []
        for k in range(top.shape[1]):
            columns += [soc[..., k], top[:, k], nodes.power_max_kw[:, k], zero, zero]
        columns += [load, pv, self.fill_kw, zero, episode.retail_eur_per_kwh[t]]
        columns += [episode.feed_in_eur_per_kwh[t], scenario.network_fee_eur_per_kwh]
        columns += [episode.carbon_eur_per_kwh[t][:, None], episode.co2_kg_per_kwh[t][:, None]]
        columns += [self.hub_price[:, None], *episode.calendar[t].T[..., None]]
        columns += [np.full_like(zero, 1.0 - self.t / steps), *self._forecasts(t, load, pv)]
        for number, column in enumerate(columns):
            self.seen[..., number] = column
        return self.seen

    def _forecasts(self, t, load, pv):
        scenario, episode = self.scenario, self.episode
        ahead, share, rest = horizons(scenario)
        expected, sun = episode.expected_load_kw, episode.expected_pv_kw
        ratio = np.divide(pv, sun[t], out=np.ones_like(pv), where=sun[t] > 0.01)
        columns = np.arange(episode.batch)
        for h, (s, kept, spread) in enumerate(zip(t + ahead, share, rest, strict=True)):
            source = episode.known_price_step[t, :, h]
            yield np.maximum(expected[s] + kept * (load - expected[t]), 0.0)
            yield spread * episode.load_spread_kw[s]
            yield sun[s] * (1.0 + kept * (ratio - 1.0))
            yield spread * episode.pv_spread_kw[s]
            yield episode.retail_eur_per_kwh[source, columns]
        known = (source == t + ahead[-1])[:, None]
        yield np.where(known, 0.0, BAND * scenario.price_spread_eur_per_kwh)
