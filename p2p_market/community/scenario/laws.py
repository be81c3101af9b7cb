"""Laws of devices over the data of a scenario: an episode's days, or the year as it usually is."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from p2p_market.assets.drivers import GENERATION, LAWS, Drive, series_of
from p2p_market.assets.drivers.drive import rounded
from p2p_market.assets.drivers.panel import irradiance_wm2
from p2p_market.assets.drivers.wind import direction_deg, local_speed_ms, rayleigh_speed_ms
from p2p_market.assets.node import PowerNode
from p2p_market.assets.sun import sun_vector, tilted_fraction
from p2p_market.community.scenario.members import (
    CLEAR_SKY_SHARE,
    CLEARNESS_RANGE,
    CLOUD_PERSISTENCE,
    CLOUD_SPREAD,
    ROOF_SPREAD,
)
from p2p_market.community.scenario.record import Scenario
from p2p_market.data import weather
from p2p_market.data.calendar import (
    CYCLE_DAYS,
    DAYS_PER_YEAR,
    QUARTERS_PER_DAY,
    WEEKS_PER_SPLIT,
    split_mask,
)
from p2p_market.data.synthetic import autoregression
from p2p_market.records import BoolArray, FloatArray, IntArray, Record

JOB_RANGE: Final = (0.8, 1.2)
"""A day's job, or truck, over what is usual."""
DRAWN: Final = {"daily_kwh": 1, "pick_up_kg": 1, "job_kwh": 4}
"""Parameters of laws that are drawn anew every day, and how many of them a day has."""
OF_SERIES: Final = ("building", "mean_m3s", "mean_ms", "tilt_deg", "azimuth_deg")
"""Parameters that say which series a law reads, and no law knows."""
ROOF_MEAN_MS: Final = 3.0
"""Mean wind of the year over roofs, a common figure [m/s]."""
NEAR: Final = (-1, 0, 1)  # cycles of 28 days whose training days say what is expected


@dataclass(frozen=True, slots=True, eq=False)
class MachineYear(Record):
    """What the world usually does to machines, with jobs of the usual size, (agent, asset)."""

    expected_kwh: (
        FloatArray  # (28-day cycle, step of the day, agent, asset), drift of training days
    )
    most_kwh: FloatArray  # largest drift of a step in either direction, of the largest job
    least_charge_share: FloatArray
    most_charge_share: FloatArray
    fills: BoolArray  # whether the world puts something in at some time
    drains: BoolArray  # or takes something out
    by_the_clock: BoolArray  # whether hours on the wall clock say when, as of jobs and trucks


def law_of(
    scenario: Scenario,
    node: PowerNode,
    start_day: int,
    days: int,
    of_each_day: Callable[[float, int], FloatArray],
    net_load_kw: FloatArray | None = None,
) -> Drive:
    """What the world does to one device from a day of the year on.

    Args:
        of_each_day: gives a value for each day and each of a day's jobs from what is usual.
        net_load_kw: of the member, (step,) [kW]; 0 if it is not given.
    """
    law, known = LAWS[node.law], dict(node.law_data)
    quarter = slice(QUARTERS_PER_DAY * start_day, QUARTERS_PER_DAY * (start_day + days))
    steps = round(24 * days / scenario.dt_h)
    told = {"steps": steps, "net_load_kw": np.zeros(steps) if net_load_kw is None else net_load_kw}
    given: dict[str, Any] = {
        name: told[name] if name in told else _SERIES[name](scenario, known)[quarter]
        for name in series_of(law)
    }
    own: dict[str, Any] = {
        name: _daily(of_each_day(float(value), DRAWN[name])) if name in DRAWN else value
        for name, value in known.items()
        if name not in OF_SERIES
    }
    if set(known) & set(DRAWN):
        own["ahead_h"] = float(scenario.data.summer_time[quarter.start])
    return law(*given.values(), scenario.dt_h, **own)


def _daily(drawn: FloatArray) -> FloatArray:
    """One number a day as (day,), several as (day, job)."""
    return drawn[:, 0] if drawn.shape[1] == 1 else drawn


@lru_cache(maxsize=8)
def machine_year(scenario: Scenario) -> MachineYear:
    """The usual year of a scenario with machines; only training days say what is expected."""
    shape, per_day = scenario.nodes.present.shape, scenario.steps_per_day
    expected = np.zeros((WEEKS_PER_SPLIT, per_day, *shape))
    most_kwh, least, most = np.zeros(shape), np.ones(shape), np.ones(shape)
    fills, drains, by_the_clock = np.zeros((3, *shape), dtype=np.bool_)
    for agent, own in enumerate(scenario.flexible):
        for asset, node in enumerate(own):
            if not node.law:
                continue
            drive = law_of(scenario, node, 0, DAYS_PER_YEAR, _usual)
            days = drive.drift_kwh.reshape(DAYS_PER_YEAR, per_day)
            expected[..., agent, asset] = usual_cycles(days)
            by_the_clock[agent, asset] = bool(set(dict(node.law_data)) & set(DRAWN))
            largest = JOB_RANGE[1] if by_the_clock[agent, asset] else 1.0
            most_kwh[agent, asset] = largest * np.abs(days).max()
            fills[agent, asset], drains[agent, asset] = days.max() > 0.0, days.min() < 0.0
            least[agent, asset] = drive.charge_share.min()
            most[agent, asset] = drive.charge_share.max()
    return MachineYear(rounded(expected), most_kwh, least, most, fills, drains, by_the_clock)


def _usual(usual: float, count: int) -> FloatArray:
    return np.full((DAYS_PER_YEAR, count), usual)


def expected_drift_kwh(scenario: Scenario, start_day: int, days: int) -> FloatArray:
    """Expected drift of the steps of some days, (step, agent, asset) [kWh]; no rows without."""
    if scenario.nodes.machines is None:
        return np.zeros((0, *scenario.nodes.present.shape))
    cycle, year = _cycle(np.arange(start_day, start_day + days)), machine_year(scenario)
    rows = year.expected_kwh[cycle]
    rows = rows.reshape(-1, *rows.shape[2:])
    # The usual year keeps the clock of its first day, an episode that of its own.
    ahead_h = float(scenario.data.summer_time[QUARTERS_PER_DAY * start_day])
    earlier = np.roll(rows, -round(ahead_h / scenario.dt_h), axis=0)
    return np.where(year.by_the_clock, earlier, rows)


class Generation(NamedTuple):
    """What plants that the weather drives usually give."""

    mean_kw: FloatArray  # (step, agent)
    spread_kw: FloatArray


def generation_of(
    scenario: Scenario,
    node: PowerNode,
    start_day: int,
    days: int,
    generator: np.random.Generator,
    clearness: FloatArray | None = None,
) -> FloatArray:
    """Power of one plant from a day of the year on, (step,) [kW].

    Args:
        generator: draws the local part of the wind, and clouds that are not given.
        clearness: over a roof, (quarter,).
    """
    law, known = GENERATION[node.law], dict(node.law_data)
    quarter = slice(QUARTERS_PER_DAY * start_day, QUARTERS_PER_DAY * (start_day + days))
    given = []
    for name in series_of(law):
        if name == "wind_speed_ms":
            rank = weather.load(scenario.data.name).of("wind_rank")[quarter]
            normals = generator.standard_normal(len(rank))
            given.append(local_speed_ms(rank, float(known["mean_ms"]), normals))
        elif name == "light_wm2":
            sky = _cloudy(scenario, quarter, generator) if clearness is None else clearness
            fraction = _clear_sky(scenario, float(known["tilt_deg"]), float(known["azimuth_deg"]))
            given.append(irradiance_wm2(fraction[quarter], sky, CLEAR_SKY_SHARE))
        else:
            given.append(_SERIES[name](scenario, known)[quarter])
    own: dict[str, Any] = {name: value for name, value in known.items() if name not in OF_SERIES}
    return law(*given, scenario.dt_h, **own)


@lru_cache(maxsize=8)
def usual_generation(scenario: Scenario) -> tuple[FloatArray, FloatArray]:
    """Mean and spread of training days, (28-day cycle, step of the day, agent) [kW]."""
    shape = WEEKS_PER_SPLIT, scenario.steps_per_day, len(scenario.agents)
    mean, spread = np.zeros((2, *shape))
    for agent, plants in enumerate(scenario.generators):
        if plants:
            year = sum(
                generation_of(scenario, node, 0, DAYS_PER_YEAR, np.random.default_rng([agent, n]))
                for n, node in enumerate(plants)
            )
            days = np.asarray(year).reshape(DAYS_PER_YEAR, -1)
            for c, near in enumerate(_near_training_days()):
                mean[c, :, agent], spread[c, :, agent] = days[near].mean(0), days[near].std(0)
    return rounded(mean), rounded(spread)


def expected_generation(scenario: Scenario, start_day: int, days: int) -> Generation:
    """What training days of that time of the year and of the day gave."""
    cycle = _cycle(np.arange(start_day, start_day + days))
    mean, spread = (usual[cycle] for usual in usual_generation(scenario))
    agents = len(scenario.agents)
    return Generation(mean.reshape(-1, agents), spread.reshape(-1, agents))


def _cycle(day: IntArray) -> IntArray:
    """The cycle of 28 days that a day of the year lies in."""
    return np.minimum(day % DAYS_PER_YEAR // CYCLE_DAYS, WEEKS_PER_SPLIT - 1)


def usual_cycles(days: FloatArray) -> FloatArray:
    """Mean of the training days near each cycle, (cycle, step of the day), of (day, step)."""
    return np.array([days[near].mean(axis=0) for near in _near_training_days()])


def usual_days(days: FloatArray) -> FloatArray:
    """What is expected of each day of a year, (day, step of the day), of (day, step)."""
    return np.asarray(usual_cycles(days)[_cycle(np.arange(DAYS_PER_YEAR))])


def _near_training_days() -> Iterator[BoolArray]:
    """Training days of each cycle and of those beside it, (day,)."""
    cycle, train = _cycle(np.arange(DAYS_PER_YEAR)), split_mask("train")
    for c in range(WEEKS_PER_SPLIT):
        yield train & np.isin(cycle, [(c + away) % WEEKS_PER_SPLIT for away in NEAR])


def _weather(name: str) -> Callable[[Scenario, Mapping[str, Any]], FloatArray]:
    def read(scenario: Scenario, known: Mapping[str, Any]) -> FloatArray:
        return weather.load(scenario.data.name).of(name, str(known.get("building", "")))

    return read


def _flow_m3s(scenario: Scenario, known: Mapping[str, Any]) -> FloatArray:
    """A stream that follows the rivers of the data set."""
    river = weather.load(scenario.data.name).of("river_fraction")
    return np.asarray(float(known["mean_m3s"]) * river)


@lru_cache(maxsize=4)
def irradiance_of(scenario: Scenario) -> FloatArray:
    """Light on a horizontal plane, the year's clear sky times its clearness, (quarter,) [W/m2]."""
    own = weather.load(scenario.data.name).series
    if "irradiance_wm2" in own:
        return own["irradiance_wm2"]
    clear = _clear_sky(scenario, 0.0, 180.0)
    return irradiance_wm2(clear, scenario.data.solar_clearness, CLEAR_SKY_SHARE)


@lru_cache(maxsize=16)
def _clear_sky(scenario: Scenario, tilt_deg: float, azimuth_deg: float) -> FloatArray:
    """Light of a year without clouds on a plane, of 1 kW/m2, (quarter,)."""
    quarters = len(scenario.data.solar_clearness)
    hours: FloatArray = np.arange(0.5, quarters) / 4.0 + (1.0 - scenario.data.utc_offset_h)
    site = scenario.spec.site
    sun = sun_vector(site.latitude_deg, site.longitude_deg, hours)
    return tilted_fraction(sun, tilt_deg, azimuth_deg)


def _cloudy(scenario: Scenario, quarter: slice, generator: np.random.Generator) -> FloatArray:
    """Clearness over one roof of the country, as it may be, (quarter,)."""
    national = scenario.data.solar_clearness[quarter]
    shared = autoregression(generator.standard_normal(len(national)), CLOUD_PERSISTENCE)
    local = CLOUD_SPREAD * shared + ROOF_SPREAD * generator.standard_normal(len(national))
    return np.clip(national + local, *CLEARNESS_RANGE)


@lru_cache(maxsize=1)
def _wind_direction_deg() -> FloatArray:
    """Where the wind of the region comes from, invented, (quarter,), the same in every year."""
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence(_DIRECTION)))
    return direction_deg(generator.standard_normal((2, DAYS_PER_YEAR * QUARTERS_PER_DAY)))


_DIRECTION: Final = int.from_bytes(b"direction")


def _roof_wind_ms(scenario: Scenario, known: Mapping[str, Any]) -> FloatArray:
    """Wind over roofs, which stand in the lee of others."""
    rank = weather.load(scenario.data.name).of("wind_rank")
    return rayleigh_speed_ms(rank, ROOF_MEAN_MS)


_SERIES: Final[Mapping[str, Callable[[Scenario, Mapping[str, Any]], FloatArray]]] = {
    "temperature_c": _weather("temperature_c"),
    "heat_kw": _weather("heat_kw"),
    "hot_water_kw": _weather("hot_water_kw"),
    "flow_m3s": _flow_m3s,
    "wind_ms": _roof_wind_ms,
    "wind_direction_deg": lambda scenario, _: _wind_direction_deg(),
    "irradiance_wm2": lambda scenario, _: irradiance_of(scenario),
}
"""Series of the year by the names of the laws."""
