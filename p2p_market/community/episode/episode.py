"""An episode: load, PV, prices and start levels, all drawn at reset; the step draws nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any, ClassVar, Final, NamedTuple

import numpy as np

from p2p_market.assets.mobility import Schedule, schedule
from p2p_market.assets.node import PowerNode, Presence
from p2p_market.community.episode.clouds import draw_pv
from p2p_market.community.episode.faults import FaultSchedule, draw_faults, no_faults
from p2p_market.community.episode.loads import draw_loads
from p2p_market.community.episode.window import Window, window
from p2p_market.community.episode.world import add_generation, draw_world, force_nothing
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.community.scenario.voltage import check_rest
from p2p_market.compilation import kernel
from p2p_market.data.calendar import QUARTERS_PER_DAY, WEEKS_PER_SPLIT, start_days
from p2p_market.data.streams import ITSELF, below, opened, seeded, share, stream, words
from p2p_market.errors import ScenarioError
from p2p_market.kit.defaults import stack as stack
from p2p_market.kit.defaults import take as take
from p2p_market.kit.episodes import Drawn
from p2p_market.market.ticks import to_ticks
from p2p_market.records import FloatArray, IntArray
from p2p_market.track import EpisodeKey
from p2p_market.validation import whole_number

REFERENCE_SPLIT: Final = "test"
REFERENCE_SEED: Final = 0  # episodes of the reference table and of a benchmark, by default
START_LEVEL: Final = (0.3, 0.7)  # share of the capacity stored at the start


@dataclass(frozen=True, slots=True)
class Episode(Drawn):
    """Exogenous series, `(step, batch, agent)`; those marked + run one day past the end."""

    BATCH_AXIS: ClassVar = {"start_energy_kwh": 0}

    load_kw: FloatArray
    pv_kw: FloatArray  # available, >= 0
    retail_eur_per_kwh: FloatArray  # +
    feed_in_eur_per_kwh: FloatArray  # +
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
    # What the world does to machines, (step, batch, agent, asset), see `World`; or no rows
    drift_kwh: FloatArray
    charge_share: FloatArray
    low_share: FloatArray
    high_share: FloatArray
    top_kwh: FloatArray
    expected_drift_kwh: FloatArray  # +
    weather: FloatArray  # (step, batch, feature), as members see it; or no rows

    def presence(self, step: int) -> Presence:
        """What flexible assets may do in a step."""
        return Presence(
            self.plugged[step], self.floor_kwh[step], self.departs[step], self.trip_kwh[step]
        )

    def without_faults(self) -> "Episode":
        """The same episode with sound sensors and connections."""
        fields_of = ("sensor_fault", "sensor_bias", "message_fault")
        return replace(self, **{name: getattr(self, name)[:0] for name in fields_of})


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
        return EpisodeKey(split, int(starts[_first_below(words([seed]), len(starts))]), seed)
    week = _week(week, f"no week {week!r} in split {split!r}: week")
    return EpisodeKey(split, int(starts.reshape(WEEKS_PER_SPLIT, -1)[week, 0]), seed)


def _week(week: object, name: str) -> int:
    """Checks the number of a week, 0 to 12; an error calls it `name`."""
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
    entropy: Any = seeds.entropy
    root = words(entropy if isinstance(entropy, Sequence) else [entropy], number)
    return choose_key(scenario, _first_word(root) >> 1, split, week)


@kernel
def _first_word(root):  # type: ignore[no-untyped-def]
    """The first word of 64 bits that a seed gives."""
    return seeded(root, ITSELF)[0]


@kernel
def _first_below(root, count):  # type: ignore[no-untyped-def]
    """The first whole number that a stream draws, from 0 to `count - 1`."""
    return below(opened(root, ITSELF), count)


class Own(NamedTuple):
    """What a community has for itself in an episode, drawn."""

    load_kw: FloatArray  # (step, agent)
    pv_kw: FloatArray  # (step, agent)
    start_energy_kwh: FloatArray  # (agent, asset)
    presence: dict[str, Any]  # (step, 1, agent, asset) under the names of `Episode`
    grid: FloatArray  # (step, 1)
    sensor_fault: IntArray  # as in `Episode`, with a batch of one, as both below
    sensor_bias: FloatArray
    message_fault: IntArray
    world: dict[str, FloatArray]  # (step, 1, agent, asset) under the names of `World`


def draw(scenario: Scenario, key: EpisodeKey) -> Episode:
    """Draw one episode (a batch of one); quantised to 1 W, 1 Wh, 1 tick and 1 g/kWh.

    What is not drawn are views of the scenario's window of that day.

    Raises:
        ScenarioError: if a member's load or PV exceeds its connection with the storage idle.
    """
    own = draw_own(scenario, key, *np.empty((2, scenario.steps, len(scenario.agents))))
    common = window(scenario, key.start_day)
    series: dict[str, Any] = {
        field.name: getattr(common, field.name)[:, None] for field in fields(Window)
    }
    if scenario.spec.outages is not None:
        series |= _outage_limits(scenario, series, own.grid)
    return Episode(
        keys=(key,),
        load_kw=own.load_kw[:, None],
        pv_kw=own.pv_kw[:, None],
        grid=own.grid,
        **series,
        **(own.presence | own.world),
        start_energy_kwh=own.start_energy_kwh[None],
        sensor_fault=own.sensor_fault,
        sensor_bias=own.sensor_bias,
        message_fault=own.message_fault,
    )


def draw_own(
    scenario: Scenario, key: EpisodeKey, out_load_kw: FloatArray, out_pv_kw: FloatArray
) -> Own:
    """Draw what an episode's community has for itself; load and PV, (step, agent), into `out`.

    Raises:
        ScenarioError: if a member's load or PV exceeds its connection with the storage idle.
    """
    entropy = key.seed, key.start_day
    _watts(draw_loads(scenario, key.split, key.start_day, words(entropy, 0)), out_load_kw)
    _watts(draw_pv(scenario, *entropy), out_pv_kw)
    add_generation(scenario, key, out_pv_kw)
    if _exceeds(out_load_kw, out_pv_kw, float(scenario.spec.connection_limit_kw)):
        _refuse(scenario, out_load_kw, out_pv_kw)
    check_rest(scenario, out_load_kw, out_pv_kw)
    start_kwh, presence = _presence(scenario, key)
    world = draw_world(scenario, key, start_kwh, presence, out_load_kw - out_pv_kw)
    grid, faults = _grid(scenario, entropy), _faults(scenario, entropy)
    force_nothing(scenario, grid, presence)
    wrong = faults.sensor, faults.bias, faults.message
    return Own(out_load_kw, out_pv_kw, start_kwh, presence, grid, *wrong, world)


@kernel
def _watts(quarters, out):  # type: ignore[no-untyped-def]
    """Mean of each step, rounded to 1 W: smaller digits differ between math libraries."""
    per_step = quarters.shape[0] // out.shape[0]
    for t in range(out.shape[0]):
        for i in range(out.shape[1]):
            total = quarters[per_step * t, i]
            for q in range(1, per_step):
                total += quarters[per_step * t + q, i]
            out[t, i] = np.rint(total / per_step * 1000.0) / 1000.0


def _grid(scenario: Scenario, entropy: tuple[int, int]) -> FloatArray:
    """1 while the grid is available, 0 during an outage, (step, 1)."""
    grid = np.ones((scenario.steps, 1))
    if (outages := scenario.spec.outages) is None:
        return grid
    generator = stream(np.random.SeedSequence(entropy), 3)
    for _ in range(outages.windows):
        hours = outages.hours[0] + (outages.hours[1] - outages.hours[0]) * generator.random()
        length = max(1, round(hours / scenario.dt_h))
        begin = int(generator.integers(max(1, scenario.steps - length)))
        grid[begin : begin + length] = 0.0
    return grid


def _outage_limits(
    scenario: Scenario, series: dict[str, FloatArray], grid: FloatArray
) -> dict[str, FloatArray]:
    """Price floors and caps; in an outage nothing can be sold to the grid or bought from it."""
    there = grid[..., None] > 0.0
    fee, tick = scenario.network_fee_eur_per_kwh, scenario.spec.tick_eur_per_kwh
    floor = to_ticks(fee, tick)
    cap = to_ticks(scenario.spec.lost_load_eur_per_kwh - fee, tick)
    return {
        "ask_floor_eur_per_kwh": np.where(there, series["ask_floor_eur_per_kwh"], floor),
        "bid_cap_eur_per_kwh": np.where(there, series["bid_cap_eur_per_kwh"], cap),
    }


def _faults(scenario: Scenario, entropy: tuple[int, int]) -> FaultSchedule:
    nodes, faults = scenario.nodes, scenario.spec.faults
    if faults is None:
        return no_faults(len(scenario.agents), 2 + nodes.present.shape[1])
    span = np.column_stack([scenario.peak_load_kw, scenario.pv_peak_kw, nodes.energy_max_kwh])
    generator = stream(np.random.SeedSequence(entropy), 4)
    return draw_faults(faults, span > 0.0, span, scenario.steps, scenario.dt_h, generator)


_PRESENCE: Final = ("plugged", "departs", "trip_kwh", "floor_kwh", "hours_left")


def _presence(scenario: Scenario, key: EpisodeKey) -> tuple[FloatArray, dict[str, FloatArray]]:
    """Start levels of all flexible assets, (agent, asset), and their presence series."""
    entropy, nodes = (key.seed, key.start_day), scenario.nodes
    start_kwh = np.zeros(nodes.present.shape)
    least_kwh, most_kwh = nodes.energy_min_kwh, nodes.energy_max_kwh
    _levels_kernel(nodes.present, least_kwh, most_kwh, words(entropy, 2), start_kwh)
    series = _resting(scenario)
    vehicles = _vehicles(scenario)
    if vehicles:
        series, seed = series.copy(), np.random.SeedSequence(entropy, spawn_key=(2,))
    for agent, asset, device in vehicles:
        generator = stream(seed, agent)
        generator.random(nodes.present.shape[1])  # what its start levels took
        own = _schedule(scenario, key, agent, device, generator)
        bounds = least_kwh[agent, asset], most_kwh[agent, asset]
        start_kwh[agent, asset] = np.clip(own.start_kwh, *bounds)  # rounded up
        for row, name in zip(series, _PRESENCE, strict=True):
            row[:, 0, agent, asset] = getattr(own, name)
    return start_kwh, dict(zip(_PRESENCE, series, strict=True))


@lru_cache(maxsize=8)
def _vehicles(scenario: Scenario) -> tuple[tuple[int, int, PowerNode], ...]:
    """Agent, place among its assets, and device of each vehicle."""
    return tuple(
        (agent, asset, device)
        for agent, own in enumerate(scenario.flexible)
        for asset, device in enumerate(own)
        if device.stays_per_day > 0.0
    )


@kernel
def _levels_kernel(present, least_kwh, most_kwh, root, out):  # type: ignore[no-untyped-def]
    """Start levels: a random share of the capacity, rounded to 1 Wh."""
    low, high = START_LEVEL
    for i in range(out.shape[0]):
        if not present[i].any():
            continue
        member = opened(root, i)
        for k in range(out.shape[1]):
            level = (low + (high - low) * share(member)) * (most_kwh[i, k] - least_kwh[i, k])
            level = np.rint((least_kwh[i, k] + level) * 1000.0) / 1000.0
            out[i, k] = min(max(level, least_kwh[i, k]), most_kwh[i, k])


@lru_cache(maxsize=8)
def _resting(scenario: Scenario) -> FloatArray:
    """Presence series of assets that never leave: their limits are those of the device.

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
    """When a vehicle is at home, and how much power its connection leaves for it."""
    free_kw = scenario.spec.connection_limit_kw - float(scenario.peak_load_kw[agent])
    ahead = 4 * int(scenario.data.summer_time[QUARTERS_PER_DAY * key.start_day])
    weekday = key.start_day % 7
    return schedule(vehicle, weekday, scenario.steps, scenario.dt_h, ahead, free_kw, generator)


@kernel
def _exceeds(load_kw, pv_kw, limit_kw):  # type: ignore[no-untyped-def]
    """Whether the connection is too small for a load or PV with the storage idle."""
    widest = 0.0
    for t in range(load_kw.shape[0]):
        for i in range(load_kw.shape[1]):
            widest = max(widest, abs(load_kw[t, i] - pv_kw[t, i]))
    return widest > limit_kw


def _refuse(scenario: Scenario, load_kw: FloatArray, pv_kw: FloatArray) -> None:
    """Refuse a connection that cannot carry load and PV while the storage is idle."""
    net, limit = load_kw - pv_kw, scenario.spec.connection_limit_kw
    step, agent = np.argwhere(np.abs(net) > limit)[0]
    raise ScenarioError(
        f"{scenario.spec.id}: {scenario.agents[agent]} has a net load of "
        f"{net[step, agent]:.3f} kW at step {step}, above connection_limit_kw {limit}; "
        "raise the limit or make load and pv smaller"
    )
