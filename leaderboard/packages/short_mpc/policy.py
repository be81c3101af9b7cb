"""A short planner of one member: a day ahead, on the means of training days."""

import numpy as np
from scipy.optimize import linprog


def make(facts):
    """The planner of one seat."""
    return Planner(facts)


class Planner:
    """Plans its battery in every step, and trades what the plan's first step leaves."""

    def __init__(self, facts):
        """With the public facts of the seat."""
        self.facts = facts

    def start(self, seed):
        """It remembers the number of the step."""
        return 0

    def act(self, observation, published, step):
        """Set-points, quantity and price, in [-1, 1]."""
        facts = self.facts
        seen = dict(zip(facts["features"], observation.astype(float), strict=True))
        wanted = np.zeros(len(facts["half"]))
        for k, device in enumerate(facts["devices"]):
            wanted[k] = seen[f"power_max_{k}"]  # vehicles charge at once
            if device["target_kwh"] == 0.0:
                wanted[k] = self.plan(device, k, seen, published, step)
        net_kw = seen["load"] - seen["pv"] + wanted.sum()
        wanted[-2:] = net_kw, facts["price_max_eur_per_kwh"] if net_kw > 0.0 else 0.0
        half = np.where(facts["half"] > 0.0, facts["half"], 1.0)
        return (wanted - facts["middle"]) / half, step + 1

    def plan(self, device, k, seen, published, step):
        """The first set-point of the cheapest day ahead [kW]: charge, discharge, buy, sell."""
        facts, dt_h = self.facts, self.facts["dt_h"]
        n, retail = round(24 / dt_h), published["retail_eur_per_kwh"]
        ahead = np.minimum(step + np.arange(n), len(facts["expected_load_kw"]) - 1)
        net_kw = facts["expected_load_kw"][ahead] - facts["expected_pv_kw"][ahead]
        net_kw[0] = seen["load"] - seen["pv"]
        price = retail[np.where(ahead < len(retail), ahead, ahead - n)]
        zero, one, sums = np.zeros((n, n)), np.eye(n), dt_h * np.tril(np.ones((n, n)))
        gained = [device["eta_charge"] * sums, -sums / device["eta_discharge"], zero, zero]
        gained, wear = np.hstack(gained), np.full(n, device["degradation_eur_per_kwh"])
        paid = np.full(n, facts["feed_in_eur_per_kwh"])
        cost = dt_h * np.concatenate([wear, wear, price, -paid])
        empty, full = device["energy_min_kwh"], device["energy_max_kwh"]
        level = np.clip(seen[f"soc_{k}"] * full, empty, full)
        most = [device["power_max_kw"], -device["power_min_kw"], None, None]
        found = linprog(
            cost - facts["terminal_value_eur_per_kwh"] * gained[-1],
            np.vstack([gained, -gained]), np.repeat([full - level, level - empty], n),
            np.hstack([-one, one, one, -one]), net_kw,
            [(0, each) for each in most for _ in range(n)],
        )  # fmt: skip
        return found.x[0] - found.x[n]
