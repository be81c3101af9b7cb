"""Wood plant: an engine empties a bunker of fuel that lorries fill, each ordered days ahead."""

from dataclasses import replace
from typing import Annotated

from pydantic import Field, validate_call

from p2p_market.assets.drivers.chp import heat_credit_eur_per_kwh
from p2p_market.assets.engine import engine
from p2p_market.assets.node import PowerNode
from p2p_market.assets.ranges import (
    STRICT,
    Day,
    Efficiency,
    Energy,
    Maintenance,
    Power,
    Price,
    Share,
    Wear,
)

FuelPrice = Annotated[float, Field(ge=-200.0, le=1000.0)]  # EUR/MWh


@validate_call(config=STRICT)
def wood_chp(
    power_kw: Power,
    store_kwh: Energy,
    lead_h: Annotated[float, Field(gt=0.0, le=168.0)] = 24.0,
    fuel_eur_per_mwh: FuelPrice = 35.0,
    fuel_spread_eur_per_mwh: Annotated[float, Field(ge=0.0, le=500.0)] = 5.0,
    eta: Efficiency = 0.28,
    eta_heat: Annotated[float, Field(ge=0.0, le=1.0)] = 0.55,
    heat_eur_per_kwh: Price = 0.02,
    least_share: Share = 0.0,
    start_eur: Price = 0.0,
    ramp_kw_per_h: Annotated[float, Field(gt=0.0)] | None = None,
    wear_eur_per_kwh: Wear = 0.01,
    terminal_eur_per_kwh: Price = 0.035,
    maintenance_h: Maintenance = 0.0,
    maintenance_by_day: Day = 5,
) -> PowerNode:
    """Power node of a wood plant; its level is fuel by lower heating value, 4.1 kWh/kg of chips.

    Its owner orders fuel in each step, no more than fits beside what is there and under way; it is
    paid when it is ordered. Waste is a fuel with a negative price.

    Args:
        power_kw: highest AC power [kW].
        store_kwh: fuel that the bunker holds [kWh].
        lead_h: from the step of an order to the step that can burn it [h].
        fuel_eur_per_mwh: mean price of the year [EUR/MWh].
        fuel_spread_eur_per_mwh: standard deviation of the price [EUR/MWh].
        eta: AC energy per energy of the fuel.
        eta_heat: heat per energy of the fuel.
        heat_eur_per_kwh: earned per kWh of heat [EUR/kWh].
        least_share: least load of the engine as a share of its power; 0 = any.
        start_eur: cost of a start [EUR].
        ramp_kw_per_h: fastest loading [kW/h]; none = any.
        wear_eur_per_kwh: per kWh of AC energy [EUR/kWh].
        terminal_eur_per_kwh: value of fuel in the bunker at the end; what is under way has none
            [EUR/kWh].
        maintenance_h: it must stand still for once in an episode; 0 = never [h].
        maintenance_by_day: by the end of this day of the episode, 1 = the first.
    """
    own = engine(
        power_kw, store_kwh, eta,
        least_share=least_share, start_eur=start_eur, ramp_kw_per_h=ramp_kw_per_h,
        wear_eur_per_kwh=wear_eur_per_kwh, terminal_eur_per_kwh=terminal_eur_per_kwh,
        maintenance_h=maintenance_h, maintenance_by_day=maintenance_by_day,
    )  # fmt: skip
    return replace(
        own,
        discharge_eur_per_kwh=heat_credit_eur_per_kwh(heat_eur_per_kwh, eta, eta_heat),
        lead_h=lead_h,
        fuel_eur_per_kwh=fuel_eur_per_mwh / 1000.0,
        fuel_spread_eur_per_kwh=fuel_spread_eur_per_mwh / 1000.0,
    )
