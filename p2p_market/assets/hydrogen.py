"""Hydrogen: an electrolyser fills a tank, a fuel cell empties it, a truck may come each day."""

import math
from typing import Annotated

from pydantic import Field, validate_call

from p2p_market.assets.drivers.hydrogen import KWH_PER_KG
from p2p_market.assets.node import PowerNode
from p2p_market.assets.ranges import STRICT, Efficiency, Hour, Power, Price, Share, Wear

Mass = Annotated[float, Field(ge=0.0, le=1e6)]  # kg


@validate_call(config=STRICT)
def hydrogen(
    power_kw: Power,
    tank_kg: Annotated[float, Field(gt=0.0, le=1e6)],
    fuel_cell_kw: Annotated[float, Field(ge=0.0, le=1e5)] = 0.0,
    eta: Efficiency = 0.65,
    eta_fuel_cell: Efficiency = 0.50,
    pick_up_kg: Mass = 0.0,
    pick_up_h: Hour = 6.0,
    hydrogen_eur_per_kg: Annotated[float, Field(ge=0.0, le=100.0)] = 4.0,
    missing_eur_per_kg: Annotated[float, Field(ge=0.0, le=1000.0)] = 30.0,
    least_share: Share = 0.0,
    start_eur: Price = 0.0,
    ramp_kw_per_h: Annotated[float, Field(gt=0.0)] | None = None,
    wear_eur_per_kwh: Wear = 0.01,
) -> PowerNode:
    """Power node of a hydrogen plant; its level is hydrogen by lower heating value, 33.33 kWh/kg.

    Args:
        power_kw: highest AC power of the electrolyser [kW].
        tank_kg: hydrogen that the tank holds [kg].
        fuel_cell_kw: highest AC power of the fuel cell [kW]; 0 = none.
        eta: hydrogen per AC energy.
        eta_fuel_cell: AC energy per hydrogen.
        pick_up_kg: fetched each day, on average; 0 = never [kg].
        pick_up_h: hour on the wall clock at which the truck has left [h].
        hydrogen_eur_per_kg: value of hydrogen left at the end [EUR/kg].
        missing_eur_per_kg: of hydrogen bought for a truck that would leave half empty [EUR/kg].
        least_share: least load of the electrolyser as a share of its power: PEM 0.1, alkaline 0.2.
        start_eur: cost of a start [EUR].
        ramp_kw_per_h: fastest loading, either way, where no truck comes [kW/h]; none = any.
        wear_eur_per_kwh: per kWh of AC energy in either direction [EUR/kWh].
    """
    if ramp_kw_per_h is not None and pick_up_kg > 0.0:
        raise ValueError(
            "ramp_kw_per_h and pick_up_kg cannot be combined, because a slow electrolyser would "
            "have to begin before the truck's floor says so; remove one of them"
        )
    return PowerNode(
        driver="setpoint",
        power_min_kw=-fuel_cell_kw,
        power_max_kw=power_kw,
        energy_max_kwh=KWH_PER_KG * tank_kg,
        eta_charge=eta,
        eta_discharge=eta_fuel_cell,
        degradation_eur_per_kwh=wear_eur_per_kwh,
        law="hydrogen" if pick_up_kg > 0.0 else "",
        law_data=(
            ("pick_up_kg", pick_up_kg), ("pick_up_h", pick_up_h), ("fill_kw", eta * power_kw),
        ),
        charge_on_kw=least_share * power_kw,
        discharge_on_kw=least_share * fuel_cell_kw,
        start_eur=start_eur,
        ramp_kw_per_h=math.inf if ramp_kw_per_h is None else ramp_kw_per_h,
        missing_eur_per_kwh=missing_eur_per_kg / KWH_PER_KG,
        terminal_eur_per_kwh=hydrogen_eur_per_kg / KWH_PER_KG,
    )  # fmt: skip
