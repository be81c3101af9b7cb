"""Series of all markets beside day-ahead: synthetic, drawn on top of its prices, or the user's.

Their laws were fitted to German quarter-hours of 2024 and are scaled to the price year. What they
are in a step is the mean over its quarter-hours. Every quantity has a random stream of its own, by
seed and week.
"""

from typing import Any, Final

import numpy as np

from p2p_market.battery.episode import own
from p2p_market.battery.records import MARKET
from p2p_market.battery.scenario import Scenario
from p2p_market.compilation import kernel
from p2p_market.data.streams import stream
from p2p_market.records import FloatArray, IntArray
from p2p_market.track import EpisodeKey

STREAMS: Final = (
    "auction", "intraday hours", "intraday quarters", "system", "imbalance", "afrr up",
    "afrr down", "mfrr", "capacity up", "capacity down", "marginal", "activation",
)  # fmt: skip
"""Places of the random streams below the seed of an episode; the order is part of the law."""

SAW_TOOTH: Final = np.array([-0.70, -0.17, 0.22, 0.65])
"""Of each quarter of an hour, over the ramp of hourly prices."""
CAPACITY_UP: Final = np.array([4.9, 9.6, 17.0, 10.1, 21.3, 15.9])
CAPACITY_DOWN: Final = np.array([7.4, 6.3, 13.5, 26.6, 8.7, 2.5])
"""Mean price of reserve in each block of four hours [EUR/MW/h]."""
INTRADAY_RANGE: Final = (-500.0, 1000.0)
BALANCING_RANGE: Final = (-1000.0, 1000.0)
MOST_CAPACITY: Final = 500.0
MW_PER_EUR: Final = 6.0  # imbalance of the system over its part of the imbalance price
MOST_IMBALANCE_MW: Final = 2500.0
MARGINAL_MEAN, MARGINAL_PERSISTENCE, MARGINAL_SPREAD = 0.2104, 0.7, 0.25
"""Of the logarithm of the marginal ratio, an autoregression by the hour."""
ACTIVATION: Final = 0.15
BUSY_HOURS, BUSY, LARGE_MW, LARGE = (17, 21), 1.3, 500.0, 1.5
"""Reserve is called more often in the evening, and in a system that is far out of balance."""
NO_CALL_HOUR: Final = 23
BALTIC_SHARES, BALTIC_PERSISTENCE = np.array([0.32, 0.48]), 0.65
"""Of quarter-hours called up and down in a thin system, and the chance that a state stays as it is:
41 % of hours are called up and 51 % down, as in the Baltic system of 2025."""


def draw_market(scenario: Scenario, key: EpisodeKey, day_ahead: FloatArray) -> FloatArray:
    """All columns of `MARKET`, from a step before the first to one after the last, (step, column).

    Args:
        day_ahead: hourly prices from a day before the episode to a day after it.
    """
    root = np.random.SeedSequence([key.seed, key.start_day])
    streams = {name: stream(root, place) for place, name in enumerate(STREAMS)}
    quarters = _quarters(scenario, streams, day_ahead)
    quarters |= own.conditions(scenario, key.start_day, 4 * len(day_ahead))
    per_step = 4 // scenario.per_hour
    mean = {name: one.reshape(-1, per_step).mean(axis=1) for name, one in quarters.items()}
    hour = np.arange(len(mean["day_ahead"])) // scenario.per_hour % 24
    imbalance = np.round(mean["imbalance"], 1)
    columns = {
        "day_ahead": np.round(mean["day_ahead"], 2),
        "intraday": np.round(np.clip(mean["intraday"], *INTRADAY_RANGE), 2),
        "imbalance": imbalance,
        "afrr_up": np.round(np.minimum(mean["afrr_up"], BALANCING_RANGE[1]), 2),
        "afrr_down": np.round(np.minimum(mean["afrr_down"], BALANCING_RANGE[1]), 2),
        "mfrr_up": np.round(np.clip(mean["mfrr_up"], *BALANCING_RANGE), 2),
        "mfrr_down": np.round(np.clip(mean["mfrr_down"], *BALANCING_RANGE), 2),
        "activation": _activation(streams["activation"], hour, imbalance),
    }
    away = np.abs(columns["intraday"] - columns["day_ahead"])
    columns["spread"] = np.round(np.maximum(1.0, 2.0 + 0.06 * np.append(0.0, away[:-1])), 2)
    calls = (mean["up"] > 0.0) | (mean["down"] > 0.0)
    call = np.where(calls, np.where(mean["up"] >= mean["down"], 1.0, -1.0), 0.0)
    columns["mfrr_call"] = call
    hours = len(day_ahead)
    columns |= {
        name: np.repeat(values, scenario.per_hour)
        for name, values in {
            "marginal": _marginal(streams["marginal"], hours),
            "afrr_cap_up": _capacity(scenario, streams["capacity up"], CAPACITY_UP, 0.93, 0.65),
            "afrr_cap_down": _capacity(
                scenario, streams["capacity down"], CAPACITY_DOWN, 0.91, 0.80
            ),
        }.items()
    }
    columns |= own.columns(scenario, key.start_day, 4 * hours)
    if scenario.spec.mfrr == "always":
        columns["mfrr_call"] = np.full_like(call, 2.0)
    columns["mfrr_call"] = np.where(hour == NO_CALL_HOUR, 0.0, columns["mfrr_call"])
    first = 24 * scenario.per_hour - 1
    table = np.stack([columns[name] for name in MARKET], axis=-1)
    return np.ascontiguousarray(table[first : first + scenario.steps + 2])


def _quarters(
    scenario: Scenario, streams: dict[str, np.random.Generator], day_ahead: FloatArray
) -> dict[str, FloatArray]:
    """Prices and states by the quarter-hour.

    Deviations from day-ahead are drawn as in 2024; the scale of the price year comes last.
    """
    scale, hours = scenario.scale, len(day_ahead)
    n, level = 4 * hours, np.repeat(day_ahead, 4)
    ramp = np.append(day_ahead[1:], day_ahead[-1]) - np.append(day_ahead[0], day_ahead[:-1])
    generator = streams["auction"]
    noise = generator.normal(0.0, 17.0, (hours, 4))
    noise -= noise.mean(axis=1, keepdims=True)
    tooth = (ramp / scale).clip(-150.0, 150.0)[:, None] * SAW_TOOTH
    auction = (tooth + noise).ravel() + np.repeat(generator.normal(0.0, 11.0, hours), 4)
    hourly = 30.0 * _wandering(_heavy(streams["intraday hours"], hours, 3.2), 0.72)
    quick = 24.0 * _wandering(_heavy(streams["intraday quarters"], n, 3.0), 0.5)
    intraday = 0.5 * auction + np.repeat(hourly, 4) + quick
    short = (np.cumsum(streams["system"].random(n) < 0.23) + 1) % 2 == 1
    size = _imbalance(streams["imbalance"], short)
    away = 0.35 * intraday + np.where(short, size, -size)
    up = 20.0 + 38.0 * _wandering(streams["afrr up"].standard_normal(n), 0.75)
    down = -31.0 + 34.0 * _wandering(streams["afrr down"].standard_normal(n), 0.75)
    up += 0.3 * away.clip(-120.0, 400.0)
    down += 0.3 * away.clip(-220.0, 120.0)
    priced = streams["afrr up"].random(n) > 0.012, streams["afrr down"].random(n) > 0.05
    dear, cheap, called_up, called_down = _balancing(scenario, streams["mfrr"], short, away)
    megawatts = np.minimum(MW_PER_EUR * size, MOST_IMBALANCE_MW)
    return {
        "day_ahead": level,
        "intraday": level + scale * intraday,
        "imbalance": np.where(short, megawatts, -megawatts),
        "afrr_up": np.maximum(level + scale * up, 0.0) * priced[0],
        "afrr_down": np.maximum(level + scale * down, 0.0) * priced[1],
        "mfrr_up": level + scale * dear,
        "mfrr_down": level - scale * cheap,
        "up": called_up,
        "down": called_down,
    }


def _imbalance(generator: np.random.Generator, short: Any) -> FloatArray:
    """The random part of the imbalance price, with rare extremes, (quarter,) [EUR/MWh]."""
    logarithm = 0.88 * _wandering(generator.standard_normal(len(short)), 0.75)
    size = np.exp(np.where(short, 3.75, 3.95) + logarithm)
    rare = generator.random(len(short)) < 0.008
    extreme = np.clip(2.0 + generator.pareto(0.9, len(short)), 1.0, 80.0)
    return np.asarray(np.where(rare, size * extreme, size))


def _balancing(
    scenario: Scenario, generator: np.random.Generator, short: Any, away: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """mFRR: distance of up and down prices from day-ahead, and in which quarters it is called."""
    n = len(away)
    chance, shocks = generator.random((2, n)), generator.standard_normal((2, n))
    if scenario.spec.mfrr == "baltic":
        state = _states(chance, np.cumsum(BALTIC_SHARES), BALTIC_PERSISTENCE)
        dear, cheap = np.exp(4.48 + 0.80 * shocks[0]), np.exp(4.66 + 0.60 * shocks[1])
        return dear, cheap, (state == 0).astype(float), (state == 1).astype(float)
    dear, cheap = np.exp(4.5 + 0.8 * shocks[0]), np.exp(4.6 + 0.55 * shocks[1])
    up = short & (away > 90.0) & (chance[0] < 0.06)
    down = ~short & (away < -110.0) & (chance[0] < 0.06)
    up, down = (one | np.append(False, one[:-1]) for one in (up, down))
    return dear, cheap, up.astype(float), down.astype(float)


@kernel
def _states(chance, ends, persistence):  # type: ignore[no-untyped-def]
    """States of a Markov chain, (step,): it stays, or draws a new state from the shares."""
    states = np.empty(chance.shape[1], dtype=np.int64)
    for t in range(chance.shape[1]):
        if t > 0 and chance[0, t] < persistence:
            states[t] = states[t - 1]
        else:
            states[t] = np.searchsorted(ends, chance[1, t])
    return states


def _activation(
    generator: np.random.Generator, hour: IntArray, imbalance_mw: FloatArray
) -> FloatArray:
    """Whether reserve is called: up where the system is short, else down."""
    busy = (hour >= BUSY_HOURS[0]) & (hour <= BUSY_HOURS[1])
    chance = ACTIVATION * np.where(busy, BUSY, 1.0)
    chance = chance * np.where(np.abs(imbalance_mw) > LARGE_MW, LARGE, 1.0)
    called = generator.random(len(hour)) < chance
    return np.where(called, np.where(imbalance_mw > 0.0, 1.0, -1.0), 0.0)


def _marginal(generator: np.random.Generator, hours: int) -> FloatArray:
    """Highest accepted price over the reference price, (hour,)."""
    wandering = _wandering(generator.standard_normal(hours), MARGINAL_PERSISTENCE)
    return np.asarray(np.round(np.exp(MARGINAL_MEAN + MARGINAL_SPREAD * wandering), 4))


def _capacity(
    scenario: Scenario,
    generator: np.random.Generator,
    blocks: FloatArray,
    persistence: float,
    spread: float,
) -> FloatArray:
    """Reference price of reserve capacity, (hour,) [EUR/MW/h]; the daily factor has mean one."""
    days = scenario.spec.days + 2
    daily = _wandering(generator.standard_normal(days), persistence)
    factor = scenario.scale * np.exp(spread * daily - 0.5 * spread * spread)
    price = np.minimum(factor[:, None] * blocks, MOST_CAPACITY)
    return np.asarray(np.repeat(np.round(price.ravel(), 2), 4))


def _heavy(generator: np.random.Generator, count: int, freedom: float) -> FloatArray:
    """Shocks of Student's law with unit variance."""
    return np.asarray(generator.standard_t(freedom, count) * np.sqrt((freedom - 2.0) / freedom))


@kernel
def _wandering(shocks, persistence):  # type: ignore[no-untyped-def]
    """First-order autoregression with unit variance, stationary from the start."""
    gain = np.sqrt(1.0 - persistence * persistence)
    out = np.empty_like(shocks)
    out[0] = shocks[0]
    for t in range(1, shocks.shape[0]):
        out[t] = persistence * out[t - 1] + gain * shocks[t]
    return out
