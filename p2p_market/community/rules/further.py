"""What the rules say in further columns: how they order fuel, and when maintenance is.

A bunker that is less than half full, lorries counted, is filled. Maintenance begins in the evening
before its last day.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from p2p_market.community.further import FUEL, SERVICE, further_columns
from p2p_market.community.scenario.fuel import FuelRules, fuel_rules
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.community.scenario.service import ServiceRules, service_rules
from p2p_market.records import FloatArray

LOW: Final = 0.5
"""Share of the bunker below which it is filled."""
EVENING_H: Final = 26.0
"""Maintenance begins so long before it must be done: at 22 h of the day before."""


class Wish(Protocol):
    """What the rules say in one column."""

    def said(self, seen: FloatArray) -> FloatArray:
        """In physical units, (batch, agent), out of observations (batch, agent, feature)."""


@dataclass(frozen=True, slots=True)
class FuelWish:
    """Orders."""

    rules: FuelRules
    level: tuple[int, ...]  # column of each member's level in the observation
    under_way: int  # column

    def said(self, seen: FloatArray) -> FloatArray:
        """See `Wish`."""
        agents = np.arange(seen.shape[1])
        there = seen[:, agents, list(self.level)] * self.rules.most_kwh
        missing = self.rules.most_kwh - there - seen[..., self.under_way]
        return np.where(missing > (1.0 - LOW) * self.rules.most_kwh, missing, 0.0)


@dataclass(frozen=True, slots=True)
class ServiceWish:
    """When maintenance begins."""

    rules: ServiceRules
    dt_h: float
    wait: int  # column

    @property
    def spare_h(self) -> FloatArray:
        """How long before it would begin by itself, (agent,)."""
        return np.asarray(np.maximum(EVENING_H - self.dt_h * self.rules.steps, 0.0))

    def said(self, seen: FloatArray) -> FloatArray:
        """See `Wish`."""
        begins = (self.rules.asset >= 0) & (seen[..., self.wait] <= self.spare_h)
        return np.asarray(begins, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Further:
    """All further columns."""

    wishes: tuple[Wish | None, ...]  # one per column; None = nothing is said there

    def said(self, seen: FloatArray) -> list[FloatArray]:
        """What each column says, (batch, agent) each."""
        nothing = np.zeros(seen.shape[:2])
        return [nothing if wish is None else wish.said(seen) for wish in self.wishes]


def further_of(scenario: Scenario, columns: Mapping[str, int]) -> Further | None:
    """What the rules say; None where a scenario has no further columns.

    Args:
        columns: of the observation, by name.
    """
    found: dict[str, Wish] = {}
    if (fuel := fuel_rules(scenario)) is not None:
        level = tuple(columns[f"soc_{max(place, 0)}"] for place in fuel.asset.tolist())
        found[FUEL] = FuelWish(fuel, level, columns["fuel_under_way"])
    if (service := service_rules(scenario)) is not None:
        found[SERVICE] = ServiceWish(service, scenario.dt_h, columns["service_wait"])
    names = [column.name for column in further_columns(scenario)]
    return Further(tuple(found.get(name) for name in names)) if names else None
