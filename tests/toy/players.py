"""The toy's planner, and its policies, one per role."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from p2p_market.errors import OptimumError
from p2p_market.kit.policies import Rule, resting, uniform
from p2p_market.records import FloatArray
from p2p_market.track import Plan
from tests.toy.track import GATE_STEPS, HIGH, MEAN_EUR_PER_KWH, Episode, Scenario, program


@dataclass(frozen=True, slots=True)
class Optimum:
    """The planner."""

    scenario: Scenario
    identity: str = "toy 1"  # another one, another plan

    def plan(self, episode: Episode) -> Plan:
        """Cheapest schedule of a batch of one."""
        import scipy
        from scipy.optimize import linprog

        asked, steps = program(self.scenario, episode), self.scenario.steps
        found = linprog(asked.cost, asked.rows, asked.limit, bounds=asked.ranges, method="highs-ds")
        if found.status != 0:
            raise OptimumError(f"{self.scenario.spec.id}: {found.message}")
        storages = found.x[:-steps].reshape(self.scenario.spec.storages, -1).T
        return Plan(
            schedule={
                "level_kwh": storages[:steps],
                "reserve_kwh": storages[steps:].repeat(GATE_STEPS, axis=0),
                "output_kwh": found.x[-steps:, None],
            },
            prices={"shadow_eur": -found.ineqlin.marginals},
            objective_eur=float(found.fun + asked.fixed_eur),
            bound_eur=asked.bound_eur(-found.ineqlin.marginals),
            solver=f"HiGHS of scipy {scipy.__version__}",
        )


def _by_price(scenario: Scenario, seen: FloatArray) -> FloatArray:
    """Charges below the mean price, discharges above it, half of all in reserve."""
    power = np.sign(MEAN_EUR_PER_KWH - seen[..., 0])
    return np.stack([power, np.zeros_like(power)], axis=-1)


def _by_margin(scenario: Scenario, seen: FloatArray) -> FloatArray:
    """As high as it can where the price is above the damage."""
    price, choice = seen[..., :1], seen[..., 1:]
    return np.where(price > scenario.spec.damage_eur_per_kwh, np.minimum(choice + 1.0, HIGH), 0.0)


idle_storage, idle_plant = partial(resting, "storage"), partial(resting, "plant")
random_storage, random_plant = partial(uniform, "storage"), partial(uniform, "plant")
thrifty_storage, thrifty_plant = partial(Rule, _by_price), partial(Rule, _by_margin)
