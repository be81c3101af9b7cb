"""What cold does to a battery's power, and a house to that of a vehicle."""

import numpy as np

from p2p_market.assets.drivers.drive import Drive, drive
from p2p_market.data.calendar import step_means
from p2p_market.records import FloatArray


def cold_charge_share(temperature_c: FloatArray | float) -> FloatArray:
    """Share of its charging power that a cold battery takes: all from 5 C on, none below -10."""
    return np.clip((np.asarray(temperature_c) + 10.0) / 15.0, 0.0, 1.0)


def cold_discharge_share(temperature_c: FloatArray | float) -> FloatArray:
    """Share of its power that a cold battery gives: all from -10 C on, none below -25."""
    return np.clip((np.asarray(temperature_c) + 25.0) / 15.0, 0.0, 1.0)


def outdoor_battery(temperature_c: FloatArray, dt_h: float) -> Drive:
    """A battery in the open.

    Args:
        temperature_c: of the air, (quarter,) [C].
        dt_h: step length [h].
    """
    low = step_means(cold_discharge_share(temperature_c), dt_h)
    high = step_means(cold_charge_share(temperature_c), dt_h)
    return drive(np.zeros(len(low)), low_share=low, high_share=high)


def vehicle_to_house(net_load_kw: FloatArray, dt_h: float, *, power_kw: float) -> Drive:
    """A vehicle that gives to its own house only.

    Args:
        net_load_kw: load less generation of the member, (step,) [kW].
        dt_h: step length [h].
        power_kw: of the charger [kW].
    """
    share = np.clip(net_load_kw / power_kw, 0.0, 1.0)
    whole = np.floor(1e6 * share) / 1e6  # down, for it may give no more than the house takes
    return drive(np.zeros(len(whole)), low_share=whole)
