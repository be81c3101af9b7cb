"""Heat pump: fills a buffer that a house empties; its heat per power moves with the weather."""

from typing import Annotated

from pydantic import Field, validate_call

from p2p_market.assets.drivers.heat import BASE_COP
from p2p_market.assets.node import PowerNode
from p2p_market.assets.ranges import STRICT, Energy, Leak, Power, Price, Share, Temperature, Wear


@validate_call(config=STRICT)
def heat_pump(
    power_kw: Power,
    buffer_kwh: Energy,
    building: Annotated[str, Field(max_length=80)] = "old_building_single_family_house",
    flow_c: Temperature = 55.0,
    source_c: Temperature | None = None,
    leak_per_h: Leak = 0.01,
    least_share: Share = 0.0,
    wear_eur_per_kwh: Wear = 0.0,
    missing_eur_per_kwh: Price = 0.6,
    terminal_eur_per_kwh: Price = 0.025,
) -> PowerNode:
    """Power node of a heat pump; its level is heat above what the house needs.

    Args:
        power_kw: highest electric power [kW].
        buffer_kwh: heat that the buffer holds [kWh].
        building: whose heat and hot water it serves, by the name of the data set's series.
        flow_c: temperature of the heating water: 55 an old house, 35 a new one [C].
        source_c: temperature of the ground, if that is the source; none = outside air [C].
        leak_per_h: of the buffer [1/h].
        least_share: least load as a share of the power; 0 = any.
        wear_eur_per_kwh: per kWh of electric energy [EUR/kWh].
        missing_eur_per_kwh: of heat from the electric boiler that helps out [EUR/kWh].
        terminal_eur_per_kwh: value of heat left at the end [EUR/kWh].
    """
    source = () if source_c is None else (("source_c", source_c),)
    return PowerNode(
        driver="setpoint",
        power_max_kw=power_kw,
        energy_max_kwh=buffer_kwh,
        eta_charge=BASE_COP,
        leak_per_h=leak_per_h,
        degradation_eur_per_kwh=wear_eur_per_kwh,
        law="heat_pump",
        law_data=(("building", building), ("flow_c", flow_c), *source),
        charge_on_kw=least_share * power_kw,
        missing_eur_per_kwh=missing_eur_per_kwh,
        terminal_eur_per_kwh=terminal_eur_per_kwh,
    )
