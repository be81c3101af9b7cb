"""`mpc-alone` as code: one member plans the next 24 hours in each hour, on learnt prices.

The same program as `mpc-alone-warm` of p2p_market, for one member and without a line of it: HiGHS
gets the same numbers in the same order, so its plans are the same to the last bit. Scenarios with
outages are not supported.
"""

import math

import highspy
import numpy as np

HOURS, PARTS, REACH = 24, 4, 4.0
LEAD_H, KEPT = (0.0, 1, 3, 8, 24), (1.0, 0.6, 0.35, 0.15, 0.1)  # of a deviation from the mean
PUBLISHED_HOUR = 13
FROM_A_BASIS = {"presolve": "off", "simplex_dual_edge_weight_strategy": 1}
STATUS = tuple(highspy.HighsBasisStatus.__members__.values())


def make(facts):
    """The planner of one member."""
    return Planner(facts)


class Planner:
    """Plans anew in each hour; the basis of a plan is where the next one starts."""

    def __init__(self, facts):
        """With the public facts of the member."""
        self.facts, self.at = facts, {name: n for n, name in enumerate(facts["features"])}
        self.block = max(1, round(1.0 / facts["dt_h"]))
        self.program = Program(facts, self.block * facts["dt_h"]) if facts["devices"] else None

    def start(self, seed):
        """Steps played, set-points in force, basis of the last plan."""
        return 0, np.zeros(len(self.facts["half"]) - 2), None

    def act(self, observation, published, state):
        """Set-points of the newest plan, and an order for what they leave."""
        step, setpoint, basis = state
        seen = dict(zip(self.at, observation.astype(np.float64).tolist(), strict=True))
        if step % self.block == 0 and self.program is not None:
            told = self.outlook(seen, published["retail_eur_per_kwh"], step)
            power, basis = self.program.solve(seen, told, basis)
            setpoint = np.zeros(len(setpoint))
            setpoint[: len(power)] = power
        half, middle = self.facts["half"], self.facts["middle"]
        net_kw = seen["load"] - seen["pv"] + setpoint.sum()
        wanted = np.array([*setpoint, net_kw, 2.0 * half[-1] if net_kw > 0.0 else 0.0])
        usable = np.where(half > 0.0, half, 1.0)
        return np.where(half > 0.0, (wanted - middle) / usable, 0.0), (step + 1, setpoint, basis)

    def outlook(self, seen, retail, step):
        """Load, sun and price of the hours ahead, and prices of its own trade."""
        facts, a_day = self.facts, round(24 / self.facts["dt_h"])
        last = len(facts["local_h"]) - 1

        def inside(row):
            """Past the end stands the day before."""
            return row + (-np.maximum(row - last, 0) // a_day) * a_day

        def mean(series):
            return series.reshape(HOURS, self.block, 1).mean(axis=1)[:, 0]

        lead = np.arange(HOURS * self.block)
        row = inside(step + lead)
        share = np.interp(lead * facts["dt_h"], LEAD_H, KEPT)
        load, sun = facts["expected_load_kw"][row], facts["expected_pv_kw"][row]
        ahead_load = np.maximum(load + share * (seen["load"] - load[0]), 0.0)
        ratio = seen["pv"] / sun[0] if sun[0] > 0.01 else 1.0
        ahead_sun = sun * (1.0 + share * (ratio - 1.0))
        ahead_sun[0] = seen["pv"]
        price = mean(retail[inside(self.known(step, lead, a_day))])
        fee, tick = facts["network_fee_eur_per_kwh"], facts["tick_eur_per_kwh"]
        floor = np.full(HOURS, ticks(facts["feed_in_eur_per_kwh"] + fee, tick))
        cap = ticks(price + seen["carbon_cost"] - fee, tick)
        learnt = facts["learnt_price_eur_per_kwh"]
        hub = learnt[(step + np.arange(HOURS) * self.block) % len(learnt)]
        hub = np.clip(hub, np.minimum(floor, cap), cap)
        part = ((np.arange(PARTS) + 0.5) / PARTS)[:, None]
        most = np.where(floor < cap, REACH * facts["mean_net_load_kw"] / PARTS, 0.0)
        return {
            "load": mean(ahead_load), "pv": mean(ahead_sun), "grid": price + seen["carbon_cost"],
            "most": most, "buy": hub + part * (cap - hub), "sell": hub - part * (hub - floor),
        }  # fmt: skip

    def known(self, step, lead, a_day):
        """The step whose price stands for each step ahead, in what is published now."""
        local_h, dt_h = self.facts["local_h"], self.facts["dt_h"]
        now = local_h[step]
        days = 2.0 if now % 24.0 >= PUBLISHED_HOUR else 1.0
        published_h = 24.0 * (np.floor(now / 24.0) + days)
        unknown = now + lead * dt_h >= published_h
        back = np.where(unknown, a_day, 0)
        still = (now + (lead - back) * dt_h >= published_h) & unknown
        return np.maximum(step + lead - back - np.where(still, a_day, 0), 0)


class Program:
    """The linear program of the hours ahead."""

    def __init__(self, facts, dt_h):
        """Its matrix, which stays the same."""
        self.facts, self.dt_h, self.devices = facts, dt_h, facts["devices"]
        own = len(self.devices)
        self.leaving = [k for k, device in enumerate(self.devices) if device["target_kwh"] > 0.0]
        sizes = {"charge": own, "discharge": own, "level": own, "missing": len(self.leaving)}
        sizes |= {"import": 1, "export": 1, "buy": PARTS, "sell": PARTS}
        self.at, self.width = places(sizes)
        rows = {"level": own, "arrived": len(self.leaving), "meter": 1, "connection": 1}
        self.row, self.height = places(rows)
        gains = [retention_and_gains(device, dt_h) for device in self.devices]
        self.kept = np.array([one[0] for one in gains])
        entries = self.entries(gains)
        whole = [
            (column + self.width * (hour - back), row + self.height * hour, value)
            for hour in range(HOURS)
            for row, column, value, back in entries
            if hour >= back
        ]
        whole.sort()
        columns = np.array([one[0] for one in whole])
        count = np.bincount(columns, minlength=self.width * HOURS)
        self.start = np.concatenate([[0], count.cumsum()]).astype(np.int32)
        self.index = np.array([one[1] for one in whole], dtype=np.int32)
        self.value = np.array([one[2] for one in whole], dtype=np.float64)

    def entries(self, gains):
        """Coefficients of one hour: row, column, value, hours back."""
        at, row, found = self.at, self.row, []
        for k, (kept, charge, discharge) in enumerate(gains):
            level = row["level"][k]
            found += [(level, at["level"][k], 1.0, 0), (level, at["level"][k], -kept, 1)]
            found += [
                (level, at["charge"][k], -charge, 0),
                (level, at["discharge"][k], discharge, 0),
            ]
            for name, sign in (("charge", 1.0), ("discharge", -1.0)):
                found.append((row["meter"][0], at[name][k], -sign, 0))
                found.append((row["connection"][0], at[name][k], sign, 0))
        for n, k in enumerate(self.leaving):
            found.append((row["level"][k], at["missing"][n], -1.0, 0))
            found.append((row["arrived"][n], at["level"][k], 1.0, 0))
            found.append((row["arrived"][n], at["missing"][n], -1.0, 0))
        for name, sign in (("import", 1.0), ("export", -1.0), ("buy", 1.0), ("sell", -1.0)):
            found += [(row["meter"][0], place, sign, 0) for place in at[name]]
        return found

    def solve(self, seen, told, basis):
        """Set-points of the first hour [kW], and the basis for the next one."""
        numbers = self.numbers(seen, told)
        cost, lower, upper, row_lower, row_upper = (one.ravel() for one in numbers)
        solver = highspy.Highs()
        solver.clear()
        solver.silent()
        solver.passModel(
            len(cost), len(row_lower), len(self.index), int(highspy.MatrixFormat.kColwise),
            int(highspy.ObjSense.kMinimize), 0.0, cost, lower, upper, row_lower, row_upper,
            self.start, self.index, self.value, np.zeros(len(cost), dtype=np.int32),
        )  # fmt: skip
        if basis is not None:
            for name, value in FROM_A_BASIS.items():
                solver.setOptionValue(name, value)
            begin = highspy.HighsBasis()
            begin.col_status = [STATUS[status] for status in basis[0]]
            begin.row_status = [STATUS[status] for status in basis[1]]
            solver.setBasis(begin)
        solver.run()
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            if basis is None:
                raise RuntimeError("HiGHS finds no plan")
            return self.solve(seen, told, None)
        found = solver.getSolution()
        values, made = np.array(found.col_value), np.array(found.row_value)
        _, basic = solver.getBasicVariables()
        columns = status(values, lower, upper, basic[basic >= 0])
        rows = status(made, row_lower, row_upper, -1 - basic[basic < 0])
        moved = (
            columns[self.width :] + columns[-self.width :],
            rows[self.height :] + rows[-self.height :],
        )
        return values[self.at["charge"]] - values[self.at["discharge"]], moved

    def numbers(self, seen, told):
        """Costs and limits of all variables, limits of all rows."""
        facts, at, row, dt_h = self.facts, self.at, self.row, self.dt_h
        cost, lower, row_lower, row_upper = (
            np.zeros((HOURS, n)) for n in (self.width, self.width, self.height, self.height)
        )
        upper = np.full((HOURS, self.width), np.inf)
        hours = np.arange(HOURS)
        for k, device in enumerate(self.devices):
            here, left_h = seen[f"power_max_{k}"] > 0.0, seen[f"hours_left_{k}"]
            end = np.ceil(left_h / dt_h - 1e-6) - 1 if left_h > 0.0 else HOURS
            plugged, departs = here & (hours <= end), here & (hours == end)
            upper[:, at["charge"][k]] = plugged * device["power_max_kw"]
            upper[:, at["discharge"][k]] = plugged * -device["power_min_kw"]
            for name in ("charge", "discharge"):
                cost[:, at[name][k]] = dt_h * device["degradation_eur_per_kwh"]
            least, most = device["energy_min_kwh"], device["energy_max_kwh"]
            level = np.clip(seen[f"soc_{k}"] * most, least, most)
            lower[:, at["level"][k]], upper[:, at["level"][k]] = least, most
            cost[-1, at["level"][k]] = -facts["terminal_value_eur_per_kwh"]
            row_lower[0, row["level"][k]] = row_upper[0, row["level"][k]] = self.kept[k] * level
            if k in self.leaving:
                n = self.leaving.index(k)
                due = departs * device["target_kwh"]
                upper[:, at["missing"][n]] = due
                cost[:, at["missing"][n]] = facts["shortfall_eur_per_kwh"]
                lower[:, at["level"][k]] = np.maximum(least, due)
                row_upper[:, row["arrived"][n]] = most
        idle, limit = told["load"] - told["pv"], facts["connection_limit_kw"]
        row_lower[:, row["meter"][0]] = row_upper[:, row["meter"][0]] = idle
        row_lower[:, row["connection"][0]] = np.minimum(-limit - idle, 0.0)
        row_upper[:, row["connection"][0]] = np.maximum(limit - idle, 0.0)
        cost[:, at["import"][0]] = dt_h * told["grid"]
        cost[:, at["export"][0]] = -dt_h * facts["feed_in_eur_per_kwh"]
        fee = facts["network_fee_eur_per_kwh"]
        filled = np.arange(PARTS)[:, None] * told["most"]
        for way, price in (("buy", told["buy"]), ("sell", -told["sell"])):
            upper[:, at[way]] = np.clip(limit - filled, 0.0, told["most"]).T
            cost[:, at[way]] = (dt_h * (price + fee)).T
        return cost, lower, upper, row_lower, row_upper


def places(sizes):
    """Numbers of each group in an hour, and of all."""
    ends = np.cumsum(list(sizes.values())).tolist()
    found = {
        name: list(range(end - size, end))
        for (name, size), end in zip(sizes.items(), ends, strict=True)
    }
    return found, ends[-1]


def retention_and_gains(device, dt_h):
    """What is kept of a level over a step, what a kW adds to it and takes from it."""
    lost = float(f"{-math.expm1(-device['leak_per_h'] * dt_h):.12g}")
    hours = dt_h if lost == 0.0 else lost / device["leak_per_h"]
    return 1.0 - lost, hours * device["eta_charge"], hours / device["eta_discharge"]


def ticks(price, tick):
    """The nearest tick."""
    return np.floor(price / tick + 0.5) * tick


def status(values, lower, upper, inside):
    """Which are basic, and at which limit the others stand."""
    above = np.abs(values - upper) < np.abs(values - lower)
    names = highspy.HighsBasisStatus
    found = np.where(above, int(names.kUpper), int(names.kLower))
    found[inside] = int(names.kBasic)
    return found.astype(np.uint8).tobytes()
