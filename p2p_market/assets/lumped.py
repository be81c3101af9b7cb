"""What rooms and cold stores have in common: one resistance, one capacity, two temperatures."""

from typing import Annotated

from pydantic import Field

from p2p_market.assets.drivers.heat import BASE_COP, room_leak_per_h
from p2p_market.assets.node import PowerNode

Loss = Annotated[float, Field(gt=0.0, le=100.0)]  # kW/K
Capacity = Annotated[float, Field(gt=0.0, le=10_000.0)]  # kWh/K
Gains = Annotated[float, Field(ge=0.0, le=1000.0)]  # kW


def lumped_store(
    law: str,
    power_kw: float,
    temperatures_c: tuple[float, float],
    ua_kw_per_k: float,
    c_kwh_per_k: float,
    prices_eur_per_kwh: tuple[float, float],
    own: tuple[tuple[str, float | str], ...],
) -> PowerNode:
    """Power node of a store between two temperatures that a heat pump heats, or cools.

    Args:
        law: name of its law; it knows the lowest temperature, loss and capacity.
        power_kw: highest electric power [kW].
        temperatures_c: lowest and highest [C].
        ua_kw_per_k: loss per degree [kW/K].
        c_kwh_per_k: energy per degree [kWh/K].
        prices_eur_per_kwh: of what is missing, and value of what is left at the end [EUR/kWh].
        own: what else its law knows.

    Raises:
        ValueError: if the highest temperature is not above the lowest.
    """
    low_c, high_c = temperatures_c
    if high_c <= low_c:
        raise ValueError(f"high_c {high_c} must be above low_c {low_c}")
    missing_eur_per_kwh, terminal_eur_per_kwh = prices_eur_per_kwh
    return PowerNode(
        driver="setpoint",
        power_max_kw=power_kw,
        energy_max_kwh=c_kwh_per_k * (high_c - low_c),
        eta_charge=BASE_COP,
        leak_per_h=room_leak_per_h(ua_kw_per_k, c_kwh_per_k),
        law=law,
        law_data=(
            ("low_c", low_c), ("ua_kw_per_k", ua_kw_per_k), ("c_kwh_per_k", c_kwh_per_k), *own,
        ),
        missing_eur_per_kwh=missing_eur_per_kwh,
        terminal_eur_per_kwh=terminal_eur_per_kwh,
    )  # fmt: skip
