"""Reservoir: a stream fills it, a turbine empties it, a pump may fill it too."""

from typing import Annotated

from pydantic import Field, validate_call

from p2p_market.assets.drivers.water import reservoir_energy_kwh
from p2p_market.assets.node import PowerNode
from p2p_market.assets.ranges import STRICT, Efficiency, Power, Price, Wear

Flow = Annotated[float, Field(ge=0.0, le=1000.0)]  # m3/s


@validate_call(config=STRICT)
def hydro_storage(
    power_kw: Power,
    head_m: Annotated[float, Field(gt=0.0, le=2000.0)],
    volume_m3: Annotated[float, Field(gt=0.0, le=1e9)],
    mean_m3s: Flow = 0.0,
    keep_m3s: Flow = 0.0,
    eta: Efficiency = 0.88,
    pump_kw: Annotated[float, Field(ge=0.0, le=1e5)] = 0.0,
    eta_pump: Efficiency = 0.85,
    wear_eur_per_kwh: Wear = 0.0,
    terminal_eur_per_kwh: Price = 0.1,
) -> PowerNode:
    """Power node of a reservoir; its level is energy of the water, what does not fit runs over.

    Args:
        power_kw: highest AC power of the turbine [kW].
        head_m: height of fall [m].
        volume_m3: water that it holds [m3].
        mean_m3s: mean inflow of the year; it follows the rivers of the data set [m3/s].
        keep_m3s: what must flow past it [m3/s].
        eta: AC energy per energy of the water.
        pump_kw: highest AC power of the pump [kW]; 0 = none.
        eta_pump: energy of the water per AC energy.
        wear_eur_per_kwh: per kWh of AC energy in either direction [EUR/kWh].
        terminal_eur_per_kwh: value of a kWh of water left at the end [EUR/kWh].
    """
    return PowerNode(
        driver="setpoint",
        power_min_kw=-power_kw,
        power_max_kw=pump_kw,
        energy_max_kwh=reservoir_energy_kwh(head_m, volume_m3),
        eta_charge=eta_pump,
        eta_discharge=eta,
        degradation_eur_per_kwh=wear_eur_per_kwh,
        law="hydro_storage" if mean_m3s > 0.0 else "",
        law_data=(("mean_m3s", mean_m3s), ("head_m", head_m), ("keep_m3s", keep_m3s)),
        terminal_eur_per_kwh=terminal_eur_per_kwh,
    )
