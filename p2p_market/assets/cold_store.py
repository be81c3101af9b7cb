"""Cold store: goods that stay cold for a while, and may be cooled ahead."""

from typing import Annotated

from pydantic import Field, validate_call

from p2p_market.assets.drivers.heat import BASE_COP, room_leak_per_h
from p2p_market.assets.node import PowerNode
from p2p_market.assets.ranges import STRICT, Power, Price, Temperature


@validate_call(config=STRICT)
def cold_store(
    power_kw: Power,
    low_c: Temperature = -24.0,
    high_c: Temperature = -18.0,
    ua_kw_per_k: Annotated[float, Field(gt=0.0, le=100.0)] = 0.35,
    c_kwh_per_k: Annotated[float, Field(gt=0.0, le=10_000.0)] = 12.0,
    gains_kw: Annotated[float, Field(ge=0.0, le=1000.0)] = 3.0,
    missing_eur_per_kwh: Price = 1.0,
    terminal_eur_per_kwh: Price = 0.03,
) -> PowerNode:
    """Power node of a cold store; its level is cold below the highest temperature.

    Args:
        power_kw: highest electric power of the compressor [kW].
        low_c: lowest temperature [C].
        high_c: highest temperature [C].
        ua_kw_per_k: heat that comes in per degree [kW/K].
        c_kwh_per_k: heat per degree of the goods [kWh/K].
        gains_kw: heat of doors, lamps and new goods [kW].
        missing_eur_per_kwh: of cold that is missing: goods that spoil [EUR/kWh].
        terminal_eur_per_kwh: value of cold left at the end [EUR/kWh].
    """
    if high_c <= low_c:
        raise ValueError(f"high_c {high_c} must be above low_c {low_c}")
    return PowerNode(
        driver="setpoint",
        power_max_kw=power_kw,
        energy_max_kwh=c_kwh_per_k * (high_c - low_c),
        eta_charge=BASE_COP,
        leak_per_h=room_leak_per_h(ua_kw_per_k, c_kwh_per_k),
        law="cold_store",
        law_data=(
            ("low_c", low_c), ("high_c", high_c), ("ua_kw_per_k", ua_kw_per_k),
            ("c_kwh_per_k", c_kwh_per_k), ("gains_kw", gains_kw),
        ),
        missing_eur_per_kwh=missing_eur_per_kwh,
        terminal_eur_per_kwh=terminal_eur_per_kwh,
    )  # fmt: skip
