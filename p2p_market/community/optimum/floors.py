"""Levels that every trajectory of an episode keeps."""

from typing import Any

import numpy as np

from p2p_market.assets.node import Coefficients
from p2p_market.records import FloatArray


def kept_kwh(nodes: Coefficients, episode: Any) -> FloatArray:
    """The tube's floor, (step, agent, asset) [kWh].

    Without the grid the floor of a machine forces nothing, and a job that falls behind then catches
    up at full power, whatever it does: from the least level on, no further than the floor.

    Args:
        episode: an `Episode`, a batch of one; or an outlook with the same series.
    """
    floor: FloatArray = episode.floor_kwh[:, 0]
    grid = episode.grid[:, 0] > 0.0
    if nodes.machines is None or grid.all():
        return floor
    kept, least = floor.copy(), nodes.energy_min_kwh
    gain_h = nodes.charge_gain_h * episode.charge_share[:, 0]
    full_kw = nodes.power_max_kw * episode.high_share[:, 0]
    full_kw = np.where(np.isfinite(nodes.machines.ramp_kw), 0.0, full_kw)
    for t in range(1 + int(np.argmin(grid)), len(floor)):
        reached = nodes.retention * np.maximum(kept[t - 1], least) + episode.drift_kwh[t, 0]
        kept[t] = np.minimum(floor[t], reached + gain_h[t] * full_kw[t])
    return np.asarray(np.maximum(kept, least))
