"""Heated room: a house that stays warm for a while, and may be heated ahead."""

from typing import Annotated

from pydantic import Field, validate_call

from p2p_market.assets.lumped import Capacity, Gains, Loss, lumped_store
from p2p_market.assets.node import PowerNode
from p2p_market.assets.ranges import STRICT, Power, Price, Temperature


@validate_call(config=STRICT)
def heated_room(
    power_kw: Power,
    low_c: Temperature = 20.0,
    high_c: Temperature = 22.0,
    ua_kw_per_k: Loss = 0.2,
    c_kwh_per_k: Capacity = 8.0,
    gains_kw: Gains = 0.4,
    window_m2: Annotated[float, Field(ge=0.0, le=10_000.0)] = 4.0,
    flow_c: Temperature = 35.0,
    missing_eur_per_kwh: Price = 0.6,
    terminal_eur_per_kwh: Price = 0.025,
) -> PowerNode:
    """Power node of a room with one resistance and one capacity, heated by a heat pump.

    Its level is heat above the lowest temperature; above the highest a window is opened.

    Args:
        power_kw: highest electric power [kW].
        low_c: lowest temperature [C].
        high_c: highest temperature [C].
        ua_kw_per_k: loss per degree [kW/K].
        c_kwh_per_k: heat per degree [kWh/K].
        gains_kw: heat of people and appliances [kW].
        window_m2: of windows that let the sun in [m2].
        flow_c: temperature of the heating water [C].
        missing_eur_per_kwh: of heat that is missing, given by an electric heater [EUR/kWh].
        terminal_eur_per_kwh: value of heat left at the end [EUR/kWh].
    """
    return lumped_store(
        "heated_room",
        power_kw,
        (low_c, high_c),
        ua_kw_per_k,
        c_kwh_per_k,
        (missing_eur_per_kwh, terminal_eur_per_kwh),
        (("gains_kw", gains_kw), ("window_m2", window_m2), ("flow_c", flow_c)),
    )
