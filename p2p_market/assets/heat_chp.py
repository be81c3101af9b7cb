"""Combined heat and power: an engine on gas whose level is the room left in its heat store."""

from dataclasses import replace
from typing import Annotated

from pydantic import Field, validate_call

from p2p_market.assets.drivers.chp import BOILER_ETA, fuel_eur_per_kwh, heat_per_power
from p2p_market.assets.engine import engine
from p2p_market.assets.node import PowerNode
from p2p_market.assets.ranges import (
    STRICT,
    Day,
    Energy,
    Leak,
    Maintenance,
    Power,
    Price,
    Share,
    Value,
    Wear,
)


@validate_call(config=STRICT)
def heat_chp(
    power_kw: Power,
    store_kwh: Energy,
    building: Annotated[str, Field(max_length=80)] = "old_building_multi_party_house",
    eta: Annotated[float, Field(ge=0.1, le=1.0)] = 0.30,
    eta_heat: Annotated[float, Field(ge=0.1, le=1.0)] = 0.60,
    gas_eur_per_kwh: Price = 0.07,
    leak_per_h: Leak = 0.0,
    least_share: Share = 0.0,
    start_eur: Price = 0.0,
    ramp_kw_per_h: Annotated[float, Field(gt=0.0)] | None = None,
    wear_eur_per_kwh: Wear = 0.0,
    terminal_eur_per_kwh: Value = -0.06,
    maintenance_h: Maintenance = 0.0,
    maintenance_by_day: Day = 5,
) -> PowerNode:
    """Power node of an engine; demand for heat makes room in the store, running takes it.

    Room beyond the store is heat that the boiler gave.

    Args:
        power_kw: highest AC power [kW].
        store_kwh: heat that the store holds [kWh].
        building: whose heat and hot water it serves.
        eta: AC energy per energy of the gas, lower heating value.
        eta_heat: heat per energy of the gas.
        gas_eur_per_kwh: price of gas [EUR/kWh].
        leak_per_h: of the store [1/h].
        least_share: least load of the engine as a share of its power; 0 = any.
        start_eur: cost of a start [EUR].
        ramp_kw_per_h: fastest loading [kW/h]; none = any.
        wear_eur_per_kwh: per kWh of AC energy [EUR/kWh].
        terminal_eur_per_kwh: value of room at the end, below 0: less heat is stored [EUR/kWh].
        maintenance_h: it must stand still for once in an episode; 0 = never [h].
        maintenance_by_day: by the end of this day of the episode, 1 = the first.
    """
    own = engine(
        power_kw, store_kwh, 1.0 / heat_per_power(eta, eta_heat),
        least_share=least_share, start_eur=start_eur, ramp_kw_per_h=ramp_kw_per_h,
        wear_eur_per_kwh=wear_eur_per_kwh, terminal_eur_per_kwh=terminal_eur_per_kwh,
        maintenance_h=maintenance_h, maintenance_by_day=maintenance_by_day,
    )  # fmt: skip
    return replace(
        own,
        leak_per_h=leak_per_h,
        law="heat_chp",
        law_data=(("building", building), ("store_kwh", store_kwh), ("leak_per_h", leak_per_h)),
        discharge_eur_per_kwh=fuel_eur_per_kwh(gas_eur_per_kwh, eta),
        spilled_eur_per_kwh=fuel_eur_per_kwh(gas_eur_per_kwh, BOILER_ETA),
    )
