"""Observations: what each agent knows in a step, with name, unit and range."""

import math
from dataclasses import replace
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from p2p_market.assets.mobility import LONGEST_STAY_H
from p2p_market.community.episode.episode import Episode
from p2p_market.community.records import State
from p2p_market.community.safety import sensors
from p2p_market.community.scenario.members import CLEARNESS_RANGE
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.compilation import kernel
from p2p_market.data.forecast import BAND, HORIZONS_H, PERSISTENCE
from p2p_market.market.ticks import to_ticks
from p2p_market.records import Float32Array, FloatArray, IntArray
from p2p_market.track import Feature

LEAST_EXPECTED_KW: Final = 0.01
"""PV below this says nothing of the sky: a forecast is then what is expected."""

_AHEAD = {dt: np.array([round(h / dt) for h in HORIZONS_H]) for dt in (0.25, 0.5, 1.0)}
_SHARE = np.array(PERSISTENCE)
_REST = BAND * np.sqrt(1.0 - _SHARE * _SHARE)


@lru_cache(maxsize=8)
def features(scenario: Scenario) -> tuple[Feature, ...]:
    """The features of an agent's observation, in order; the same for all agents of a scenario."""
    nodes, spec = scenario.nodes, scenario.spec
    load, pv = float(scenario.peak_load_kw.max()), _pv_max_kw(scenario)
    price, limit = _price_max_eur_per_kwh(scenario), spec.connection_limit_kw
    price_band = max(price, BAND * float(scenario.price_spread_eur_per_kwh.max()))
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
        Feature("feed_in", "EUR/kWh", 0.0, price),
        Feature("network_fee", "EUR/kWh", 0.0, price),
        Feature("carbon_cost", "EUR/kWh", 0.0, price),
        Feature("co2_intensity", "kg/kWh", 0.0, max(1.0, _co2_max_kg_per_kwh(scenario))),
        Feature("last_clearing_price", "EUR/kWh", 0.0, price),
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
    if spec.outages is not None:
        table.append(Feature("grid", "1", 0.0, 1.0))
    return tuple(table)


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
        Feature("last_clearing_price", "EUR/kWh", 0.0, price),
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
    return max(1.0, math.ceil(1000.0 * CLEARNESS_RANGE[1] * _clear_sky_kw(scenario))) / 1000.0


def _clear_sky_kw(scenario: Scenario) -> float:
    return float(scenario.clear_sky_peak_kw.max())


def _pv_forecast_max_kw(scenario: Scenario, share: float) -> float:
    """The highest forecast of PV that keeps this share of the present deviation.

    A forecast is the expected power then, times how far the present is from its own expectation,
    which counts from `LEAST_EXPECTED_KW`. Expected power is a mean clearness of each 28 days; now
    and then lie in the same or in neighbouring ones. Rounding adds half a watt each time. A meter
    that is wrong may show the whole roof while next to nothing is expected.
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
    ratio[seen] = np.maximum(most_kw / (least - watt), 1.0)
    return float(np.max((clear_kw * then + watt) * (1.0 + share * (ratio - 1.0))))


def _co2_max_kg_per_kwh(scenario: Scenario) -> float:
    """The highest reading of the intensity, rounded up to a gram."""
    return math.ceil(float(scenario.data.co2_g_per_kwh.max())) / 1000.0


def _price_max_eur_per_kwh(scenario: Scenario) -> float:
    """What no price that is shown exceeds: the highest of the market, and of carbon, on ticks."""
    spec = scenario.spec
    carbon = spec.carbon_eur_per_kg * _co2_max_kg_per_kwh(scenario)
    highest = np.array([spec.price_max_eur_per_kwh, carbon])
    return float(max(highest[0], to_ticks(highest, spec.tick_eur_per_kwh).max()))


@kernel
def observe_kernel(  # type: ignore[no-untyped-def]
    energy, e_max, p_max, target, plugged, hours_left, load, pv, fill, held, feed_in, fee, carbon,
    co2, last_price, calendar, left, grid, slot, expected_load, load_spread, expected_pv, pv_spread,
    retail, source, price_spread, ahead, share, rest, band, t, out,
):  # fmt: skip
    """From `expected_load` to `source`, series are (step, slot, ...); community b has `slot[b]`."""
    for b in range(out.shape[0]):
        w = slot[b]
        for i in range(out.shape[1]):
            c = 0
            for k in range(energy.shape[2]):
                top = e_max[i, k]
                out[b, i, c] = plugged[b, i, k] * energy[b, i, k] / top if top > 0.0 else 0.0
                out[b, i, c + 1] = top
                out[b, i, c + 2] = p_max[i, k] * plugged[b, i, k]
                out[b, i, c + 3] = hours_left[b, i, k]
                wanted = target[i, k] if hours_left[b, i, k] > 0.0 else 0.0
                out[b, i, c + 4] = wanted / top if top > 0.0 else 0.0
                c += 5
            out[b, i, c] = load[b, i]
            out[b, i, c + 1] = pv[b, i]
            out[b, i, c + 2] = fill[b, i]
            out[b, i, c + 3] = 1.0 if held[b, i] > 0 else 0.0
            out[b, i, c + 4] = retail[t, w, i]
            out[b, i, c + 5] = feed_in[i]
            out[b, i, c + 6] = fee[i]
            out[b, i, c + 7] = carbon[b]
            out[b, i, c + 8] = co2[b]
            out[b, i, c + 9] = last_price[b]
            for wave in range(6):
                out[b, i, c + 10 + wave] = calendar[b, wave]
            out[b, i, c + 16] = left
            c += 17
            off_load = load[b, i] - expected_load[t, w, i]
            usual = expected_pv[t, w, i]
            ratio = pv[b, i] / usual if usual > LEAST_EXPECTED_KW else 1.0
            for h in range(ahead.shape[0]):
                s = t + ahead[h]
                out[b, i, c] = max(expected_load[s, w, i] + share[h] * off_load, 0.0)
                out[b, i, c + 1] = rest[h] * load_spread[s, w, i]
                out[b, i, c + 2] = expected_pv[s, w, i] * (1.0 + share[h] * (ratio - 1.0))
                out[b, i, c + 3] = rest[h] * pv_spread[s, w, i]
                out[b, i, c + 4] = retail[source[t, w, h], w, i]
                c += 5
            last = ahead.shape[0] - 1
            known = source[t, w, last] == t + ahead[last]
            out[b, i, c] = 0.0 if known else band * price_spread[i]
            if c + 1 < out.shape[2]:
                out[b, i, c + 1] = grid[b]


def observe(scenario: Scenario, episode: Episode, state: State) -> Float32Array:
    """What each agent knows before it acts, (batch, agent, feature), in the order of `features`.

    After the last step the last step's exogenous values stand in, with no time left.
    """
    t = min(state.step, scenario.steps - 1)
    energy_kwh, load_kw, pv_kw = state.energy_kwh, episode.load_kw[t], episode.pv_kw[t]
    if scenario.spec.faults is not None:
        told = sensors.shown(scenario, episode, replace(state, step=t))
        energy_kwh = np.ascontiguousarray(told[..., sensors.LEVELS :])
        load_kw, pv_kw = (np.ascontiguousarray(told[..., s]) for s in (sensors.LOAD, sensors.PV))
    ahead, share, rest = horizons(scenario)
    out = np.empty((episode.batch, len(scenario.agents), len(features(scenario))), dtype=np.float32)
    observe_kernel(
        energy_kwh, scenario.nodes.energy_max_kwh, scenario.nodes.power_max_kw,
        scenario.nodes.target_kwh, episode.plugged[t], episode.hours_left[t],
        load_kw, pv_kw, state.last_fill_kw, state.hold_steps,
        scenario.feed_in_eur_per_kwh, scenario.network_fee_eur_per_kwh,
        episode.carbon_eur_per_kwh[t], episode.co2_kg_per_kwh[t], state.last_price_eur_per_kwh,
        episode.calendar[t], 1.0 - state.step / scenario.steps, episode.grid[t],
        np.arange(episode.batch),
        episode.expected_load_kw, episode.load_spread_kw, episode.expected_pv_kw,
        episode.pv_spread_kw, episode.retail_eur_per_kwh, episode.known_price_step,
        scenario.price_spread_eur_per_kwh, ahead, share, rest, BAND, t, out,
    )  # fmt: skip
    return out


def horizons(scenario: Scenario) -> tuple[IntArray, FloatArray, FloatArray]:
    """Per forecast horizon: steps ahead, share of the present, band in standard deviations."""
    return _AHEAD[scenario.dt_h], _SHARE, _REST


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
