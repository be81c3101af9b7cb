"""The community's plans: what their prices mean, how they are stored, and how they are played."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from p2p_market.community.actions import action_map
from p2p_market.community.episode.episode import Episode
from p2p_market.community.further import further_columns
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.records import FloatArray, Record
from p2p_market.track import Plan, Series

MARGIN_KW: Final = 1e-3  # orders ask for this much more, so that rounding leaves nothing unmatched


@dataclass(frozen=True, slots=True)
class Prices(Record):
    """What one more kWh is worth where, in each step [EUR/kWh]: the duals of an optimum."""

    hub_eur_per_kwh: FloatArray  # (step,), the competitive price
    line_eur_per_kwh: FloatArray  # (step,), congestion price of net load, < 0 against feeding in
    meter_eur_per_kwh: FloatArray  # (step, agent), line included
    stored_eur_per_kwh: FloatArray  # (step, agent, asset), in the device after the step
    taper_eur_per_kwh: FloatArray | None = None  # (step, agent, asset), of faster charging near
    # full; None where nothing tapers
    voltage_eur_per_pu2_h: FloatArray | None = None  # (step, agent), of a higher squared voltage;
    # None where voltages cost nothing
    ramp_eur_per_kw: FloatArray | None = None  # (step, agent, asset, charging or discharging), >= 0
    # of one more kW of loading in the step; None where no machine loads slowly
    room_eur_per_kwh: FloatArray | None = None  # (step, agent), of room for fuel; None without

    @property
    def series(self) -> Series:
        """The prices by name."""
        found = ((name, getattr(self, name)) for name in self.__slots__)
        return {name: values for name, values in found if values is not None}


def plan_of(
    setpoint_kw: FloatArray,
    order_kw: FloatArray,
    objective_eur: float,
    bound_eur: float,
    prices: Prices | None,
    solver: str,
    further: Series | None = None,
) -> Plan:
    """A plan of the community.

    Args:
        setpoint_kw: (step, agent, asset).
        order_kw: (step, agent), < 0 to sell: all that is left; in an outage the trade.
        objective_eur: cost by the solver.
        bound_eur: from the prices, or what the search tree proved.
        prices: that prove the bound; None where whole numbers are in the plan.
        solver: name and version.
        further: what is said in further columns, (step, agent) by name.
    """
    schedule = {"setpoint_kw": setpoint_kw, "order_kw": order_kw, **(further or {})}
    proof = None if prices is None else prices.series
    return Plan(schedule, proof, objective_eur, bound_eur, solver)


def plan_actions(scenario: Scenario, episode: Episode, schedule: Series) -> FloatArray:
    """Normalised actions of a plan: its set-points, and truthful orders for all that is left.

    At truthful prices the auction finds the best matching of the surpluses and deficits. In an
    outage, where what is not traded is shed or lost, the plan says who trades how much.

    Returns:
        (step, 1, agent, column).
    """
    table = action_map(scenario)
    setpoint_kw, order_kw = schedule["setpoint_kw"], schedule["order_kw"]
    margin = np.where(episode.grid > 0.0, MARGIN_KW, 0.0)
    quantity = order_kw + np.sign(order_kw) * margin
    nothing = np.zeros_like(quantity)
    further = [schedule.get(column.name, nothing) for column in further_columns(scenario)]
    return table.orders(setpoint_kw, quantity, further)[:, None]


def packed(scenario: Scenario, episode: Episode, plan: Plan) -> Plan:
    """The plan as the reference table holds it: orders that follow from the rest are left out."""
    if scenario.cuts:
        return plan
    kept = {name: series for name, series in plan.schedule.items() if name != "order_kw"}
    return replace(plan, schedule=kept)


def unpacked(scenario: Scenario, episode: Episode, schedule: Series) -> Series:
    """The schedule with its orders; where nothing may be cut, they are what the rest leaves."""
    if "order_kw" in schedule:
        return schedule
    setpoint_kw = schedule["setpoint_kw"]
    left_kw = (episode.load_kw - episode.pv_kw)[:, 0] + setpoint_kw.sum(axis=2)
    return {**schedule, "order_kw": left_kw}
