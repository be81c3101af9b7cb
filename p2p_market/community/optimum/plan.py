"""A schedule made with perfect foresight, and the prices that prove it."""

from dataclasses import dataclass

from p2p_market.records import FloatArray, Record


@dataclass(frozen=True, slots=True)
class Prices(Record):
    """What one more kWh is worth where, in each step [EUR/kWh]: the duals of an optimum."""

    hub_eur_per_kwh: FloatArray  # (step,), the competitive price
    line_eur_per_kwh: FloatArray  # (step,), congestion price of net load, < 0 against feeding in
    meter_eur_per_kwh: FloatArray  # (step, agent), line included
    stored_eur_per_kwh: FloatArray  # (step, agent, asset), in the device after the step


@dataclass(frozen=True, slots=True)
class Plan(Record):
    """A schedule made with perfect foresight, with its proof."""

    setpoint_kw: FloatArray  # (step, agent, asset)
    order_kw: FloatArray  # (step, agent), < 0 to sell: all that is left; in an outage the trade
    objective_eur: float  # cost of the plan by the solver that made it
    bound_eur: float  # no schedule costs less: from the prices, or what the search tree proved
    prices: Prices | None  # that prove the bound; None where whole numbers are in the plan
    solver: str  # name and version
