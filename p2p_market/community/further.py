"""Further columns of an action, after the price: what options of a scenario let its members say.

Each option has a function that lists its columns, in `OPTIONS`; they stand in that order. Physical
0 always means "nothing": who is held by the supervisor says that, and every policy that does not
know a column. A plan says it by the column's name in its schedule, (step, agent).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from p2p_market.community import acts
from p2p_market.community.coordination.words import words
from p2p_market.community.records import LARGEST
from p2p_market.community.safety import offers
from p2p_market.community.scenario.fuel import fuel_rules
from p2p_market.community.scenario.record import Scenario
from p2p_market.community.scenario.service import service_rules
from p2p_market.community.scenario.voltage import most_reactive_kvar
from p2p_market.compilation import inner
from p2p_market.records import FloatArray, Record


@dataclass(frozen=True, slots=True)
class FurtherColumn(Record):
    """One column: name, unit, and its range per agent, low <= 0 <= high; 0 to 0 is padding."""

    name: str
    unit: str
    low: FloatArray  # (agent,)
    high: FloatArray  # (agent,)


REACTIVE: Final = "reactive"
FUEL: Final = "fuel"
"""Column of orders [kWh in the step]."""
SERVICE: Final = "service"
"""Column of maintenance: from 0.5 on it begins."""

Option = Callable[[Scenario], tuple[FurtherColumn, ...]]


def _acts(scenario: Scenario) -> tuple[FurtherColumn, ...]:
    return tuple(FurtherColumn(*word) for word in acts.words(scenario))


def _reactive(scenario: Scenario) -> tuple[FurtherColumn, ...]:
    """Reactive power of a member's inverters, positive = absorbed."""
    given = scenario.spec.voltage
    if given is None or given.reactive != "agent":
        return ()
    most = most_reactive_kvar(scenario)
    return (FurtherColumn(REACTIVE, "kvar", -most, most),)


def _agreements(scenario: Scenario) -> tuple[FurtherColumn, ...]:
    return tuple(FurtherColumn(*word) for word in words(scenario))


def fuel_columns(scenario: Scenario) -> tuple[FurtherColumn, ...]:
    """What a member orders of fuel in the step, where somebody may."""
    rules = fuel_rules(scenario)
    if rules is None:
        return ()
    return (FurtherColumn(FUEL, "kWh", np.zeros_like(rules.most_kwh), rules.most_kwh),)


def service_columns(scenario: Scenario) -> tuple[FurtherColumn, ...]:
    """Whether a member lets maintenance begin, where somebody must."""
    rules = service_rules(scenario)
    if rules is None:
        return ()
    own = (rules.asset >= 0).astype(np.float64)
    return (FurtherColumn(SERVICE, "1", np.zeros_like(own), own),)


def _offers(scenario: Scenario) -> tuple[FurtherColumn, ...]:
    return tuple(FurtherColumn(*word) for word in offers.words(scenario))


OPTIONS: Final[tuple[Option, ...]] = (
    _acts, _reactive, fuel_columns, service_columns, _agreements, _offers,
)  # fmt: skip
"""Functions that list an option's columns; empty where a scenario does not use it."""


@lru_cache(maxsize=16)
def further_columns(scenario: Scenario) -> tuple[FurtherColumn, ...]:
    """The further columns of a scenario, in order."""
    return tuple(column for option in OPTIONS for column in option(scenario))


def place(scenario: Scenario, name: str) -> int:
    """Where a column stands in `Proposal.further`.

    Raises:
        ValueError: the scenario has no such column.
    """
    return [column.name for column in further_columns(scenario)].index(name)


def place_of(scenario: Scenario, name: str) -> int:
    """The same; -1 where the scenario has no such column."""
    names = [column.name for column in further_columns(scenario)]
    return names.index(name) if name in names else -1


@inner(forceinline=True)
def are_finite(further, b, i):  # type: ignore[no-untyped-def]
    """Whether what a member said there can be trusted at all."""
    if further is None:
        return True
    finite = True
    for c in range(further.shape[2]):
        finite = finite and abs(further[b, i, c]) <= LARGEST
    return finite


@inner(forceinline=True)
def pass_on(further, heard, b, i, out_further):  # type: ignore[no-untyped-def]
    """What a member said, or nothing where it is not heard."""
    if further is None:
        return
    for c in range(further.shape[2]):
        out_further[b, i, c] = further[b, i, c] if heard else 0.0
