"""What stored energy is worth, by a backward recursion in which every step is a merit order.

What a level of the storage costs later is convex and piecewise linear. Going back one step adds
what the step itself offers, and the smallest sum of two such functions is found by sorting their
pieces by slope: all uses of stored energy, now and later, and all ways to replace it stand in one
merit order, and energy at a level is worth what its own place in that order is worth. Sources: the
recursion is Bertsekas (2017), Dynamic Programming and Optimal Control I, section 1.3; the sorting
is the infimal convolution of Rockafellar (1970), Convex Analysis, theorem 16.4.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from baselines.community.storage_value.machine import (
    Running,
    World,
    below_top,
    cost_of_power,
    pieces,
)
from p2p_market.records import FloatArray

CELLS: Final = 20
"""Equal parts of a storage; inside each, energy has one value."""

IDLE_EUR_PER_KWH: Final = 1e-6
"""Added to the wear, so that of two powers that cost the same the smaller is chosen."""


@dataclass(frozen=True, slots=True)
class Device:
    """One storage for each of some members, (member,) each."""

    dt_h: float
    level_min_kwh: FloatArray
    level_max_kwh: FloatArray
    retention: FloatArray  # share of the level kept over a step
    charge_gain_h: FloatArray  # kWh stored per kW charged for a step
    discharge_gain_h: FloatArray  # kWh taken per kW discharged for a step
    wear_eur_per_kwh: FloatArray
    running: Running | None = None  # of a machine

    @property
    def edges_kwh(self) -> FloatArray:
        """Ends of the cells, (member, cell + 1)."""
        return np.linspace(self.level_min_kwh, self.level_max_kwh, CELLS + 1, axis=-1)

    def charged_eur_per_kwh(self, value_eur_per_kwh: FloatArray) -> FloatArray:
        """What a kWh is worth that is charged to such a value: more should not be paid for it."""
        worth = value_eur_per_kwh * self.charge_gain_h / self.dt_h - self.wear_eur_per_kwh
        if self.running is not None:
            worth = worth - self.running.charge_eur_per_kwh
        return np.asarray(worth)

    def discharged_eur_per_kwh(self, value_eur_per_kwh: FloatArray) -> FloatArray:
        """What a kWh costs that is discharged from such a value: it should not go for less."""
        cost = value_eur_per_kwh * self.discharge_gain_h / self.dt_h + self.wear_eur_per_kwh
        if self.running is not None:
            cost = cost + self.running.discharge_eur_per_kwh
        return np.asarray(cost)


@dataclass(frozen=True, slots=True)
class Tariff:
    """Marginal price of a member's net load; it rises from band to band."""

    edge_kw: FloatArray  # (..., member, band - 1), net load at which the next band begins
    price_eur_per_kwh: FloatArray  # (..., member, band)

    def width_kw(self, low_kw: FloatArray, high_kw: FloatArray) -> FloatArray:
        """How much of the way between two net loads (..., member) lies in each band."""
        end = np.full((*self.edge_kw.shape[:-1], 1), np.inf)
        begins = np.maximum(np.concatenate([-end, self.edge_kw], axis=-1), low_kw[..., None])
        ends = np.minimum(np.concatenate([self.edge_kw, end], axis=-1), high_kw[..., None])
        return np.asarray(np.maximum(ends - begins, 0.0))

    def cost_eur_per_h(self, net_load_kw: FloatArray) -> FloatArray:
        """What net loads (..., member, choice) cost, counted from where the second band begins."""
        beyond = net_load_kw[..., None] - self.edge_kw[..., None, :]
        first = np.minimum(beyond[..., 0], 0.0) * self.price_eur_per_kwh[..., :1]
        inside = np.clip(beyond, 0.0, np.diff(self.edge_kw, append=np.inf)[..., None, :])
        others = np.einsum("...cb,...b->...c", inside, self.price_eur_per_kwh[..., 1:])
        return np.asarray(first + others)


@dataclass(frozen=True, slots=True)
class Offer:
    """What one step offers to the storage of each member, (..., member) each."""

    tariff: Tariff
    net_load_kw: FloatArray  # storage left out
    low_kw: FloatArray  # lowest power of the storage
    high_kw: FloatArray  # highest
    world: World | None = None  # of a machine
    stood_still: FloatArray | None = None  # of a machine, 1 where it did not run before the step
    floor_kwh: FloatArray | None = None  # of a machine, level below which the world's next is short


def _gains_h(device: Device, offer: Offer) -> tuple[FloatArray, FloatArray]:
    """Energy stored and taken per power, (..., member, 1)."""
    charge_h, discharge_h = device.charge_gain_h[:, None], device.discharge_gain_h[:, None]
    if offer.world is not None:
        charge_h = charge_h * offer.world.share[..., None]
    return charge_h, discharge_h


def one_step_earlier(device: Device, later: FloatArray, offer: Offer) -> FloatArray:
    """Value of stored energy before a step, (..., member, cell) [EUR/kWh].

    Args:
        later: the same after the step.
        offer: its lowest power is at most 0, its highest at least 0.
    """
    own_kw, price = offer.net_load_kw, offer.tariff.price_eur_per_kwh
    edges, dt_h, wear = device.edges_kwh, device.dt_h, device.wear_eur_per_kwh[:, None]
    charge_h, discharge_h = _gains_h(device, offer)
    up = down = wear
    running, world = device.running, offer.world
    if running is not None and world is not None:
        later = below_top(edges, later, world, running)
        up, down = (
            wear + running.charge_eur_per_kwh[:, None],
            wear + running.discharge_eur_per_kwh[:, None],
        )
    replaced = charge_h * offer.tariff.width_kw(own_kw, own_kw + offer.high_kw)
    used = discharge_h * offer.tariff.width_kw(own_kw + offer.low_kw, own_kw)
    width = np.concatenate([np.broadcast_to(np.diff(edges), later.shape), replaced, used], axis=-1)
    worth = np.concatenate(
        [later, (price + up) * dt_h / charge_h, (price - down) * dt_h / discharge_h], axis=-1
    )
    # Who starts with less than nothing must first replace all that can be replaced.
    first = device.level_min_kwh[:, None] - replaced.sum(axis=-1, keepdims=True)
    kept = device.retention[:, None] * edges
    if running is not None and world is not None:
        more_kwh, more_eur = pieces(world, running, later.shape[:-1])
        width = np.concatenate([width, more_kwh], axis=-1)
        worth = np.concatenate([worth, more_eur], axis=-1)
        first = first - world.bought_max_kwh()[..., None]
        kept = kept + world.drift_kwh[..., None]
    order = np.argsort(-worth, axis=-1, kind="stable")
    worth, width = (np.take_along_axis(one, order, axis=-1) for one in (worth, width))
    end = (first + width.cumsum(axis=-1))[..., None, :]
    kept = kept[..., None]
    inside = np.minimum(end, kept[..., 1:, :]) - np.maximum(
        end - width[..., None, :], kept[..., :-1, :]
    )
    total = np.einsum("...cu,...u->...c", np.maximum(inside, 0.0), worth)
    return np.asarray(total / np.diff(edges))


def best_power(
    device: Device, level_kwh: FloatArray, later: FloatArray, offer: Offer
) -> tuple[FloatArray, FloatArray]:
    """Power that costs least now and later, and the value of the energy that it moves last.

    The cost is convex and piecewise linear in the power, so one of its corners is the best.

    Args:
        level_kwh: before the step, (..., member).
        later: value of stored energy after the step, (..., member, cell).
        offer: its powers keep the level inside the storage.

    Returns:
        Power [kW] and value [EUR/kWh], (..., member) each.
    """
    edges, kept = device.edges_kwh, (device.retention * level_kwh)[..., None]
    running, world = device.running, offer.world
    if world is not None:
        kept = kept + world.drift_kwh[..., None]
    charge_h, discharge_h = _gains_h(device, offer)
    own_kw, low, high = (one[..., None] for one in (offer.net_load_kw, offer.low_kw, offer.high_kw))
    to_edges = np.maximum(edges - kept, 0.0) / charge_h + np.minimum(edges - kept, 0) / discharge_h
    corners = [np.zeros_like(kept), low, high, to_edges, offer.tariff.edge_kw - own_kw]
    if running is not None:
        least = (running.charge_on_kw, -running.discharge_on_kw)
        corners += [np.broadcast_to(one[:, None], kept.shape) for one in least]
    power = np.clip(np.concatenate(corners, axis=-1), low, high)
    after = kept + np.maximum(power, 0.0) * charge_h + np.minimum(power, 0.0) * discharge_h
    wear_eur_per_h = (device.wear_eur_per_kwh[:, None] + IDLE_EUR_PER_KWH) * np.abs(power)
    now_eur = device.dt_h * (offer.tariff.cost_eur_per_h(own_kw + power) + wear_eur_per_h)
    unclipped = after
    if running is not None and world is not None and offer.stood_still is not None:
        later = later - running.hold_eur_per_kwh[:, None]
        now_eur = now_eur + cost_of_power(running, power, offer.stood_still, device.dt_h)
        low_kwh = device.level_min_kwh if offer.floor_kwh is None else offer.floor_kwh
        after, unmet_eur = _unmet(low_kwh[..., None], running, world, after)
        now_eur = now_eur + unmet_eur
    filled = np.clip(after[..., None] - edges[:, None, :-1], 0.0, np.diff(edges)[:, None])
    best = np.argmin(now_eur - np.einsum("...pc,...c->...p", filled, later), axis=-1)[..., None]
    chosen, level = (np.take_along_axis(one, best, axis=-1) for one in (power, unclipped))
    moved = level - 1e-9 * np.sign(chosen)
    cell = (moved > edges[:, 1:-1]).sum(axis=-1, keepdims=True)
    value = np.take_along_axis(later, cell, axis=-1)
    if running is not None and world is not None:
        missing, spilled = (
            running.missing_eur_per_kwh[:, None],
            running.spilled_eur_per_kwh[:, None],
        )
        value = np.where(moved < low_kwh[..., None], np.maximum(value, missing), value)
        value = np.where(moved > world.top_kwh[..., None], np.minimum(value, -spilled), value)
    return chosen[..., 0], value[..., 0]


def floor_of(
    device: Device, level_kwh: FloatArray, world: World, keep_kw: FloatArray
) -> FloatArray:
    """Level below which a truck or a job that is announced is short, (..., member) [kWh].

    A machine without least load is forced to keep it, and needs none.

    Args:
        keep_kw: power nearest 0 that keeps the level inside its tube.
    """
    running = device.running
    assert running is not None
    charged = world.share * device.charge_gain_h * np.maximum(keep_kw, 0.0)
    kept = device.retention * level_kwh + world.drift_kwh + charged
    free = (keep_kw > 0.0) & (running.charge_on_kw > 0.0)
    floor = np.where(free, kept, device.level_min_kwh)
    return np.clip(floor, device.level_min_kwh, device.level_max_kwh)


def _unmet(
    low: FloatArray, running: Running, world: World, level_kwh: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Levels inside their limits, and what it costs that they would not be, (..., choice)."""
    top = world.top_kwh[..., None]
    inside = np.minimum(np.maximum(level_kwh, low), np.maximum(top, low))
    cost = running.missing_eur_per_kwh[:, None] * np.maximum(low - level_kwh, 0.0)
    cost = cost + running.spilled_eur_per_kwh[:, None] * np.maximum(level_kwh - top, 0.0)
    return inside, cost
