"""PV roof: a power node that follows the sun and is curtailed by rule only."""

from typing import Annotated

from pydantic import Field, validate_call

from p2p_market.assets.load import COLUMN
from p2p_market.assets.node import PowerNode
from p2p_market.assets.ranges import STRICT, Power


@validate_call(config=STRICT)
def pv(
    peak_kw: Power | None = None,
    tilt_deg: Annotated[float, Field(ge=0.0, le=90.0)] | None = None,
    azimuth_deg: Annotated[float, Field(ge=0.0, lt=360.0)] | None = None,
    system_factor: Annotated[float, Field(gt=0.0, le=1.0)] = 0.86,
    column: str | None = None,
) -> PowerNode:
    """Power node of a roof.

    Args:
        peak_kw: power at 1 kW/m2 [kWp]; required, as the next two, where there is no column.
        tilt_deg: 0 = flat, 90 = upright.
        azimuth_deg: direction it faces, 180 = south.
        system_factor: AC energy per energy of the bare modules.
        column: PV of an imported data set, played as it was measured; nothing else is given.
    """
    modelled = (peak_kw, tilt_deg, azimuth_deg)
    if column is not None:
        if any(value is not None for value in modelled):
            raise ValueError("a pv with a column was measured: leave out the other fields")
        return PowerNode(driver="sun", profile=f"{COLUMN}{column}")
    if peak_kw is None or tilt_deg is None or azimuth_deg is None:
        raise ValueError(
            "peak_kw, tilt_deg and azimuth_deg are needed, or the column of measured PV"
        )
    return PowerNode(
        driver="sun",
        scale_kw=peak_kw * system_factor,
        tilt_deg=tilt_deg,
        azimuth_deg=azimuth_deg,
    )
