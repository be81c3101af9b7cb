"""Voltage in the step: reactive power, a band that binds, what violations cost, what is seen.

The equations stand in `p2p_market.grid`; without a voltage in the scenario every argument here is
None, and nothing of it is compiled.
"""

import math
from typing import Any, Final, NamedTuple

import numpy as np

from p2p_market.community.records import LEDGER_COLUMN, Round
from p2p_market.community.scenario.record import Scenario
from p2p_market.community.scenario.voltage import lines_of, most_reactive_kvar
from p2p_market.compilation import inner
from p2p_market.grid.feeder import add_charges, squares
from p2p_market.grid.loading import loading_kernel
from p2p_market.grid.pull_back import Held, Powers, held, pull_back_kernel
from p2p_market.grid.reactive import absorbed, room_kernel
from p2p_market.records import FloatArray
from p2p_market.track import Feature

_OVERLOAD = LEDGER_COLUMN["overload"]

PU2, LOADING = 0, 1
LINE: Final = 2
"""What is kept of a member's line: squared voltage [pu^2], highest loading to the transformer."""


class Idle(NamedTuple):
    """A wish for nothing, as the filter takes it."""

    setpoint_kw: FloatArray


class Scratch(NamedTuple):
    """Room for some communities, in rows; None where a scenario has no voltage."""

    idle: Idle
    rest: Powers
    held: Held
    lines: FloatArray  # (row, node)
    room_kvar: FloatArray  # (row, agent)
    loading: FloatArray  # (row, agent)


class Done(NamedTuple):
    """What is recorded of a step; each None where a scenario has no voltage."""

    reactive_kvar: Any  # (row, agent)
    pulled_kw: Any  # (row, agent)
    line: Any  # (row, agent, LINE)


def scratch_of(scenario: Scenario, rows: int) -> Scratch | None:
    """Room for so many communities."""
    if scenario.spec.voltage is None:
        return None
    agents, assets = scenario.nodes.present.shape
    flat, cube = (rows, agents), (rows, agents, assets)
    return Scratch(
        idle=Idle(np.zeros(cube)),
        rest=Powers(np.zeros(cube), *np.zeros((4, *flat))),
        held=held(*flat),
        lines=np.zeros((rows, len(lines_of(scenario).cables.parent))),
        room_kvar=np.zeros(flat),
        loading=np.zeros(flat),
    )


def done_of(scenario: Scenario, rows: int) -> Done:
    """Room for what so many communities do in a step."""
    if scenario.spec.voltage is None:
        return Done(None, None, None)
    flat = rows, len(scenario.agents)
    return Done(np.zeros(flat), np.zeros(flat), np.zeros((*flat, LINE)))


def untouched_line(scenario: Scenario, batch: int) -> FloatArray | None:
    """Lines before the first step: the voltage of the source, nothing carried."""
    if scenario.spec.voltage is None:
        return None
    line = np.zeros((batch, len(scenario.agents), LINE))
    line[..., PU2] = lines_of(scenario).flow.source_pu2
    return line


@inner(forceinline=True)
def react(voltage, now, further, out_powers, out_room):  # type: ignore[no-untyped-def]
    """Reactive power beside set-points: by rule, or as asked within what inverters leave."""
    kvar = out_powers.reactive_kvar
    for b in range(kvar.shape[0]):
        for i in range(kvar.shape[1]):
            kvar[b, i] = 0.0
            if voltage.by_rule:
                power = now.pv_kw[b, i] - out_powers.curtailed_kw[b, i]
                kvar[b, i] = absorbed(power, voltage.inverters.pv_kw[i])
    _as_asked(voltage, now, further, out_powers, out_room)


@inner(forceinline=True)
def _as_asked(voltage, now, further, out_powers, out_room):  # type: ignore[no-untyped-def]
    if further is None:
        return
    if voltage.column < 0:
        return
    setpoint, kvar = out_powers.setpoint_kw, out_powers.reactive_kvar
    room_kernel(voltage.inverters, now.pv_kw, now.plugged, setpoint, out_room)
    for b in range(kvar.shape[0]):
        for i in range(kvar.shape[1]):
            room = out_room[b, i]
            kvar[b, i] = min(max(further[b, i, voltage.column], -room), room)


@inner(forceinline=True)
def pull(voltage, now, scratch, out_action):  # type: ignore[no-untyped-def]
    """Pull what is done back towards `scratch.rest`, until the band holds."""
    pull_back_kernel(voltage.flow, voltage.least, scratch.rest, out_action, scratch.held)
    setpoint, net = out_action.setpoint_kw, out_action.net_load_kw
    for b in range(net.shape[0]):
        if scratch.held.share[b] == 1.0:
            continue
        for i in range(net.shape[1]):
            out_action.pulled_kw[b, i] = scratch.held.pulled_kw[b, i]
            # Summed as the filter does, so that filtering twice is once to the bit.
            used = now.load_kw[b, i] - now.pv_kw[b, i]
            for k in range(setpoint.shape[2]):
                used += setpoint[b, i, k]
            net[b, i] = used + out_action.curtailed_kw[b, i] - out_action.shed_kw[b, i]


@inner(forceinline=True)
def look_at_line(voltage, action, scratch, out_line):  # type: ignore[no-untyped-def]
    """Voltages and loadings of what was done."""
    if voltage is None:
        return
    net, kvar = action.net_load_kw, action.reactive_kvar
    loading_kernel(voltage.cables, net, scratch.lines, scratch.loading)
    for b in range(net.shape[0]):
        squares(voltage.flow, net[b], kvar[b], out_line[b, :, PU2])
        for i in range(net.shape[1]):
            out_line[b, i, LOADING] = scratch.loading[b, i]


@inner(forceinline=True)
def charge(voltage, action, line, out_entries):  # type: ignore[no-untyped-def]
    """Add the price of violations to what the line's overload costs."""
    if voltage is None:
        return
    price, net, kvar = voltage.eur_per_pu, action.net_load_kw, action.reactive_kvar
    if price == 0.0:
        return
    for b in range(net.shape[0]):
        pu2, paid = line[b, :, PU2], out_entries[b, :, _OVERLOAD]
        add_charges(voltage.flow, price, net[b], kvar[b], pu2, paid)


@inner(forceinline=True)
def keep_line(done, out_state):  # type: ignore[no-untyped-def]
    """Carry lines over to the next step."""
    if done is None:
        return
    for b in range(done.shape[0]):
        for i in range(done.shape[1]):
            for c in range(done.shape[2]):
                out_state[b, i, c] = done[b, i, c]


@inner(forceinline=True)
def rows_of_line(line, span):  # type: ignore[no-untyped-def]
    """Lines of some communities; None where there are none."""
    return None if line is None else line[span]


def line_series(done: Round) -> dict[str, FloatArray]:
    """What is recorded of a step, (batch, agent) each; nothing where there is no voltage."""
    line, reactive, pulled = done.flows.line, done.action.reactive_kvar, done.action.pulled_kw
    if line is None or reactive is None or pulled is None:
        return {}
    return {
        "voltage_pu": np.sqrt(np.maximum(line[..., PU2], 0.0)),
        "line_loading": line[..., LOADING],
        "reactive_kvar": reactive,
        "pulled_kw": pulled,
    }


def voltage_features(scenario: Scenario) -> list[Feature]:
    """Of the last step; what the operator tells is never spoiled by a fault of a meter."""
    flow, agents = lines_of(scenario).flow, len(scenario.agents)
    power = np.full(agents, float(scenario.spec.connection_limit_kw))
    most = flow.drop_per_active @ power + flow.drop_per_reactive @ most_reactive_kvar(scenario)
    low = math.sqrt(max(flow.source_pu2 - float(most.max()), 0.0))
    high = math.sqrt(flow.source_pu2 + float(most.max()))
    least_kw = float(lines_of(scenario).cables.most_kw.min())
    names = ("voltage", "voltage_low", "voltage_high")
    loading = Feature("line_loading", "1", 0.0, float(power.sum()) / least_kw)
    return [*(Feature(name, "pu", low, high) for name in names), loading]


@inner(forceinline=True)
def show_voltage(line, b, i, first, out):  # type: ignore[no-untyped-def]
    """Write the features of a member from a place on; nothing where there is no voltage."""
    if line is None:
        return
    lowest, highest = line[b, 0, PU2], line[b, 0, PU2]
    for j in range(1, line.shape[1]):
        lowest, highest = min(lowest, line[b, j, PU2]), max(highest, line[b, j, PU2])
    out[b, i, first] = np.sqrt(max(line[b, i, PU2], 0.0))
    out[b, i, first + 1] = np.sqrt(max(lowest, 0.0))
    out[b, i, first + 2] = np.sqrt(max(highest, 0.0))
    out[b, i, first + 3] = line[b, i, LOADING]
