"""What agents see, the no-trade rule and one step, written from docs/rebuild.md, sections 5 to 12.

Penalty feeder, k-double auction, sound sensors.
"""

import math
from dataclasses import dataclass

import numpy as np

SHARE = np.array([0.6, 0.35, 0.15, 0.1])
BAND = 1.28 * np.sqrt(1 - SHARE**2)


@dataclass
class Moving:
    """What changes from step to step."""

    level: np.ndarray  # (agent, asset)
    held: np.ndarray  # (agent,)
    fill: np.ndarray  # (agent,)
    price: float


@dataclass
class Played:
    """What one step produced, (agent, ...)."""

    net: np.ndarray
    setpoint: np.ndarray
    quantity: np.ndarray
    price: np.ndarray
    fill: np.ndarray
    correction: np.ndarray
    ledger: np.ndarray
    reward: np.ndarray


def begin(e):
    agents = len(e.c.loads)
    half = e.c.spec.price_max_eur_per_kwh / 2
    return Moving(e.start_energy_kwh, np.zeros(agents, dtype=int), np.zeros(agents), half)


def action_range(c):
    limit, top = c.spec.connection_limit_kw, c.spec.price_max_eur_per_kwh
    agents = len(c.loads)
    low = np.hstack([c.p_min, np.tile([-limit, 0.0], (agents, 1))])
    high = np.hstack([c.p_max, np.tile([limit, top], (agents, 1))])
    return (low + high) / 2, (high - low) / 2


def observe(e, now, step):
    c, t = e.c, min(step, e.c.steps - 1)
    one, columns = np.ones(len(c.loads)), []
    size = np.where(c.there, c.e_max, 1.0)
    staying = e.hours_left[t] > 0
    per_device = (
        np.where(e.plugged[t] > 0, now.level, 0.0) / size,
        c.e_max,
        c.p_max * e.plugged[t],
        e.hours_left[t],
        np.where(staying, c.target, 0.0) / size,
    )
    for k in range(c.there.shape[1]):
        columns += [value[:, k] for value in per_device]
    columns += [e.load_kw[t], e.pv_kw[t], now.fill, now.held > 0]
    columns += [e.retail_eur_per_kwh[t], c.feed_in, c.fee]
    columns += [e.carbon_eur_per_kwh[t] * one, e.co2_kg_per_kwh[t] * one, now.price * one]
    columns += [wave * one for wave in e.calendar[t]]
    columns.append((1 - step / c.steps) * one)
    expected, pv = e.expected_load_kw, e.expected_pv_kw
    light = pv[t] > 0.01
    ratio = np.where(light, e.pv_kw[t] / np.where(light, pv[t], 1.0), 1.0)
    ahead = [t + round(h / c.dt) for h in (1, 3, 8, 24)]
    for h, s in enumerate(ahead):
        load = expected[s] + SHARE[h] * (e.load_kw[t] - expected[t])
        columns += [np.maximum(load, 0.0), BAND[h] * e.load_spread_kw[s]]
        columns += [pv[s] * (1 + SHARE[h] * (ratio - 1)), BAND[h] * e.pv_spread_kw[s]]
        columns.append(e.retail_eur_per_kwh[e.known_price_step[t, h]])
    known = e.known_price_step[t, 3] == ahead[3]
    columns.append(0.0 * one if known else 1.28 * c.price_spread)
    if c.spec.outages is not None:
        columns.append(e.grid[t] * one)
    return np.stack(columns, axis=1).astype(np.float32)


def no_trade(c, observation):
    seen, width = observation.astype(np.float64), c.there.shape[1]
    left = seen[:, 5 * width + 1] - seen[:, 5 * width]
    spare = c.spec.connection_limit_kw - c.peak_kw
    physical = np.zeros((len(c.loads), width + 2))
    for k in range(width):
        soc, capacity, power, hours, target = seen[:, 5 * k : 5 * k + 5].T
        g_c, g_d, level = c.charge[:, k], c.discharge[:, k], soc * capacity
        high = np.minimum(power, (capacity - level) / g_c)
        low = np.maximum(np.where(power > 0, c.p_min[:, k], 0.0), -level / g_d)
        free = np.minimum(power, spare)
        later = np.maximum(hours - c.dt, 0.0) / c.dt
        missing = target * capacity - free * g_c * later - level
        due = np.minimum(missing / np.where(missing > 0, g_c, g_d), free)
        low = np.where(hours > 0, np.maximum(low, due), low)
        low = np.minimum(low, high)
        physical[:, k] = np.minimum(np.maximum(left, low), high)
        left = left - physical[:, k]
    middle, half = action_range(c)
    return np.where(half > 0, (physical - middle) / np.where(half > 0, half, 1.0), 0.0)


def power_limits(e, now, t):
    c, kept, floor = e.c, e.c.kept * now.level, e.floor_kwh[t]
    need = (floor - kept) / np.where(floor > kept, c.charge, c.discharge)
    room = (c.e_max - kept) / np.where(c.e_max >= kept, c.charge, c.discharge)
    low = np.minimum(np.maximum(c.p_min, need), c.p_max)
    high = np.maximum(np.minimum(c.p_max, room), low)
    here = (e.plugged[t] > 0) & c.there
    return np.where(here, low, 0.0), np.where(here, high, 0.0)


def screen(e, now, t, physical, present, limits):
    """Messages of agents in fallback are replaced; returns asked, counters, and what is charged.

    That is nan for whoever is heard.
    """
    hold, asked = math.ceil(e.c.spec.hold_h / e.c.dt), physical.copy()
    held, charged = np.maximum(now.held - 1, 0), np.full(len(asked), np.nan)
    most = e.c.spec.connection_limit_kw + (e.c.p_max - e.c.p_min).sum(axis=1)
    for i in range(len(asked)):
        faulty = not present[i] or not np.all(np.abs(physical[i]) <= 1e6)
        held[i] = hold if faulty else held[i]
        if faulty or now.held[i] > 0:
            own = [side[i] for side in limits]
            charged[i] = most[i] if faulty else would_move(e, t, i, physical[i], *own)
            left, asked[i] = e.pv_kw[t, i] - e.load_kw[t, i], 0.0
            for k, (low, high) in enumerate(zip(*(side[i] for side in limits), strict=True)):
                asked[i, k] = min(max(left, low), high)
                left -= asked[i, k]
    return asked, held, charged


def would_move(e, t, i, message, low, high):
    """What the filter would have moved of the sound message of a held agent."""
    limit, p = e.c.spec.connection_limit_kw, np.clip(message[:-2], low, high)
    net = e.load_kw[t, i] - e.pv_kw[t, i] + p.sum()
    lowered = min(max(net - limit, 0.0), (p - low).sum())
    raised = min(max(-net - limit, 0.0), (high - p).sum())
    net = np.clip(net - lowered + raised, -limit, limit)
    traded = np.clip(message[-2], min(net, 0.0), max(net, 0.0))
    return np.abs(message[:-2] - p).sum() + lowered + raised + abs(message[-2] - traded)


def connect(e, t, asked, limits):
    """Set-points inside their limits and the connection, cuts, net load."""
    limit = e.c.spec.connection_limit_kw
    p, cut = np.minimum(np.maximum(asked, limits[0]), limits[1]), np.zeros((2, len(asked)))

    def excess(net):
        return net - np.clip(net, -limit, limit) if abs(net) > limit + 1e-9 else 0.0

    for i, idle in enumerate(e.load_kw[t] - e.pv_kw[t]):
        for k in range(p.shape[1]):
            moved = p[i, k] - excess(idle + p[i].sum())
            p[i, k] = min(max(moved, limits[0][i, k]), limits[1][i, k])
        beyond = excess(idle + p[i].sum())
        cut[:, i] = max(-beyond, 0.0), max(beyond, 0.0)
    net = np.clip(e.load_kw[t] - e.pv_kw[t] + p.sum(axis=1), -limit, limit)
    return p, *cut, net


def order(e, t, net, quantity, price):
    c, floor, cap = e.c, e.ask_floor_eur_per_kwh[t], e.bid_cap_eur_per_kwh[t]
    tradable = np.where(net < 0, net * (1 - lost_share(e, t)), net)
    q = np.clip(quantity, np.minimum(tradable, 0.0), np.maximum(tradable, 0.0))
    q = np.where(floor >= cap, 0.0, q)
    price = c.tick(np.clip(price, 0.0, c.spec.price_max_eur_per_kwh))
    price = np.where(q > 0, np.minimum(price, cap), price)
    return q, np.where(q < 0, np.maximum(price, floor), price)


def lost_share(e, t):
    return e.c.spec.fees.loss_share if e.grid[t] == 0 else 0.0


def auction(quantity, price, k):
    """Fills and price of the k-double auction; None where nothing is traded."""
    bids = sorted(np.flatnonzero(quantity > 0), key=lambda i: -price[i])
    asks = sorted(np.flatnonzero(quantity < 0), key=lambda i: price[i])
    left, fill, volume, last = np.abs(quantity), np.zeros(len(quantity)), 0.0, None
    b = a = 0
    while b < len(bids) and a < len(asks) and price[bids[b]] >= price[asks[a]]:
        buyer, seller = bids[b], asks[a]
        last, matched = (price[buyer], price[seller]), min(left[buyer], left[seller])
        volume += matched
        left[buyer] -= matched
        left[seller] -= matched
        b, a = b + (left[buyer] <= 1e-9), a + (left[seller] <= 1e-9)
    if last is None:
        return fill, None
    for side, worst, sign in ((bids, last[0], 1), (asks, last[1], -1)):
        wanted = volume
        for level in dict.fromkeys(price[i] for i in side):
            own = [i for i in side if price[i] == level]
            if wanted > 0 and sign * level >= sign * worst:
                total = np.abs(quantity[own]).sum()
                fill[own] = quantity[own] * min(1.0, wanted / total)
                wanted -= total
    high = min([last[0], *(price[i] for i in asks[a : a + 1])])
    low = max([last[1], *(price[i] for i in bids[b : b + 1])])
    return fill, low + k * (high - low)


def emergency(e, t, p, low, net, fill):
    """Set-points, curtailed PV, shed load and net load without the grid."""
    p, cut = p.copy(), np.zeros((2, len(p)))
    traded = np.where(fill > 0, fill, fill / (1 - lost_share(e, t)))
    for i, missing in enumerate(net - traded):
        sign = 1.0 if missing > 0 else -1.0
        left = abs(missing)
        ends = [np.zeros(p.shape[1]), low[i]] if missing > 0 else [np.zeros(p.shape[1])]
        for end in ends:
            for k in range(p.shape[1]):
                moved = min(left, max(sign * (p[i, k] - end[k]), 0.0))
                p[i, k] -= sign * moved
                left -= moved
        cut[int(missing > 0), i] = left
    return p, *cut, traded


def play(e, now, t, action, present):
    """One step; returns the next state and what was played."""
    c, spec, width = e.c, e.c.spec, e.c.there.shape[1]
    middle, half = action_range(c)
    limits = power_limits(e, now, t)
    asked, held, charged = screen(e, now, t, middle + half * action, present, limits)
    p, _, shed, net = connect(e, t, asked[:, :width], limits)
    quantity, limit_price = order(e, t, net, asked[:, width], asked[:, width + 1])
    fill, price = auction(quantity, limit_price, spec.k)
    if e.grid[t] == 0:
        p, _, more, net = emergency(e, t, p, limits[0], net, fill)
        shed = shed + more
    gained = np.where(p > 0, c.charge * p, c.discharge * p)
    level = np.clip(c.kept * now.level + gained, 0.0, c.e_max)
    missing = e.departs[t] * np.maximum(c.target - level, 0.0)
    level = level + missing - e.departs[t] * e.trip_kwh[t]
    left, flow = e.grid[t] * (net - fill), net.sum()
    same = np.maximum(np.sign(flow) * net, 0.0)
    excess = max(abs(flow) - spec.feeder.limit_kw, 0.0)
    correction = np.abs(asked[:, width] - quantity) + np.abs(asked[:, :width] - p).sum(axis=1)
    charged = np.where(np.isnan(charged), correction, charged)
    value = spec.terminal_value_eur_per_kwh if t == c.steps - 1 else 0.0
    ledger = np.stack(
        [
            fill * c.dt * (price or 0.0),
            np.maximum(left, 0.0) * e.retail_eur_per_kwh[t] * c.dt,
            np.minimum(left, 0.0) * c.feed_in * c.dt,
            np.abs(fill) * c.fee * c.dt,
            (np.abs(p) * c.wear).sum(axis=1) * c.dt,
            np.maximum(left, 0.0) * e.carbon_eur_per_kwh[t] * c.dt,
            excess * same / max(same.sum(), 1e-12) * spec.feeder.overload_eur_per_kwh * c.dt,
            shed * spec.lost_load_eur_per_kwh * c.dt,
            missing.sum(axis=1) * spec.shortfall_eur_per_kwh,
            -value * (level - e.start_energy_kwh).sum(axis=1),
            spec.reward.filter_penalty_eur_per_kwh * charged * c.dt,
        ],
        axis=1,
    )
    weights = np.ones(11)
    weights[5:7] = spec.reward.carbon_weight, spec.reward.overload_weight
    own, share = -(ledger @ weights), spec.reward.community_share
    reward = (1 - share) * own + share * own.mean()
    played = Played(net, p, quantity, limit_price, fill, correction, ledger, reward)
    return Moving(level, held, fill, now.price if price is None else price), played


def social_cost_eur(ledger):
    return ledger[..., 1:10].sum()


def allocation_eur(e, t, played):
    """What a step costs above the best matching of its net loads."""
    floor, cap = e.ask_floor_eur_per_kwh[t], e.bid_cap_eur_per_kwh[t]
    wanted = np.where(played.net < 0, played.net * (1 - lost_share(e, t)), played.net)
    limit = np.where(played.net > 0, cap, floor)
    best, _ = auction(np.where(floor < cap, wanted, 0.0), limit, e.c.spec.k)
    return e.c.dt * ((best - played.fill) * limit).sum()
