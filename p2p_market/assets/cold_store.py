"""Cold store: goods that stay cold for a while, and may be cooled ahead."""

from pydantic import validate_call

from p2p_market.assets.lumped import Capacity, Gains, Loss, lumped_store
from p2p_market.assets.node import PowerNode
from p2p_market.assets.ranges import STRICT, Power, Price, Temperature


@validate_call(config=STRICT)
def cold_store(
    power_kw: Power,
    low_c: Temperature = -24.0,
    high_c: Temperature = -18.0,
    ua_kw_per_k: Loss = 0.35,
    c_kwh_per_k: Capacity = 12.0,
    gains_kw: Gains = 3.0,
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
    return lumped_store(
        "cold_store",
        power_kw,
        (low_c, high_c),
        ua_kw_per_k,
        c_kwh_per_k,
        (missing_eur_per_kwh, terminal_eur_per_kwh),
        (("high_c", high_c), ("gains_kw", gains_kw)),
    )
