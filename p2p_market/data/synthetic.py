"""The seeded generator: a year of prices, weather, CO2 and load donors of an invented country.

Numbers of `docs/data.md`; no file is read. One random stream per quantity and per donor, so that
another donor changes none of the others. Everything is rounded when it is done, far coarser than
the last digits in which mathematical libraries differ.
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from p2p_market.data.calendar import DAYS_PER_YEAR, QUARTERS_PER_DAY, season
from p2p_market.data.synthetic_tables import (
    CLEARNESS_BY_MONTH,
    FIRM_SHAPE,
    HOUSEHOLD_SHAPE,
    PRICE_SHAPE,
)
from p2p_market.records import FloatArray

VERSION: Final = 1  # of the law: when a number below changes, seeds mean something else
HOMES: Final = 64
FIRMS: Final = 16
SHAPE_STEP: Final = 5e-4  # of load shapes, whose mean is one
QUARTERS: Final = DAYS_PER_YEAR * QUARTERS_PER_DAY
HOURS: Final = DAYS_PER_YEAR * 24
LATITUDE: Final = math.radians(51.3)

_STREAMS: Final = (
    "sun", "wind", "price days", "price hours", "home", "firm", "feeder", "price weeks",
)  # fmt: skip
Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class PriceLaw:
    """Day-ahead price: `level + scale * sinh(shape + days + hours)`, times a slow factor."""

    level_eur_per_mwh: float
    scale_eur_per_mwh: float
    slow_spread: float = 0.0  # of the logarithm of the factor that wanders over weeks
    day_spread: float = 0.50
    hour_spread: float = 0.33


PRICE_LAWS: Final = {
    "synthetic": PriceLaw(80.0, 40.0),  # after Germany 2024
    "synthetic-crisis": PriceLaw(248.0, 66.0, slow_spread=0.40),  # after the Netherlands 2022
}
"""Name of a price law -> its parameters."""


def stream(seed: int, name: str, entity: int = 0) -> np.random.Generator:
    """Random stream of one quantity, and of one donor of it."""
    root = np.random.SeedSequence([seed, _STREAMS.index(name), entity])
    return np.random.Generator(np.random.PCG64(root))


def generate(seed: int, homes: int = HOMES, firms: int = FIRMS) -> Arrays:
    """All arrays of the set `synthetic:<seed>`, named as those of the embedded one."""
    clearness, wind = sun(seed), wind_power(seed)
    shapes = np.concatenate([households(seed, homes), businesses(seed, firms)])
    kinds = ["household"] * homes + ["commercial"] * firms
    names = [f"home-{i}" for i in range(homes)] + [f"firm-{i}" for i in range(firms)]
    return {
        "day_ahead_eur_per_mwh": prices(seed, "synthetic"),
        "co2_g_per_kwh": co2_intensity(clearness, wind),
        "solar_clearness": clearness,
        "wind_fraction": wind,
        "summer_time": summer_time(),
        "donor_synthetic_shape": np.round(shapes / SHAPE_STEP).astype(np.uint16),
        "donor_synthetic_scale": np.full(len(shapes), SHAPE_STEP),
        "donor_synthetic_name": np.array(names),
        "donor_synthetic_kind": np.array(kinds),
        "donor_synthetic_year": np.array([2018, 0]),
        "building_name": np.array([], dtype="<U1"),
        "heat_w": np.zeros((0, QUARTERS), dtype=np.uint16),
        "hot_water_w": np.zeros((0, QUARTERS), dtype=np.uint16),
        **feeder(seed),
    }


def prices(seed: int, law: str) -> NDArray[np.float32]:
    """Day-ahead price of every hour, (hour,) [EUR/MWh], rounded to a cent.

    The daily part follows the wind with a correlation of -0.69, the rest is noise of its own.
    """
    parameters = PRICE_LAWS[law]
    day = np.arange(DAYS_PER_YEAR)
    rows = 2 * season(day) + (day % 7 > 4)
    days = autoregression(stream(seed, "price days").standard_normal(len(day)), 0.66)
    windy = _wind_days(seed)
    daily = parameters.day_spread * (-0.69 * windy + math.sqrt(1.0 - 0.69**2) * days)
    shocks = stream(seed, "price hours").standard_t(7, HOURS) * math.sqrt(5.0 / 7.0)
    hourly = parameters.hour_spread * autoregression(shocks, 0.82)
    inner = PRICE_SHAPE[rows].ravel() + np.repeat(daily, 24) + hourly
    weeks = autoregression(stream(seed, "price weeks").standard_normal(len(day)), 0.97)
    slow = np.exp(parameters.slow_spread * weeks)
    slow /= slow.mean()
    price = parameters.level_eur_per_mwh + parameters.scale_eur_per_mwh * np.sinh(inner)
    limited = np.clip(np.repeat(slow, 24) * price, -500.0, 4000.0)
    return np.round(limited, 2).astype(np.float32)


def sun(seed: int) -> NDArray[np.float32]:
    """National clearness: 0 at night, 1 on the clearest days, (quarter,), rounded to 1e-4."""
    generator = stream(seed, "sun")
    latent = autoregression(generator.standard_normal(DAYS_PER_YEAR), 0.64)
    rank = 0.5 * (1.0 + np.array([math.erf(value / math.sqrt(2.0)) for value in latent]))
    month = np.minimum(np.arange(DAYS_PER_YEAR) * 12 // DAYS_PER_YEAR, 11)
    means = CLEARNESS_BY_MONTH[month]
    daily = np.array([_beta_quantile(r, m) for r, m in zip(rank, means, strict=True)])
    local = 0.08 * autoregression(generator.standard_normal(QUARTERS), 0.97)
    value = np.clip(np.repeat(daily, QUARTERS_PER_DAY) + local, 0.02, 1.1)
    return np.round(np.where(_height() > 0.0, value, 0.0), 4).astype(np.float32)


def wind_power(seed: int) -> NDArray[np.float32]:
    """Onshore wind power over its maximum of the year, (quarter,), rounded to 1e-4."""
    day = (np.arange(QUARTERS) + 0.5) / QUARTERS_PER_DAY
    latent = np.interp(day, np.arange(DAYS_PER_YEAR) + 0.5, _wind_days(seed))
    quick = autoregression(stream(seed, "wind", 1).standard_normal(QUARTERS), 0.99)
    yearly = 0.23 * np.cos(2.0 * np.pi * (day - 20.0) / DAYS_PER_YEAR)
    power = np.exp(0.63 * latent + 0.15 * quick + yearly)
    share: NDArray[np.float32] = np.round(power / power.max(), 4).astype(np.float32)
    return share


def _wind_days(seed: int) -> FloatArray:
    """Daily latent of the wind, unit variance; shared by power, CO2 and prices, (day,)."""
    return autoregression(stream(seed, "wind").standard_normal(DAYS_PER_YEAR), 0.54)


def co2_intensity(clearness: NDArray[np.float32], wind: NDArray[np.float32]) -> NDArray[np.uint16]:
    """745 - 892 times the share of wind and sun, (quarter,) [g/kWh], between 50 and 770."""
    solar = clearness.astype(np.float64) * np.maximum(_height(), 0.0)
    blowing = wind.astype(np.float64)
    share = 0.19 * blowing / blowing.mean() + 0.08 * solar / solar.mean()
    limited = np.clip(745.0 - 892.0 * share, 50.0, 770.0)
    rounded: NDArray[np.uint16] = np.round(limited).astype(np.uint16)
    return rounded


def _height() -> FloatArray:
    """Sine of the sun's height in the middle of each quarter-hour at UTC+1, (quarter,)."""
    hours = (np.arange(QUARTERS) + 0.5) / 4.0
    tilt = -np.radians(23.44) * np.cos(2.0 * np.pi * (hours / 24.0 + 10.0) / DAYS_PER_YEAR)
    angle = np.pi * ((hours - 0.4) % 24.0 - 12.0) / 12.0
    height: FloatArray = math.sin(LATITUDE) * np.sin(tilt) + math.cos(LATITUDE) * np.cos(
        tilt
    ) * np.cos(angle)
    return height


def summer_time() -> NDArray[np.bool_]:
    """25 March to 28 October, changing at 02:00 on the fixed grid, (quarter,)."""
    quarter = np.arange(QUARTERS)
    return (quarter >= 83 * 96 + 8) & (quarter < 300 * 96 + 8)


def households(seed: int, count: int) -> FloatArray:
    """Load shapes of homes on the local clock, mean one, (donor, day, quarter)."""
    shapes = np.stack([_home_shape(stream(seed, "home", i)) for i in range(count)], axis=1)
    rest = [stream(seed, "home", 1000 + i) for i in range(count)]
    shared = 0.08 * autoregression(stream(seed, "home", 10**6).standard_normal(DAYS_PER_YEAR), 0.30)
    days = 0.25 * autoregression(_columns(rest, DAYS_PER_YEAR), 0.30) + shared[:, None]
    daily = np.repeat(np.exp(days), QUARTERS_PER_DAY, axis=0)
    noise = np.exp(0.50 * autoregression(_columns(rest, QUARTERS), 0.85))
    events = np.stack([_appliances(g, shapes[:, i]) for i, g in enumerate(rest)], axis=1)
    power = 0.02 + 0.931 * shapes * noise / noise.mean(axis=0) * daily + events * np.sqrt(daily)
    return _finished(power)


def _home_shape(generator: np.random.Generator) -> FloatArray:
    """Mean load shape of one home by season and weekend, with its own times of day."""
    shift_h, morning, evening, midday = generator.normal(0.0, (0.8, 0.25, 0.22, 0.20))
    hour = np.arange(QUARTERS_PER_DAY) / 4.0
    table = np.stack(
        [np.interp(hour - 0.5 - shift_h, np.arange(24), row, period=24) for row in HOUSEHOLD_SHAPE]
    )
    bumps = (
        morning * np.exp(-(((hour - 7.5) / 2.0) ** 2))
        + evening * np.exp(-(((hour - 19.0) / 2.5) ** 2))
        + midday * np.exp(-(((hour - 13.0) / 2.5) ** 2))
    )
    day = np.arange(DAYS_PER_YEAR)
    year = (table * np.exp(bumps))[2 * season(day) + (day % 7 > 4)].ravel()
    shape: FloatArray = year / year.mean()
    return shape


def _appliances(generator: np.random.Generator, shape: FloatArray) -> FloatArray:
    """Power of cooking, washing and the like over the mean, (quarter,)."""
    density = np.cumsum(shape**1.6)
    count = int(generator.poisson(2.4 * DAYS_PER_YEAR))
    start = np.searchsorted(density, generator.random(count) * density[-1])
    end = np.minimum(start + generator.geometric(1.0 / 2.4, count), QUARTERS)
    height = np.round(1.0 + generator.gamma(3.0, 2.0 / 3.0, count), 6)
    steps = np.zeros(QUARTERS + 1)
    np.add.at(steps, start, height)
    np.add.at(steps, end, -height)
    power: FloatArray = np.maximum(np.cumsum(steps[:-1]), 0.0)
    return power


def businesses(seed: int, count: int) -> FloatArray:
    """Load shapes of small firms on the local clock, mean one, (donor, day, quarter)."""
    generators = [stream(seed, "firm", i) for i in range(count)]
    day = np.arange(DAYS_PER_YEAR)
    hour = np.arange(QUARTERS_PER_DAY) / 4.0
    columns = []
    for generator in generators:
        shift_h, weekend = generator.normal(0.0, 0.7), generator.uniform(0.4, 0.95)
        base = np.interp(hour - 0.5 - shift_h, np.arange(24), FIRM_SHAPE, period=24)
        columns.append((np.where(day % 7 > 4, weekend, 1.0)[:, None] * base).ravel())
    days = np.repeat(0.12 * autoregression(_columns(generators, len(day)), 0.4), 96, axis=0)
    noise = 0.18 * autoregression(_columns(generators, QUARTERS), 0.85)
    return _finished(np.stack(columns, axis=1) * np.exp(days + noise))


def _columns(generators: list[np.random.Generator], rows: int) -> FloatArray:
    return np.stack([generator.standard_normal(rows) for generator in generators], axis=1)


def _finished(power: FloatArray) -> FloatArray:
    """Mean one and at most 32 per donor, (donor, day, quarter)."""
    shape = np.minimum(power / power.mean(axis=0), 32.0)
    days: FloatArray = shape.T.reshape(-1, DAYS_PER_YEAR, QUARTERS_PER_DAY)
    return days


def feeder(seed: int) -> Arrays:
    """Four cables of 24 nodes, 15 to 35 m apart, one connection each; NAYY 4x150, 250 kVA."""
    nodes = 97
    length_km = np.zeros(nodes)
    spans_m = stream(seed, "feeder").uniform(15.0, 35.0, nodes - 1)
    length_km[1:] = np.round(spans_m) / 1000.0
    node = np.arange(nodes, dtype=np.int32)
    return {
        "feeder_parent": np.where(node == 0, -1, np.where(node % 24 == 1, 0, node - 1)),
        "feeder_length_km": length_km,
        "feeder_r_ohm": 0.207 * length_km,
        "feeder_x_ohm": 0.080 * length_km,
        "feeder_current_limit_a": np.where(node == 0, np.inf, 270.0),
        "feeder_load_node": node[1:],
        "feeder_transformer_kva": np.array(250.0),
    }


def autoregression(shocks: FloatArray, persistence: float) -> FloatArray:
    """First-order autoregression of unit variance down the first axis; starts in its law."""
    gain = math.sqrt(1.0 - persistence * persistence)
    out = np.empty_like(shocks)
    level = out[0] = shocks[0]
    for t in range(1, len(shocks)):
        level = persistence * level + gain * shocks[t]
        out[t] = level
    return out


def _beta_quantile(rank: float, mean: float, concentration: float = 4.7) -> float:
    """Quantile of a beta law by the trapezium rule; concentration after German clearness."""
    x = (np.arange(1000) + 0.5) / 1000.0
    density = x ** (mean * concentration - 1.0) * (1.0 - x) ** ((1.0 - mean) * concentration - 1.0)
    total = np.cumsum(density)
    return float(np.interp(rank, total / total[-1], x))
