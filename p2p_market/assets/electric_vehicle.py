"""Electric vehicle: a battery that comes and goes, with a target at each announced departure.

A stay lasts from plug-in to departure; both ends and the target are known from plug-in on. At
departure the level must reach the target; what is missing is charged elsewhere at the price of a
shortfall. The trip until the next plug-in then takes its energy.
"""

from typing import Annotated

from pydantic import Field, validate_call

from p2p_market.assets.node import PowerNode
from p2p_market.assets.ranges import STRICT, Efficiency, Power, Wear

Share = Annotated[float, Field(gt=0.0, le=1.0)]


@validate_call(config=STRICT)
def electric_vehicle(
    capacity_kwh: Annotated[float, Field(ge=1.0, le=1e6)],
    power_kw: Power,
    target_soc: Annotated[float, Field(ge=0.05, le=1.0)] = 0.8,
    stays_per_day: Share = 0.55,
    discharge_power_kw: Annotated[float, Field(ge=0.0, le=1e5)] = 0.0,
    eta_charge: Efficiency = 0.93,
    eta_discharge: Efficiency = 0.93,
    degradation_eur_per_kwh: Wear = 0.0,
) -> PowerNode:
    """Power node of an electric vehicle.

    Args:
        capacity_kwh: usable capacity [kWh].
        power_kw: highest AC charging power [kW].
        target_soc: level that every departure asks for, as a share of the capacity.
        stays_per_day: chance that the vehicle plugs in on a day.
        discharge_power_kw: highest AC power back into the house [kW]; 0 = it only charges.
        eta_charge: stored energy per AC energy drawn.
        eta_discharge: AC energy delivered per energy taken from the level.
        degradation_eur_per_kwh: wear per kWh of AC energy in either direction [EUR/kWh].
    """
    return PowerNode(
        driver="setpoint",
        power_min_kw=-discharge_power_kw,
        power_max_kw=power_kw,
        energy_max_kwh=capacity_kwh,
        eta_charge=eta_charge,
        eta_discharge=eta_discharge,
        degradation_eur_per_kwh=degradation_eur_per_kwh,
        target_kwh=target_soc * capacity_kwh,
        stays_per_day=stays_per_day,
    )
