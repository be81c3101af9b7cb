"""An episode: load, PV, prices and start levels, all drawn at reset; the step draws nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any, Final

import numpy as np

from p2p_market.arguments import whole_number
from p2p_market.assets.mobility import Schedule, schedule
from p2p_market.assets.node import PowerNode, Presence
from p2p_market.community.episode.faults import FaultSchedule, draw_faults, no_faults
from p2p_market.community.episode.loads import draw_loads
from p2p_market.community.episode.window import CLOUD_SPREAD, ROOF_SPREAD, Window, window
from p2p_market.community.scenario.members import CLEARNESS_RANGE
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.compilation import kernel
from p2p_market.data.calendar import QUARTERS_PER_DAY, WEEKS_PER_SPLIT, start_days, step_means
from p2p_market.data.streams import stream
from p2p_market.errors import ScenarioError
from p2p_market.market.ticks import to_ticks
from p2p_market.records import FloatArray, IntArray, Record
from p2p_market.track import EpisodeKey

CLOUD_PERSISTENCE: Final = 0.93  # per quarter-hour, of local clearness around the national mean
REFERENCE_SPLIT: Final = "test"
REFERENCE_SEED: Final = 0  # episodes of the reference table and of a benchmark, by default
START_LEVEL: Final = (0.3, 0.7)  # share of the capacity stored at the start


@dataclass(frozen=True, slots=True)
class Episode(Record):
    """Exogenous series, `(step, batch, agent)`; those marked + run one day past the end."""

    keys: tuple[EpisodeKey, ...]  # one per community of the batch
    load_kw: FloatArray
    pv_kw: FloatArray  # available, >= 0
    retail_eur_per_kwh: FloatArray  # +
    grid: FloatArray  # (step, batch), 1 where the grid is there, 0 in an outage
    ask_floor_eur_per_kwh: FloatArray  # own feed-in tariff + own fee; in an outage own fee
    bid_cap_eur_per_kwh: FloatArray  # own retail price + carbon cost - own fee; in an outage
    # value of lost load - own fee
    carbon_eur_per_kwh: FloatArray  # (step, batch), carbon price times grid intensity, on ticks
    co2_kg_per_kwh: FloatArray  # (step, batch)
    calendar: FloatArray  # (step, batch, 6)
    known_price_step: IntArray  # (step, batch, horizon)
    expected_load_kw: FloatArray  # +
    load_spread_kw: FloatArray  # +
    expected_pv_kw: FloatArray  # +
    pv_spread_kw: FloatArray  # +
    plugged: FloatArray  # (step, batch, agent, asset), 1 when the asset can move
    departs: FloatArray  # (step, batch, agent, asset), 1 where it leaves at the end of the step
    trip_kwh: FloatArray  # (step, batch, agent, asset), taken by the trip that begins then
    floor_kwh: FloatArray  # (step, batch, agent, asset), viability tube
    hours_left: FloatArray  # (step, batch, agent, asset), until the announced departure
    start_energy_kwh: FloatArray  # (batch, agent, asset)
    pv_ceiling_kw: FloatArray  # what no reading of PV can exceed
    sensor_fault: IntArray  # (step, batch, agent, sensor), index into `faults.KINDS`; or no rows
    sensor_bias: FloatArray  # (step, batch, agent, sensor) [kW, kWh]; or no rows
    message_fault: IntArray  # (step, batch, agent), index into `faults.KINDS`; or no rows

    def presence(self, step: int) -> Presence:
        """What flexible assets may do in a step."""
        return Presence(
            self.plugged[step], self.floor_kwh[step], self.departs[step], self.trip_kwh[step]
        )

    def without_faults(self) -> "Episode":
        """The same episode with sound sensors and connections."""
        fields_of = ("sensor_fault", "sensor_bias", "message_fault")
        return replace(self, **{name: getattr(self, name)[:0] for name in fields_of})

    @property
    def batch(self) -> int:
        """Number of communities."""
        return len(self.keys)


_BATCH_AXIS: Final = {"start_energy_kwh": 0}


def stack(episodes: Sequence[Episode]) -> Episode:
    """One batch out of several episodes of one scenario."""
    if len(episodes) == 1:
        return episodes[0]
    columns: dict[str, Any] = {}
    for field in fields(Episode):
        parts = [getattr(episode, field.name) for episode in episodes]
        if field.name == "keys":
            columns[field.name] = tuple(key for part in parts for key in part)
        else:
            columns[field.name] = np.concatenate(parts, axis=_BATCH_AXIS.get(field.name, 1))
    return Episode(**columns)


def take(episode: Episode, number: int) -> Episode:
    """One community of a batch, as a batch of one."""
    columns: dict[str, Any] = {"keys": episode.keys[number : number + 1]}
    for field in fields(Episode):
        if field.name != "keys":
            whole, axis = getattr(episode, field.name), _BATCH_AXIS.get(field.name, 1)
            columns[field.name] = np.take(whole, [number], axis=axis)
    return Episode(**columns)


def choose_key(
    scenario: Scenario, seed: int, split: str = "train", week: int | None = None
) -> EpisodeKey:
    """Key of an episode: the seed picks the start unless a week (0 to 12) is asked for.

    Raises:
        ScenarioError: if there is no such split or week.
        ArgumentError: if the seed is not a whole number of 0 or more.
    """
    starts = start_days(split, scenario.spec.days)
    seed = whole_number("seed", seed, 0)
    if week is None:
        chooser = np.random.default_rng(np.random.SeedSequence(seed))
        return EpisodeKey(split, int(starts[chooser.integers(len(starts))]), seed)
    week = _week(week, f"no week {week!r} in split {split!r}: week")
    return EpisodeKey(split, int(starts.reshape(WEEKS_PER_SPLIT, -1)[week, 0]), seed)


def _week(week: object, name: str) -> int:
    """The number of a week of a split, 0 to 12; `name` is what a complaint begins with."""
    return whole_number(name, week, 0, WEEKS_PER_SPLIT - 1, ScenarioError)


def reference_key(scenario: Scenario, row: int) -> EpisodeKey:
    """Key of the episode in a row (0 to 12) of the reference table: a test week, seed 0.

    `env.reset(options={"reference": row})` plays it; a scenario without a table has such episodes
    as well.

    Raises:
        ScenarioError: if there is no such row.
    """
    week = _week(row, f"no row {row!r} in the reference table: reference")
    return choose_key(scenario, REFERENCE_SEED, REFERENCE_SPLIT, week)


def key_in_sequence(
    scenario: Scenario,
    seeds: np.random.SeedSequence,
    number: int,
    split: str = "train",
    week: int | None = None,
) -> EpisodeKey:
    """Key of the episode at a place, counted from 0, in the sequence of a seed."""
    child = np.random.SeedSequence(seeds.entropy, spawn_key=(number,))
    seed = int(child.generate_state(1, np.uint64)[0] >> np.uint64(1))
    return choose_key(scenario, seed, split, week)


def draw(scenario: Scenario, key: EpisodeKey) -> Episode:
    """Draw one episode (a batch of one); quantised to 1 W, 1 Wh, 1 tick and 1 g/kWh.

    What is not drawn are views of the scenario's window of that day.

    Raises:
        ScenarioError: if a member's load or PV exceeds its connection with the storage idle.
    """
    root = np.random.SeedSequence([key.seed, key.start_day])
    days_seed, weather_seed, level_seed, outage_seed, fault_seed = root.spawn(5)
    load_kw = _watts(scenario, draw_loads(scenario, key.split, key.start_day, days_seed))
    pv_kw = _watts(scenario, _pv(scenario, key.start_day, weather_seed))
    _check_connections(scenario, load_kw, pv_kw)
    common = window(scenario, key.start_day)
    series: dict[str, Any] = {
        field.name: getattr(common, field.name)[:, None] for field in fields(Window)
    }
    grid = _grid(scenario, outage_seed)
    if scenario.spec.outages is not None:
        series |= _outage_limits(scenario, series, grid)
    series |= _presence(scenario, key, level_seed)
    faults = _faults(scenario, fault_seed)
    return Episode(
        keys=(key,),
        load_kw=load_kw,
        pv_kw=pv_kw,
        grid=grid,
        **series,
        sensor_fault=faults.sensor,
        sensor_bias=faults.bias,
        message_fault=faults.message,
    )


def _watts(scenario: Scenario, series_kw: FloatArray) -> FloatArray:
    """Means of each step to 1 W, for what lies below differs between math libraries."""
    return np.round(step_means(series_kw, scenario.dt_h), 3)[:, None]


def _grid(scenario: Scenario, seed: np.random.SeedSequence) -> FloatArray:
    """1 where the grid is there, 0 in the windows of an outage, (step, 1)."""
    grid = np.ones((scenario.steps, 1))
    if (outages := scenario.spec.outages) is None:
        return grid
    generator = np.random.default_rng(seed)
    for _ in range(outages.windows):
        hours = outages.hours[0] + (outages.hours[1] - outages.hours[0]) * generator.random()
        length = max(1, round(hours / scenario.dt_h))
        begin = int(generator.integers(max(1, scenario.steps - length)))
        grid[begin : begin + length] = 0.0
    return grid


def _outage_limits(
    scenario: Scenario, series: dict[str, FloatArray], grid: FloatArray
) -> dict[str, FloatArray]:
    """Floors and caps where in an outage nothing can be sold to the grid nor bought from it."""
    there = grid[..., None] > 0.0
    fee, tick = scenario.network_fee_eur_per_kwh, scenario.spec.tick_eur_per_kwh
    floor = to_ticks(fee, tick)
    cap = to_ticks(scenario.spec.lost_load_eur_per_kwh - fee, tick)
    return {
        "ask_floor_eur_per_kwh": np.where(there, series["ask_floor_eur_per_kwh"], floor),
        "bid_cap_eur_per_kwh": np.where(there, series["bid_cap_eur_per_kwh"], cap),
    }


def _faults(scenario: Scenario, seed: np.random.SeedSequence) -> FaultSchedule:
    nodes, faults = scenario.nodes, scenario.spec.faults
    if faults is None:
        return no_faults(len(scenario.agents), 2 + nodes.present.shape[1])
    pv_kw = CLEARNESS_RANGE[1] * scenario.clear_sky_peak_kw
    span = np.column_stack([scenario.peak_load_kw, pv_kw, nodes.energy_max_kwh])
    generator = np.random.default_rng(seed)
    return draw_faults(faults, span > 0.0, span, scenario.steps, scenario.dt_h, generator)


@kernel
def _autoregression(shocks, persistence, out):  # type: ignore[no-untyped-def]
    """First-order autoregression of unit variance down the first axis."""
    gain = np.sqrt(1.0 - persistence * persistence)
    for i in range(shocks.shape[1]):
        level = shocks[0, i]
        out[0, i] = level
        for t in range(1, shocks.shape[0]):
            level = persistence * level + gain * shocks[t, i]
            out[t, i] = level


def _pv(scenario: Scenario, start_day: int, seed: np.random.SeedSequence) -> FloatArray:
    """Clear-sky power times national clearness with local clouds, (quarter, agent) [kW]."""
    first = QUARTERS_PER_DAY * start_day
    quarter = slice(first, first + QUARTERS_PER_DAY * scenario.spec.days)
    shared_seed, private_seed = seed.spawn(2)
    national = scenario.data.solar_clearness[quarter][:, None]
    shocks = np.random.default_rng(shared_seed).standard_normal(national.shape)
    shared = np.empty_like(shocks)
    _autoregression(shocks, CLOUD_PERSISTENCE, shared)
    under = np.flatnonzero(scenario.roof_kw)
    private = np.empty((len(under), len(national)))
    for agent, own in zip(under.tolist(), private, strict=True):
        stream(private_seed, agent).standard_normal(out=own)
    local = CLOUD_SPREAD * shared + ROOF_SPREAD * private.T
    clearness = np.clip(national + local, *CLEARNESS_RANGE)
    fraction = scenario.clear_sky_fraction[quarter, scenario.orientation_of[under]]
    pv_kw = np.zeros((len(national), len(scenario.agents)))
    pv_kw[:, under] = scenario.roof_kw[under] * fraction * clearness
    return pv_kw


_PRESENCE: Final = ("plugged", "departs", "trip_kwh", "floor_kwh", "hours_left")


def _presence(
    scenario: Scenario, key: EpisodeKey, seed: np.random.SeedSequence
) -> dict[str, FloatArray]:
    """Presence series and start levels of all flexible assets, with a batch axis of one.

    What never leaves starts with a drawn share of its capacity.
    """
    nodes = scenario.nodes
    agents, width = nodes.present.shape
    shares = np.zeros((agents, width))
    drawn: dict[tuple[int, int], Schedule] = {}
    for agent in np.flatnonzero(scenario.has_storage).tolist():
        generator = stream(seed, agent)
        shares[agent] = generator.uniform(*START_LEVEL, size=width)
        for asset, node in enumerate(scenario.flexible[agent]):
            if node.stays_per_day > 0.0:
                drawn[agent, asset] = _schedule(scenario, key, agent, node, generator)
    span_kwh = nodes.energy_max_kwh - nodes.energy_min_kwh
    start_kwh = np.round(nodes.energy_min_kwh + shares * span_kwh, 3)
    series = _resting(scenario).copy() if drawn else _resting(scenario)
    for (agent, asset), own in drawn.items():
        start_kwh[agent, asset] = own.start_kwh
        for row, name in zip(series, _PRESENCE, strict=True):
            row[:, 0, agent, asset] = getattr(own, name)
    start_kwh = np.clip(start_kwh, nodes.energy_min_kwh, nodes.energy_max_kwh)  # rounded up
    return {**dict(zip(_PRESENCE, series, strict=True)), "start_energy_kwh": start_kwh[None]}


@lru_cache(maxsize=8)
def _resting(scenario: Scenario) -> FloatArray:
    """Presence series of assets that never leave: their tube is their plain bounds.

    Returns:
        Rows of `_PRESENCE`, (series, step, 1, agent, asset); zero for vehicles.
    """
    nodes = scenario.nodes
    stays = nodes.present & (nodes.target_kwh == 0.0)
    series = np.zeros((len(_PRESENCE), scenario.steps, 1, *stays.shape))
    series[_PRESENCE.index("plugged")] = stays
    series[_PRESENCE.index("floor_kwh")] = np.where(stays, nodes.energy_min_kwh, 0.0)
    series.setflags(write=False)
    return series


def _schedule(
    scenario: Scenario,
    key: EpisodeKey,
    agent: int,
    vehicle: PowerNode,
    generator: np.random.Generator,
) -> Schedule:
    """Stays of a vehicle, with what its connection leaves free for it."""
    free_kw = scenario.spec.connection_limit_kw - float(scenario.peak_load_kw[agent])
    ahead = 4 * int(scenario.data.summer_time[QUARTERS_PER_DAY * key.start_day])
    weekday = key.start_day % 7
    return schedule(vehicle, weekday, scenario.steps, scenario.dt_h, ahead, free_kw, generator)


def _check_connections(scenario: Scenario, load_kw: FloatArray, pv_kw: FloatArray) -> None:
    """With idle storage the connection must carry load and PV, so that the optimum stays linear."""
    net = load_kw - pv_kw
    limit = scenario.spec.connection_limit_kw
    if np.any(np.abs(net) > limit):
        step, _, agent = np.argwhere(np.abs(net) > limit)[0]
        raise ScenarioError(
            f"{scenario.spec.id}: {scenario.agents[agent]} has a net load of "
            f"{net[step, 0, agent]:.3f} kW at step {step}, above connection_limit_kw {limit}; "
            "raise the limit or make load and pv smaller"
        )
