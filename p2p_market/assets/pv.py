"""PV roof: a power node that follows the sun and is curtailed by rule only."""

from typing import Annotated

from pydantic import Field, validate_call

from p2p_market.assets.node import PowerNode
from p2p_market.assets.ranges import STRICT, Power


@validate_call(config=STRICT)
def pv(
    peak_kw: Power,
    tilt_deg: Annotated[float, Field(ge=0.0, le=90.0)],
    azimuth_deg: Annotated[float, Field(ge=0.0, lt=360.0)],
    system_factor: Annotated[float, Field(gt=0.0, le=1.0)] = 0.86,
) -> PowerNode:
    """Power node of a roof.

    Args:
        peak_kw: power at 1 kW/m2 [kWp].
        tilt_deg: 0 = flat, 90 = upright.
        azimuth_deg: direction it faces, 180 = south.
        system_factor: AC energy per energy of the bare modules.
    """
    return PowerNode(
        driver="sun",
        scale_kw=peak_kw * system_factor,
        tilt_deg=tilt_deg,
        azimuth_deg=azimuth_deg,
    )
