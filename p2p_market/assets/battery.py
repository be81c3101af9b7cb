"""Battery: a power node that its owner moves."""

from typing import Annotated

from pydantic import Field, validate_call

from p2p_market.assets.node import PowerNode
from p2p_market.assets.ranges import STRICT, Efficiency, Energy, Power, Wear


@validate_call(config=STRICT)
def battery(
    capacity_kwh: Energy,
    power_kw: Power,
    eta_charge: Efficiency = 0.95,
    eta_discharge: Efficiency = 0.95,
    leak_per_h: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0,
    degradation_eur_per_kwh: Wear = 0.0,
) -> PowerNode:
    """Power node of a battery that may use its whole capacity.

    Args:
        capacity_kwh: usable capacity [kWh].
        power_kw: AC power limit in both directions [kW].
        eta_charge: stored energy per AC energy drawn.
        eta_discharge: AC energy delivered per energy taken from the level.
        leak_per_h: self-discharge rate [1/h].
        degradation_eur_per_kwh: wear per kWh of AC energy in either direction [EUR/kWh].
    """
    return PowerNode(
        driver="setpoint",
        power_min_kw=-power_kw,
        power_max_kw=power_kw,
        energy_max_kwh=capacity_kwh,
        eta_charge=eta_charge,
        eta_discharge=eta_discharge,
        leak_per_h=leak_per_h,
        degradation_eur_per_kwh=degradation_eur_per_kwh,
    )
