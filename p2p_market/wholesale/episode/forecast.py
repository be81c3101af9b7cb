"""What agents are told about the hours ahead, computed when an episode is drawn.

Row t of a table stands before step t, the last row after the end. Of what is drawn only the steps
that have passed are looked at.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from p2p_market.data.calendar import QUARTERS_PER_DAY
from p2p_market.records import FloatArray
from p2p_market.wholesale.episode.expectation import MEAN_H, POINT_H, SERIES, expectation
from p2p_market.wholesale.episode.load import working_factors
from p2p_market.wholesale.records import LEVELS_EUR_PER_MWH
from p2p_market.wholesale.scenario import Scenario

AHEAD_H: Final = 24.0
"""How far the clock runs beyond the end."""


def forecasts(
    scenario: Scenario, start_day: int, shares: Mapping[str, FloatArray], available_mw: FloatArray
) -> dict[str, FloatArray]:
    """Forecasts of an episode, under their names in `Episode` and without its batch axis.

    Args:
        shares: what came, series -> (step,).
        available_mw: of units, (step, generator).
    """
    expected = expected_shares(scenario, start_day)
    load = _loads(scenario, start_day)
    ahead = {name: _means(scenario, expected[name], shares[name], name) for name in SERIES}
    capacity = {source: _capacity(scenario, source) for source in ("wind", "solar")}
    whole = np.stack([_mean_ahead(scenario, load.sum(axis=1), h) for h in MEAN_H], axis=1)
    net = whole * ahead["demand"]
    for source, most in capacity.items():
        net = net - most * ahead[source]
    told = {
        "net_load_forecast_mw": net,
        "available_forecast_mw": _available(scenario, ahead, available_mw),
        "load_forecast_mw": _consumers(scenario, load, expected["demand"], shares["demand"]),
        "expected_price_eur_per_mwh": _prices(scenario, load, expected),
    }
    return {name: np.round(values, 3) for name, values in told.items()}


def expected_shares(scenario: Scenario, start_day: int) -> dict[str, FloatArray]:
    """Averages of training days, from the first step to a day after the last, (step,)."""
    steps = _clock(scenario)
    if scenario.spec.data == "constant":
        return {name: np.ones(steps) for name in SERIES}
    known = expectation()
    middle_h = (np.arange(steps) + 0.5) * scenario.dt_h + 24.0 * start_day
    quarter_h = (np.arange(QUARTERS_PER_DAY * 365) + 0.5) / 4.0
    return {name: np.interp(middle_h, quarter_h, known.of(name)) for name in SERIES}


def _clock(scenario: Scenario) -> int:
    return scenario.steps + round(AHEAD_H / scenario.dt_h)


def _away(scenario: Scenario, expected: FloatArray, came: FloatArray) -> FloatArray:
    """How far the step before was from its average, (step + 1, 1); before the first one 0."""
    return np.concatenate([[0.0], came - expected[: scenario.steps]])[:, None]


def _left(scenario: Scenario, name: str, horizons: str) -> FloatArray:
    """Share of a deviation that is left at each horizon."""
    if scenario.spec.data == "constant":
        return np.zeros(1)
    left: FloatArray = getattr(expectation(), horizons)[SERIES.index(name)]
    return left


def _means(scenario: Scenario, expected: FloatArray, came: FloatArray, name: str) -> FloatArray:
    """Forecast means of a series as shares, (step + 1, horizon of MEAN_H)."""
    average = np.stack([_mean_ahead(scenario, expected, h) for h in MEAN_H], axis=1)
    left = _away(scenario, expected, came) * _left(scenario, name, "left_of_mean")
    return np.clip(average + left, 0.0, 1.0)


def _mean_ahead(scenario: Scenario, series: FloatArray, horizon_h: float) -> FloatArray:
    """Mean of a series on the longer clock from each step on, (step + 1,)."""
    count = max(1, round(horizon_h / scenario.dt_h))
    sums = np.concatenate([[0.0], np.cumsum(series)])
    first = np.arange(scenario.steps + 1)
    return np.asarray((sums[first + count] - sums[first]) / count)


def _loads(scenario: Scenario, start_day: int) -> FloatArray:
    """Load of each consumer at the highest demand, (step of the longer clock, consumer)."""
    both = [float(one.firm_mw + one.flexible_mw) for one in scenario.spec.consumers]
    return np.asarray(working_factors(scenario, start_day, _clock(scenario)) * both)


def _capacity(scenario: Scenario, source: str) -> float:
    units = scenario.spec.generators
    return float(sum(unit.max_mw for unit in units if unit.source == source))


def _available(
    scenario: Scenario, ahead: Mapping[str, FloatArray], available_mw: FloatArray
) -> FloatArray:
    """Of inverters the forecast, of others what is there now, (step + 1, generator, horizon)."""
    now = np.vstack([available_mw, available_mw[-1:]])
    told = np.repeat(now[:, :, None], len(MEAN_H) - 1, axis=2)
    for place, unit in enumerate(scenario.spec.generators):
        if unit.source is not None:
            told[:, place] = float(unit.max_mw) * ahead[unit.source][:, 1:]
    return told


def _consumers(
    scenario: Scenario, load: FloatArray, expected: FloatArray, came: FloatArray
) -> FloatArray:
    """Firm and flexible load now, flexible load later, (step + 1, consumer, 4)."""
    left = _away(scenario, expected, came) * _left(scenario, "demand", "left_of_point")
    left = np.broadcast_to(left, (len(left), len(POINT_H)))
    firm = np.array([float(one.firm_mw) for one in scenario.spec.consumers])
    share = firm / np.maximum(load[0] / working_factors(scenario, 0, 1)[0], 1e-9)
    totals = []
    for place, horizon_h in enumerate(POINT_H):
        ahead = 0 if place == 0 else round(horizon_h / scenario.dt_h)
        at = slice(ahead, ahead + scenario.steps + 1)
        totals.append(np.clip(expected[at] + left[:, place], 0.0, 1.0)[:, None] * load[at])
    return np.stack([totals[0] * share, *(one * (1.0 - share) for one in totals)], axis=2)


def _prices(scenario: Scenario, load: FloatArray, expected: Mapping[str, FloatArray]) -> FloatArray:
    """Bid of the unit that serves the last of the expected net load, (step + 1,)."""
    net = load.sum(axis=1) * expected["demand"]
    for source in ("wind", "solar"):
        net = net - _capacity(scenario, source) * expected[source]
    return marginal_bids(scenario, net[: scenario.steps + 1])


def marginal_bids(scenario: Scenario, net_load_mw: FloatArray) -> FloatArray:
    """Bid of the last unit that truthful offers would call, in the shape of the net load.

    Storages and ramps are left out; without a need for thermal units it is the lowest bid.
    """
    fleet, levels = scenario.fleet, np.array(LEVELS_EUR_PER_MWH)
    units = [place for place in np.argsort(fleet.cost, kind="stable") if fleet.thermal[place]]
    if not units:
        return np.full(net_load_mw.shape, levels[0])
    reach, bids = np.cumsum(fleet.max_mw[units]), levels[fleet.truthful[units]]
    chosen = np.minimum(np.searchsorted(reach, net_load_mw), len(bids) - 1)
    return np.asarray(np.where(net_load_mw > 0.0, bids[chosen], levels[0]))
