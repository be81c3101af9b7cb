"""What a battery sees: 58 numbers, most of them fixed when the episode is drawn."""

from functools import lru_cache
from math import erf, sqrt
from typing import Final

import numpy as np
from numba import njit

from p2p_market.battery.episode.market import (
    MARGINAL_MEAN,
    MARGINAL_PERSISTENCE,
    MARGINAL_SPREAD,
)
from p2p_market.battery.records import COLUMN
from p2p_market.battery.scenario import Scenario
from p2p_market.records import Float32Array, FloatArray
from p2p_market.track import Feature

AHEAD: Final = 12  # hours that are shown of prices and position
RECENT_H: Final = 4.0
LONGEST_H: Final = 24.0
DEAD_BAND_MW: Final = 100.0
PEAK_HOURS, SOLAR_HOURS = (17, 21), (9, 15)
BACK_H: Final = 48  # hours of prices before the episode

SOC, DISCHARGE, CHARGE, INTRADAY, POSITION, ACCEPTED = 0, 1, 2, 4, 13, 41
RECENT, QUIET, SELECTED, RISK, HOURS_LEFT = 43, 44, 45, 47, 51
"""Places of what depends on play, and of what the mask is read from."""


@lru_cache(maxsize=8)
def features(scenario: Scenario) -> tuple[Feature, ...]:
    """Name, unit and range of each number."""
    power, dt_h = float(scenario.fleet.power_mw.max()), scenario.dt_h
    price = (-500.0, 4000.0)
    return (
        Feature("soc", "1", 0.0, 1.0),
        Feature("max_discharge_power", "MW", 0.0, power),
        Feature("max_charge_power", "MW", 0.0, power),
        Feature("dam_price", "EUR/MWh", *price),
        Feature("intraday_price", "EUR/MWh", -600.0, 1100.0),
        Feature("bid_ask_spread", "EUR/MWh", 0.0, 500.0),
        Feature("mfrr_up_price", "EUR/MWh", -1000.0, 1000.0),
        Feature("mfrr_down_price", "EUR/MWh", -1000.0, 1000.0),
        Feature("mfrr_spread", "EUR/MWh", 0.0, 2000.0),
        *(Feature(name, "1", -1.0, 1.0) for name in ("hour_sin", "hour_cos", "day_sin", "day_cos")),
        Feature("current_dam_commitment", "MW", -power, power),
        *(Feature(f"next_dam_commitment_{k}", "MW", -power, power) for k in range(1, AHEAD + 1)),
        *(Feature(f"next_price_{k}", "EUR/MWh", *price) for k in range(1, AHEAD + 1)),
        Feature("afrr_cap_up_price", "EUR/MW/h", 0.0, 500.0),
        Feature("afrr_cap_down_price", "EUR/MW/h", 0.0, 500.0),
        Feature("imbalance_signal", "1", -1.0, 1.0),
        Feature("our_afrr_commitment", "MW", 0.0, power),
        Feature("selection_probability", "1", 0.0, 1.0),
        Feature("recent_activation", "1", 0.0, 1.0),
        Feature("hours_since_activation", "h", 0.0, LONGEST_H),
        Feature("is_currently_selected", "1", 0.0, 1.0),
        Feature("net_system_imbalance", "MW", -2500.0, 2500.0),
        Feature("shortfall_risk", "1", 0.0, 1.0),
        Feature("price_momentum", "1", -1.0, 1.0),
        Feature("trade_worthiness", "1", 0.0, 1.0),
        Feature("dam_gate_open", "1", 0.0, 1.0),
        Feature("intraday_hours_left", "h", dt_h, 24.0),
        Feature("afrr_hours_left", "h", dt_h, 4.0),
        Feature("mfrr_gate_open", "1", 0.0, 1.0),
        Feature("price_vs_typical", "1", -5.0, 5.0),
        Feature("is_peak_hour", "1", 0.0, 1.0),
        Feature("is_solar_hour", "1", 0.0, 1.0),
        Feature("hours_to_daily_max", "h", 0.0, 23.0),
    )


def calendar_table(scenario: Scenario, start_day: int, prices: FloatArray) -> Float32Array:
    """What day-ahead prices and clock show, (step + 1, feature); the rest is 0.

    Args:
        prices: day-ahead from `BACK_H` before the episode to a day after it, (hour,) [EUR/MWh].
    """
    names = {one.name: place for place, one in enumerate(features(scenario))}
    clock_h = np.arange(scenario.steps + 1) * scenario.dt_h
    hour = clock_h.astype(np.int64)
    at = BACK_H + hour
    of_day, day = hour % 24, start_day + hour // 24
    turn, week = 2.0 * np.pi * (clock_h % 24.0) / 24.0, 2.0 * np.pi * (day % 7) / 7.0
    window = np.lib.stride_tricks.sliding_window_view(prices, 24)[at - 23]
    mean, spread = window.mean(axis=1), window.std(axis=1)
    price, before = prices[at], prices[at - 6]
    today = prices[BACK_H:].reshape(-1, 24).argmax(axis=1)
    columns = {
        "dam_price": price,
        "hour_sin": np.sin(turn),
        "hour_cos": np.cos(turn),
        "day_sin": np.sin(week),
        "day_cos": np.cos(week),
        "price_momentum": np.clip((price - before) / (np.abs(before) + 1.0), -1.0, 1.0),
        "trade_worthiness": np.minimum(1.0, spread / 50.0),
        "dam_gate_open": of_day < scenario.spec.dam_gate_hour,
        "intraday_hours_left": 24.0 - clock_h % 24.0,
        "afrr_hours_left": 4.0 - clock_h % 4.0,
        "mfrr_gate_open": of_day != 23,
        "price_vs_typical": np.clip((price - mean) / np.maximum(np.abs(mean), 1.0), -5.0, 5.0),
        "is_peak_hour": (of_day >= PEAK_HOURS[0]) & (of_day <= PEAK_HOURS[1]),
        "is_solar_hour": (of_day >= SOLAR_HOURS[0]) & (of_day <= SOLAR_HOURS[1]),
        "hours_to_daily_max": (today[hour // 24] - of_day) % 24,
    }
    table = np.zeros((scenario.steps + 1, len(names)))
    for name, values in columns.items():
        table[:, names[name]] = values
    visible = np.where(of_day >= scenario.spec.dam_publish_hour, 48, 24) - of_day
    for k in range(1, AHEAD + 1):
        table[:, names[f"next_price_{k}"]] = prices[at + np.minimum(k, visible - 1)]
    return _rounded(table)


def market_columns(scenario: Scenario, market: FloatArray) -> dict[str, FloatArray]:
    """What the drawn series show, name -> (step + 1,).

    Args:
        market: as in `Episode`, of one community.
    """
    now, before = market[1:], market[:-1]
    imbalance = before[:, COLUMN["imbalance"]]
    up, down = before[:, COLUMN["mfrr_up"]], before[:, COLUMN["mfrr_down"]]
    side = np.where(np.abs(imbalance) > DEAD_BAND_MW, np.sign(imbalance), 0.0)
    return {
        "intraday_price": before[:, COLUMN["intraday"]],
        "bid_ask_spread": now[:, COLUMN["spread"]],
        "mfrr_up_price": up,
        "mfrr_down_price": down,
        "mfrr_spread": up - down,
        "afrr_cap_up_price": now[:, COLUMN["afrr_cap_up"]],
        "afrr_cap_down_price": now[:, COLUMN["afrr_cap_down"]],
        "imbalance_signal": side,
        "selection_probability": _selection(scenario, market[:, COLUMN["marginal"]]),
        "net_system_imbalance": imbalance,
    }


def with_market(scenario: Scenario, table: Float32Array, market: FloatArray) -> Float32Array:
    """The table with what the drawn series show, a new array."""
    names = {one.name: place for place, one in enumerate(features(scenario))}
    filled = table.copy()
    for name, values in market_columns(scenario, market).items():
        filled[:, names[name]] = values
    return filled


def _selection(scenario: Scenario, marginal: FloatArray) -> FloatArray:
    """Chance that an offer at the reference price is accepted, given the hour before."""
    hour = np.arange(scenario.steps + 1) // scenario.per_hour
    before = np.log(marginal[hour * scenario.per_hour])
    drift = MARGINAL_MEAN + MARGINAL_PERSISTENCE * (before - MARGINAL_MEAN)
    unknown = MARGINAL_SPREAD * sqrt(1.0 - MARGINAL_PERSISTENCE**2)
    normal = [0.5 * (1.0 + erf(one / sqrt(2.0))) for one in (drift / unknown).tolist()]
    return np.round(normal, 3)


def _rounded(table: FloatArray) -> Float32Array:
    """Rounded to 1e-4, since sines and the like differ between math libraries."""
    return np.asarray(np.round(table, 4).astype(np.float32))


@njit(inline="always")
def _published_h(rules, of_day):  # type: ignore[no-untyped-def]
    """For how many hours prices and position are published, this hour included."""
    return (48 if of_day >= rules.publish_hour else 24) - of_day


@njit(inline="always")
def risk_kernel(rules, fleet, i, level_mwh, position_mw, t):  # type: ignore[no-untyped-def]
    """Share of the published position of the next twelve hours that no trade would leave unserved.

    Args:
        position_mw: of one battery, (hour,).
        t: the step that comes next.
    """
    clock_h = t * rules.dt_h
    hour = int(clock_h)
    visible = _published_h(rules, hour % 24)
    eta, level = fleet.eta[i], level_mwh
    asked, missing = 0.0, 0.0
    for k in range(min(AHEAD, visible)):
        hours = 1.0 if k > 0 else hour + 1.0 - clock_h
        energy = position_mw[hour + k] * hours
        asked += abs(energy)
        if energy > 0.0:
            served = min(energy, max(0.0, fleet.highest_mwh[i] - level) / eta)
            level += served * eta
            missing += energy - served
        else:
            served = min(-energy, max(0.0, level - fleet.lowest_mwh[i]) * eta)
            level -= served / eta
            missing += -energy - served
    return missing / asked if asked > 0.0 else 0.0


@njit(inline="always")
def show_kernel(rules, fleet, series, moving, t, b, out):  # type: ignore[no-untyped-def]
    """What the batteries of community b see before step t, into `out`, (agent, feature)."""
    for i in range(out.shape[0]):
        for c in range(out.shape[1]):
            out[i, c] = series.table[b, t, c]
        level, eta = moving.level_mwh[b, i], fleet.eta[i]
        hour = int(t * rules.dt_h)
        position = moving.position_mw[b, i, hour]
        rest = fleet.power_mw[i] - abs(position)
        stored = max(0.0, level - fleet.lowest_mwh[i]) * eta / rules.dt_h
        room = max(0.0, fleet.highest_mwh[i] - level) / eta / rules.dt_h
        quiet = moving.quiet_h[b, i]
        out[i, SOC] = level / fleet.capacity_mwh[i]
        out[i, DISCHARGE] = min(rest, stored)
        out[i, CHARGE] = min(rest, room)
        out[i, INTRADAY] = moving.intraday_eur_per_mwh[b]
        out[i, ACCEPTED] = moving.accepted_mw[b, i]
        out[i, RECENT] = 1.0 if quiet < RECENT_H else 0.0
        out[i, QUIET] = quiet
        out[i, SELECTED] = 1.0 if moving.accepted_mw[b, i] > 0.0 else 0.0
        out[i, RISK] = moving.shortfall_risk[b, i]
        out[i, POSITION] = position
        visible = _published_h(rules, hour % 24)
        for k in range(1, AHEAD + 1):
            out[i, POSITION + k] = moving.position_mw[b, i, hour + k] if k < visible else 0.0
