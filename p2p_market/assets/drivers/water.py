"""Water: the power of a river's mill, what a reservoir holds, and what flows into it."""

from typing import Final

import numpy as np

from p2p_market.assets.drivers.drive import Drive, drive, rounded
from p2p_market.data.calendar import step_means
from p2p_market.records import FloatArray

GRAVITY: Final = 9.81  # [m/s2]; a cubic metre of water is a tonne


def hydraulic_kw(flow_m3s: FloatArray | float, head_m: float) -> FloatArray:
    """Power of falling water [kW]: density, gravity, flow, head."""
    return np.asarray(GRAVITY * head_m * flow_m3s)


def run_of_river(
    flow_m3s: FloatArray,
    dt_h: float,
    *,
    head_m: float,
    design_m3s: float,
    keep_m3s: float = 0.0,
    eta: float = 0.85,
) -> FloatArray:
    """Power of a plant that cannot store, (step,) [kW].

    Args:
        flow_m3s: of the river, (quarter,) [m3/s].
        dt_h: step length [h].
        head_m: height of fall [m].
        design_m3s: most that the turbine takes [m3/s].
        keep_m3s: what must stay in the river [m3/s].
        eta: power per power of the water.
    """
    used = np.clip(flow_m3s - keep_m3s, 0.0, design_m3s)
    return rounded(step_means(eta * hydraulic_kw(used, head_m), dt_h))


def reservoir_energy_kwh(head_m: float, volume_m3: float) -> float:
    """Energy of the water of a full reservoir [kWh]."""
    return 1000.0 * GRAVITY * head_m * volume_m3 / 3.6e6


def hydro_storage(
    flow_m3s: FloatArray, dt_h: float, *, head_m: float, keep_m3s: float = 0.0
) -> Drive:
    """Inflow of a reservoir as energy of its water; what does not fit runs over the weir.

    Args:
        flow_m3s: into the reservoir, (quarter,) [m3/s].
        dt_h: step length [h].
        head_m: height of fall [m].
        keep_m3s: what must flow past it [m3/s].
    """
    inflow_kw = hydraulic_kw(np.maximum(flow_m3s - keep_m3s, 0.0), head_m)
    return drive(step_means(inflow_kw, dt_h) * dt_h)
