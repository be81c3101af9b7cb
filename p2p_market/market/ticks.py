"""Prices in whole ticks."""

import numpy as np

from p2p_market.records import FloatArray


def to_ticks(price_eur_per_kwh: FloatArray, tick_eur_per_kwh: float) -> FloatArray:
    """Nearest tick, half a tick up; equal ticks are equal floats [EUR/kWh]."""
    return np.floor(price_eur_per_kwh / tick_eur_per_kwh + 0.5) * tick_eur_per_kwh
