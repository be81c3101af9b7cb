"""An episode: load, wind, sun, outages and voltage of the high side, drawn at reset."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from p2p_market.data import system
from p2p_market.data.calendar import QUARTERS_PER_DAY, SPLIT_DAYS, start_days
from p2p_market.data.streams import stream
from p2p_market.data.synthetic import autoregression
from p2p_market.kit.episodes import Drawn, keys_of
from p2p_market.records import FloatArray
from p2p_market.track import EpisodeKey
from p2p_market.wholesale.episode.forecast import forecasts
from p2p_market.wholesale.episode.load import load_mw, working_day
from p2p_market.wholesale.episode.outages import draw_outages
from p2p_market.wholesale.scenario import Scenario

STREAMS: Final = ("demand", "wind", "solar", "fluctuation", "high voltage", "outages")
"""Places of the random streams below the seed of an episode; the order is part of the law."""

PERSISTENCE: Final = {"demand": 0.9, "wind": 0.97, "solar": 0.9, "high voltage": 0.995}
"""From step to step of five minutes."""
MOST_HIGH_VOLTAGE: Final = 0.03  # pu away from 1


PHYSICAL: Final = (
    "available_mw", "must_mw", "trips", "firm_mw", "flexible_mw", "fluctuation_mw",
    "damping_mw_per_hz", "high_voltage_pu",
)  # fmt: skip
"""What the cost of a schedule depends on."""

TOLD: Final = (
    "net_load_forecast_mw", "available_forecast_mw", "load_forecast_mw",
    "expected_price_eur_per_mwh", "clock",
)  # fmt: skip
"""What agents are told; row t stands before step t."""


@dataclass(frozen=True, slots=True)
class Episode(Drawn):
    """All that is random, rounded to 1 kW and 0.001 pu."""

    BATCH_AXIS: ClassVar[Mapping[str, int]] = dict.fromkeys((*PHYSICAL, *TOLD), 0)

    available_mw: FloatArray  # (batch, step, generator)
    must_mw: FloatArray  # (batch, step, generator), least output
    trips: FloatArray  # (batch, step, generator), 1 where the unit is lost at the end of the step
    firm_mw: FloatArray  # (batch, step, consumer)
    flexible_mw: FloatArray  # (batch, step, consumer), without what comes back
    fluctuation_mw: FloatArray  # (batch, step), amplitude of fast fluctuation
    damping_mw_per_hz: FloatArray  # (batch, step), of the load
    high_voltage_pu: FloatArray  # (batch, step)
    net_load_forecast_mw: FloatArray  # (batch, step + 1, horizon of MEAN_H), mean from now on
    available_forecast_mw: FloatArray  # (batch, step + 1, generator, horizon but the first)
    load_forecast_mw: FloatArray  # (batch, step + 1, consumer, 4): firm, flexible now; in 1 h, 3 h
    expected_price_eur_per_mwh: FloatArray  # (batch, step + 1), of truthful offers
    clock: FloatArray  # (batch, step + 1, 4): sine and cosine of the time of day, working day,
    # share of the episode that is left


def keys(scenario: Scenario, split: str, seed: int) -> tuple[tuple[EpisodeKey, ...], ...]:
    """Episodes of a split that lie inside it.

    Raises:
        ScenarioError: if there is no such split.
    """
    days = {name: start_days(name, scenario.spec.days).tolist() for name in SPLIT_DAYS}
    return keys_of(days, split, seed)


def draw(scenario: Scenario, key: EpisodeKey) -> Episode:
    """Draw one episode (a batch of one)."""
    root = np.random.SeedSequence([key.seed, key.start_day])
    streams = {name: stream(root, place) for place, name in enumerate(STREAMS)}
    shares = drawn_shares(scenario, key.start_day, streams)
    available, must, trips = _generation(scenario, shares, streams["outages"])
    firm, flexible = load_mw(scenario, key.start_day, shares["demand"])
    load = firm.sum(axis=1) + flexible.sum(axis=1)
    arrays = {
        "available_mw": available,
        "must_mw": must,
        "trips": trips,
        "firm_mw": firm,
        "flexible_mw": flexible,
        "fluctuation_mw": _fluctuation(scenario, load, shares, streams["fluctuation"]),
        "damping_mw_per_hz": scenario.rules.damping * load,
        "high_voltage_pu": _high_voltage(scenario, streams["high voltage"]),
        "clock": _clock(scenario, key.start_day),
    } | forecasts(scenario, key.start_day, shares, available)
    return Episode((key,), **{name: values[None] for name, values in arrays.items()})


def drawn_shares(
    scenario: Scenario, start_day: int, streams: Mapping[str, np.random.Generator]
) -> dict[str, FloatArray]:
    """Demand, wind and solar as shares of their highest, with five-minute noise, (step,)."""
    shares = {}
    for name, quarters in measured(scenario, start_day).items():
        spread = getattr(scenario.spec.draws, name)
        shocks = streams[name].standard_normal(scenario.steps)
        noise = spread * autoregression(shocks, PERSISTENCE[name])
        shares[name] = np.clip(quarters * (1.0 + noise), 0.0, 1.0)
    return shares


def measured(scenario: Scenario, start_day: int) -> dict[str, FloatArray]:
    """The quarter-hours of the data as a line through their middles, (step,)."""
    steps, dt_h = scenario.steps, scenario.dt_h
    if scenario.spec.data == "constant":
        return {name: np.ones(steps) for name in ("demand", "wind", "solar")}
    year = system.load()
    middle_h = (np.arange(steps) + 0.5) * dt_h + 24.0 * start_day
    quarter_h = (np.arange(QUARTERS_PER_DAY * 365) + 0.5) / 4.0
    columns = {
        "demand": year.demand_fraction,
        "wind": year.wind_fraction,
        "solar": year.solar_fraction,
    }
    return {name: np.interp(middle_h, quarter_h, values) for name, values in columns.items()}


def _generation(
    scenario: Scenario, shares: Mapping[str, FloatArray], generator: np.random.Generator
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Most and least output of each unit and where it trips, (step, generator)."""
    fleet, units = scenario.fleet, scenario.spec.generators
    available = np.tile(fleet.max_mw, (scenario.steps, 1))
    for place, unit in enumerate(units):
        if unit.source is not None:
            available[:, place] *= shares[unit.source]
    trips, limit = draw_outages(scenario, generator)
    available = np.minimum(np.round(available, 3), limit)
    must = np.minimum(np.array([float(unit.min_mw) for unit in units]), available)
    return available, must, trips


def _fluctuation(
    scenario: Scenario,
    load: FloatArray,
    shares: Mapping[str, FloatArray],
    generator: np.random.Generator,
) -> FloatArray:
    """Amplitude of fast fluctuation, (step,) [MW]."""
    draws, scale = scenario.spec.draws, generator.gamma(4.0, 0.25, scenario.steps)
    total = draws.fluctuation_demand * load
    for unit in scenario.spec.generators:
        if unit.source is not None:
            share = getattr(draws, f"fluctuation_{unit.source}")
            total = total + share * float(unit.max_mw) * shares[unit.source]
    return np.asarray(np.round(total * scale, 3))


def _high_voltage(scenario: Scenario, generator: np.random.Generator) -> FloatArray:
    shocks = generator.standard_normal(scenario.steps)
    away = scenario.spec.draws.high_voltage * autoregression(shocks, PERSISTENCE["high voltage"])
    return np.asarray(np.round(1.0 + np.clip(away, -MOST_HIGH_VOLTAGE, MOST_HIGH_VOLTAGE), 3))


def _clock(scenario: Scenario, start_day: int) -> FloatArray:
    """Time as agents see it, (step + 1, 4), rounded since sines differ between math libraries."""
    rows = np.arange(scenario.steps + 1)
    turn = 2.0 * np.pi * (rows * scenario.dt_h % 24.0) / 24.0
    working = working_day(scenario, start_day, scenario.steps + 1)
    left = 1.0 - rows / scenario.steps
    return np.round(np.stack([np.sin(turn), np.cos(turn), working, left], axis=1), 4)


def digest(scenario: Scenario, episode: Episode) -> str:
    """Of the scenario and of all that the cost of a schedule depends on; a batch of one."""
    known = hashlib.sha256(scenario.digest.encode())
    for name in PHYSICAL:
        known.update(getattr(episode, name).tobytes())
    return known.hexdigest()
