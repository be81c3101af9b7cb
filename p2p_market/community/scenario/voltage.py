"""Voltage of the line in a scenario: its arrays, and what must hold together."""

import math
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from p2p_market.community.scenario.record import Scenario
from p2p_market.errors import ScenarioError
from p2p_market.grid.feeder import LinearFlow, linear_flow
from p2p_market.grid.loading import Cables, cables
from p2p_market.grid.pull_back import Least
from p2p_market.grid.reactive import LARGEST_SHARE, SLOPE, Inverters, by_rule
from p2p_market.records import FloatArray

WITH_INVERTER: Final = ("battery", "electric_vehicle")
"""Kinds of flexible devices that may give and absorb reactive power; motors and engines do not."""


class VoltageRules(NamedTuple):
    """What kernels need to know of it."""

    flow: Any  # LinearFlow.Arrays
    cables: Any  # Cables.Arrays
    inverters: Any  # Inverters.Arrays
    least: Least  # all zero: devices with a least power are refused
    binding: bool
    by_rule: bool
    column: int  # of the reactive power among further columns; below 0 nobody chooses it
    eur_per_pu: float  # of a violation that lasts one step


class Lines(NamedTuple):
    """The feeder as a scenario's members see it."""

    flow: LinearFlow
    cables: Cables
    inverters: Inverters


@lru_cache(maxsize=16)
def lines_of(scenario: Scenario) -> Lines:
    """Sensitivities, cables and inverters of a scenario with a voltage."""
    spec, feeder = scenario.spec, scenario.data.feeder
    given = spec.voltage
    assert given is not None
    nodes = feeder.load_node[[member.node for member in spec.members]]
    flow = linear_flow(feeder, nodes, given.band_pu, given.source_pu, given.transformer)
    rated = np.zeros(scenario.nodes.present.shape)
    for agent, member in enumerate(spec.members):
        kinds = (str(asset["kind"]) for asset in member.assets)
        own = (kind for kind in kinds if kind not in _NO_SETPOINT)
        for asset, kind in enumerate(own):
            if kind in WITH_INVERTER:
                device = scenario.flexible[agent][asset]
                rated[agent, asset] = max(device.power_max_kw, -device.power_min_kw)
    roofs = np.array([0.0 if roof is None else roof.scale_kw for roof in scenario.roofs])
    roofs += scenario.generation_peak_kw
    larger = given.inverter_kva_per_kw
    return Lines(
        flow, cables(feeder, nodes), Inverters(roofs, larger * roofs, rated, larger * rated)
    )


_NO_SETPOINT: Final = (
    "load", "pv", "wind_turbine", "run_of_river", "geothermal_binary",
)  # fmt: skip


def voltage_rules(scenario: Scenario, column: int) -> VoltageRules | None:
    """The rules of a scenario's voltage; None where it has none.

    Args:
        column: see `VoltageRules`.
    """
    given = scenario.spec.voltage
    if given is None:
        return None
    lines, idle = lines_of(scenario), np.zeros(scenario.nodes.present.shape)
    return VoltageRules(
        flow=lines.flow.arrays(),
        cables=lines.cables.arrays(),
        inverters=lines.inverters.arrays(),
        least=Least(idle, idle),
        binding=given.mode == "binding",
        by_rule=given.reactive == "cos_phi",
        column=column,
        eur_per_pu=priced_eur_per_pu_h(scenario) * scenario.dt_h,
    )


def priced_eur_per_pu_h(scenario: Scenario) -> float:
    """What a violation costs; 0 where it is only reported, or there is no voltage."""
    given = scenario.spec.voltage
    return 0.0 if given is None or given.mode == "report" else float(given.eur_per_pu_h)


def dearest_eur_per_kwh(scenario: Scenario) -> FloatArray:
    """What a kW of each member can cost by the voltages that it moves, (agent,)."""
    if (price := priced_eur_per_pu_h(scenario)) == 0.0:
        return np.zeros(len(scenario.agents))
    return np.asarray(0.5 * price * lines_of(scenario).flow.drop_per_active.sum(axis=0))


def most_reactive_kvar(scenario: Scenario) -> FloatArray:
    """The most reactive power of each member, either way, (agent,)."""
    given = scenario.spec.voltage
    if given is None or given.reactive == "none":
        return np.zeros(len(scenario.agents))
    own = lines_of(scenario).inverters
    share = min(LARGEST_SHARE, given.inverter_kva_per_kw / SLOPE)
    return np.asarray(share * (own.pv_kw + own.asset_kw.sum(axis=1)))


def check_voltage(scenario: Scenario) -> None:
    """Check that the rules of a voltage hold together; without one nothing is asked.

    Raises:
        ScenarioError: saying what does not, and what to change.
    """
    spec, nodes = scenario.spec, scenario.nodes
    if (given := spec.voltage) is None:
        return
    if spec.outages is not None:
        raise ScenarioError(
            f"{spec.id}: outages and `voltage` cannot be combined, because without the grid "
            "nothing holds the voltage; remove one of them"
        )
    binding_line = spec.feeder.mode == "binding"
    if binding_line and given.mode == "binding":
        raise ScenarioError(
            f"{spec.id}: `feeder.mode: binding` and `voltage.mode: binding` cannot be combined, "
            "because each would cut what the other has left; let one of them be priced"
        )
    if binding_line and given.reactive != "none":
        raise ScenarioError(
            f"{spec.id}: `feeder.mode: binding` cuts PV, whose inverters then do something else "
            f"than `voltage.reactive: {given.reactive}` says; use `reactive: none`, or `feeder."
            "mode: penalty`"
        )
    machines = nodes.machines
    if given.mode == "binding" and machines is not None:
        least = np.maximum(machines.charge_on_kw, machines.discharge_on_kw)
        if least.any():
            agent, asset = np.argwhere(least > 0.0)[0]
            raise ScenarioError(
                f"{spec.id}: {scenario.agents[agent]}, device {asset}: a least load of "
                f"{least[agent, asset]:g} kW and `voltage.mode: binding` cannot be combined, "
                "because a power that is pulled back would fall below it; use `priced`"
            )


def check_rest(scenario: Scenario, load_kw: FloatArray, pv_kw: FloatArray) -> None:
    """Check that a binding band holds where no device is moved; else nothing is asked.

    Args:
        load_kw: of an episode, (step, agent) [kW].
        pv_kw: the same.

    Raises:
        ScenarioError: naming step, member and voltage.
    """
    given = scenario.spec.voltage
    if given is None or given.mode != "binding":
        return
    flow = lines_of(scenario).flow
    reactive = np.zeros_like(pv_kw)
    if given.reactive == "cos_phi":
        reactive = by_rule(pv_kw, lines_of(scenario).inverters.pv_kw)
    w = (
        flow.source_pu2
        - (load_kw - pv_kw) @ flow.drop_per_active.T
        - reactive @ flow.drop_per_reactive.T
    )
    beyond = np.maximum(flow.lowest_pu2 - w, w - flow.highest_pu2)
    if beyond.max() <= 0.0:
        return
    step, agent = np.unravel_index(int(beyond.argmax()), beyond.shape)
    raise ScenarioError(
        f"{scenario.spec.id}: {scenario.agents[agent]} has a voltage of "
        f"{math.sqrt(max(w[step, agent], 0.0)):.4f} pu at step {step} with all devices at rest, "
        f"outside the band {given.band_pu[0]:g} to {given.band_pu[1]:g}; widen band_pu, make load "
        "or pv smaller, or use `voltage.mode: priced`"
    )
