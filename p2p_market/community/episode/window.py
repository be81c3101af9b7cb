"""What all episodes that start on one day have in common: everything that is not drawn."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Final

import numpy as np

from p2p_market.community.episode.measured import expected_measured_pv
from p2p_market.community.scenario.fuel import fuel_prices
from p2p_market.community.scenario.laws import expected_drift_kwh, expected_generation
from p2p_market.community.scenario.members import CLEARNESS_RANGE, CLOUD_SPREAD, ROOF_SPREAD
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.community.weather_view import weather_window
from p2p_market.data.calendar import QUARTERS_PER_DAY, calendar_features, local_quarters, step_means
from p2p_market.data.forecast import known_price_steps, load_expectation
from p2p_market.market.ticks import to_ticks
from p2p_market.records import FloatArray, IntArray, Record

KEPT_BYTES: Final = 2**28  # of the windows of one scenario; two are always kept


@dataclass(frozen=True, slots=True, eq=False)
class Window(Record):
    """Series of an episode's days, named as in `Episode`; those marked + run one day past the end.

    Floors and caps are those with the grid.
    """

    retail_eur_per_kwh: FloatArray  # (step, agent) +
    feed_in_eur_per_kwh: FloatArray  # (step, agent) +
    ask_floor_eur_per_kwh: FloatArray  # (step, agent)
    bid_cap_eur_per_kwh: FloatArray  # (step, agent)
    carbon_eur_per_kwh: FloatArray  # (step,)
    co2_kg_per_kwh: FloatArray  # (step,)
    calendar: FloatArray  # (step, 6)
    known_price_step: IntArray  # (step, horizon)
    expected_load_kw: FloatArray  # (step, agent) +
    load_spread_kw: FloatArray  # (step, agent) +
    expected_pv_kw: FloatArray  # (step, agent) +
    pv_spread_kw: FloatArray  # (step, agent) +
    pv_ceiling_kw: FloatArray  # (step, agent)
    expected_drift_kwh: FloatArray  # (step, agent, asset) +, of machines; or no rows
    weather: FloatArray  # (step, feature), as members see it; or no rows
    fuel_eur_per_kwh: FloatArray  # (step, agent), of fuel that is ordered; or no rows


def window(scenario: Scenario, start_day: int) -> Window:
    """The window of a scenario that starts on a day of the year, 0 = 1 January.

    Computed once; a scenario keeps the windows last used, as many as `KEPT_BYTES` can hold.
    """
    return _windows(scenario)(start_day)


@lru_cache(maxsize=8)
def _windows(scenario: Scenario) -> Callable[[int], Window]:
    rows, agents = scenario.steps + scenario.steps_per_day, len(scenario.agents)
    window_bytes = 8 * 9 * rows * agents  # nine series of floats per agent, more or less
    return lru_cache(maxsize=max(2, KEPT_BYTES // window_bytes))(partial(_compute, scenario))


def _compute(scenario: Scenario, start_day: int) -> Window:
    """All series at once, quantised to 1 W, 1 tick and 1 g/kWh."""
    spec, data, steps = scenario.spec, scenario.data, scenario.steps
    first = QUARTERS_PER_DAY * start_day
    quarter = slice(first, first + QUARTERS_PER_DAY * (spec.days + 1))
    inside = slice(first, first + QUARTERS_PER_DAY * spec.days)
    local = local_quarters(data.summer_time)[quarter]
    clock = step_means(local[: QUARTERS_PER_DAY * spec.days].astype(np.float64), spec.dt_h)
    tick, fee = spec.tick_eur_per_kwh, scenario.network_fee_eur_per_kwh

    def watts(series: FloatArray) -> FloatArray:
        """Means over the quarter-hours of each step, to 1 W."""
        return np.round(step_means(series, spec.dt_h), 3)

    def price(year: FloatArray) -> FloatArray:
        """What members pay or are paid under their contracts, on ticks."""
        own = np.take(year[quarter], scenario.contract_of, axis=1)
        return to_ticks(step_means(own, spec.dt_h), tick)

    retail = price(scenario.retail_eur_per_kwh)
    feed_in = price(scenario.feed_in_eur_per_kwh)
    co2 = np.round(step_means(data.co2_g_per_kwh[inside], spec.dt_h)) / 1000.0
    carbon = to_ticks(spec.carbon_eur_per_kg * co2, tick)
    scale = np.array([node.scale_kw for node in scenario.demand])
    expected_pv, pv_spread = _expected_pv(scenario, quarter)
    plants = expected_generation(scenario, start_day, spec.days + 1)
    return Window(
        retail_eur_per_kwh=retail,
        feed_in_eur_per_kwh=feed_in,
        ask_floor_eur_per_kwh=to_ticks(feed_in[:steps] + fee, tick),
        bid_cap_eur_per_kwh=to_ticks(retail[:steps] + carbon[:, None] - fee, tick),
        carbon_eur_per_kwh=carbon,
        co2_kg_per_kwh=co2,
        calendar=calendar_features(clock),
        known_price_step=_known_prices(scenario, local),
        expected_load_kw=watts(scale * load_expectation(scenario.expected_load, local)),
        load_spread_kw=watts(scale * load_expectation(scenario.load_spread, local)),
        expected_pv_kw=watts(expected_pv) + plants.mean_kw,
        pv_spread_kw=watts(pv_spread) + plants.spread_kw,
        pv_ceiling_kw=watts(CLEARNESS_RANGE[1] * scenario.clear_sky_kw(inside))
        + np.ceil(1000.0 * scenario.generation_peak_kw) / 1000.0,
        expected_drift_kwh=expected_drift_kwh(scenario, start_day, spec.days + 1),
        weather=weather_window(scenario, start_day),
        fuel_eur_per_kwh=fuel_prices(scenario, start_day),
    )


def _known_prices(scenario: Scenario, local_quarter: IntArray) -> IntArray:
    per_step = round(4 * scenario.dt_h)
    hours = (local_quarter[::per_step] - local_quarter[0] // 96 * 96) / 4.0
    return known_price_steps(hours, scenario.steps, scenario.steps_per_day)


def _expected_pv(scenario: Scenario, quarter: slice) -> tuple[FloatArray, FloatArray]:
    """Expected PV power and its standard deviation, (quarter, agent) [kW]."""
    cycle = np.minimum(np.arange(quarter.start, quarter.stop) // (28 * QUARTERS_PER_DAY), 12)
    clear = scenario.clear_sky_kw(quarter)
    mean = scenario.expected_clearness[cycle][:, None]
    local = CLOUD_SPREAD**2 + ROOF_SPREAD**2
    spread = np.sqrt(scenario.clearness_spread[cycle] ** 2 + local)[:, None]
    expected_kw, spread_kw = clear * mean, clear * spread
    of_day = np.arange(quarter.start, quarter.stop) % QUARTERS_PER_DAY
    roofs = expected_measured_pv(scenario)
    expected_kw[:, roofs.agents] = roofs.mean_kw[cycle, of_day]
    spread_kw[:, roofs.agents] = roofs.spread_kw[cycle, of_day]
    return expected_kw, spread_kw
