"""What is drawn at reset and may be expected, written from docs/rebuild.md, sections 2 to 5."""

import math
from itertools import pairwise

import numpy as np

from tests.docs.fixed import QUARTERS, in_split, kind_of_day, season

WORKING_DAY = [2.1, 0.5, 0.2, 0.1, 0.1, 0.1, 0.2, 0.6, 1.4, 1.1, 1.1, 1.5]
WORKING_DAY += [2.2, 2.2, 2.7, 3.7, 5.7, 12.1, 17.0, 11.5, 9.1, 8.9, 9.1, 6.6]
WEEKEND = [4.1, 2.0, 0.8, 0.3, 0.2, 0.1, 0.1, 0.4, 0.9, 1.7, 3.0, 4.8]
WEEKEND += [6.0, 6.2, 6.2, 6.9, 8.8, 10.2, 7.9, 6.5, 6.8, 6.2, 5.8, 4.1]
SHARES = [0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0]
HOURS = [0.5, 1.0, 4.2, 11.0, 14.6, 29.3, 48.0]
TRIPS = [0.5, 1.8, 8.2, 19.4, 35.8, 59.6, 75.0]
PRESENCE = ("plugged", "departs", "trip_kwh", "floor_kwh", "hours_left")


def stream(entropy, *path):
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy, spawn_key=path)))


class Drawn:
    """Series of one episode, named as in the package, (step, agent) or (step, agent, asset)."""

    def __init__(self, community, key):
        self.c, self.key = community, key
        first, days = 96 * key.start_day, community.spec.days
        self.entropy = [key.seed, key.start_day]
        self.inside = slice(first, first + 96 * days)
        self.longer = slice(first, first + 96 * (days + 1))
        self.ahead = 4 if community.data.summer_time[first] else 0
        self.load_kw = np.round(community.mean(self.loads()), 3)
        self.pv_kw = np.round(community.mean(self.pv()), 3)
        self.devices()
        self.grid = self.outages()
        self.prices()
        self.expectations()
        self.calendar = self.waves()

    def loads(self):
        c, days, taken = self.c, self.c.spec.days, {}
        load = np.empty((96 * days, len(c.donors)))
        for i, donor in enumerate(c.donors):
            draw = stream(self.entropy, 0, i)
            shift = draw.integers(-2, 3)
            found = [self.candidates(donor, self.key.start_day + day) for day in range(days)]
            before = sum(other is donor for other in c.donors[:i])
            left = np.array([len(own) - before if len(own) > before else len(own) for own in found])
            for day, number in enumerate(draw.integers(left)):
                used = taken.setdefault((donor.name, day), set())
                free = [own for own in found[day] if own not in used] or found[day]
                used.add(free[number])
                for q in range(96):
                    t = (96 * day + q - self.ahead) % (96 * days)
                    load[t, i] = c.scale_kw[i] * donor.shape[free[number], (q - shift) % 96]
        return load

    def candidates(self, donor, day):
        own = np.arange(len(donor.shape))
        away = np.abs(own - day)
        near = np.minimum(away, 365 - away) <= 35
        alike = kind_of_day((donor.first_weekday + own) % 7) == max(day % 7 - 4, 0)
        return list(np.flatnonzero(in_split(self.key.split, own) & near & alike))

    def pv(self):
        c, count = self.c, 96 * self.c.spec.days
        shocks = stream(self.entropy, 1, 0).standard_normal((count, 1))[:, 0]
        clouds = [shocks[0]]
        for shock in shocks[1:]:
            clouds.append(0.93 * clouds[-1] + np.sqrt(1 - 0.93**2) * shock)
        clearness = c.data.solar_clearness[self.inside] + 0.20 * np.array(clouds)
        power = np.zeros((count, len(c.roofs)))
        for i in (i for i, roof in enumerate(c.roofs) if roof):
            own = clearness + 0.05 * stream(self.entropy, 1, 1, i).standard_normal(count)
            power[:, i] = c.clear_sky_kw[self.inside, i] * np.clip(own, 0.02, 1.05)
        return power

    def devices(self):
        c = self.c
        self.start_energy_kwh = np.zeros(c.there.shape)
        for name in PRESENCE:
            setattr(self, name, np.zeros((c.steps, *c.there.shape)))
        for i, devices in enumerate(c.devices):
            draw = stream(self.entropy, 2, i)
            shares = draw.uniform(0.3, 0.7, size=c.there.shape[1])
            for k, device in enumerate(devices):
                if device["kind"] == "electric_vehicle":
                    self.stays(i, k, device, draw)
                    continue
                self.start_energy_kwh[i, k] = np.round(shares[k] * c.e_max[i, k], 3)
                self.plugged[:, i, k] = 1.0

    def stays(self, i, k, device, draw):
        c, n = self.c, self.c.per_step
        stays = self.drawn_stays(i, k, device, draw.random((c.spec.days + 3, 4)))
        stays = [stay for stay in stays if stay[1] > n and stay[0] // n < c.steps]
        target, gain = c.target[i, k], c.charge[i, k]
        start = math.ceil(1000 * (target - (stays[0][2] if stays else 0.0)) - 1e-6) / 1000
        self.start_energy_kwh[i, k] = min(start, c.e_max[i, k])
        free = max(min(c.p_max[i, k], c.spec.connection_limit_kw - c.peak_kw[i]), 0.0)
        for (arrival, departure, trip), after in pairwise([*stays, (0, 0, 0.0)]):
            first = max(-(-arrival // n), 0)
            end = max(departure // n, first + 1)
            for t in range(first, min(end, c.steps)):
                late, early = free * gain * (end - 1 - t), free * gain * (t + 1 - first)
                floor = max(min(target - late, target - trip + early), 0.0)
                self.plugged[t, i, k], self.floor_kwh[t, i, k] = 1.0, floor
                self.hours_left[t, i, k] = c.dt * (end - t)
            if end <= c.steps:
                self.departs[end - 1, i, k], self.trip_kwh[end - 1, i, k] = 1.0, after[2]

    def drawn_stays(self, i, k, device, draws):
        stays, c = [], self.c
        for day, (comes, hour, length, trip) in enumerate(draws.tolist(), start=-2):
            shares = WEEKEND if (self.key.start_day + day) % 7 >= 5 else WORKING_DAY
            before = np.concatenate([[0.0], np.cumsum(shares) / np.sum(shares)])
            hour = float(np.interp(hour, before, np.arange(25.0)))
            arrival = 96 * day + round(4 * hour) - self.ahead
            too_early = stays and arrival < stays[-1][1] + 4
            if comes >= device.get("stays_per_day", 0.55) or too_early:
                continue
            length = max(2, round(4 * float(np.interp(length, SHARES, HOURS))))
            most = 0.25 * length * c.p_max[i, k] * device.get("eta_charge", 0.93)
            trip = min(float(np.interp(trip, SHARES, TRIPS)), 0.9 * c.target[i, k], most)
            stays.append((arrival, arrival + length, round(trip, 3)))
        return stays

    def outages(self):
        c, grid = self.c, np.ones(self.c.steps)
        if c.spec.outages is not None:
            draw, (short, long) = stream(self.entropy, 3), c.spec.outages.hours
            for _ in range(c.spec.outages.windows):
                length = max(1, round((short + (long - short) * draw.random()) / c.dt))
                begin = int(draw.integers(max(1, c.steps - length)))
                grid[begin : begin + length] = 0.0
        return grid

    def prices(self):
        c = self.c
        self.retail_eur_per_kwh = c.tick(c.mean(c.retail[self.longer]))
        self.co2_kg_per_kwh = np.round(c.mean(c.data.co2_g_per_kwh[self.inside])) / 1000
        self.carbon_eur_per_kwh = c.tick(c.spec.carbon_eur_per_kg * self.co2_kg_per_kwh)
        there = self.grid[:, None] > 0
        bought = self.retail_eur_per_kwh[: c.steps] + self.carbon_eur_per_kwh[:, None]
        bought = np.where(there, bought, c.spec.lost_load_eur_per_kwh)
        self.ask_floor_eur_per_kwh = c.tick(np.where(there, c.feed_in, 0.0) + c.fee)
        self.bid_cap_eur_per_kwh = c.tick(bought - c.fee)

    def expectations(self):
        c, local = self.c, self.c.local[self.longer]
        day = local // 96
        rows = season(day % 365), kind_of_day(day % 7), local % 96
        tables = np.stack([donor_table(donor) for donor in c.donors], axis=-1)
        mean, spread = (c.scale_kw * table[rows] for table in tables)
        self.expected_load_kw, self.load_spread_kw = (
            np.round(c.mean(one), 3) for one in (mean, spread)
        )
        clear, cycle = c.data.solar_clearness, np.minimum(QUARTERS // 2688, 12)
        known = in_split("train", QUARTERS // 96) & (clear > 0)
        own = [clear[known & (cycle == number)] for number in range(13)]
        means = np.array([values.mean() for values in own])[cycle[self.longer], None]
        spreads = np.array([values.std() for values in own])[cycle[self.longer], None]
        sky = c.clear_sky_kw[self.longer]
        self.expected_pv_kw = np.round(c.mean(sky * means), 3)
        spreads = np.sqrt(spreads**2 + 0.20**2 + 0.05**2)
        self.pv_spread_kw = np.round(c.mean(sky * spreads), 3)
        hour = (c.local[self.inside][:: c.per_step] - c.local[self.inside.start] // 96 * 96) / 4
        until = 24 * (hour // 24 + np.where(hour % 24 >= 13, 2, 1))
        ahead = [round(h / c.dt) for h in (1, 3, 8, 24)]
        t = np.arange(c.steps)
        columns = [
            np.where(hour + h < until, t + a, t + a - round(24 / c.dt))
            for h, a in zip((1, 3, 8, 24), ahead, strict=True)
        ]
        self.known_price_step = np.stack(columns, axis=1)

    def waves(self):
        days = self.c.mean(self.c.local[self.inside].astype(float)) / 96
        angles = 2 * np.pi * np.stack([days % 1, days / 7 % 1, days / 365], axis=1)
        both = np.stack([np.sin(angles), np.cos(angles)], axis=-1)
        return np.round(both.reshape(-1, 6), 4)


def donor_table(donor):
    own = np.arange(len(donor.shape))
    kind = kind_of_day((donor.first_weekday + own) % 7)
    table = np.empty((2, 3, 3, 96))
    for part, day in np.ndindex(3, 3):
        days = donor.shape[in_split("train", own) & (season(own) == part) & (kind == day)]
        days = days.astype(np.float64)
        table[:, part, day] = days.mean(axis=0), days.std(axis=0)
    return table
