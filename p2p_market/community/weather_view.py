"""What members see of the weather: appended to an observation where a device is moved by it.

All members read the same station: temperature, wind as high as the hub of a farm's turbine, light
on a horizontal plane. A forecast is what training days had at that time of the year and of the day,
and a share of how far the present is from that; of light, by how many times. A row of a year
depends on nothing that comes after it.
"""

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from p2p_market.assets.drivers import GENERATION, LAWS, series_of
from p2p_market.assets.drivers.drive import rounded
from p2p_market.assets.drivers.wind import TURBINES, rayleigh_speed_ms
from p2p_market.community.scenario.laws import irradiance_of, usual_days
from p2p_market.community.scenario.record import Scenario
from p2p_market.compilation import inner
from p2p_market.data import weather
from p2p_market.data.calendar import DAYS_PER_YEAR, step_means
from p2p_market.data.forecast import HORIZONS_H, PERSISTENCE
from p2p_market.records import FloatArray
from p2p_market.track import Feature

LEAST_WM2: Final = 10.0
"""Light below this says nothing of the sky: a forecast is then what is expected."""


class Seen(NamedTuple):
    """One series of the weather that members may see."""

    unit: str
    read_by: tuple[str, ...]  # as laws call what they read


SEEN: Final = {
    "temperature": Seen("C", ("temperature_c",)),
    "wind_speed": Seen("m/s", ("wind_speed_ms", "wind_ms")),
    "irradiance": Seen("W/m2", ("irradiance_wm2", "light_wm2")),
}
"""Name of a feature -> what it is, in the order of the observation."""
PER_SERIES: Final = 1 + len(HORIZONS_H)


@lru_cache(maxsize=8)
def seen(scenario: Scenario) -> tuple[str, ...]:
    """Which series members see: those that move a device of the community."""
    laws = [LAWS[node.law] for own in scenario.flexible for node in own if node.law]
    plants = [GENERATION[node.law] for own in scenario.generators for node in own]
    read = {name for law in [*laws, *plants] for name in series_of(law)}
    return tuple(name for name, one in SEEN.items() if read & set(one.read_by))


@lru_cache(maxsize=8)
def weather_year(scenario: Scenario) -> FloatArray:
    """What members see in each step of the year, (step of the year, feature); rounded to 0.001.

    No features where no machine is moved by the weather: machines have one compiled form with it
    and without. No steps where there are no machines either.
    """
    columns: list[FloatArray] = []
    for name in seen(scenario):
        now = step_means(_station(scenario, name), scenario.dt_h)
        own = [now, *ahead(now, scenario.steps_per_day, by_ratio=name == "irradiance")]
        columns += own if name == "temperature" else [np.maximum(one, 0.0) for one in own]
    if not columns:
        machines = scenario.nodes.machines is not None
        return np.zeros((DAYS_PER_YEAR * scenario.steps_per_day if machines else 0, 0))
    return rounded(np.column_stack(columns))


def ahead(now: FloatArray, steps_per_day: int, by_ratio: bool) -> list[FloatArray]:
    """Forecasts of a year's series in each of its steps, one (step of the year,) per horizon.

    Args:
        now: means of the steps of a year, (step,).
        steps_per_day: steps of 24 hours.
        by_ratio: whether the present counts by how many times it is what was expected.
    """
    expected = usual_days(now.reshape(DAYS_PER_YEAR, steps_per_day)).ravel()
    found = []
    for hours, share in zip(HORIZONS_H, PERSISTENCE, strict=True):
        then = np.roll(expected, -hours * steps_per_day // 24)
        if by_ratio:
            clear = expected > LEAST_WM2
            ratio = np.where(clear, now / np.where(clear, expected, 1.0), 1.0)
            found.append(then * (1.0 + share * (ratio - 1.0)))
        else:
            found.append(then + share * (now - expected))
    return found


def _station(scenario: Scenario, name: str) -> FloatArray:
    """A series of the year, (quarter,)."""
    if name == "irradiance":
        return irradiance_of(scenario)
    station = weather.load(scenario.data.name)
    if name == "temperature":
        return station.of("temperature_c")
    return rayleigh_speed_ms(station.of("wind_rank"), TURBINES["farm"].mean_ms)


def weather_features(scenario: Scenario) -> list[Feature]:
    """Each series now, and so many hours ahead."""
    table: list[Feature] = []
    for name in seen(scenario):
        names = (name, *(f"{name}_in_{hours}h" for hours in HORIZONS_H))
        for column in names:
            year = weather_year(scenario)[:, len(table)]
            low = min(0.0, float(year.min()))
            table.append(Feature(column, SEEN[name].unit, low, float(year.max())))
    return table


def weather_window(scenario: Scenario, start_day: int) -> FloatArray:
    """What members see in an episode, (step, feature); no rows where they see none."""
    first = scenario.steps_per_day * start_day
    year = weather_year(scenario)
    return np.ascontiguousarray(year[first : first + scenario.steps])


@inner(forceinline=True)
def width_of(weather):  # type: ignore[no-untyped-def]
    """Features of the weather that members see."""
    return 0 if weather is None else weather.shape[2]


@inner(forceinline=True)
def show_weather(weather, t, w, i, place, out):  # type: ignore[no-untyped-def]
    """Write what all members see of the weather; nothing where that is None."""
    if weather is None:
        return
    for c in range(weather.shape[2]):
        out[w, i, place + c] = weather[t, w, c]
