"""Electric vehicle: a battery that comes and goes, with a target at each announced departure.

A stay lasts from plug-in to departure; both ends and the target are known from plug-in on. At
departure the level must reach the target; what is missing is charged elsewhere at the price of a
shortfall. The trip until the next plug-in then takes its energy.
"""

from typing import Annotated, Final, Literal

from pydantic import Field, validate_call

from p2p_market.assets.node import PowerNode
from p2p_market.assets.ranges import STRICT, Efficiency, Power, Wear

Share = Annotated[float, Field(gt=0.0, le=1.0)]
TAPERED_SHARE: Final = 0.2
"""Last share of the capacity over which charging slows down from full power to nothing."""


def tapered_per_h(power_kw: float, full_kwh: float) -> float:
    """Charging power per kWh that is missing to full, near full [1/h]."""
    return power_kw / (TAPERED_SHARE * full_kwh)


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
    discharge_to: Literal["grid", "house"] = "grid",
    taper: bool = False,
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
        discharge_to: house = it gives no more than the member's own load less its PV.
        taper: charging slows down over the last fifth of the capacity, by the level before the
            step.
    """
    if taper and target_soc > 1.0 - TAPERED_SHARE:
        raise ValueError(
            f"with taper, target_soc {target_soc:g} must be at most {1.0 - TAPERED_SHARE:g}, or no "
            "announced departure could be kept at full power"
        )
    if discharge_to == "house" and discharge_power_kw == 0.0:
        raise ValueError("discharge_to: house needs a discharge_power_kw above 0")
    house = discharge_to == "house"
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
        law="vehicle_to_house" if house else "",
        law_data=(("power_kw", discharge_power_kw),) if house else (),
        taper_per_h=tapered_per_h(power_kw, capacity_kwh) if taper else 0.0,
    )
