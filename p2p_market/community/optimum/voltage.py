"""What voltages add to the proof of an optimum: a price of each member's squared voltage.

With a price n_i of w_i, a kW of member j costs sum_i n_i drop_per_active[i, j] on the line, a kvar
likewise. What is left of voltage i is price * violation(w_i) + n_i (w_i - w_source), whose least
value over all w_i is n_i (bound - w_source) at the lower bound of the band where n_i > 0, at the
upper one where n_i < 0, as long as |n_i| is at most half the price of a violation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from p2p_market.community.optimum.plan import Prices
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.community.scenario.voltage import lines_of, priced_eur_per_pu_h
from p2p_market.grid.feeder import violations
from p2p_market.grid.reactive import LARGEST_SHARE, SLOPE, by_rule
from p2p_market.records import FloatArray, Record


@dataclass(frozen=True, slots=True)
class Moved(Record):
    """What members' powers cost by the voltages that they move, (step, agent)."""

    per_kwh: FloatArray
    per_kvarh: FloatArray


def payable_voltages(scenario: Scenario, prices: Prices) -> Prices:
    """Prices of voltages, at most what a violation costs; none where it costs nothing."""
    most = 0.5 * priced_eur_per_pu_h(scenario)
    if prices.voltage_eur_per_pu2_h is None or most == 0.0:
        return replace(prices, voltage_eur_per_pu2_h=None)
    return replace(prices, voltage_eur_per_pu2_h=np.clip(prices.voltage_eur_per_pu2_h, -most, most))


def moved_eur(scenario: Scenario, prices: Prices) -> Moved:
    """See `Moved`; zeros where voltages cost nothing."""
    if prices.voltage_eur_per_pu2_h is None:
        none = np.zeros((1, len(scenario.agents)))
        return Moved(none, none)
    flow, worth = lines_of(scenario).flow, prices.voltage_eur_per_pu2_h
    return Moved(worth @ flow.drop_per_active, worth @ flow.drop_per_reactive)


def held_eur(scenario: Scenario, prices: Prices, pv_kw: FloatArray) -> float:
    """What no choice changes: voltages at their bounds, reactive power by rule."""
    worth, given = prices.voltage_eur_per_pu2_h, scenario.spec.voltage
    if worth is None or given is None:
        return 0.0
    lines = lines_of(scenario)
    total = _least_eur(scenario, worth).sum()
    per_kvarh = moved_eur(scenario, prices).per_kvarh
    if given.reactive == "cos_phi":
        kvar = by_rule(pv_kw, lines.inverters.pv_kw)
        total += scenario.dt_h * (per_kvarh * kvar).sum()
    if given.reactive == "agent":
        total -= scenario.dt_h * (np.abs(per_kvarh) * roof_room_kvar(scenario, pv_kw)).sum()
    return float(total)


def roof_room_kvar(scenario: Scenario, pv_kw: FloatArray) -> FloatArray:
    """Most reactive power of roofs, either way, (step, agent) [kvar]."""
    own = lines_of(scenario).inverters
    return _room_kvar(pv_kw, own.pv_kw, own.pv_kva)


def _room_kvar(power_kw: FloatArray, kw: FloatArray, kva: FloatArray) -> FloatArray:
    room = np.minimum(LARGEST_SHARE * kw, (kva - np.abs(power_kw)) / SLOPE)
    return np.asarray(np.maximum(room, 0.0))


def device_room_kvar(scenario: Scenario, power_kw: FloatArray, plugged: FloatArray) -> FloatArray:
    """Most reactive power of devices, either way, (step, agent, asset) [kvar]."""
    own = lines_of(scenario).inverters
    return plugged * _room_kvar(power_kw, own.asset_kw, own.asset_kva)


def chooses(scenario: Scenario) -> bool:
    """Whether reactive power is a choice."""
    given = scenario.spec.voltage
    return given is not None and given.reactive == "agent"


def room_eur(
    scenario: Scenario, prices: Prices, power_kw: FloatArray, plugged: FloatArray
) -> FloatArray | float:
    """What the best reactive power beside a power costs, (step, agent, asset), <= 0."""
    if not chooses(scenario) or prices.voltage_eur_per_pu2_h is None:
        return 0.0
    worth = scenario.dt_h * np.abs(moved_eur(scenario, prices).per_kvarh)
    return np.asarray(-worth[..., None] * device_room_kvar(scenario, power_kw, plugged))


def room_ends_kw(scenario: Scenario) -> tuple[FloatArray, ...]:
    """Powers beyond which room for reactive power shrinks, (agent, asset) each."""
    if not chooses(scenario):
        return ()
    own = lines_of(scenario).inverters
    most = own.asset_kva - SLOPE * LARGEST_SHARE * own.asset_kw
    return -most, most


def reactive_loss_eur(
    scenario: Scenario, prices: Prices, played: Mapping[str, FloatArray], pv_kw: FloatArray,
    plugged: FloatArray,
) -> FloatArray | float:  # fmt: skip
    """What members lose by another reactive power than the best, (step, agent), >= 0."""
    if not chooses(scenario) or prices.voltage_eur_per_pu2_h is None:
        return 0.0
    price = moved_eur(scenario, prices).per_kvarh
    room = device_room_kvar(scenario, played["setpoint_kw"], plugged).sum(axis=2)
    room = room + roof_room_kvar(scenario, pv_kw)
    lost = price * played["reactive_kvar"] + np.abs(price) * room
    return np.asarray(scenario.dt_h * lost)


def _least_eur(scenario: Scenario, worth: FloatArray) -> FloatArray:
    """Least of what is left of each voltage, (step, agent)."""
    flow = lines_of(scenario).flow
    bound = np.where(worth > 0.0, flow.lowest_pu2, flow.highest_pu2)
    return np.asarray(scenario.dt_h * worth * (bound - flow.source_pu2))


def voltage_loss_eur(
    scenario: Scenario, prices: Prices, played: Mapping[str, FloatArray]
) -> FloatArray | float:
    """What voltages cost above the least at these prices, (step,), >= 0 but for rounding.

    Args:
        played: series of one episode.
    """
    if scenario.spec.voltage is None:
        return 0.0
    net_load_kw, kvar = played["net_load_kw"], played["reactive_kvar"]
    flow, price = lines_of(scenario).flow, priced_eur_per_pu_h(scenario)
    w = flow.source_pu2 - net_load_kw @ flow.drop_per_active.T - kvar @ flow.drop_per_reactive.T
    cost = scenario.dt_h * price * violations(flow, w)
    if (worth := prices.voltage_eur_per_pu2_h) is not None:
        cost = cost + scenario.dt_h * worth * (w - flow.source_pu2) - _least_eur(scenario, worth)
    return np.asarray(cost.sum(axis=1))
