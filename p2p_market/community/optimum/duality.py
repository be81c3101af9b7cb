"""What prices prove: no schedule of an episode costs less than its members' best answers to them.

Let every kWh at the hub, on the line, at each meter and in each store have a price. The social cost
of any trajectory is then a sum of small terms, one for each choice of each member in each step,
because each payment at these prices is received by another member. The least value of each term is
found by trying its ends and its kink, so the sum of the least values is a lower bound on the social
cost of anything the engine can do: weak duality, by arithmetic, whatever the prices. At the
optimum's prices bound and cost agree, and what a policy loses against the bound is the sum of what
its single choices lose: which hours, which devices.

Source: Geoffrion (1971), "Duality in nonlinear programming", SIAM Review 13(1), theorem 1,
doi:10.1137/1013001.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from p2p_market.community.episode.episode import Episode
from p2p_market.community.optimum import ramps, tapered
from p2p_market.community.optimum.floors import kept_kwh
from p2p_market.community.optimum.fuelled import Fuelled, fuelled
from p2p_market.community.optimum.plan import Prices
from p2p_market.community.optimum.voltage import (
    held_eur,
    moved_eur,
    payable_voltages,
    reactive_loss_eur,
    room_ends_kw,
    room_eur,
    voltage_loss_eur,
)
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.records import FloatArray
from p2p_market.track import Trajectory


@dataclass(frozen=True, slots=True)
class Losses:
    """What a policy loses against the bound, by choice; each is >= 0 but for rounding [EUR].

    Together they are social cost - bound.
    """

    exchange: FloatArray  # (step, agent), with the grid what neighbours would have traded
    net_load: FloatArray  # (step, agent), a meter that should have stood elsewhere
    power: FloatArray  # (step, agent, asset), charged or discharged at a wrong price
    empty: FloatArray  # (step, agent, asset), stood emptier than it should have
    full: FloatArray  # (step, agent, asset), stood fuller than it should have
    line: FloatArray  # (step,), carried more or less than the line's price tells
    cuts: FloatArray  # (step,), PV or load cut where it did not pay


@dataclass(frozen=True)
class _Case:
    """One episode with its prices; arrays (step, agent) unless said otherwise."""

    scenario: Scenario
    episode: Episode
    prices: Prices

    @property
    def grid(self) -> FloatArray:
        """1 where the grid is there, (step, 1)."""
        return self.episode.grid

    @cached_property
    def open(self) -> FloatArray:
        """Whether a member's orders can trade."""
        episode = self.episode
        return np.asarray(episode.ask_floor_eur_per_kwh[:, 0] < episode.bid_cap_eur_per_kwh[:, 0])

    @cached_property
    def import_eur_per_kwh(self) -> FloatArray:
        """Retail price and carbon cost."""
        retail = self.episode.retail_eur_per_kwh[: self.scenario.steps, 0]
        return np.asarray(retail + self.episode.carbon_eur_per_kwh)

    @property
    def feed_in_eur_per_kwh(self) -> FloatArray:
        """What the grid pays."""
        return self.episode.feed_in_eur_per_kwh[: self.scenario.steps, 0]

    @cached_property
    def line_eur_per_kwh(self) -> FloatArray:
        """What a kW of each member costs on the line, by its voltages too."""
        return self.prices.line_eur_per_kwh[:, None] + moved_eur(self.scenario, self.prices).per_kwh

    @property
    def arriving(self) -> FloatArray:
        """Share of what is sold that arrives, (step, 1): in an outage the seller bears losses."""
        return np.asarray(1.0 - self.scenario.spec.fees.loss_share * (1.0 - self.grid))

    @cached_property
    def ways_eur_per_kwh(self) -> tuple[FloatArray, FloatArray]:
        """Cheapest way to take a kWh and dearest to give one, from hub and grid; inf: none."""
        fee, hub = self.scenario.network_fee_eur_per_kwh, self.prices.hub_eur_per_kwh[:, None]
        buying = np.where(self.open, hub + fee, np.inf)
        selling = np.where(self.open, (hub - fee) * self.arriving, -np.inf)
        with_grid = self.grid > 0.0
        taken = np.minimum(buying, np.where(with_grid, self.import_eur_per_kwh, np.inf))
        feed_in = np.where(with_grid, self.feed_in_eur_per_kwh, 0.0)
        return taken, np.maximum(selling, feed_in)

    def exchange_eur(self, net_load_kw: FloatArray) -> FloatArray:
        """Cheapest way to serve a net load from hub and grid, line included."""
        taken, given = self.ways_eur_per_kwh
        taking = np.maximum(net_load_kw, 0.0)  # in an outage without orders it cannot be had
        cost = np.where(taking > 0.0, taken, 0.0) * taking + given * np.minimum(net_load_kw, 0.0)
        line = self.line_eur_per_kwh * net_load_kw
        return np.asarray(self.scenario.dt_h * (cost + line))

    def net_load_eur(self, net_load_kw: FloatArray) -> FloatArray:
        """The same, less what the net load is worth at the meter."""
        worth = self.prices.meter_eur_per_kwh * net_load_kw
        return self.exchange_eur(net_load_kw) - self.scenario.dt_h * worth

    def power_eur(self, power_kw: FloatArray) -> FloatArray:
        """What power costs at the meter, with wear, less what it stores, (step, agent, asset)."""
        nodes, meter = self.scenario.nodes, self.prices.meter_eur_per_kwh[..., None]
        wear = nodes.degradation_eur_per_kwh * np.abs(power_kw)
        if nodes.machines is not None:
            wear = wear + nodes.machines.charge_eur_per_kwh * np.maximum(power_kw, 0.0)
            wear = wear + nodes.machines.discharge_eur_per_kwh * np.maximum(-power_kw, 0.0)
        cost = self.scenario.dt_h * (meter * power_kw + wear)
        cost = cost + tapered.power_eur(self.scenario, self.prices, power_kw)
        plugged = self.episode.plugged[:, 0]
        cost = cost + room_eur(self.scenario, self.prices, power_kw, plugged)
        cost = cost + ramps.power_eur(self.prices, power_kw)
        return np.asarray(cost - self.prices.stored_eur_per_kwh * self.stored_kwh(power_kw))

    def stored_kwh(self, power_kw: FloatArray) -> FloatArray:
        """What power adds to the levels, (step, agent, asset)."""
        nodes, charge = self.scenario.nodes, np.maximum(power_kw, 0.0)
        gain = nodes.charge_gain_h * charge
        if nodes.machines is not None:
            gain = nodes.charge_gain_h * self.episode.charge_share[:, 0] * charge
        return np.asarray(gain - nodes.discharge_gain_h * np.maximum(-power_kw, 0.0))

    @property
    def drift_kwh(self) -> FloatArray:
        """What the world adds to the levels, (step, agent, asset); 0 without machines."""
        drift = self.episode.drift_kwh[:, 0]
        return drift if len(drift) else np.zeros_like(self.episode.departs[:, 0])

    @property
    def terminal_eur_per_kwh(self) -> FloatArray:
        """What a stored kWh is worth at the end, (agent, asset)."""
        nodes = self.scenario.nodes
        if nodes.machines is not None:
            return nodes.machines.terminal_eur_per_kwh
        value = self.scenario.spec.terminal_value_eur_per_kwh
        return np.full(nodes.present.shape, float(value))

    def unmet_eur(self, missing_kwh: FloatArray, spilled_kwh: FloatArray) -> FloatArray:
        """What back-up and spilling cost, less what they do to the level, (step, agent, asset)."""
        machines, stored = self.scenario.nodes.machines, self.prices.stored_eur_per_kwh
        if machines is None:
            return np.zeros_like(stored)
        bought = (machines.missing_eur_per_kwh - stored) * missing_kwh
        return np.asarray(bought + (machines.spilled_eur_per_kwh + stored) * spilled_kwh)

    @cached_property
    def worth_eur_per_kwh(self) -> FloatArray:
        """What a kWh is worth after each step in the next one, (step, agent, asset)."""
        stored = self.prices.stored_eur_per_kwh
        worth = np.empty_like(stored)
        worth[:-1] = self.scenario.nodes.retention * stored[1:]
        worth[-1] = self.terminal_eur_per_kwh
        return worth

    @cached_property
    def fuel(self) -> Fuelled | None:
        """What orders of fuel add; None where nobody orders."""
        if (machines := self.scenario.nodes.machines) is None:
            return None
        worth = self.worth_eur_per_kwh - machines.hold_eur_per_kwh
        return fuelled(self.scenario, self.episode, self.prices, worth)

    def level_eur(self, level_kwh: FloatArray) -> FloatArray:
        """What holding a level costs: worth now, less worth in the next step, (step, agent, asset).

        Args:
            level_kwh: after the step, before a departure.
        """
        episode, spec, nodes = self.episode, self.scenario.spec, self.scenario.nodes
        departs, trip = episode.departs[:, 0], episode.trip_kwh[:, 0]
        missing = departs * np.maximum(nodes.target_kwh - level_kwh, 0.0)
        left = level_kwh + missing - departs * trip
        cost = self.prices.stored_eur_per_kwh * level_kwh - self.worth_eur_per_kwh * left
        if nodes.machines is not None:
            cost = cost + nodes.machines.hold_eur_per_kwh * left
            cost = cost + tapered.level_eur(self.scenario, self.prices, left)
        if (fuel := self.fuel) is not None:
            cost = cost + fuel.level_eur(left)
        return np.asarray(nodes.present * (cost + spec.shortfall_eur_per_kwh * missing))

    def curtail_eur(self, curtailed_kw: FloatArray) -> FloatArray:
        """What cutting PV costs."""
        return np.asarray(self.scenario.dt_h * self.prices.meter_eur_per_kwh * curtailed_kw)

    def shed_eur(self, shed_kw: FloatArray) -> FloatArray:
        """What cutting load costs."""
        saved = self.scenario.spec.lost_load_eur_per_kwh - self.prices.meter_eur_per_kwh
        return np.asarray(self.scenario.dt_h * saved * shed_kw)

    def fixed_eur(self) -> float:
        """What no choice changes: load and PV at the meter, the levels at the start, the rent."""
        scenario, spec, prices = self.scenario, self.scenario.spec, self.prices
        idle = (self.episode.load_kw - self.episode.pv_kw)[:, 0]
        used = scenario.dt_h * (prices.meter_eur_per_kwh * idle).sum()
        kept = scenario.nodes.retention * prices.stored_eur_per_kwh[0]
        start = self.episode.start_energy_kwh[0] * scenario.nodes.present
        stored = ((self.terminal_eur_per_kwh - kept) * start).sum()
        stored -= (prices.stored_eur_per_kwh * self.drift_kwh).sum()
        stored += held_eur(scenario, prices, self.episode.pv_kw[:, 0])
        rent = scenario.dt_h * spec.feeder.limit_kw * np.abs(prices.line_eur_per_kwh).sum()
        slowed = tapered.fixed_eur(scenario, prices, start)
        loaded, fuel = ramps.allowed_eur(prices, scenario.nodes), self.fuel
        burnt = 0.0 if fuel is None else fuel.fixed_eur(start) + float(fuel.least_eur().sum())
        return float(used + stored - rent + slowed + burnt - loaded)


@dataclass(frozen=True, slots=True)
class _Least:
    """The least value of each term."""

    net_load: FloatArray
    power: FloatArray
    level: FloatArray
    missing: FloatArray  # (step, agent, asset), of machines
    spilled: FloatArray
    best_kwh: FloatArray  # the level that has the least value
    cuts: FloatArray  # (step,)


def bound_eur(scenario: Scenario, episode: Episode, prices: Prices) -> float:
    """What no trajectory of an episode can cost less than [EUR].

    Args:
        episode: a batch of one.
        prices: any; those of the optimum give its cost, others less.
    """
    case = _Case(scenario, episode, _payable(scenario, prices))
    least = _least(case)
    parts = (least.net_load, least.power, least.level, least.missing, least.spilled, least.cuts)
    return case.fixed_eur() + float(sum(part.sum() for part in parts))


def losses(
    scenario: Scenario, episode: Episode, prices: Prices, played: Trajectory, number: int = 0
) -> Losses:
    """What the choices of a trajectory lose against the bound of these prices.

    Args:
        episode: a batch of one.
        played: a trajectory of this episode.
        number: place of the episode in the trajectory's batch.
    """
    case = _Case(scenario, episode, _payable(scenario, prices))
    least, one = _least(case), slice(number, number + 1)
    net_load, fill = played.series["net_load_kw"][:, number], played.series["fill_kw"][:, number]
    own = {name: series[:, number] for name, series in played.series.items()}
    around = episode.pv_kw[:, 0], episode.plugged[:, 0]
    fee, hub = scenario.network_fee_eur_per_kwh, case.prices.hub_eur_per_kwh[:, None]
    paid = scenario.dt_h * (
        case.import_eur_per_kwh * played.series["import_kw"][:, number]
        - case.feed_in_eur_per_kwh * played.series["export_kw"][:, number]
        + fee * np.abs(fill)
        + hub * fill
        + case.line_eur_per_kwh * net_load
    )
    power = played.series["setpoint_kw"][:, number]
    wanted = _arrived(case, played.series["energy_kwh"][:, one], power)
    level, missing, spilled = _served(case, wanted)
    waiting = case.level_eur(level) - least.level
    short, none = level < least.best_kwh, np.zeros_like(level)
    empty = case.unmet_eur(missing, none) - least.missing
    full = case.unmet_eur(none, spilled) - least.spilled
    return Losses(
        exchange=paid - case.exchange_eur(net_load),
        net_load=case.net_load_eur(net_load)
        - least.net_load
        + reactive_loss_eur(scenario, case.prices, own, *around),
        power=case.power_eur(power)
        - least.power
        + _taper_eur(case, played, one, power)
        + ramps.unused_eur(case.prices, scenario.nodes, power),
        empty=np.where(short, waiting, 0.0) + empty,
        full=np.where(short, 0.0, waiting) + full + _fuel_eur(case, played, number),
        line=_line_eur(case, net_load.sum(axis=1)) + voltage_loss_eur(scenario, case.prices, own),
        cuts=(
            case.curtail_eur(played.series["curtailed_kw"][:, number])
            + case.shed_eur(played.series["shed_kw"][:, number])
        ).sum(axis=1)
        - least.cuts,
    )


def _payable(scenario: Scenario, prices: Prices) -> Prices:
    """The line's price, at most the overload price where overload is allowed; ramps' above 0."""
    feeder, prices = scenario.spec.feeder, payable_voltages(scenario, prices)
    prices = replace(prices, ramp_eur_per_kw=ramps.payable(prices, scenario.nodes))
    if feeder.mode == "binding":
        return prices
    most = feeder.overload_eur_per_kwh
    return replace(prices, line_eur_per_kwh=np.clip(prices.line_eur_per_kwh, -most, most))


def _line_eur(case: _Case, flow_kw: FloatArray) -> FloatArray:
    """Overload cost less the line's price times the flow, (step,)."""
    feeder, line = case.scenario.spec.feeder, case.prices.line_eur_per_kwh
    overload = feeder.overload_eur_per_kwh * np.maximum(np.abs(flow_kw) - feeder.limit_kw, 0.0)
    cost = overload - line * flow_kw + np.abs(line) * feeder.limit_kw
    return np.asarray(case.scenario.dt_h * cost)


def _arrived(case: _Case, energy_kwh: FloatArray, power_kw: FloatArray) -> FloatArray:
    """Levels after the step, before a departure, back-up or spilling, (step, agent, asset)."""
    nodes, start = case.scenario.nodes, case.episode.start_energy_kwh
    before = np.concatenate([start[None], energy_kwh[:-1]])[:, 0]
    return np.asarray(nodes.retention * before + case.stored_kwh(power_kw) + case.drift_kwh)


def _taper_eur(case: _Case, played: Trajectory, one: slice, power_kw: FloatArray) -> FloatArray:
    """What tapers would have let through at their prices, (step, agent, asset); 0 without."""
    energy = played.series["energy_kwh"][:, one]
    before = np.concatenate([case.episode.start_energy_kwh[None], energy[:-1]])[:, 0]
    return tapered.unused_eur(case.scenario, case.prices, before, power_kw)


def _fuel_eur(case: _Case, played: Trajectory, number: int) -> FloatArray | float:
    """What orders of fuel lose, and room that is left, (step, agent, asset); 0 without."""
    if (fuel := case.fuel) is None:
        return 0.0
    energy = played.series["energy_kwh"][:, number]
    before = np.concatenate([case.episode.start_energy_kwh, energy[:-1]])
    return fuel.lost_eur(played.series["fuel_kwh"][:, number], before)


def _served(case: _Case, wanted_kwh: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Levels after back-up and spilling, and both, (step, agent, asset); as wanted without."""
    nodes, none = case.scenario.nodes, np.zeros_like(wanted_kwh)
    if nodes.machines is None:
        return wanted_kwh, none, none
    missing = np.maximum(nodes.energy_min_kwh - wanted_kwh, 0.0)
    spilled = np.maximum(wanted_kwh - case.episode.top_kwh[:, 0], 0.0)
    return wanted_kwh + missing - spilled, missing, spilled


def _least(case: _Case) -> _Least:
    """Least value of each term, found at its ends and kinks; between them it is linear."""
    scenario, nodes, episode = case.scenario, case.scenario.nodes, case.episode
    plugged = episode.plugged[:, 0]
    low, high = plugged * nodes.power_min_kw, plugged * nodes.power_max_kw
    drift, none = case.drift_kwh, np.zeros_like(plugged)
    top = np.broadcast_to(nodes.energy_max_kwh, plugged.shape)
    if nodes.machines is not None:
        low, high = low * episode.low_share[:, 0], high * episode.high_share[:, 0]
        top = episode.top_kwh[:, 0]
    floor = kept_kwh(nodes, episode)
    bottom = np.maximum(floor, nodes.energy_min_kwh)
    target = np.clip(nodes.target_kwh, bottom, top)
    load, pv = episode.load_kw[:, 0], episode.pv_kw[:, 0]
    cut = float(scenario.cuts)
    limit = scenario.spec.connection_limit_kw
    least_kw = np.clip(load - pv + low.sum(axis=2) - cut * load, -limit, limit)
    most_kw = np.clip(load - pv + high.sum(axis=2) + cut * pv, -limit, limit)
    nearest_kw = np.clip(0.0, least_kw, most_kw)
    ends = (np.clip(kw, low, high) for kw in room_ends_kw(scenario))
    levels = np.stack([bottom, target, top])
    level_eur = np.stack([case.level_eur(kwh) for kwh in levels])
    best = level_eur.argmin(axis=0)[None]
    return _Least(
        net_load=_lowest([case.net_load_eur(kw) for kw in (least_kw, nearest_kw, most_kw)]),
        power=_lowest([case.power_eur(kw) for kw in (low, np.zeros_like(low), high, *ends)]),
        level=level_eur.min(axis=0),
        missing=np.minimum(case.unmet_eur(np.maximum(-drift, 0.0), none), 0.0),
        spilled=np.minimum(case.unmet_eur(none, np.maximum(drift, 0.0)), 0.0),
        best_kwh=np.take_along_axis(levels, best, axis=0)[0],
        cuts=_least_cuts(case, load, pv),
    )


def _lowest(costs: list[FloatArray]) -> FloatArray:
    return np.asarray(np.minimum.reduce(costs))


def _least_cuts(case: _Case, load_kw: FloatArray, pv_kw: FloatArray) -> FloatArray:
    """Least cost of cuts, (step,): by member in an outage, one share of all at a binding feeder."""
    everything = (case.curtail_eur(pv_kw), case.shed_eur(load_kw))
    alone = sum(np.minimum(cost, 0.0).sum(axis=1) for cost in everything)
    together = sum(np.minimum(cost.sum(axis=1), 0.0) for cost in everything)
    if case.scenario.spec.curtailment == "offers":  # then everybody's PV for itself
        pv, load = everything
        together = np.minimum(pv, 0.0).sum(axis=1) + np.minimum(load.sum(axis=1), 0.0)
    binding = case.scenario.spec.feeder.mode == "binding"
    return np.asarray(np.where(case.grid[:, 0] > 0.0, binding * together, alone))
