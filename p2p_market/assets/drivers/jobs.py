"""Work that may wait: each job is released, has to be done by its end, and is paid back then.

The level is work that is done ahead. In the last step of a job's window its energy is taken out;
what is missing then is lost work. The floor is the tube of all jobs that are released: what must be
done by now so that full power can still do the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from p2p_market.assets.drivers.drive import Drive, drive, rounded
from p2p_market.data.calendar import step_means
from p2p_market.records import FloatArray

PUE_BASE: Final = 1.15
PUE_PER_K: Final = 0.01
PUE_FROM_C: Final = 15.0
DATA_CENTRE_HOURS: Final = (0.0, 6.0, 12.0, 18.0)


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work, in steps of the episode."""

    first: int  # step in which it may begin
    last: int  # step at whose end it is due
    energy_kwh: float


def daily_jobs(
    energy_kwh: FloatArray,
    steps: int,
    dt_h: float,
    from_h: Sequence[float],
    window_h: float,
    ahead_h: float = 0.0,
) -> list[Job]:
    """Jobs of each day whose whole window lies in the episode, by their ends.

    Args:
        energy_kwh: of each job, (day, job of the day) [kWh].
        steps: length of the episode.
        dt_h: step length [h].
        from_h: hours on the wall clock at which the jobs of a day are released, (job of the day,).
        window_h: time for a job [h].
        ahead_h: how much the wall clock is ahead of the grid's [h].
    """
    length = max(1, round(window_h / dt_h))
    jobs = []
    for day, row in enumerate(energy_kwh):
        for hour, energy in zip(from_h, row, strict=True):
            first = round((24.0 * day + hour - ahead_h) / dt_h)
            if first >= 0 and first + length <= steps:
                jobs.append(Job(first, first + length - 1, float(np.round(energy, 3))))
    return sorted(jobs, key=lambda job: (job.last, job.first))


def work(jobs: Sequence[Job], steps: int, dt_h: float, power_kw: float) -> Drive:
    """What jobs do to a device.

    Args:
        jobs: by their ends.
        steps: length of the episode.
        dt_h: step length [h].
        power_kw: highest power of the work [kW].
    """
    drift_kwh = np.zeros(steps)
    if not jobs:
        return drive(drift_kwh, top_kwh=drift_kwh)
    due_kwh, floor_kwh, hours_left = np.zeros((3, steps))
    for job in jobs:
        drift_kwh[job.last] -= job.energy_kwh
        # After its last step a job is no more in the level.
        ahead = slice(job.first, job.last)
        due_kwh[ahead] += job.energy_kwh  # of all jobs due no later
        left_kwh = power_kw * dt_h * np.arange(job.last - job.first, 0, -1)
        np.maximum(floor_kwh[ahead], due_kwh[ahead] - left_kwh, out=floor_kwh[ahead])
    for job in reversed(jobs):  # what is due first is written last
        length = job.last - job.first + 1
        hours_left[job.first : job.last + 1] = dt_h * np.arange(length, 0, -1)
    # Down to a watt-hour: a floor must be no higher than what full power reaches.
    floor_kwh = np.floor(1000.0 * floor_kwh + 1e-6) / 1000.0
    return drive(drift_kwh, floor_kwh=floor_kwh, top_kwh=due_kwh, hours_left=hours_left)


def shiftable_load(
    steps: int,
    dt_h: float,
    *,
    daily_kwh: FloatArray,
    from_h: float,
    window_h: float,
    power_kw: float,
    ahead_h: float = 0.0,
) -> Drive:
    """One job a day.

    Args:
        steps: length of the episode.
        dt_h: step length [h].
        daily_kwh: work of each day, (day,) [kWh].
        from_h: hour on the wall clock at which it is released [h].
        window_h: time for it [h].
        power_kw: highest power [kW].
        ahead_h: how much the wall clock is ahead of the grid's [h].
    """
    jobs = daily_jobs(np.asarray(daily_kwh)[:, None], steps, dt_h, (from_h,), window_h, ahead_h)
    return work(jobs, steps, dt_h, power_kw)


def cooling_share(temperature_c: FloatArray | float) -> FloatArray:
    """Work per electric energy of a data centre, over that in the cool: it spends more when warm.

    Power usage effectiveness is 1.15 up to 15 C and grows by 0.01 per degree.
    """
    warmer = np.maximum(np.asarray(temperature_c) - PUE_FROM_C, 0.0)
    return PUE_BASE / (PUE_BASE + PUE_PER_K * warmer)


def data_centre(
    temperature_c: FloatArray,
    dt_h: float,
    *,
    job_kwh: FloatArray,
    power_kw: float,
    window_h: float = 8.0,
    ahead_h: float = 0.0,
) -> Drive:
    """Four jobs a day in one queue; the floor counts with the least work per energy of all steps.

    Args:
        temperature_c: of the air outside, (quarter,) [C].
        dt_h: step length [h].
        job_kwh: energy of each job in the cool, (day, 4) [kWh].
        power_kw: highest power [kW].
        window_h: time for a job [h].
        ahead_h: how much the wall clock is ahead of the grid's [h].
    """
    share = rounded(cooling_share(step_means(temperature_c, dt_h)), 6)
    jobs = daily_jobs(job_kwh, len(share), dt_h, DATA_CENTRE_HOURS, window_h, ahead_h)
    queue = work(jobs, len(share), dt_h, power_kw * float(share.min()))
    return replace(queue, charge_share=share)
