"""Maintenance in the step: a device stands still for some hours, when its owner says or at last.

`State.service`, (batch, agent): 0 = not yet, above 0 = steps of it that are left, -1 = done. It
begins in the step in which the owner's column says `BEGINS` or more, or in the last one from which
it can be done in time. While it lasts the device can do nothing. All of it is None, by type, where
nobody needs maintenance.
"""

from typing import Any, Final

import numpy as np

from p2p_market.community.further import SERVICE, place_of
from p2p_market.community.scenario.record import Scenario
from p2p_market.community.scenario.service import service_rules
from p2p_market.compilation import inner
from p2p_market.records import FloatArray
from p2p_market.track import Feature

BEGINS: Final = 0.5
"""What a column from 0 to 1 must say at least: in [-1, 1] anything from 0 on."""
DONE: Final = -1.0
PER_SERVICE: Final = 2
"""Features: hours of it that are left, and hours until it begins by itself."""


def begin(scenario: Scenario, batch: int) -> FloatArray | None:
    """Nobody had it yet, (batch, agent); None where nobody needs it."""
    return None if service_rules(scenario) is None else np.zeros((batch, len(scenario.agents)))


def service_features(scenario: Scenario) -> list[Feature]:
    """How long it lasts still, and how long it may wait."""
    rules = service_rules(scenario)
    if rules is None:
        return []
    longest, latest = (scenario.dt_h * float(most.max()) for most in (rules.steps, rules.last))
    return [
        Feature("service_left", "h", 0.0, longest),
        Feature("service_wait", "h", 0.0, latest),
    ]


@inner(forceinline=True)
def is_served(service, said, t, state, b, i):  # type: ignore[no-untyped-def]
    """Whether a member's device stands still for maintenance in step t.

    Args:
        said: what the owner's column says; 0 = nothing.
    """
    left = state[b, i]
    if service.asset[i] < 0 or left == DONE:
        return False
    return left > 0.0 or said >= BEGINS or t >= service.last[i]


@inner(forceinline=True)
def hold_still(service, column, t, further, state, out_limits):  # type: ignore[no-untyped-def]
    """A device in maintenance can do nothing."""
    if service is None:
        return
    for b in range(state.shape[0]):
        for i in range(state.shape[1]):
            if is_served(service, further[b, i, column], t, state, b, i):
                out_limits.low[b, i, service.asset[i]] = 0.0
                out_limits.high[b, i, service.asset[i]] = 0.0


@inner(forceinline=True)
def keep_service(service, column, t, further, out_state):  # type: ignore[no-untyped-def]
    """Count a step of maintenance down, from its first one on."""
    if service is None:
        return
    for b in range(out_state.shape[0]):
        for i in range(out_state.shape[1]):
            if is_served(service, further[b, i, column], t, out_state, b, i):
                left = out_state[b, i] if out_state[b, i] > 0.0 else float(service.steps[i])
                out_state[b, i] = left - 1.0 if left > 1.0 else DONE


@inner(forceinline=True)
def show_service(rules, service, machine, machines, t, state, b, i, place, out):  # type: ignore[no-untyped-def]
    """Write the features of maintenance from a place on; returns the place after them.

    A device that will stand still can do nothing.

    Args:
        machine: how many numbers are shown of a machine; its lowest and highest power come first.
        machines: place of the first number of machines.
    """
    if service is None:
        return place
    k, left, dt_h = service.asset[i], state.service[b, i], rules.dt_h
    out[b, i, place] = dt_h * max(left, 0.0)
    waits = k >= 0 and left == 0.0
    out[b, i, place + 1] = dt_h * max(service.last[i] - t, 0) if waits else 0.0
    if is_served(service, 0.0, t, state.service, b, i):
        for end in range(2):
            out[b, i, machines + machine * k + end] = 0.0
    return place + PER_SERVICE


@inner(forceinline=True)
def rows_of_service(state, span):  # type: ignore[no-untyped-def]
    """A part of a batch."""
    if state is None:
        return None
    return state[span]


def after_step(scenario: Scenario, state: Any, further: Any) -> Any:
    """`State.service` after a step; `further` is what was heard."""
    if state.service is None:
        return None
    out = state.service.copy()
    column = place_of(scenario, SERVICE)
    keep_service(service_rules(scenario), column, state.step, further, out)
    return out
