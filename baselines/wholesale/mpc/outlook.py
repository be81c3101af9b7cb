"""What may be expected of the day ahead, from the public part of an observation.

Forecasts of the net load are shown as means over five horizons. Between them the averages of
training days give the shape, and each stretch is moved so that all five means hold.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np

from p2p_market.data.calendar import DAYS_PER_YEAR
from p2p_market.records import FloatArray, Record
from p2p_market.wholesale.episode.expectation import MEAN_H, SERIES, expectation
from p2p_market.wholesale.episode.forecast import AHEAD_H, expected_shares
from p2p_market.wholesale.episode.load import working_factors
from p2p_market.wholesale.features import FORECASTS
from p2p_market.wholesale.rules.default import places
from p2p_market.wholesale.scenario import Scenario, build

BLOCK_H: Final = 0.25
"""Length of a step of a plan."""


@dataclass(frozen=True, slots=True)
class Outlook(Record):
    """The day ahead in steps of a plan."""

    firm_mw: FloatArray  # (step, consumer)
    flexible_mw: FloatArray  # (step, consumer)
    wind_mw: FloatArray  # (step,), what could be produced
    solar_mw: FloatArray  # (step,)


@lru_cache(maxsize=8)
def day_ahead(scenario: Scenario) -> Scenario:
    """The same system for a day, in steps of a plan."""
    longer = BLOCK_H / scenario.dt_h
    units = tuple(
        unit
        if unit.ramp_mw_per_step is None
        else unit.model_copy(update={"ramp_mw_per_step": unit.ramp_mw_per_step * longer})
        for unit in scenario.spec.generators
    )
    days = round(AHEAD_H / 24.0)
    changed = {"dt_h": BLOCK_H, "days": days, "steps": None, "generators": units}
    return build(scenario.spec.model_copy(update=changed))


@lru_cache(maxsize=8)
def first_forecasts(scenario: Scenario) -> FloatArray:
    """Forecasts of the net load before the first step, (day of the year, horizon) [MW]."""
    rows = []
    for day in range(DAYS_PER_YEAR):
        net = _net_load(scenario, day, len(_load(scenario, day)))
        rows.append([net[: _count(scenario, h)].mean() for h in MEAN_H])
    return np.array(rows)


def start_day(scenario: Scenario, role: str, seen: FloatArray) -> int:
    """Day of the year on which an episode starts, by the first forecasts.

    They are averages of training days. Days with the same averages are one to a planner.

    Args:
        seen: what an agent of the role sees before the first step, (feature,).
    """
    away = np.abs(first_forecasts(scenario) - _told(scenario, role, seen)).max(axis=1)
    return int(away.argmin())


def outlook(scenario: Scenario, role: str, seen: FloatArray, day: int, step: int) -> Outlook:
    """The day ahead, or what is left of the episode.

    Args:
        seen: what an agent of the role sees before the step, (feature,).
        day: of the year, on which the episode started.
    """
    at, steps = places(scenario, role), round(AHEAD_H / scenario.dt_h)
    left = scenario.steps - step
    ahead = slice(step, step + steps)
    load, shares = _load(scenario, day)[ahead], _shares(scenario, day)
    most = load.sum(axis=1)
    demand = shares["demand"][ahead].copy()
    if step > 0:
        before = _load(scenario, day)[step - 1].sum()
        away = seen[at["demand"]] / before - shares["demand"][step - 1]
        demand += away * _left(scenario, steps)
    demand = np.clip(demand, 0.0, 1.0)
    net = _net_load(scenario, day, step + steps)[step:]
    net = net + _moved(scenario, net, _told(scenario, role, seen))
    whole = _split(scenario, load * demand[:, None], most * demand - net, shares, ahead)
    return _first(whole, -(-left // round(BLOCK_H / scenario.dt_h)))


def _split(
    scenario: Scenario,
    load: FloatArray,
    renewable: FloatArray,
    shares: dict[str, FloatArray],
    ahead: slice,
) -> Outlook:
    """Loads and sources, in steps of a plan: sun as on training days, the rest is wind."""
    wind, solar = (_capacity(scenario, source) for source in ("wind", "solar"))
    shining = np.minimum(solar * shares["solar"][ahead], np.maximum(renewable, 0.0))
    blowing = np.clip(renewable - shining, 0.0, wind)
    dark = shares["solar"][ahead] <= 0.0
    shining = np.where(dark, 0.0, np.clip(renewable - blowing, 0.0, solar))
    spec = scenario.spec.consumers
    flexible = np.array([float(one.flexible_mw) for one in spec])
    both = flexible + np.array([float(one.firm_mw) for one in spec])
    share = flexible / np.maximum(both, 1e-9)
    return Outlook(
        firm_mw=_blocks(scenario, load * (1.0 - share)),
        flexible_mw=_blocks(scenario, load * share),
        wind_mw=_blocks(scenario, blowing),
        solar_mw=_blocks(scenario, shining),
    )


def _first(expected: Outlook, steps: int) -> Outlook:
    """The first steps of an outlook, at most all."""
    names = ("firm_mw", "flexible_mw", "wind_mw", "solar_mw")
    return replace(expected, **{name: getattr(expected, name)[:steps] for name in names})


def _told(scenario: Scenario, role: str, seen: FloatArray) -> FloatArray:
    first = places(scenario, role)[f"net_load_forecast_{FORECASTS[0]}"]
    return np.asarray(seen[first : first + len(FORECASTS)])


def _count(scenario: Scenario, horizon_h: float) -> int:
    return max(1, round(horizon_h / scenario.dt_h))


def _moved(scenario: Scenario, net: FloatArray, told: FloatArray) -> FloatArray:
    """What is added to each step so that the means over all horizons are those told."""
    added, first, total = np.zeros(len(net)), 0, 0.0
    for horizon_h, mean in zip(MEAN_H, told, strict=True):
        end = _count(scenario, horizon_h)
        if end > first:
            wanted = mean * end - total
            added[first:end] = (wanted - net[first:end].sum()) / (end - first)
            first, total = end, mean * end
    return added


def _left(scenario: Scenario, steps: int) -> FloatArray:
    """Share of a deviation of demand that is left in each step ahead, (step,)."""
    left = np.zeros(steps)
    if scenario.spec.data == "constant":
        return left
    means = expectation().left_of_mean[SERIES.index("demand")]
    return _moved(scenario, left, means)


@lru_cache(maxsize=64)
def _shares(scenario: Scenario, day: int) -> dict[str, FloatArray]:
    return expected_shares(scenario, day)


@lru_cache(maxsize=64)
def _load(scenario: Scenario, day: int) -> FloatArray:
    """Load of each consumer at the highest demand, (step of the longer clock, consumer) [MW]."""
    both = [float(one.firm_mw + one.flexible_mw) for one in scenario.spec.consumers]
    steps = len(_shares(scenario, day)["demand"])
    return np.asarray(working_factors(scenario, day, steps) * np.array(both))


def _net_load(scenario: Scenario, day: int, end: int) -> FloatArray:
    """Average net load of training days, (step,) [MW]."""
    shares = _shares(scenario, day)
    net = _load(scenario, day).sum(axis=1) * shares["demand"]
    for source in ("wind", "solar"):
        net = net - _capacity(scenario, source) * shares[source]
    return np.asarray(net[:end])


def _capacity(scenario: Scenario, source: str) -> float:
    units = scenario.spec.generators
    return float(sum(unit.max_mw for unit in units if unit.source == source))


def _blocks(scenario: Scenario, series: FloatArray) -> FloatArray:
    """Means over the steps of a plan."""
    size = round(BLOCK_H / scenario.dt_h)
    return np.asarray(series.reshape(len(series) // size, size, *series.shape[1:]).mean(axis=1))
