"""Work that may wait: a job a day, or four a day in a data centre."""

from pydantic import validate_call

from p2p_market.assets.drivers.jobs import DATA_CENTRE_HOURS
from p2p_market.assets.node import PowerNode
from p2p_market.assets.ranges import STRICT, Energy, Hour, Power, Price


@validate_call(config=STRICT)
def shiftable_load(
    power_kw: Power,
    daily_kwh: Energy,
    from_h: Hour = 8.0,
    window_h: Hour = 10.0,
    lost_eur_per_kwh: Price = 1.0,
) -> PowerNode:
    """Power node of one job a day; its level is work done ahead of its end.

    Args:
        power_kw: highest power of the work [kW].
        daily_kwh: energy of a job; drawn between 0.8 and 1.2 of it [kWh].
        from_h: hour on the wall clock at which it is released [h].
        window_h: time for it [h].
        lost_eur_per_kwh: of work that is not done in time: its priority [EUR/kWh].
    """
    return PowerNode(
        driver="setpoint",
        power_max_kw=power_kw,
        energy_max_kwh=2.0 * daily_kwh,
        law="shiftable_load",
        law_data=(
            ("daily_kwh", daily_kwh), ("from_h", from_h), ("window_h", window_h),
            ("power_kw", power_kw),
        ),
        missing_eur_per_kwh=lost_eur_per_kwh,
        terminal_eur_per_kwh=0.0,
    )  # fmt: skip


@validate_call(config=STRICT)
def data_centre(
    power_kw: Power,
    job_kwh: Energy,
    window_h: Hour = 8.0,
    lost_eur_per_kwh: Price = 1.0,
) -> PowerNode:
    """Power node of a data centre's queue, with jobs at 0, 6, 12 and 18 o'clock.

    Its constant load is a `load` of its own.

    Args:
        power_kw: highest power of the work, cooling included [kW].
        job_kwh: energy of a job in the cool; drawn between 0.8 and 1.2 of it [kWh].
        window_h: time for a job [h].
        lost_eur_per_kwh: of work that is not done in time [EUR/kWh].
    """
    return PowerNode(
        driver="setpoint",
        power_max_kw=power_kw,
        energy_max_kwh=len(DATA_CENTRE_HOURS) * 1.2 * job_kwh,
        law="data_centre",
        law_data=(("job_kwh", job_kwh), ("window_h", window_h), ("power_kw", power_kw)),
        missing_eur_per_kwh=lost_eur_per_kwh,
        terminal_eur_per_kwh=0.0,
    )
