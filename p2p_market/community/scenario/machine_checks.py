"""What a scenario with machines must hold, so that engine and optimum are one.

Two ends make a linear program gain by what the engine never does: running that costs more than its
back-up, where the filter forces it, and a stored kWh that is worth more than the grid asks for it.
"""

from typing import Final

import numpy as np

from p2p_market.community.scenario.fuel import fuel_rules
from p2p_market.community.scenario.laws import machine_year, usual_generation
from p2p_market.community.scenario.record import Scenario
from p2p_market.community.scenario.service import service_rules
from p2p_market.community.scenario.voltage import dearest_eur_per_kwh
from p2p_market.errors import DataError, ScenarioError
from p2p_market.records import BoolArray, FloatArray

NOTHING: Final = 1e-9


def owns_value(scenario: Scenario) -> BoolArray:
    """Devices with a value of their own for a kWh at the end, (agent, asset)."""
    own = np.zeros(scenario.nodes.present.shape, dtype=np.bool_)
    for agent, devices in enumerate(scenario.flexible):
        for asset, node in enumerate(devices):
            own[agent, asset] = node.terminal_eur_per_kwh is not None
    return own


def forced_to_charge(scenario: Scenario) -> BoolArray:
    """Devices that the filter may make charge, as the world drains them, (agent, asset)."""
    machines, nodes = scenario.nodes.machines, scenario.nodes
    if machines is None:
        return np.zeros(nodes.present.shape, dtype=np.bool_)
    drained = machine_year(scenario).drains
    return np.asarray(drained & (nodes.power_max_kw > 0.0) & (machines.charge_on_kw == 0.0))


def check_machines(scenario: Scenario) -> None:
    """Check that the data drive all devices, and the rules of machines where there are some.

    Raises:
        ScenarioError: naming member, device and number.
    """
    try:
        if any(scenario.generators):
            usual_generation(scenario)
        if scenario.nodes.machines is not None:
            machine_year(scenario)
    except DataError as error:
        raise ScenarioError(f"{scenario.spec.id}: {error}") from error
    if scenario.nodes.machines is None:
        return
    fuel_rules(scenario)
    if service_rules(scenario) is not None and scenario.spec.optimum == "linear":
        raise ScenarioError(f"{scenario.spec.id}: maintenance needs `optimum: mixed_integer`")
    if service_rules(scenario) is not None and scenario.spec.outages is not None:
        raise ScenarioError(
            f"{scenario.spec.id}: outages and maintenance cannot be combined, because what is left "
            "to serve a member without the grid is not known; remove one of them"
        )
    _check_line(scenario)
    for agent, devices in enumerate(scenario.flexible):
        for asset, node in enumerate(devices):
            place = f"{scenario.spec.id}: {scenario.agents[agent]}, device {asset}"
            _check_running(scenario, place, agent, asset)
            _check_end(scenario, place, agent, asset)
            trickles = (node.power_max_kw > 0.0 and not node.charge_on_kw > 0.0) or (
                node.power_min_kw < 0.0 and not node.discharge_on_kw > 0.0
            )
            if node.start_eur > 0.0 and trickles:
                raise ScenarioError(
                    f"{place}: a start costs {node.start_eur} EUR, but there is no least load, so "
                    "any trickle would be a start; give it one"
                )
            least_kw = max(node.charge_on_kw, node.discharge_on_kw)
            if node.ramp_kw_per_h * scenario.dt_h < least_kw:
                raise ScenarioError(
                    f"{place}: ramp_kw_per_h {node.ramp_kw_per_h:g} allows "
                    f"{node.ramp_kw_per_h * scenario.dt_h:g} kW in a step, below the least load of "
                    f"{least_kw:g} kW, so it could never start; raise the ramp"
                )
            if node.leak_per_h > 0.0 and node.energy_min_kwh > 0.0:
                raise ScenarioError(f"{place}: a leak and a least level cannot be combined")
            _check_whole_numbers(scenario, place, agent, asset)
            if scenario.spec.outages is not None:
                _check_outages(scenario, place, agent, asset)


def line_carries_load(scenario: Scenario) -> bool:
    """Whether the feeder's limit is above all load and all that levels may ask for.

    Then nothing but surplus is ever cut at a binding feeder.
    """
    return _most_asked_kw(scenario) <= scenario.spec.feeder.limit_kw


def _most_asked_kw(scenario: Scenario) -> float:
    """What load and forced machines may draw at most."""
    forced_kw = scenario.nodes.power_max_kw[forced_to_charge(scenario)]
    return float(scenario.peak_load_kw.sum() + forced_kw.sum())


def _check_line(scenario: Scenario) -> None:
    """Check that a binding feeder carries load and what levels may ask for.

    What a level forces goes on at a full line, so the line must have room for it.
    """
    spec = scenario.spec
    if spec.feeder.mode != "binding" or not forced_to_charge(scenario).any():
        return
    if not line_carries_load(scenario):
        raise ScenarioError(
            f"{spec.id}: load and machines that their levels may force to run draw up to "
            f"{_most_asked_kw(scenario):.3f} kW, above the {spec.feeder.limit_kw:g} kW of the "
            "binding feeder; raise feeder.limit_kw, use `feeder.mode: penalty`, or give the "
            "machines a least load"
        )


def _check_outages(scenario: Scenario, place: str, agent: int, asset: int) -> None:
    """Check that without the grid nothing has to run, and nothing has to run at a least load."""
    node = scenario.flexible[agent][asset]
    least_kw = max(node.charge_on_kw, node.discharge_on_kw)
    if least_kw > 0.0:
        raise ScenarioError(
            f"{place}: outages and a least load of {least_kw:g} kW cannot be combined, because a "
            "fill that is smaller than asked may leave less than that, and what was bought cannot "
            "be given back; remove the outages, or the least load"
        )
    if node.power_min_kw < 0.0 and machine_year(scenario).drains[agent, asset]:
        raise ScenarioError(
            f"{place}: outages cannot be combined with a machine that the world drains and that "
            "discharges as well: its level would force it to charge without a grid; remove the "
            "outages, or its discharging"
        )


def _prices(scenario: Scenario, agent: int) -> tuple[FloatArray, FloatArray, float]:
    """Retail prices of a member with carbon, its feed-in, and its highest overload price."""
    spec, data = scenario.spec, scenario.data
    carbon = spec.carbon_eur_per_kg * data.co2_g_per_kwh.max() / 1000.0
    retail = scenario.retail_eur_per_kwh[:, scenario.contract_of[agent]]
    binding = spec.feeder.mode == "binding"
    overload = 0.0 if binding else float(spec.feeder.overload_eur_per_kwh)
    overload += float(dearest_eur_per_kwh(scenario)[agent])
    feed_in = scenario.feed_in_eur_per_kwh[:, scenario.contract_of[agent]]
    return retail + carbon, feed_in, overload


def _check_running(scenario: Scenario, place: str, agent: int, asset: int) -> None:
    """Where the filter may force a machine to charge, that costs less than its back-up."""
    node, nodes = scenario.flexible[agent][asset], scenario.nodes
    if not forced_to_charge(scenario)[agent, asset]:
        return
    year = machine_year(scenario)
    retail, _, overload = _prices(scenario, agent)
    dearest = retail.max() + node.degradation_eur_per_kwh + node.charge_eur_per_kwh + overload
    gain = year.least_charge_share[agent, asset] * nodes.charge_gain_h[agent, asset] / scenario.dt_h
    if node.missing_eur_per_kwh < dearest / gain:
        raise ScenarioError(
            f"{place}: missing energy costs {node.missing_eur_per_kwh:g} EUR/kWh, less than the "
            f"{dearest / gain:.4f} of running at the dearest hour, so the filter would force what "
            "does not pay; raise its price"
        )


def _check_end(scenario: Scenario, place: str, agent: int, asset: int) -> None:
    """A value of its own does not pay for charging, nor for standing still, at the end."""
    node, nodes = scenario.flexible[agent][asset], scenario.nodes
    value = node.terminal_eur_per_kwh
    if value is None:
        return
    retail, feed_in, _ = _prices(scenario, agent)
    if node.power_max_kw > 0.0:
        share = machine_year(scenario).most_charge_share[agent, asset]
        worth = value * share * nodes.charge_gain_h[agent, asset] / scenario.dt_h
        most = retail.min() + node.degradation_eur_per_kwh + node.charge_eur_per_kwh
        if worth > most + NOTHING:
            raise ScenarioError(
                f"{place}: terminal_eur_per_kwh {value:g} makes a kWh from the grid worth "
                f"{worth:.4f} EUR at the end, above its lowest price of {most:.4f}; lower it"
            )
    if node.power_min_kw < 0.0:
        worth = value * nodes.discharge_gain_h[agent, asset] / scenario.dt_h
        least = feed_in.max() - node.degradation_eur_per_kwh - node.discharge_eur_per_kwh
        if worth < least - NOTHING:
            raise ScenarioError(
                f"{place}: terminal_eur_per_kwh {value:g} makes a kWh for the grid worth "
                f"{worth:.4f} EUR when kept, below the {least:.4f} that it earns, so all would be "
                "sold at the end; raise it"
            )


def _check_whole_numbers(scenario: Scenario, place: str, agent: int, asset: int) -> None:
    """Least loads and starts need whole numbers; spilling while charging must not pay."""
    node, spec = scenario.flexible[agent][asset], scenario.spec
    whole = node.charge_on_kw > 0.0 or node.discharge_on_kw > 0.0
    if whole and spec.optimum == "linear":
        raise ScenarioError(f"{place}: least loads and starts need `optimum: mixed_integer`")
    fills = machine_year(scenario).fills[agent, asset]
    earns = node.degradation_eur_per_kwh + node.discharge_eur_per_kwh < 0.0
    pushes = node.power_min_kw < 0.0 and (fills or earns)
    if pushes and spec.feeder.mode == "binding" and spec.optimum == "linear":
        raise ScenarioError(
            f"{place}: the world fills it, or running it earns money beside the power, so at a "
            "binding feeder cutting PV in its place would pay, and the engine slows it down first; "
            "that needs `optimum: mixed_integer`"
        )
    _, feed_in, overload = _prices(scenario, agent)
    both = node.power_max_kw > 0.0 and fills
    pumps = both and overload > feed_in.min()
    if pumps and spec.optimum == "linear":
        raise ScenarioError(
            f"{place}: feeder.overload_eur_per_kwh {overload:g} is above the feed-in tariff "
            f"{feed_in.min():g}, so charging while it spills would pay; lower it"
        )
