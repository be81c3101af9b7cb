"""A radial 110 kV net with seven buses, which tests know by hand."""

import numpy as np

from p2p_market.grid.feeder import per_unit_flow

PARENT = np.array([-1, 0, 1, 0, 3, 0, 5])
R_PU = np.array([0.0, 0.030, 0.027, 0.020, 0.012, 0.010, 0.008])
X_PU = np.array([0.0, 0.098, 0.087, 0.066, 0.040, 0.040, 0.032])
BASE_MVA, BAND_PU = 100.0, (0.95, 1.05)
FLOW = per_unit_flow(PARENT, R_PU, X_PU, BASE_MVA, BAND_PU)
LOAD_BUS, STORAGE_BUS, SUN_BUS, WIND_BUS = [1, 3, 5], [2, 5], 4, 6


def injected(loads_mw, storages_mw=(0.0, 0.0), sun_mw=0.0, wind_mw=0.0):
    """Net load [MW] and reactive power [Mvar] of each bus, (1, bus); charging is positive."""
    active, reactive = np.zeros((2, 1, len(PARENT)))
    active[0, LOAD_BUS] = loads_mw
    reactive[0, LOAD_BUS] = 0.25 * np.asarray(loads_mw)
    active[0, STORAGE_BUS] += storages_mw
    active[0, SUN_BUS] -= sun_mw
    active[0, WIND_BUS] -= wind_mw
    return active, reactive


def dispatches(count, balanced=True, seed=0):
    """Random dispatches and voltages of the source [pu]; balanced: no more is fed in than used."""
    generator = np.random.default_rng(seed)
    for _ in range(count):
        loads = generator.uniform(0.35, 1.0, 3) * (53.0, 40.0, 42.0)
        storages = generator.uniform(-25.0, 25.0, 2)
        sun, wind = generator.random(2) * (150.0, 190.0)
        used = loads.sum() + np.maximum(storages, 0.0).sum()
        fed_in = sun + wind - np.minimum(storages, 0.0).sum()
        part = min(1.0, used / fed_in) if balanced else 1.0
        sun, wind = sun * part, wind * part
        storages = np.where(storages < 0.0, storages * part, storages)
        source = generator.uniform(0.97, 1.03) + 0.02 * generator.integers(-2, 3)
        yield *injected(loads, storages, sun, wind), source
