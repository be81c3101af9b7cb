"""An episode: load, PV, prices and start levels, all drawn at reset; the step draws nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np
from numba import njit

from p2p_market.assets.node import PowerNode, Presence
from p2p_market.calendar import (
    DAYS_PER_YEAR,
    QUARTERS_PER_DAY,
    calendar_features,
    day_type,
    local_quarters,
    split_mask,
    start_days,
)
from p2p_market.data import Donor
from p2p_market.errors import ScenarioError
from p2p_market.faults import FaultSchedule, draw_faults, no_faults
from p2p_market.forecast import known_price_steps, load_expectation
from p2p_market.members import CLEARNESS_RANGE
from p2p_market.mobility import Schedule, always_there, schedule
from p2p_market.records import BoolArray, FloatArray, IntArray, Record
from p2p_market.scenario import Scenario
from p2p_market.tariff import to_ticks

DONOR_WINDOW_DAYS: Final = 35  # a day stands in for days of its kind at most this far away
SHIFT_QUARTERS: Final = 2  # a member lives up to this much earlier or later than its donor
CLOUD_PERSISTENCE: Final = 0.93  # per quarter-hour, of local clearness around the national mean
CLOUD_SPREAD: Final = 0.20
ROOF_SPREAD: Final = 0.05  # private part of clearness
START_LEVEL: Final = (0.3, 0.7)  # share of the capacity stored at the start


@dataclass(frozen=True, slots=True)
class EpisodeKey:
    """What an episode is drawn from; the same key gives the same episode."""

    split: str
    start_day: int  # day of the year, 0 = 1 January
    seed: int


def policy_seed(key: EpisodeKey) -> int:
    """Seed that a policy gets for an episode: another each week, and no way back to the draw."""
    mixed = np.random.SeedSequence([key.seed, key.start_day, 0x706F6C69])
    return int(mixed.generate_state(1, np.uint64)[0] >> np.uint64(1))


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
    columns: dict[str, Any] = {}
    for field in fields(Episode):
        parts = [getattr(episode, field.name) for episode in episodes]
        if field.name == "keys":
            columns[field.name] = tuple(key for part in parts for key in part)
        else:
            columns[field.name] = np.concatenate(parts, axis=_BATCH_AXIS.get(field.name, 1))
    return Episode(**columns)


def choose_key(
    scenario: Scenario, seed: int, split: str = "train", week: int | None = None
) -> EpisodeKey:
    """Key of an episode: the seed picks the start unless a week (0 to 12) is asked for.

    Raises:
        ScenarioError: if the split or the week does not exist.
    """
    starts = start_days(split, scenario.spec.days)
    if week is None:
        chooser = np.random.default_rng(np.random.SeedSequence(seed))
        return EpisodeKey(split, int(starts[chooser.integers(len(starts))]), seed)
    weeks = starts.reshape(13, -1)[:, 0]
    if not 0 <= week < len(weeks):
        raise ScenarioError(f"no week {week!r} in split {split!r}; weeks are 0 to {len(weeks) - 1}")
    return EpisodeKey(split, int(weeks[week]), seed)


def draw(scenario: Scenario, key: EpisodeKey) -> Episode:
    """Draw one episode (a batch of one); quantised to 1 W, 1 Wh, 1 tick and 1 g/kWh.

    Raises:
        ScenarioError: if a member's load or PV exceeds its connection with the storage idle.
    """
    spec, data = scenario.spec, scenario.data
    root = np.random.SeedSequence([key.seed, key.start_day])
    days_seed, weather_seed, level_seed, outage_seed, fault_seed = root.spawn(5)
    quarter = QUARTERS_PER_DAY * key.start_day + np.arange(QUARTERS_PER_DAY * (spec.days + 1))
    local = local_quarters(data.summer_time)[quarter]
    inside = slice(0, QUARTERS_PER_DAY * spec.days)
    per_step = round(4 * spec.dt_h)

    def steps(series: FloatArray) -> FloatArray:
        """Means over the quarter-hours of each step, with a batch axis of one."""
        means: FloatArray = series.reshape(-1, per_step, *series.shape[1:]).mean(axis=1)
        return means[:, None]

    def watts(series: FloatArray) -> FloatArray:
        """The same to 1 W: what lies below differs between math libraries."""
        return np.round(steps(series), 3)

    load_kw = watts(_loads(scenario, key, days_seed))
    pv_kw = watts(_pv(scenario, quarter[inside], weather_seed))
    _check_connections(scenario, load_kw, pv_kw)
    tick = spec.tick_eur_per_kwh
    retail = to_ticks(steps(scenario.retail_eur_per_kwh[quarter]), tick)
    co2 = np.round(steps(data.co2_g_per_kwh[quarter[inside]])) / 1000.0
    carbon = to_ticks(spec.carbon_eur_per_kg * co2, tick)
    fee = scenario.network_fee_eur_per_kwh
    grid = _grid(scenario, outage_seed)
    there = grid[..., None] > 0.0
    worth = np.where(there, scenario.feed_in_eur_per_kwh, 0.0)
    spared = np.where(
        there, retail[: scenario.steps] + carbon[..., None], spec.lost_load_eur_per_kwh
    )
    scale = np.array([node.scale_kw for node in scenario.demand])
    expected_pv, pv_spread = _expected_pv(scenario, quarter)
    faults = _faults(scenario, fault_seed)
    return Episode(
        keys=(key,),
        load_kw=load_kw,
        pv_kw=pv_kw,
        retail_eur_per_kwh=retail,
        grid=grid,
        ask_floor_eur_per_kwh=to_ticks(worth + fee, tick),
        bid_cap_eur_per_kwh=to_ticks(spared - fee, tick),
        carbon_eur_per_kwh=carbon,
        co2_kg_per_kwh=co2,
        calendar=calendar_features(steps(local[inside].astype(np.float64))[:, 0])[:, None],
        known_price_step=_known_prices(scenario, local)[:, None],
        expected_load_kw=watts(scale * load_expectation(scenario.expected_load, local)),
        load_spread_kw=watts(scale * load_expectation(scenario.load_spread, local)),
        expected_pv_kw=watts(expected_pv),
        pv_spread_kw=watts(pv_spread),
        **_presence(scenario, key, level_seed),
        pv_ceiling_kw=watts(CLEARNESS_RANGE[1] * scenario.clear_sky_kw[quarter[inside]]),
        sensor_fault=faults.sensor,
        sensor_bias=faults.bias,
        message_fault=faults.message,
    )


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


def _faults(scenario: Scenario, seed: np.random.SeedSequence) -> FaultSchedule:
    nodes, faults = scenario.nodes, scenario.spec.faults
    if faults is None:
        return no_faults(len(scenario.agents), 2 + nodes.present.shape[1])
    pv_kw = CLEARNESS_RANGE[1] * scenario.clear_sky_kw.max(axis=0)
    span = np.column_stack([scenario.peak_load_kw, pv_kw, nodes.energy_max_kwh])
    generator = np.random.default_rng(seed)
    return draw_faults(faults, span > 0.0, span, scenario.steps, scenario.dt_h, generator)


def _known_prices(scenario: Scenario, local_quarter: IntArray) -> IntArray:
    per_step = round(4 * scenario.dt_h)
    hours = (local_quarter[::per_step] - local_quarter[0] // 96 * 96) / 4.0
    return known_price_steps(hours, scenario.steps, scenario.steps_per_day)


def _loads(scenario: Scenario, key: EpisodeKey, seed: np.random.SeedSequence) -> FloatArray:
    """Each member takes days of its donor: same split, same kind of day, near in the year.

    Two members with one donor never take the same day on one date as long as there are enough.

    Returns:
        Load in each quarter-hour, (quarter, agent) [kW].
    """
    days = key.start_day + np.arange(scenario.spec.days)
    taken: dict[tuple[str, int], list[int]] = {}
    columns = []
    for agent, child in enumerate(seed.spawn(len(scenario.demand))):
        generator = np.random.default_rng(child)
        donor = _donor(scenario, agent, key.split, generator)
        shift = int(generator.integers(-SHIFT_QUARTERS, SHIFT_QUARTERS + 1))
        chosen = []
        for day in days:
            candidates = _candidates(donor, key.split, int(day))
            used = taken.setdefault((donor.name, int(day)), [])
            free = np.setdiff1d(candidates, used)
            pool = free if len(free) else candidates
            chosen.append(int(pool[generator.integers(len(pool))]))
            used.append(chosen[-1])
        shapes = donor.shape[chosen].astype(np.float64)
        columns.append(scenario.demand[agent].scale_kw * np.roll(shapes, shift, axis=1).ravel())
    summer = scenario.data.summer_time[QUARTERS_PER_DAY * key.start_day]
    return np.roll(np.column_stack(columns), -4 if summer else 0, axis=0)


def _donor(scenario: Scenario, agent: int, split: str, generator: np.random.Generator) -> Donor:
    """The one donor of a member, or one drawn from those that its kind has in the split."""
    pool = scenario.donor_pools[agent][split]
    place = pool[0] if len(pool) == 1 else pool[int(generator.integers(len(pool)))]
    return scenario.data.donors[place]


def _candidates(donor: Donor, split: str, day: int) -> IntArray:
    """Days of a donor that may stand in for a day of the year."""
    own = np.arange(len(donor.shape))
    kind = day_type((donor.first_weekday + own) % 7)
    away = np.abs(own - day)
    near = np.minimum(away, DAYS_PER_YEAR - away) <= DONOR_WINDOW_DAYS
    wanted: BoolArray = split_mask(split, len(own)) & near & (kind == day_type(np.array(day % 7)))
    return np.flatnonzero(wanted)


@njit(cache=True)
def _autoregression(shocks, persistence, out):  # type: ignore[no-untyped-def]
    """First-order autoregression of unit variance down the first axis."""
    gain = np.sqrt(1.0 - persistence * persistence)
    for i in range(shocks.shape[1]):
        level = shocks[0, i]
        out[0, i] = level
        for t in range(1, shocks.shape[0]):
            level = persistence * level + gain * shocks[t, i]
            out[t, i] = level


def _pv(scenario: Scenario, quarter: IntArray, seed: np.random.SeedSequence) -> FloatArray:
    """Clear-sky power times national clearness with local clouds, (quarter, agent) [kW]."""
    shared_seed, private_seed = seed.spawn(2)
    agents = len(scenario.agents)
    shared = np.empty((len(quarter), 1))
    shocks = np.random.default_rng(shared_seed).standard_normal(shared.shape)
    _autoregression(shocks, CLOUD_PERSISTENCE, shared)
    private = np.column_stack(
        [
            np.random.default_rng(child).standard_normal(len(quarter))
            for child in private_seed.spawn(agents)
        ]
    )
    national = scenario.data.solar_clearness[quarter][:, None]
    local = CLOUD_SPREAD * shared + ROOF_SPREAD * private
    clearness = np.clip(national + local, *CLEARNESS_RANGE)
    return scenario.clear_sky_kw[quarter] * clearness


def _expected_pv(scenario: Scenario, quarter: IntArray) -> tuple[FloatArray, FloatArray]:
    """Expected PV power and its standard deviation, (quarter, agent) [kW]."""
    cycle = np.minimum(quarter // (28 * QUARTERS_PER_DAY), 12)
    clear = scenario.clear_sky_kw[quarter]
    mean = scenario.expected_clearness[cycle][:, None]
    local = CLOUD_SPREAD**2 + ROOF_SPREAD**2
    spread = np.sqrt(scenario.clearness_spread[cycle] ** 2 + local)[:, None]
    return clear * mean, clear * spread


def _presence(
    scenario: Scenario, key: EpisodeKey, seed: np.random.SeedSequence
) -> dict[str, FloatArray]:
    """Presence series and start levels of all flexible assets, with a batch axis of one."""
    shape = scenario.nodes.present.shape
    series = {name: np.zeros((scenario.steps, 1, *shape)) for name in _PRESENCE}
    start_energy_kwh = np.zeros((1, *shape))
    for agent, child in enumerate(seed.spawn(len(scenario.agents))):
        generator = np.random.default_rng(child)
        shares = np.asarray(generator.uniform(*START_LEVEL, size=shape[1]))
        for asset, node in enumerate(scenario.flexible[agent]):
            own = _schedule(scenario, key, agent, node, float(shares[asset]), generator)
            start_energy_kwh[0, agent, asset] = own.start_kwh
            for name in _PRESENCE:
                series[name][:, 0, agent, asset] = getattr(own, name)
    return {**series, "start_energy_kwh": start_energy_kwh}


_PRESENCE: Final = ("plugged", "departs", "trip_kwh", "floor_kwh", "hours_left")


def _schedule(
    scenario: Scenario,
    key: EpisodeKey,
    agent: int,
    node: PowerNode,
    share: float,
    generator: np.random.Generator,
) -> Schedule:
    """Stays of a vehicle, or a start level, drawn as a share of its capacity, for what stays."""
    if node.stays_per_day == 0.0:
        span = node.energy_max_kwh - node.energy_min_kwh
        start_kwh = float(np.round(node.energy_min_kwh + share * span, 3))
        return always_there(node, scenario.steps, start_kwh)
    free_kw = scenario.spec.connection_limit_kw - float(scenario.peak_load_kw[agent])
    ahead = 4 * int(scenario.data.summer_time[QUARTERS_PER_DAY * key.start_day])
    weekday = key.start_day % 7
    return schedule(node, weekday, scenario.steps, scenario.dt_h, ahead, free_kw, generator)


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
