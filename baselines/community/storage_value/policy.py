"""Storage-value bidder: charge below what a stored kWh is worth, discharge above, order the rest.

Once an hour each member computes, for itself and without a solver, what energy at each level of its
storage will be worth at the end of the hour: a backward recursion through the next 24 hours, over
its own forecasts of load, PV and contract price and over the hub prices that training weeks taught
(`duals`: the optimum's dual prices by season and hour). Its result is the dual of the
storage, so this is `mpc-alone` without a program. At the end of the horizon energy is worth the
scenario's terminal value; in a vehicle that leaves, the price of a shortfall below the target and
the terminal value above.

In each step a storage charges as long as `eta_charge * value - wear` exceeds what one more kWh
costs, and discharges as long as one more kWh brings more than `value / eta_discharge + wear`. One
more kWh costs the hub price where a member needs none, and rises in a straight line with its net
load to the grid's price, so that members who learnt the same price do not all run at once.

The order covers the net load that is left. Set-points are carried out whether or not it is filled,
and the grid serves the rest; so the limit price is the grid's, the truth about the outside option,
wherever the member's own load or PV is in the order. An order that is only energy out of storage
asks no less than that energy costs; an order that is only energy into storage bids no more than it
will be worth (both include the network fee).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np

from baselines.community.duals.learn import lessons
from baselines.community.mpc.acts import said_by_rule
from baselines.community.mpc.forecasts import columns, start_day
from baselines.community.mpc.worlds import WorldAhead
from baselines.community.storage_value.beliefs import REACH, Beliefs
from baselines.community.storage_value.machine import World, running_of
from baselines.community.storage_value.value import (
    Device,
    Offer,
    Tariff,
    best_power,
    floor_of,
    one_step_earlier,
)
from p2p_market.assets.node import Coefficients, coefficients
from p2p_market.community.actions import ActionMap, action_map
from p2p_market.community.rules.policy import SelfConsumption, truthful
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.records import BoolArray, Float32Array, FloatArray, IntArray

HORIZON_H: Final = 24


class Memory(NamedTuple):
    """What the bidder knows."""

    step: int
    days: tuple[int, ...]  # of the year on which each community began
    values: tuple[FloatArray, ...]  # per store, (batch, owner, cell) at the end of the hour


@dataclass(frozen=True, slots=True)
class Store:
    """One column of set-points, for the members who have it."""

    asset: int
    owners: IntArray
    of_step: Device
    of_hour: Device
    power_min_kw: FloatArray  # (owner,)
    power_max_kw: FloatArray  # (owner,)
    target_kwh: FloatArray  # (owner,), 0 = never leaves
    terminal_eur_per_kwh: FloatArray  # (owner,)

    @property
    def stays(self) -> BoolArray:
        """Whether it never leaves, (owner,)."""
        return np.asarray(self.target_kwh == 0.0)

    def leaving(self, shortfall: float, terminal: float) -> FloatArray:
        """Value of energy in a vehicle that leaves, (owner, cell) [EUR/kWh]."""
        edges = self.of_step.edges_kwh
        short = np.clip((self.target_kwh[:, None] - edges[:, :-1]) / np.diff(edges), 0.0, 1.0)
        return np.asarray(terminal + short * (shortfall - terminal))


@dataclass(frozen=True, slots=True)
class StorageValue:
    """Set-points and prices by the value of stored energy."""

    scenario: Scenario
    rule: SelfConsumption  # knows the devices' limits
    beliefs: Beliefs
    stores: tuple[Store, ...]
    table: ActionMap
    horizon_h: int = HORIZON_H

    def start(self, seeds: Sequence[int]) -> Memory:
        """Nothing is known of the communities yet."""
        return Memory(0, (), ())

    def act(self, observation: Float32Array, memory: Memory) -> tuple[FloatArray, Memory]:
        """Set-points by value, then one order for what they leave."""
        step, days, values = memory
        if step == 0:
            days = tuple(start_day(self.scenario, first) for first in observation)
        seen = observation.astype(np.float64)
        if step % self.beliefs.per_hour == 0:
            values = self._values(seen, days, step)
        tariff = self.beliefs.now(seen, days, step)
        chosen = self._choose(seen, tariff, values)
        price = self._limit_price(*chosen)
        setpoint, net_load, _ = chosen
        said = [one[..., None] for one in said_by_rule(self.scenario, seen, step) or ()]
        parts = [setpoint, net_load[..., None], price[..., None], *said]
        physical = np.concatenate(parts, axis=-1)
        return self.table.normalised(physical), Memory(step + 1, days, values)

    def _choose(
        self, seen: FloatArray, tariff: Tariff, values: Sequence[FloatArray]
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Set-points [kW], the net load with them [kW], and the value of what they move.

        Storages of one member choose one after the other.
        """
        at = columns(self.scenario)
        net_load = seen[..., at["load"]] - seen[..., at["pv"]]
        setpoint, worth = np.zeros((2, *net_load.shape, self.table.assets))
        for store, later in zip(self.stores, values, strict=True):
            own, asset = store.owners, store.asset
            low, high = self.rule.limits(seen, asset)
            level = (seen[..., at[f"soc_{asset}"]] * seen[..., at[f"capacity_{asset}"]])[:, own]
            offer = Offer(_of(tariff, own), net_load[:, own], low[:, own], high[:, own])
            if store.of_step.running is not None:
                offer = self._of_machine(store, seen, level, offer)
            power, value = best_power(store.of_step, level, later, offer)
            setpoint[:, own, asset], worth[:, own, asset] = power, value
            net_load[:, own] += power
        return setpoint, net_load, worth

    def _of_machine(self, store: Store, seen: FloatArray, level: FloatArray, offer: Offer) -> Offer:
        """The same with what the world does in this step, as it is observed."""
        at, own, device = columns(self.scenario), store.owners, store.of_step
        drift, share, running, keep = (
            seen[:, own, at[f"{name}_{store.asset}"]]
            for name in ("drift", "charge_share", "running", "power_keep")
        )
        drift = drift * device.dt_h
        most = np.broadcast_to(device.level_max_kwh, drift.shape)
        world = World(drift, share, most, np.maximum(drift, 0.0))
        floor = floor_of(device, level, world, keep)
        return replace(offer, world=world, stood_still=1.0 - running, floor_kwh=floor)

    def _values(self, seen: FloatArray, days: Sequence[int], step: int) -> tuple[FloatArray, ...]:
        """Value of stored energy at the end of this hour, per store."""
        hours_left = round((self.scenario.steps - step) * self.scenario.dt_h)
        hours = min(self.horizon_h, hours_left)
        tariff, net_load, worlds = self.beliefs.ahead(seen, days, step, hours)
        return tuple(
            self._value(
                store, seen, _of(tariff, store.owners), net_load[..., store.owners],
                _of_hours(worlds, store, hours),
            )
            for store in self.stores
        )  # fmt: skip

    def _value(
        self,
        store: Store,
        seen: FloatArray,
        tariff: Tariff,
        net_load: FloatArray,
        worlds: Sequence[World | None],
    ) -> FloatArray:
        """Of one store, (batch, owner, cell); from its departure on a vehicle does nothing."""
        spec, at, own = self.scenario.spec, columns(self.scenario), store.owners
        left_h = seen[:, own, at[f"hours_left_{store.asset}"]]
        left_h = np.where(left_h > 0.0, left_h, np.inf)
        here = seen[:, own, at[f"power_max_{store.asset}"]] > 0.0
        if store.of_step.running is not None:
            here, left_h = here | store.stays, np.where(store.stays, np.inf, left_h)
        leaving = store.leaving(spec.shortfall_eur_per_kwh, spec.terminal_value_eur_per_kwh)
        value = np.full((*here.shape, leaving.shape[1]), store.terminal_eur_per_kwh[:, None])
        for hour in reversed(range(len(net_load))):
            if hour + 1 < len(net_load):
                present = here * np.clip(left_h - (hour + 1), 0.0, 1.0)
                price = Tariff(tariff.edge_kw[hour + 1], tariff.price_eur_per_kwh[hour + 1])
                low, high = present * store.power_min_kw, present * store.power_max_kw
                offer = Offer(price, net_load[hour + 1], low, high, worlds[hour + 1])
                value = one_step_earlier(store.of_hour, value, offer)
            departs = (left_h > hour) & (left_h <= hour + 1)
            value = np.where(departs[..., None], leaving, value)
        return value

    def _limit_price(
        self, setpoint: FloatArray, net_load: FloatArray, value: FloatArray
    ) -> FloatArray:
        """Limit price of the order, (batch, agent) [EUR/kWh]; the filter clips it to the grid's."""
        highest = self.scenario.spec.price_max_eur_per_kwh
        bid, ask = np.full(net_load.shape, highest), np.zeros(net_load.shape)
        for store in self.stores:
            own, power, worth = store.owners, setpoint[..., store.asset], value[..., store.asset]
            fee = self.scenario.network_fee_eur_per_kwh[own]
            charged = store.of_step.charged_eur_per_kwh(worth[:, own]) - fee
            given = store.of_step.discharged_eur_per_kwh(worth[:, own]) + fee
            most, least = bid[:, own], ask[:, own]
            bid[:, own] = np.where(power[:, own] > 0.0, np.minimum(most, charged), most)
            ask[:, own] = np.where(power[:, own] < 0.0, np.maximum(least, given), least)
        stored, taken = (np.maximum(sign * setpoint, 0.0).sum(axis=-1) for sign in (1.0, -1.0))
        bid = np.where(stored >= net_load, bid, highest)
        ask = np.where(taken >= -net_load, ask, 0.0)
        return np.clip(np.where(net_load > 0.0, bid, ask), 0.0, highest)


def _of(tariff: Tariff, owners: IntArray) -> Tariff:
    """The tariff of some members."""
    return Tariff(tariff.edge_kw[..., owners, :], tariff.price_eur_per_kwh[..., owners, :])


def _of_hours(worlds: WorldAhead | None, store: Store, hours: int) -> Sequence[World | None]:
    """What is expected of the world of one store in each hour ahead, (batch, owner)."""
    if worlds is None:
        return [None] * hours
    names = World.__slots__
    told = [getattr(worlds, name)[..., store.owners, store.asset] for name in names]
    return [World(*parts) for parts in zip(*told, strict=True)]


def _store(scenario: Scenario, asset: int) -> Store:
    nodes, machines = scenario.nodes, scenario.nodes.machines
    own = np.flatnonzero(nodes.present[:, asset])
    limits = (nodes.power_min_kw, nodes.power_max_kw, nodes.target_kwh)
    terminal = np.full(nodes.present.shape, scenario.spec.terminal_value_eur_per_kwh)
    if machines is not None:
        terminal = machines.terminal_eur_per_kwh
    return Store(
        asset,
        own,
        _device(nodes, own, asset, scenario.dt_h),
        _device(coefficients(scenario.flexible, 1.0), own, asset, 1.0),
        *(limit[own, asset] for limit in (*limits, terminal)),
    )


def _device(nodes: Coefficients, own: IntArray, asset: int, dt_h: float) -> Device:
    parameters = (
        nodes.energy_min_kwh, nodes.energy_max_kwh, nodes.retention, nodes.charge_gain_h,
        nodes.discharge_gain_h, nodes.degradation_eur_per_kwh,
    )  # fmt: skip
    running = None if nodes.machines is None else running_of(nodes.machines, own, asset)
    device = Device(dt_h, *(parameter[own, asset] for parameter in parameters))
    return replace(device, running=running)


def bidder(scenario: Scenario, reach: float = REACH, horizon_h: int = HORIZON_H) -> StorageValue:
    """The bidder of a scenario, with the prices that its training weeks taught.

    Args:
        reach: net load at which the hub helps no more, in mean net loads of the members.
        horizon_h: how far it looks ahead [h].
    """
    assets = np.flatnonzero(scenario.nodes.present.any(axis=0))
    return StorageValue(
        scenario,
        truthful(scenario),
        Beliefs(scenario, lessons(scenario), reach),
        tuple(_store(scenario, int(asset)) for asset in assets),
        action_map(scenario),
        horizon_h,
    )
