"""Observations: what each agent knows in a step, with name, unit and range."""

import math
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from p2p_market.assets.mobility import LONGEST_STAY_H
from p2p_market.community.acts import stopped
from p2p_market.community.coordination.view import agreed_features, with_agreements
from p2p_market.community.episode.episode import Episode
from p2p_market.community.fuel import fuel_features, show_fuel
from p2p_market.community.kernel_inputs import around_of, packed_rules
from p2p_market.community.machine_view import PER_MACHINE, machine_features, show_machines
from p2p_market.community.past.register import past_features
from p2p_market.community.past.view import show_past
from p2p_market.community.records import State
from p2p_market.community.safety import sensors
from p2p_market.community.safety.sensors import LEVELS, LOAD, PV
from p2p_market.community.scenario.members import CLEARNESS_RANGE
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.community.service import service_features, show_service
from p2p_market.community.voltage import show_voltage, voltage_features
from p2p_market.community.weather_view import show_weather, weather_features, width_of
from p2p_market.compilation import inner, kernel
from p2p_market.data.forecast import BAND, HORIZONS_H, PERSISTENCE
from p2p_market.market.ticks import to_ticks
from p2p_market.records import Float32Array, FloatArray, IntArray
from p2p_market.track import Feature

LEAST_EXPECTED_KW: Final = 0.01
"""PV below this says nothing of the sky: a forecast is then what is expected."""

# Places in an observation: first what there is per asset, then per agent, then per horizon; then
# the band of the retail price; last, where there are any, feed-in tariffs ahead and the grid.
# Names, units and ranges stand in `features`.
PER_ASSET: Final = 5
_SOC, _CAPACITY, _POWER_MAX, _HOURS_LEFT, _TARGET_SOC = range(PER_ASSET)
WAVES: Final = 6  # of the calendar
_LOAD, _PV, _LAST_FILL, _FALLBACK, _RETAIL, _FEED_IN, _FEE, _CARBON, _CO2, _LAST_PRICE = range(10)
_CALENDAR = 10
_TIME_LEFT = _CALENDAR + WAVES
PER_AGENT: Final = _TIME_LEFT + 1
PER_HORIZON: Final = 5
_LOAD_THEN, _LOAD_BAND, _PV_THEN, _PV_BAND, _RETAIL_THEN = range(PER_HORIZON)


@lru_cache(maxsize=8)
def features(scenario: Scenario) -> tuple[Feature, ...]:
    """The features of an agent's observation, in order; the same for all agents of a scenario."""
    nodes, spec = scenario.nodes, scenario.spec
    load, pv = float(scenario.peak_load_kw.max()), _pv_max_kw(scenario)
    price, limit = _price_max_eur_per_kwh(scenario), spec.connection_limit_kw
    least = scenario.lowest_price_eur_per_kwh
    price_band, feed_in_band = (
        max(price, BAND * float(spread.max()))
        for spread in (scenario.price_spread_eur_per_kwh, scenario.feed_in_spread_eur_per_kwh)
    )
    table = []
    for k in range(nodes.present.shape[1]):
        table += [
            Feature(f"soc_{k}", "1", 0.0, 1.0),
            Feature(f"capacity_{k}", "kWh", 0.0, float(nodes.energy_max_kwh[:, k].max())),
            Feature(f"power_max_{k}", "kW", 0.0, float(nodes.power_max_kw[:, k].max())),
            Feature(f"hours_left_{k}", "h", 0.0, LONGEST_STAY_H + 1.0),
            Feature(f"target_soc_{k}", "1", 0.0, 1.0),
        ]
    table += [
        Feature("load", "kW", 0.0, load),
        Feature("pv", "kW", 0.0, pv),
        Feature("last_fill", "kW", -limit, limit),
        Feature("fallback", "1", 0.0, 1.0),
        Feature("retail", "EUR/kWh", 0.0, price),
        Feature("feed_in", "EUR/kWh", least, price),
        Feature("network_fee", "EUR/kWh", 0.0, price),
        Feature("carbon_cost", "EUR/kWh", 0.0, price),
        Feature("co2_intensity", "kg/kWh", 0.0, max(1.0, _co2_max_kg_per_kwh(scenario))),
        Feature("last_clearing_price", "EUR/kWh", least, price),
        *_calendar_features(),
        Feature("time_left", "1", 0.0, 1.0),
    ]
    for h, share in zip(HORIZONS_H, PERSISTENCE, strict=True):
        table += [
            Feature(f"load_in_{h}h", "kW", 0.0, (1.0 + share) * load),
            Feature(f"load_band_{h}h", "kW", 0.0, 2.0 * load),
            Feature(f"pv_in_{h}h", "kW", 0.0, max(2.0 * pv, _pv_forecast_max_kw(scenario, share))),
            Feature(f"pv_band_{h}h", "kW", 0.0, 2.0 * pv),
            Feature(f"retail_in_{h}h", "EUR/kWh", 0.0, price),
        ]
    # Nearer prices are always published.
    table.append(Feature(f"retail_band_{HORIZONS_H[-1]}h", "EUR/kWh", 0.0, price_band))
    if scenario.feed_in_follows.any():
        table += [Feature(f"feed_in_in_{h}h", "EUR/kWh", least, price) for h in HORIZONS_H]
        table.append(Feature(f"feed_in_band_{HORIZONS_H[-1]}h", "EUR/kWh", 0.0, feed_in_band))
    if spec.outages is not None:
        table.append(Feature("grid", "1", 0.0, 1.0))
    if nodes.machines is not None:
        table += machine_features(scenario)
    table += weather_features(scenario)
    table += past_features(scenario)
    table += fuel_features(scenario)
    table += service_features(scenario)
    if spec.voltage is not None:
        table += voltage_features(scenario)
    return (*table, *agreed_features(scenario))


def state_features(scenario: Scenario) -> tuple[Feature, ...]:
    """The features of the joint state: the community first, then three numbers per agent."""
    limit = scenario.spec.connection_limit_kw
    price = _price_max_eur_per_kwh(scenario)
    count = len(scenario.agents)
    table = [
        *_calendar_features(),
        Feature("time_left", "1", 0.0, 1.0),
        Feature("load", "kW", 0.0, float(scenario.peak_load_kw.sum())),
        Feature("pv", "kW", 0.0, count * _pv_max_kw(scenario)),
        Feature("carbon_cost", "EUR/kWh", 0.0, price),
        Feature("last_clearing_price", "EUR/kWh", scenario.lowest_price_eur_per_kwh, price),
    ]
    for agent in scenario.agents:
        table += [
            Feature(f"{agent}_soc", "1", 0.0, 1.0),
            Feature(f"{agent}_idle_net_load", "kW", -limit, limit),
            Feature(f"{agent}_retail", "EUR/kWh", 0.0, price),
        ]
    return tuple(table)


def _calendar_features() -> list[Feature]:
    return [
        Feature(f"{wave}_{period}", "1", -1.0, 1.0)
        for period in ("day", "week", "year")
        for wave in ("sin", "cos")
    ]


def _pv_max_kw(scenario: Scenario) -> float:
    """The highest reading of any roof, rounded up to a watt as readings are rounded."""
    watts = 1000.0 * CLEARNESS_RANGE[1] * _clear_sky_kw(scenario)
    if scenario.generation_peak_kw.any():
        watts = 1000.0 * float(scenario.pv_peak_kw.max())
    return max(1.0, math.ceil(watts)) / 1000.0


def _clear_sky_kw(scenario: Scenario) -> float:
    return float(scenario.clear_sky_peak_kw.max())


def _pv_forecast_max_kw(scenario: Scenario, share: float) -> float:
    """The highest forecast of PV that keeps this share of the present deviation.

    A forecast is the expected power then, times how far the present is from its own expectation,
    which counts from `LEAST_EXPECTED_KW`. Expected power is a mean clearness of each 28 days; now
    and then lie in the same or in neighbouring ones. Rounding adds half a watt each time. A meter
    that is wrong may show the whole roof while next to nothing is expected; so may a measured roof.
    """
    clear_kw, watt = _clear_sky_kw(scenario), 0.5e-3
    now = scenario.expected_clearness
    then = np.maximum(now, np.append(now[1:], now[-1]))
    least = LEAST_EXPECTED_KW + watt
    ratio = np.ones(len(now))
    seen = now * clear_kw >= least
    most_kw = CLEARNESS_RANGE[1] * least / now[seen] + watt
    if scenario.spec.faults is not None:
        most_kw = np.full_like(most_kw, _pv_max_kw(scenario))
    measured = any(roof is not None and roof.profile for roof in scenario.roofs)
    if measured or scenario.generation_peak_kw.any():
        return _pv_max_kw(scenario) * (1.0 + share * _pv_max_kw(scenario) / (least - watt))
    ratio[seen] = np.maximum(most_kw / (least - watt), 1.0)
    return float(np.max((clear_kw * then + watt) * (1.0 + share * (ratio - 1.0))))


def _co2_max_kg_per_kwh(scenario: Scenario) -> float:
    """The highest reading of the intensity, rounded up to a gram."""
    return math.ceil(float(scenario.data.co2_g_per_kwh.max())) / 1000.0


def _price_max_eur_per_kwh(scenario: Scenario) -> float:
    """Upper limit of all observed prices, those of the market and of carbon, on ticks."""
    spec = scenario.spec
    carbon = spec.carbon_eur_per_kg * _co2_max_kg_per_kwh(scenario)
    highest = np.array([spec.price_max_eur_per_kwh, carbon])
    return float(max(highest[0], to_ticks(highest, spec.tick_eur_per_kwh).max()))


class Outlook(NamedTuple):
    """What members know ahead, (step, slot, agent); each community has a slot."""

    retail: FloatArray
    feed_in: FloatArray
    expected_load_kw: FloatArray
    load_spread_kw: FloatArray
    expected_pv_kw: FloatArray
    pv_spread_kw: FloatArray
    carbon: FloatArray  # (step, slot)
    co2: FloatArray  # (step, slot)
    calendar: FloatArray  # (step, slot, wave)
    known_price_step: IntArray  # (step, slot, horizon)
    expected_drift_kwh: Any  # (step, slot, agent, asset); None where there are no machines
    weather: Any  # (step, slot, feature); None where nothing is moved by it
    fuel_price: Any  # (step, slot, agent); None where nobody orders fuel


class Moment(NamedTuple):
    """When it is observed: the step whose values stand, the steps played, and whose slot it is."""

    t: int
    step: int
    slot: IntArray  # (batch,), into the outlook


@inner(forceinline=True)
def _place_after_all(rules):  # type: ignore[no-untyped-def]
    """Place behind what every scenario shows; grid, where it may fail, stands just before it."""
    last = rules.ahead.shape[0] - 1
    place = PER_ASSET * rules.nodes.target_kwh.shape[1] + PER_AGENT + PER_HORIZON * (last + 1) + 1
    if rules.following:
        place += last + 2
    return place + 1 if rules.outages else place


@inner(forceinline=True)
def _place_after_machines(rules):  # type: ignore[no-untyped-def]
    """Place behind what is shown of machines, where there are any."""
    if rules.nodes.machines is None:
        return _place_after_all(rules)
    return _place_after_all(rules) + PER_MACHINE * rules.nodes.target_kwh.shape[1]


@kernel(forceinline=True)
def common_kernel(rules, outlook, moment, out):  # type: ignore[no-untyped-def]
    """What is the same for all communities of a slot, (slot, agent, feature)."""
    t, nodes, first = moment.t, rules.nodes, PER_ASSET * rules.nodes.target_kwh.shape[1]
    last = rules.ahead.shape[0] - 1
    for w in range(out.shape[0]):
        for i in range(out.shape[1]):
            for k in range(nodes.target_kwh.shape[1]):
                out[w, i, PER_ASSET * k + _CAPACITY] = nodes.energy_max_kwh[i, k]
            own = out[w, i, first:]
            own[_RETAIL] = outlook.retail[t, w, i]
            own[_FEED_IN] = outlook.feed_in[t, w, i]
            own[_FEE] = rules.fee[i]
            own[_CARBON] = outlook.carbon[t, w]
            own[_CO2] = outlook.co2[t, w]
            for wave in range(WAVES):
                own[_CALENDAR + wave] = outlook.calendar[t, w, wave]
            own[_TIME_LEFT] = 1.0 - moment.step / rules.steps
            for h in range(rules.ahead.shape[0]):
                s, c = t + rules.ahead[h], PER_AGENT + PER_HORIZON * h
                own[c + _LOAD_BAND] = rules.rest[h] * outlook.load_spread_kw[s, w, i]
                own[c + _PV_BAND] = rules.rest[h] * outlook.pv_spread_kw[s, w, i]
                own[c + _RETAIL_THEN] = outlook.retail[outlook.known_price_step[t, w, h], w, i]
            known = outlook.known_price_step[t, w, last] == t + rules.ahead[last]
            band, rest = 0.0 if known else rules.band, PER_AGENT + PER_HORIZON * (last + 1)
            own[rest] = band * rules.price_spread[i]
            if rules.following:
                for h in range(last + 1):
                    then = outlook.known_price_step[t, w, h]
                    own[rest + 1 + h] = outlook.feed_in[then, w, i]
                own[rest + 2 + last] = band * rules.feed_in_spread[i]
            show_weather(outlook.weather, t, w, i, _place_after_machines(rules), out)


@kernel(forceinline=True)
def own_kernel(rules, outlook, moment, common, around, told, state, out):  # type: ignore[no-untyped-def]
    """What each agent knows: what is common, and its own; `told` are readings as they are shown."""
    t, nodes, assets = moment.t, rules.nodes, rules.nodes.target_kwh.shape[1]
    for b in range(out.shape[0]):
        w = moment.slot[b]
        for i in range(out.shape[1]):
            for c in range(common.shape[2]):
                out[b, i, c] = common[w, i, c]
            for k in range(assets):
                own, top = out[b, i, PER_ASSET * k :], nodes.energy_max_kwh[i, k]
                there, left = around.plugged[b, i, k], around.hours_left[b, i, k]
                own[_SOC] = there * told[b, i, LEVELS + k] / top if top > 0.0 else 0.0
                own[_POWER_MAX] = nodes.power_max_kw[i, k] * there
                own[_HOURS_LEFT] = left
                wanted = nodes.target_kwh[i, k] if left > 0.0 else 0.0
                own[_TARGET_SOC] = wanted / top if top > 0.0 else 0.0
            own, load, pv = out[b, i, PER_ASSET * assets :], told[b, i, LOAD], told[b, i, PV]
            own[_LOAD] = load
            own[_PV] = pv
            own[_LAST_FILL] = state.last_fill_kw[b, i]
            held = state.hold_steps[b, i] > 0 or stopped(state.acting, b, i)
            own[_FALLBACK] = 1.0 if held else 0.0
            own[_LAST_PRICE] = state.last_price_eur_per_kwh[b]
            off_load = load - outlook.expected_load_kw[t, w, i]
            usual = outlook.expected_pv_kw[t, w, i]
            ratio = pv / usual if usual > LEAST_EXPECTED_KW else 1.0
            for h in range(rules.ahead.shape[0]):
                s, c = t + rules.ahead[h], PER_AGENT + PER_HORIZON * h
                share = rules.share[h]
                own[c + _LOAD_THEN] = max(outlook.expected_load_kw[s, w, i] + share * off_load, 0.0)
                own[c + _PV_THEN] = outlook.expected_pv_kw[s, w, i] * (1.0 + share * (ratio - 1.0))
            first = at = _place_after_all(rules)
            if rules.outages:
                out[b, i, at - 1] = around.grid[b]
            at = show_machines(
                rules, nodes.machines, outlook, moment, around, told, state, b, i, at, out
            )
            at += width_of(outlook.weather)  # common to all
            at = show_past(rules.past, state.past, state, moment.step, b, i, at, out)
            at = show_fuel(rules.fuel, outlook.fuel_price, state.fuel, w, t, b, i, at, out)
            at = show_service(rules, rules.service, PER_MACHINE, first, t, state, b, i, at, out)
            show_voltage(state.line, b, i, at, out)


@kernel(forceinline=True)
def observe_kernel(rules, outlook, moment, around, told, state, out_common, out):  # type: ignore[no-untyped-def]
    """See `observe`."""
    common_kernel(rules, outlook, moment, out_common)
    own_kernel(rules, outlook, moment, out_common, around, told, state, out)


def observe(scenario: Scenario, episode: Episode, state: State) -> Float32Array:
    """What each agent knows before it acts, (batch, agent, feature), in the order of `features`.

    After the last step the last step's exogenous values stand in, with no time left.
    """
    t, rules = min(state.step, scenario.steps - 1), packed_rules(scenario)
    now = state if state.step == t else replace(state, step=t)
    told = sensors.shown(scenario, episode, now)
    outlook = Outlook(
        episode.retail_eur_per_kwh, episode.feed_in_eur_per_kwh, episode.expected_load_kw,
        episode.load_spread_kw, episode.expected_pv_kw, episode.pv_spread_kw,
        episode.carbon_eur_per_kwh, episode.co2_kg_per_kwh, episode.calendar,
        episode.known_price_step,
        episode.expected_drift_kwh if scenario.nodes.machines is not None else None,
        episode.weather if len(episode.weather) else None,
        episode.fuel_eur_per_kwh if len(episode.fuel_eur_per_kwh) else None,
    )  # fmt: skip
    moment = Moment(t, state.step, np.arange(episode.batch))
    width = len(features(scenario)) - len(agreed_features(scenario))
    shape = (episode.batch, len(scenario.agents), width)
    common, out = np.zeros((2, *shape), dtype=np.float32)
    around, arrays = around_of(episode, t), state.arrays()
    observe_kernel(rules, outlook, moment, around, told, arrays, common, out)
    return with_agreements(scenario, state, out)


def horizons(scenario: Scenario) -> tuple[IntArray, FloatArray, FloatArray]:
    """Per forecast horizon: steps ahead, share of the present, band in standard deviations."""
    rules = packed_rules(scenario)
    return rules.ahead, rules.share, rules.rest


class Surroundings(NamedTuple):
    """What is outside in one step, for the joint state; the first axis is the batch."""

    load_kw: FloatArray  # (batch, agent)
    pv_kw: FloatArray  # (batch, agent)
    plugged: FloatArray  # (batch, agent, asset)
    retail_eur_per_kwh: FloatArray  # (batch, agent)
    calendar: FloatArray  # (batch, wave)
    carbon_eur_per_kwh: FloatArray  # (batch,)


def surroundings(scenario: Scenario, episode: Episode, step: int) -> Surroundings:
    """What is outside in a step; after the last one that stands in."""
    t = min(step, scenario.steps - 1)
    return Surroundings(*(getattr(episode, name)[t] for name in Surroundings._fields))


def joint_state(scenario: Scenario, around: Surroundings, state: State) -> Float32Array:
    """Compact state of the community for critics, (batch, feature), as in `state_features`."""
    load, pv, nodes = around.load_kw, around.pv_kw, scenario.nodes
    here_kwh = around.plugged * state.energy_kwh  # the level of a vehicle away is its future
    capacity = np.maximum(nodes.energy_max_kwh.sum(axis=1), 1e-9)
    own = np.stack([here_kwh.sum(axis=2) / capacity, load - pv, around.retail_eur_per_kwh], axis=-1)
    batch = len(load)
    community = np.column_stack(
        [
            around.calendar,
            np.full(batch, 1.0 - state.step / scenario.steps),
            load.sum(axis=1),
            pv.sum(axis=1),
            around.carbon_eur_per_kwh,
            state.last_price_eur_per_kwh,
        ]
    )
    joint: Float32Array = np.concatenate([community, own.reshape(batch, -1)], axis=1).astype(
        np.float32
    )
    return joint
