"""Maintenance in the program: one binary per step in which it may begin, one of them is 1."""

from dataclasses import dataclass

import cvxpy as cp
import numpy as np
from scipy import sparse

from p2p_market.assets.node import Coefficients
from p2p_market.community.scenario.service import ServiceRules
from p2p_market.records import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Service:
    """When each device that needs it stands still."""

    rules: ServiceRules
    members: IntArray  # (device,)
    places: IntArray  # (device,), columns of the program
    most_kw: tuple[FloatArray, FloatArray]  # (device,), highest charge and discharge
    begins: tuple[cp.Variable, ...]  # per device, whole, (step in which it may begin,)
    steps: int

    def constraints(self, charge_kw: cp.Variable, discharge_kw: cp.Variable) -> list[cp.Constraint]:
        """It begins once; a device does nothing while it lasts."""
        found = []
        for number, begins in enumerate(self.begins):
            lasts = int(self.rules.steps[self.members[number]])
            still = _lasting(self.steps, begins.size, lasts) @ begins
            found.append(cp.sum(begins) == 1.0)
            for power, most in zip((charge_kw, discharge_kw), self.most_kw, strict=True):
                if most[number] > 0.0:
                    found.append(power[:, self.places[number]] <= most[number] * (1.0 - still))
        return found

    def by_member(self, agents: int) -> FloatArray:
        """1 where it begins in the solved program, (step, agent)."""
        said = np.zeros((self.steps, agents))
        for member, begins in zip(self.members, self.begins, strict=True):
            assert begins.value is not None
            said[: begins.size, member] = np.round(begins.value)
        return said


def _lasting(steps: int, begins: int, lasts: int) -> sparse.csr_array:
    """1 where maintenance that begins in a column's step lasts, (step, begin)."""
    step, begin = np.arange(steps)[:, None], np.arange(begins)
    return sparse.csr_array(((begin <= step) & (step < begin + lasts)).astype(np.float64))


def service_of(
    rules: ServiceRules | None, nodes: Coefficients, own: BoolArray, steps: int
) -> Service | None:
    """Variables of the devices that need it; None where none does."""
    if rules is None:
        return None
    members = np.flatnonzero(rules.asset >= 0)
    devices = members, rules.asset[members]
    columns = np.cumsum(own.ravel()).reshape(own.shape) - 1
    most = nodes.power_max_kw[devices], -nodes.power_min_kw[devices]
    begins = tuple(cp.Variable(int(rules.last[one]) + 1, boolean=True) for one in members)
    return Service(rules, members, columns[devices], most, begins, steps)
