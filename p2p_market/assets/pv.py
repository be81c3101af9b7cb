"""PV roof: a power node that follows the sun and is curtailed by rule only."""

from typing import Annotated, Final

from pydantic import Field, validate_call

from p2p_market.assets.drivers.panel import DEFAULT_DC_PER_AC
from p2p_market.assets.node import PowerNode
from p2p_market.assets.ranges import STRICT, Power

SYSTEM_FACTOR: Final = 0.86  # of a roof without detail


@validate_call(config=STRICT)
def pv(
    peak_kw: Power,
    tilt_deg: Annotated[float, Field(ge=0.0, le=90.0)],
    azimuth_deg: Annotated[float, Field(ge=0.0, lt=360.0)],
    system_factor: Annotated[float, Field(gt=0.0, le=1.0)] = SYSTEM_FACTOR,
    detail: bool = False,
    inverter_kw: Power | None = None,
    gamma_per_k: Annotated[float, Field(ge=-0.01, le=0.0)] = -0.004,
    age_years: Annotated[float, Field(ge=0.0, le=60.0)] = 0.0,
    ageing_per_year: Annotated[float, Field(ge=0.0, le=0.1)] = 0.005,
    loss: Annotated[float, Field(gt=0.0, le=1.0)] = 0.93,
) -> PowerNode:
    """Power node of a roof.

    Args:
        peak_kw: power at 1 kW/m2 [kWp].
        tilt_deg: 0 = flat, 90 = upright.
        azimuth_deg: direction it faces, 180 = south.
        system_factor: AC energy per energy of the bare modules, without detail.
        detail: panels that lose power in the heat and with age, and an inverter; only then the
            rest counts.
        inverter_kw: highest AC power; none = the peak over 1.1 [kW].
        gamma_per_k: share of the power per degree of the panel above 25 C [1/K].
        age_years: of the panels [a].
        ageing_per_year: share of the power that a year takes [1/a].
        loss: share that dirt, cables and mismatch leave.
    """
    rest = (inverter_kw, gamma_per_k, age_years, ageing_per_year, loss)
    if not detail:
        if rest != (None, -0.004, 0.0, 0.005, 0.93):
            raise ValueError("a roof with an inverter, an age or losses of its own needs detail")
        return PowerNode(
            driver="sun",
            scale_kw=peak_kw * system_factor,
            tilt_deg=tilt_deg,
            azimuth_deg=azimuth_deg,
        )
    if system_factor != SYSTEM_FACTOR:
        raise ValueError("with detail, system_factor does not count; leave it out")
    limit_kw = peak_kw / DEFAULT_DC_PER_AC if inverter_kw is None else inverter_kw
    return PowerNode(
        driver="weather",
        scale_kw=limit_kw,
        tilt_deg=tilt_deg,
        azimuth_deg=azimuth_deg,
        law="pv_detail",
        law_data=(
            ("tilt_deg", tilt_deg), ("azimuth_deg", azimuth_deg),
            ("peak_kw", peak_kw), ("ac_limit_kw", limit_kw), ("gamma_per_k", gamma_per_k),
            ("loss", loss), ("age_years", age_years), ("ageing_per_year", ageing_per_year),
        ),
    )  # fmt: skip
