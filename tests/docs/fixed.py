"""What is fixed before an episode, written from docs/rebuild.md, sections 1, 2 and 5."""

import math

import numpy as np

QUARTERS = np.arange(35_040)
SPLITS = {"train": (2, 10), "validation": (12, 19), "test": (21, 28)}
VEHICLE = {"eta_charge": 0.93, "eta_discharge": 0.93, "discharge_power_kw": 0.0}
BATTERY = {"eta_charge": 0.95, "eta_discharge": 0.95}


def in_split(split, days):
    first, end = SPLITS[split]
    return (days % 28 >= first) & (days % 28 < end)


def kind_of_day(weekday):
    return np.maximum(weekday - 4, 0)


def season(day):
    winter, summer = (day < 59) | (day >= 304), (day >= 120) & (day < 243)
    return np.where(winter, 0, np.where(summer, 2, 1))


class Community:
    """Prices, devices and donors of a scenario with named donors; inputs are its spec and data."""

    def __init__(self, spec, data):
        self.spec, self.data, self.dt = spec, data, spec.dt_h
        self.steps, self.per_step = round(spec.days * 24 / spec.dt_h), round(4 * spec.dt_h)
        self.local = QUARTERS + 4 * data.summer_time.astype(int)
        self.loads = [_of_kind(member, "load") for member in spec.members]
        self.roofs = [_of_kind(member, "pv") for member in spec.members]
        self.scale_kw = np.array([load["annual_kwh"] / 8760 for load in self.loads])
        named = {donor.name: donor for donor in data.donors}
        self.donors = [named[load["donor"]] for load in self.loads]
        peaks = [float(donor.shape.max()) for donor in self.donors]
        self.peak_kw = np.ceil(1000 * self.scale_kw * peaks) / 1000
        contracts = [spec.contracts[member.contract] for member in spec.members]
        self.retail = np.stack([self.contract(one) for one in contracts], axis=1)
        self.feed_in = self.tick(np.array([one.feed_in_eur_per_kwh for one in contracts]))
        self.fee = self.fees()
        self.clear_sky_kw = np.stack([self.clear_sky(roof) for roof in self.roofs], axis=1)
        change = data.day_ahead_eur_per_kwh[96:] - data.day_ahead_eur_per_kwh[:-96]
        spread = change[in_split("train", QUARTERS[96:] // 96)].std()
        self.price_spread = np.array([getattr(one, "factor", 0.0) * spread for one in contracts])
        self.set_devices()

    def tick(self, price):
        step = self.spec.tick_eur_per_kwh
        return np.floor(price / step + 0.5) * step

    def mean(self, series):
        return series.reshape(-1, self.per_step, *series.shape[1:]).mean(axis=1)

    def contract(self, one):
        if one.kind == "flat":
            return np.full(len(QUARTERS), self.tick(one.retail_eur_per_kwh))
        if one.kind == "time_of_use":
            hour, weekday = self.local // 4 % 24, self.local // 96 % 7
            peak = (weekday < 5) & (one.peak_hours[0] <= hour) & (hour < one.peak_hours[1])
            return self.tick(np.where(peak, one.peak_eur_per_kwh, one.off_peak_eur_per_kwh))
        price = one.factor * self.data.day_ahead_eur_per_kwh + one.adder_eur_per_kwh
        low, high = one.floor_eur_per_kwh, one.cap_eur_per_kwh
        price = price if low is None else np.maximum(price, low)
        return self.tick(price if high is None else np.minimum(price, high))

    def fees(self):
        fees, feeder = self.spec.fees, self.data.feeder
        km = feeder.distance_km[feeder.load_node]
        own = km[[member.node for member in self.spec.members]] / km.max()
        share = {"none": 0.0, "low": 0.25, "full": 1.0}[fees.level]
        losses = fees.loss_share * fees.loss_price_eur_per_kwh / 2
        return self.tick(share * (fees.grid_fee_eur_per_kwh / 2) * (1 + own) / 2 + losses)

    def set_devices(self):
        own = [[a for a in m.assets if a["kind"] not in ("load", "pv")] for m in self.spec.members]
        shape = (len(own), max(1, max(len(devices) for devices in own)))
        self.devices = own
        self.there, self.target = np.zeros(shape, dtype=bool), np.zeros(shape)
        self.kept = np.ones(shape)
        self.charge, self.discharge = np.ones((2, *shape))
        self.e_max, self.p_min, self.p_max, self.wear = np.zeros((4, *shape))
        for place in np.ndindex(shape):
            if place[1] < len(own[place[0]]):
                self.set_device(place, own[place[0]][place[1]])

    def set_device(self, place, device):
        leaves = device["kind"] == "electric_vehicle"
        device = (VEHICLE if leaves else BATTERY) | device
        lost = float(f"{-math.expm1(-device.get('leak_per_h', 0.0) * self.dt):.12g}")
        hours = lost / device["leak_per_h"] if lost else self.dt
        self.there[place], self.kept[place] = True, 1 - lost
        self.charge[place] = hours * device["eta_charge"]
        self.discharge[place] = hours / device["eta_discharge"]
        self.e_max[place], self.p_max[place] = device["capacity_kwh"], device["power_kw"]
        self.p_min[place] = -device["discharge_power_kw"] if leaves else -device["power_kw"]
        self.wear[place] = device.get("degradation_eur_per_kwh", 0.0)
        if leaves:
            self.target[place] = device.get("target_soc", 0.8) * device["capacity_kwh"]

    def clear_sky(self, roof):
        if roof is None:
            return np.zeros(len(QUARTERS))
        site, cos, sin = self.spec.site, np.cos, np.sin
        hours = (QUARTERS + 0.5) / 4 + 1 - self.data.utc_offset_h
        g = 2 * np.pi * hours / 24 / 365
        declination = 0.006918 - 0.399912 * cos(g) + 0.070257 * sin(g) - 0.006758 * cos(2 * g)
        declination += 0.000907 * sin(2 * g) - 0.002697 * cos(3 * g) + 0.00148 * sin(3 * g)
        minutes = 0.000075 + 0.001868 * cos(g) - 0.032077 * sin(g) - 0.014615 * cos(2 * g)
        minutes = 229.18 * (minutes - 0.04089 * sin(2 * g))
        solar = hours - 1 + site.longitude_deg / 15 + minutes / 60
        turn, lat = np.pi * (solar % 24 - 12) / 12, np.radians(site.latitude_deg)
        east = -cos(declination) * sin(turn)
        north = cos(lat) * sin(declination) - sin(lat) * cos(declination) * cos(turn)
        up = sin(lat) * sin(declination) + cos(lat) * cos(declination) * cos(turn)
        high = np.maximum(np.degrees(np.arcsin(up)), 0)
        mass = 1 / (sin(np.radians(high)) + 0.50572 * (high + 6.07995) ** -1.6364)
        beam = 1.353 * 0.7 ** (mass**0.678)
        tilt, looks = np.radians(roof["tilt_deg"]), np.radians(roof["azimuth_deg"])
        cosine = up * cos(tilt) + sin(tilt) * (sin(looks) * east + cos(looks) * north)
        fraction = beam * np.maximum(cosine, 0) + 0.1 * beam * (1 + cos(tilt)) / 2
        fraction += 0.2 * beam * (np.maximum(up, 0) + 0.1) * (1 - cos(tilt)) / 2
        power = 0.8 * roof["peak_kw"] * roof.get("system_factor", 0.86)
        return power * np.where(up > 0, fraction, 0)


def _of_kind(member, kind):
    return next((asset for asset in member.assets if asset["kind"] == kind), None)
