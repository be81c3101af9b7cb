"""What agents see, as one compiled pass: rows of `features`, in their order."""

from typing import Any, Final, NamedTuple

import numpy as np

from p2p_market.compilation import inner
from p2p_market.grid.frequency import NOMINAL_HZ
from p2p_market.wholesale.events import DOWN, UP
from p2p_market.wholesale.features import CHEAPEST
from p2p_market.wholesale.records import (
    FILLS,
    FIRST_PRICE_EUR_PER_MWH,
    HOUR,
    LEVELS_EUR_PER_MWH,
)
from p2p_market.wholesale.schema import KINDS, MOST_CONSUMERS, MOST_STORAGES
from p2p_market.wholesale.settlement import COST

PUBLIC: Final = 32
PRICES: Final = 12
_LEVELS: Final = np.array(LEVELS_EUR_PER_MWH)
_KINDS: Final = len(KINDS)


class Seen(NamedTuple):
    """Observations by role, (batch, agent of the role, feature)."""

    generator: Any
    storage: Any
    consumer: Any
    operator: Any


@inner
def _sum(values, first, end):  # type: ignore[no-untyped-def]
    """Sum from `first` to before `end`; four sums side by side do not wait for each other."""
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    apart = end - (end - first) % 4
    for k in range(first, apart, 4):
        a, b, c, d = a + values[k], b + values[k + 1], c + values[k + 2], d + values[k + 3]
    for k in range(apart, end):
        a += values[k]
    return (a + b) + (c + d)


@inner
def _mean_price(prices, t, steps):  # type: ignore[no-untyped-def]
    """Mean over the last steps, as far as they were played."""
    first = max(0, t - steps)
    return _sum(prices, first, t) / (t - first) if first < t else FIRST_PRICE_EUR_PER_MWH


@inner(forceinline=True)
def _yesterday(prices, expected, t, ahead, day):  # type: ignore[no-untyped-def]
    """Price a day before a step ahead; what was to be expected where it was not played."""
    back = t + ahead - day
    return prices[back] if back >= 0 else expected[min(t + ahead, expected.shape[0] - 1)]


@inner
def _public(rules, fleet, series, moving, b, t, row):  # type: ignore[no-untyped-def]
    """What all may know."""
    done, prices = moving.last, moving.price_eur_per_mwh[b]
    for k in range(PRICES):
        row[k] = prices[t - 1 - k] if t - 1 - k >= 0 else FIRST_PRICE_EUR_PER_MWH
    hour = int(np.floor(1.0 / rules.dt_h + 0.5))
    expected = series.expected_price_eur_per_mwh[b]
    row[12] = _mean_price(prices, t, 3 * hour)
    row[13] = _mean_price(prices, t, 24 * hour)
    row[14] = _yesterday(prices, expected, t, 0, 24 * hour)
    row[15] = _yesterday(prices, expected, t, hour, 24 * hour)
    for k in range(5):
        row[16 + k] = series.net_load_forecast_mw[b, t, k]
    demand, renewable, offered = 0.0, 0.0, 0.0
    if t > 0:
        for i in range(series.firm_mw.shape[2]):
            demand += series.firm_mw[b, t - 1, i] + series.flexible_mw[b, t - 1, i]
        for i in range(fleet.max_mw.shape[0]):
            if not fleet.thermal[i]:
                offered += series.available_mw[b, t - 1, i]
                renewable += done.output_mw[b, i]
    row[21], row[22], row[23] = demand - offered, demand, renewable
    for k in range(4):
        row[24 + k] = series.clock[b, t, k]
    row[28] = NOMINAL_HZ - done.deviation_hz[b, UP]
    row[29] = NOMINAL_HZ + done.deviation_hz[b, DOWN]
    row[30], row[31] = moving.system_state[b], done.reserve_level[b]


@inner
def _mean_of_hour(recent, t):  # type: ignore[no-untyped-def]
    """Mean over the last hour, as far as it was played."""
    count = min(t, HOUR)
    return _sum(recent, 0, count) / count if count > 0 else 0.0


@inner
def _generator(game, b, t, i, thermal, row):  # type: ignore[no-untyped-def]
    rules, fleet, series, moving = game.rules, game.fleet, game.series, game.moving
    done, units, now = moving.last, fleet.max_mw.shape[0], min(t, game.rules.steps - 1)
    available = series.available_mw[b, now, i]
    if not fleet.thermal[i]:  # offers are made before wind and sun of the step are known
        told = series.available_forecast_mw[b, 0, i, 0]
        available = series.available_mw[b, t - 1, i] if t > 0 else told
    low, high = series.must_mw[b, now, i], available
    if t > 0:
        high = min(high, moving.output_mw[b, i] + fleet.ramp_mw[i])
        if series.trips[b, t - 1, i] == 0.0:
            low = max(low, moving.output_mw[b, i] - fleet.ramp_mw[i])
    row[32], row[33], row[34] = available, low, max(low, high)
    row[35], row[36], row[37] = moving.output_mw[b, i], fleet.cost[i], fleet.emissions[i]
    row[38] = min(fleet.ramp_mw[i], fleet.max_mw[i])
    row[39] = fleet.least_mw[i]
    row[40] = _LEVELS[done.bid_level[b, i]] if t > 0 else 0.0
    row[41] = done.offered_share[b, i]
    row[42] = moving.profits_eur[b, i, (t - 1) % HOUR] if t > 0 else 0.0
    for k in range(4):
        row[43 + k] = series.available_forecast_mw[b, t, i, k]
    for k in range(_KINDS):
        row[47 + k] = 1.0 if fleet.kind[i] == k else 0.0
    row[51], row[52] = moving.away_h[b, i], thermal
    row[53] = -done.order_mw[b, i] - done.order_mw[b, units + i]
    row[54] = done.room_up_mw[b, i]
    for k in range(FILLS):
        row[55 + k] = moving.fills_mw[b, i, (t - 1 - k) % FILLS] if t - 1 - k >= 0 else 0.0
    row[61] = _mean_of_hour(moving.profits_eur[b, i], t)
    row[62], row[63] = done.price_eur_per_mwh[b] - fleet.cost[i], rules.carbon


@inner
def _storage(game, b, t, i, row):  # type: ignore[no-untyped-def]
    fleet, moving, done = game.fleet, game.moving, game.moving.last
    units, level = fleet.max_mw.shape[0], moving.level_mwh[b, i]
    power, room = fleet.power_mw[i], fleet.capacity_mwh[i] - level
    row[32], row[33] = level, fleet.capacity_mwh[i]
    row[34] = min(power, room / fleet.gain_charge[i])
    row[35] = min(power, level / fleet.gain_discharge[i])
    row[36] = done.power_mw[b, i]
    row[37], row[38] = done.room_up_mw[b, units + i], done.room_down_mw[b, units + i]
    row[39] = fleet.wear[i]
    row[40] = fleet.gain_charge[i] / fleet.gain_discharge[i]
    place = 2 * units + i
    row[41] = done.order_eur_per_mwh[b, place]
    asked = done.order_mw[b, place]
    row[42] = done.fill_mw[b, place] / asked if asked != 0.0 else 0.0
    row[43] = moving.profits_eur[b, units + i, (t - 1) % HOUR] if t > 0 else 0.0
    row[44] = _mean_of_hour(moving.profits_eur[b, units + i], t)
    row[45], row[46] = moving.stored_eur_per_mwh[b, i], fleet.terminal[i]
    row[47] = _sum(moving.responses_eur[b, i], 0, HOUR)


@inner
def _consumer(game, b, t, i, public, row):  # type: ignore[no-untyped-def]
    fleet, series, moving = game.fleet, game.series, game.moving
    done, count = moving.last, fleet.flexible_mw.shape[0]
    units, storages = fleet.max_mw.shape[0], fleet.power_mw.shape[0]
    place = 0
    for k in range(PUBLIC - 1):
        if not 6 <= k < PRICES and k != 15:
            row[place] = public[k]
            place += 1
    for k in range(4):
        row[24 + k] = series.load_forecast_mw[b, t, i, k]
    row[28], row[29] = moving.backlog_mwh[b, i], fleet.most_backlog_mwh[i]
    row[30] = fleet.recovery_mw[i]
    row[31], row[32] = done.flexible_mw[b, i], done.adjustment[b, i]
    row[33] = done.order_eur_per_mwh[b, 2 * units + storages + 2 * count + i]
    normal = done.normal_mw[b, i]
    row[34] = max(0.0, normal - done.flexible_mw[b, i]) / normal if normal > 0.0 else 0.0
    row[35], row[36] = fleet.discomfort[i], 20.0 * fleet.discomfort[i]
    agent = units + storages + i
    row[37] = -moving.profits_eur[b, agent, (t - 1) % HOUR] if t > 0 else 0.0
    row[38] = -_mean_of_hour(moving.profits_eur[b, agent], t)
    solar, renewable = 0.0, 0.0
    for k in range(units):
        if not fleet.thermal[k]:
            renewable += done.output_mw[b, k]
            solar += done.output_mw[b, k] if fleet.solar[k] else 0.0
    row[39] = solar / renewable if renewable > 0.0 else 0.0


@inner
def _rooms(fleet, room, first, row, flexible):  # type: ignore[no-untyped-def]
    """Response of thermal units, inverters, storages and flexible load."""
    units, storages = fleet.max_mw.shape[0], fleet.power_mw.shape[0]
    for k in range(3 + flexible):
        row[first + k] = 0.0
    for i in range(room.shape[0]):
        if i < units:
            row[first + (0 if fleet.thermal[i] else 1)] += room[i]
        elif i < units + storages:
            row[first + 2] += room[i]
        elif flexible > 0:
            row[first + 3] += room[i]


@inner
def _offers(done, b, units, row, first):  # type: ignore[no-untyped-def]
    """The cheapest offers of units, price and size; equal prices in the order of units."""
    price, quantity = done.order_eur_per_mwh[b], done.order_mw[b]
    last_price, last_unit = -1e9, -1
    for k in range(CHEAPEST):
        best = -1
        for i in range(units):
            own = price[units + i]
            later = own > last_price or (own == last_price and i > last_unit)
            if later and quantity[units + i] < 0.0 and (best < 0 or own < price[units + best]):
                best = i
        row[first + 2 * k] = price[units + best] if best >= 0 else 0.0
        row[first + 2 * k + 1] = -quantity[units + best] if best >= 0 else 0.0
        if best >= 0:
            last_price, last_unit = price[units + best], best
        else:
            last_price = 1e9


@inner
def _operator(game, b, t, row):  # type: ignore[no-untyped-def]
    fleet, series, moving, done = game.fleet, game.series, game.moving, game.moving.last
    buses, units = done.voltage_pu.shape[1], fleet.max_mw.shape[0]
    for bus in range(buses):
        row[32 + bus], row[39 + bus] = done.voltage_pu[b, bus], done.bus_mw[b, bus]
    _rooms(fleet, done.room_up_mw[b], 46, row, 1)
    _rooms(fleet, done.room_down_mw[b], 50, row, 0)
    _offers(done, b, units, row, 53)
    for i in range(MOST_STORAGES):
        there = i < fleet.power_mw.shape[0]
        row[65 + i] = moving.level_mwh[b, i] if there else 0.0
        row[67 + i] = done.power_mw[b, i] if there else 0.0
    for i in range(MOST_CONSUMERS):
        row[69 + i] = moving.backlog_mwh[b, i] if i < fleet.flexible_mw.shape[0] else 0.0
    lost, load, tonnes, renewable, output = 0.0, 0.0, 0.0, 0.0, 0.0
    before = max(0, t - 1)
    for i in range(done.load_mw.shape[1]):
        lost, load = lost + done.lost_mw[b, i], load + done.load_mw[b, i]
    for i in range(units):
        tonnes, output = tonnes + done.emissions_t[b, i], output + done.output_mw[b, i]
        renewable += 0.0 if fleet.thermal[i] else done.output_mw[b, i]
    row[72] = series.fluctuation_mw[b, before] if t > 0 else 0.0
    row[73] = done.tap[b]
    row[74] = series.high_voltage_pu[b, before] if t > 0 else 1.0
    row[75], row[76] = lost, done.shed_mw[b, UP] + done.shed_mw[b, DOWN]
    row[77] = tonnes / (game.rules.dt_h * output) if output > 0.0 else 0.0
    row[78] = renewable / output if output > 0.0 else 0.0
    row[79] = 0.0 - done.objectives_eur[b, COST]


@inner
def show_kernel(game, t, b, out_seen):  # type: ignore[no-untyped-def]
    """What the agents of community b see before step t."""
    rules, fleet, series, moving = game.rules, game.fleet, game.series, game.moving
    public, thermal = out_seen.operator[b, 0], 0.0
    _public(rules, fleet, series, moving, b, t, public)
    for i in range(fleet.max_mw.shape[0]):
        if fleet.thermal[i]:
            thermal += series.available_mw[b, min(t, rules.steps - 1), i]
    for i in range(fleet.max_mw.shape[0]):
        row = out_seen.generator[b, i]
        for k in range(PUBLIC):
            row[k] = public[k]
        _generator(game, b, t, i, thermal, row)
    for i in range(fleet.power_mw.shape[0]):
        row = out_seen.storage[b, i]
        for k in range(PUBLIC):
            row[k] = public[k]
        _storage(game, b, t, i, row)
    for i in range(fleet.flexible_mw.shape[0]):
        _consumer(game, b, t, i, public, out_seen.consumer[b, i])
    _operator(game, b, t, public)
