"""The optimum as a linear program, and its bound, which needs no solver."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from p2p_market.errors import OptimumError
from p2p_market.records import FloatArray
from p2p_market.track import Plan
from tests.toy.schema import GATE_STEPS, HIGH, START, Spec


@dataclass(frozen=True, slots=True)
class Program:
    """Least `cost @ x + fixed_eur` with `rows @ x <= limit` and `0 <= x <= top`.

    x holds of each storage its level after each step and its reserve from each gate on [kWh], then
    the output in each step [kWh]. Each level of the plant costs alike, and its ramp is as high as
    one level: all corners of the program are choices of the plant.
    """

    cost: FloatArray
    rows: FloatArray
    limit: FloatArray
    top: FloatArray
    fixed_eur: float

    def bound_eur(self, shadow_eur: FloatArray) -> float:
        """No x costs less, whatever the prices of the rows; weak duality."""
        shadow_eur = np.maximum(shadow_eur, 0.0)
        reduced = self.cost + shadow_eur @ self.rows
        return float(self.fixed_eur - shadow_eur @ self.limit + np.minimum(reduced, 0.0) @ self.top)


def program(spec: Spec, price_eur_per_kwh: FloatArray) -> Program:
    """The program of one episode."""
    steps, count, price = len(price_eur_per_kwh), spec.storages, price_eur_per_kwh
    now, before = np.eye(steps), np.eye(steps, k=-1)
    until = np.kron(np.eye(steps // GATE_STEPS), np.ones((GATE_STEPS, 1)))  # gate to its steps
    none, first = np.zeros_like(until), now[0] * START * spec.capacity_kwh
    storage = np.block(
        [[now - before, none], [before - now, none], [-before, until], [-now, until]]
    )
    limit = np.concatenate([spec.power_kw + first, spec.power_kw - first, first, 0.0 * first])
    income = np.full(steps // GATE_STEPS, -spec.reserve_eur_per_kwh * GATE_STEPS)
    outlay = np.concatenate([price - np.append(price[1:], 0.0), income])
    rows = np.kron(np.eye(count), storage)
    ramp, plant = np.zeros((steps, rows.shape[1])), np.zeros((len(rows), steps))
    return Program(
        cost=np.append(
            np.tile(outlay, count), spec.fuel_eur_per_kwh + spec.damage_eur_per_kwh - price
        ),
        rows=np.block([[rows, plant], [ramp, now - before]]),
        limit=np.append(np.tile(limit, count), np.full(steps, spec.level_kw)),
        top=np.append(
            np.full(rows.shape[1], spec.capacity_kwh), np.full(steps, HIGH * spec.level_kw)
        ),
        fixed_eur=-count * float(price[0]) * START * spec.capacity_kwh,
    )


@dataclass(frozen=True, slots=True)
class Optimum:
    """The planner."""

    scenario: Any

    @property
    def identity(self) -> str:
        """Another one, another plan."""
        return "toy 1"

    def plan(self, episode: Any) -> Plan:
        """Cheapest schedule of a batch of one."""
        import scipy
        from scipy.optimize import linprog

        spec, (price,) = self.scenario.spec, episode.price_eur_per_kwh
        asked = program(spec, price)
        bounds = np.column_stack([np.zeros_like(asked.top), asked.top])
        found = linprog(asked.cost, asked.rows, asked.limit, bounds=bounds, method="highs-ds")
        if found.status != 0:
            raise OptimumError(f"{spec.id}: {found.message}")
        storages = found.x[: -len(price)].reshape(spec.storages, -1).T
        shadow_eur = -found.ineqlin.marginals
        return Plan(
            schedule={
                "level_kwh": storages[: len(price)],
                "reserve_kwh": storages[len(price) :].repeat(GATE_STEPS, axis=0),
                "output_kwh": found.x[-len(price) :, None],
            },
            prices={"shadow_eur": shadow_eur},
            objective_eur=float(found.fun + asked.fixed_eur),
            bound_eur=asked.bound_eur(shadow_eur),
            solver=f"HiGHS of scipy {scipy.__version__}",
        )
