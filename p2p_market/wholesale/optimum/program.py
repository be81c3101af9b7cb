"""The linear program of an episode: exactly the physics of the step, for all steps at once.

One vector of variables, step after step, and sparse rows in blocks. The same arrays serve the
solver, and the bound that row prices prove by arithmetic.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from p2p_market.records import FloatArray, IntArray, Record
from p2p_market.wholesale.episode.episode import Episode
from p2p_market.wholesale.scenario import Scenario

EQUAL, AT_MOST, AT_LEAST = 0, 1, -1
BLOCKS: Final = (
    "balance", "ramp_up", "ramp_down", "level", "backlog",
    "gain_up", "band_up", "cover_up", "head_up", "output_up", "power_up", "level_up", "load_up",
    "gain_down", "band_down", "cover_down", "output_down", "power_down", "level_down",
)  # fmt: skip
"""Kinds of rows; their prices prove the bound."""


@dataclass(frozen=True, slots=True)
class Horizon(Record):
    """What a program is about: series of its steps, and where it begins and ends."""

    available_mw: FloatArray  # (step, generator)
    must_mw: FloatArray  # (step, generator)
    trips: FloatArray  # (step, generator)
    firm_mw: FloatArray  # (step, consumer)
    flexible_mw: FloatArray  # (step, consumer)
    fluctuation_mw: FloatArray  # (step,)
    damping_mw_per_hz: FloatArray  # (step,)
    level_mwh: FloatArray  # (storage,), at the start
    backlog_mwh: FloatArray  # (consumer,), at the start
    output_mw: FloatArray | None  # (generator,), before the first step; None: no ramp holds there
    ends: bool  # whether what is stored and deferred at the end counts


class Block(NamedTuple):
    """Rows of one kind: `sum(value * x[column])` over the entries of a row, against a limit."""

    sense: int  # EQUAL, AT_MOST, AT_LEAST
    limit: FloatArray  # (row,)
    row: IntArray  # (entry,)
    column: IntArray  # (entry,)
    value: FloatArray  # (entry,)


@dataclass(frozen=True, slots=True)
class Program(Record):
    """Least `cost @ x + fixed_eur` with the rows of all blocks and `low <= x <= high`."""

    cost: FloatArray
    low: FloatArray
    high: FloatArray
    blocks: Mapping[str, Block]
    fixed_eur: float
    places: Mapping[str, IntArray]  # name of a quantity -> (step, unit) places in x

    def bound_eur(self, prices: Mapping[str, FloatArray]) -> float:
        """No x costs less, whatever the prices of the rows: weak duality, by arithmetic.

        Args:
            prices: name of a block -> what one more of each limit costs, (row,); a sign that a
                row cannot have counts as 0, and so does a block that is left out.
        """
        reduced, total = self.cost.copy(), self.fixed_eur
        for name, block in self.blocks.items():
            if name not in prices:
                continue
            price = np.asarray(prices[name], dtype=np.float64)
            if block.sense == AT_MOST:
                price = np.minimum(price, 0.0)
            elif block.sense == AT_LEAST:
                price = np.maximum(price, 0.0)
            total += float(price @ block.limit)
            weights = price[block.row] * block.value
            reduced -= np.bincount(block.column, weights, minlength=len(reduced))
        return total + float(np.minimum(reduced * self.low, reduced * self.high).sum())


def horizon_of(scenario: Scenario, episode: Episode) -> Horizon:
    """All of an episode, a batch of one."""
    return Horizon(
        available_mw=episode.available_mw[0],
        must_mw=episode.must_mw[0],
        trips=episode.trips[0],
        firm_mw=episode.firm_mw[0],
        flexible_mw=episode.flexible_mw[0],
        fluctuation_mw=episode.fluctuation_mw[0],
        damping_mw_per_hz=episode.damping_mw_per_hz[0],
        level_mwh=scenario.fleet.start_mwh,
        backlog_mwh=np.zeros(scenario.sizes[2]),
        output_mw=None,
        ends=True,
    )


class _Maker:
    """Variables and rows as they are written down."""

    def __init__(self, scenario: Scenario, horizon: Horizon) -> None:
        """Lay out the variables, step after step."""
        self.scenario, self.horizon = scenario, horizon
        self.steps = len(horizon.firm_mw)
        units, storages, consumers = scenario.sizes
        self.widths = {
            "output": units,
            "charge": storages,
            "discharge": storages,
            "level": storages,
            "flexible": consumers,
            "backlog": consumers,
            "lost": 1,
            "dumped": 1,
        }
        for way, providers in (("up", units + storages + consumers), ("down", units + storages)):
            self.widths |= {f"hz_{way}": 1, f"beyond_{way}": 1, f"shed_{way}": 1}
            self.widths[f"response_{way}"] = providers
        self.width = sum(self.widths.values())
        self.places, first = {}, 0
        for name, width in self.widths.items():
            step = self.width * np.arange(self.steps)[:, None]
            self.places[name] = step + first + np.arange(width)
            first += width
        count = self.width * self.steps
        self.cost, self.low, self.high = np.zeros(count), np.zeros(count), np.zeros(count)
        self.blocks: dict[str, Block] = {}
        self.fixed_eur = 0.0

    def bounds(self, name: str, low: Any, high: Any, cost: Any = 0.0) -> None:
        """Range and cost of a quantity, (step, unit) or what broadcasts to it."""
        place = self.places[name]
        self.low[place], self.high[place], self.cost[place] = low, high, cost

    def rows(self, name: str, sense: int, limit: Any, terms: list[tuple[Any, Any]]) -> None:
        """Rows of a block.

        Args:
            limit: (...), the shape of the block.
            terms: coefficient and places in x, each of them in a shape that broadcasts to it.
        """
        limit = np.asarray(limit, dtype=np.float64)
        row = np.arange(limit.size).reshape(limit.shape)
        entries: list[tuple[IntArray, IntArray, FloatArray]] = []
        for value, place in terms:
            shape = np.broadcast_shapes(limit.shape, np.shape(place))
            rows, columns, values = (np.broadcast_to(one, shape) for one in (row, place, value))
            kept = (values != 0.0) & (columns >= 0)
            entries.append((rows[kept], columns[kept], values[kept].astype(np.float64)))
        row_of, column, value_of = (np.concatenate(one) for one in zip(*entries, strict=True))
        self.blocks[name] = Block(sense, limit.ravel(), row_of, column, value_of)


def program_of(scenario: Scenario, horizon: Horizon) -> Program:
    """The program of a horizon."""
    made = _Maker(scenario, horizon)
    _quantities(made)
    _balance(made)
    _ramps(made)
    _nodes(made)
    _response_up(made)
    _response_down(made)
    return Program(made.cost, made.low, made.high, made.blocks, made.fixed_eur, made.places)


def _quantities(made: _Maker) -> None:
    """Ranges and costs."""
    scenario, horizon = made.scenario, made.horizon
    rules, fleet = scenario.rules, scenario.fleet
    dt = rules.dt_h
    made.bounds("output", horizon.must_mw, horizon.available_mw, dt * fleet.cost)
    made.bounds("charge", 0.0, fleet.power_mw, dt * fleet.wear)
    made.bounds("discharge", 0.0, fleet.power_mw, dt * fleet.wear)
    made.bounds("level", 0.0, fleet.capacity_mwh)
    most_flexible = horizon.flexible_mw + fleet.recovery_mw
    made.bounds("flexible", 0.0, most_flexible)
    made.bounds("backlog", 0.0, fleet.most_backlog_mwh, dt * fleet.discomfort)
    load = (horizon.firm_mw.sum(axis=1) + most_flexible.sum(axis=1))[:, None]
    made.bounds("lost", 0.0, load, dt * rules.lost_load)
    made.bounds("dumped", 0.0, horizon.must_mw.sum(axis=1)[:, None], dt * rules.dumped)
    tripped = (horizon.trips * horizon.available_mw).sum(axis=1)
    for way, missing in (
        ("up", horizon.fluctuation_mw + tripped),
        ("down", horizon.fluctuation_mw),
    ):
        made.bounds(f"hz_{way}", 0.0, rules.relay_hz)
        beyond = max(0.0, rules.relay_hz - rules.band_hz)
        made.bounds(f"beyond_{way}", 0.0, beyond, dt * rules.frequency)
        made.bounds(f"shed_{way}", 0.0, missing[:, None], dt * rules.lost_load)
    if horizon.ends:
        last = made.places["level"][-1]
        made.cost[last] -= fleet.terminal
        made.fixed_eur += float(fleet.terminal @ fleet.start_mwh)
        made.cost[made.places["backlog"][-1]] += rules.backlog


def _balance(made: _Maker) -> None:
    """Power of each step."""
    p, ones = made.places, np.ones(made.steps)
    terms: list[tuple[Any, Any]] = []
    for name, sign in (
        ("output", 1.0),
        ("discharge", 1.0),
        ("charge", -1.0),
        ("flexible", -1.0),
        ("lost", 1.0),
        ("dumped", -1.0),
    ):
        terms += [(sign, p[name][:, k]) for k in range(p[name].shape[1])]
    made.rows("balance", EQUAL, made.horizon.firm_mw.sum(axis=1) * ones, terms)


def _ramps(made: _Maker) -> None:
    """Ramps of units that have them, waived as in the step."""
    horizon, fleet = made.horizon, made.scenario.fleet
    units = np.flatnonzero(np.isfinite(fleet.ramp_mw) & (fleet.ramp_mw < fleet.max_mw))
    place, ramp = made.places["output"][:, units], fleet.ramp_mw[units]
    before = np.vstack([np.full(len(units), -1), place[:-1]])
    start = np.zeros(len(units)) if horizon.output_mw is None else horizon.output_mw[units]
    free = np.zeros(place.shape, dtype=bool)
    free[0] = horizon.output_mw is None
    known = np.zeros(place.shape)
    known[0] = start
    wide = 2.0 * fleet.max_mw[units] + ramp
    made.rows(
        "ramp_up", AT_MOST, np.where(free, wide, ramp + known), [(1.0, place), (-1.0, before)]
    )
    free[1:] |= horizon.trips[:-1, units] > 0.0
    made.rows(
        "ramp_down", AT_LEAST, np.where(free, -wide, known - ramp), [(1.0, place), (-1.0, before)]
    )


def _nodes(made: _Maker) -> None:
    """Levels of storages, and backlogs."""
    horizon, fleet, p = made.horizon, made.scenario.fleet, made.places
    dt = made.scenario.rules.dt_h
    level, backlog = p["level"], p["backlog"]
    limit = np.zeros(level.shape)
    limit[0] = horizon.level_mwh
    before = np.vstack([np.full(level.shape[1], -1), level[:-1]])
    made.rows(
        "level",
        EQUAL,
        limit,
        [
            (1.0, level),
            (-1.0, before),
            (-fleet.gain_charge, p["charge"]),
            (fleet.gain_discharge, p["discharge"]),
        ],
    )
    limit = dt * horizon.flexible_mw
    limit = limit.copy()
    limit[0] += horizon.backlog_mwh
    before = np.vstack([np.full(backlog.shape[1], -1), backlog[:-1]])
    made.rows("backlog", EQUAL, limit, [(1.0, backlog), (-1.0, before), (dt, p["flexible"])])


def _gains(made: _Maker) -> FloatArray:
    """Gain of each provider in each step, (step, provider)."""
    fleet, trips = made.scenario.fleet, made.horizon.trips
    tripped = np.asarray(trips.any(axis=1))[:, None]
    gains = fleet.gain_mw_per_hz * np.where(tripped, fleet.delivered, 1.0)
    gains[:, : trips.shape[1]] *= 1.0 - trips
    return gains


def _event(made: _Maker, way: str, gains: FloatArray) -> None:
    """Response is no more than gain times deviation; what is beyond the band costs."""
    rules, p = made.scenario.rules, made.places
    response, hz = p[f"response_{way}"], p[f"hz_{way}"]
    made.high[response] = gains * rules.relay_hz
    made.rows(f"gain_{way}", AT_MOST, np.zeros(response.shape), [(1.0, response), (-gains, hz)])
    limit = np.full(hz.shape, -rules.band_hz)
    made.rows(f"band_{way}", AT_LEAST, limit, [(1.0, p[f"beyond_{way}"]), (-1.0, hz)])


def _covers(made: _Maker, way: str) -> list[tuple[Any, Any]]:
    """Damping, response and relays, against what is missing."""
    p = made.places
    terms: list[tuple[Any, Any]] = [
        (made.horizon.damping_mw_per_hz, p[f"hz_{way}"][:, 0]),
        (1.0, p[f"shed_{way}"][:, 0]),
    ]
    response = p[f"response_{way}"]
    return [*terms, *((1.0, response[:, k]) for k in range(response.shape[1]))]


def _response_up(made: _Maker) -> None:
    """Power is missing: the fast fluctuation, and what a unit that trips produced."""
    horizon, fleet, p = made.horizon, made.scenario.fleet, made.places
    units, storages = horizon.trips.shape[1], len(fleet.power_mw)
    gains, response, output = _gains(made), p["response_up"], p["output"]
    _event(made, "up", gains)
    lost = [(-horizon.trips[:, k], output[:, k]) for k in range(units)]
    made.rows("cover_up", AT_LEAST, horizon.fluctuation_mw, [*_covers(made, "up"), *lost])
    of_units = response[:, :units]
    made.rows("head_up", AT_MOST, horizon.available_mw, [(1.0, of_units), (1.0, output)])
    made.rows("output_up", AT_MOST, np.zeros(output.shape), [(1.0, of_units), (-1.0, output)])
    of_storages, charge, discharge = (
        response[:, units : units + storages],
        p["charge"],
        p["discharge"],
    )
    power = [(1.0, of_storages), (-1.0, charge), (1.0, discharge)]
    limit = np.tile(fleet.power_mw, (made.steps, 1))
    made.rows("power_up", AT_MOST, limit, power)
    limit, before = _level_before(made)
    scaled = [(1.0, of_storages), (-1.0, charge), (1.0, discharge)]
    made.rows(
        "level_up",
        AT_MOST,
        limit / fleet.gain_discharge,
        [*scaled, (-1.0 / fleet.gain_discharge, before)],
    )
    flexible = p["flexible"]
    of_load = response[:, units + storages :]
    made.rows("load_up", AT_MOST, np.zeros(flexible.shape), [(1.0, of_load), (-1.0, flexible)])


def _response_down(made: _Maker) -> None:
    """Power is in excess."""
    horizon, fleet, p = made.horizon, made.scenario.fleet, made.places
    units, storages = horizon.trips.shape[1], len(fleet.power_mw)
    response, output = p["response_down"], p["output"]
    _event(made, "down", _gains(made)[:, : units + storages])
    made.rows("cover_down", AT_LEAST, horizon.fluctuation_mw, _covers(made, "down"))
    of_units = response[:, :units]
    made.rows("output_down", AT_MOST, -horizon.must_mw, [(1.0, of_units), (-1.0, output)])
    of_storages = response[:, units:]
    power = [(1.0, of_storages), (1.0, p["charge"]), (-1.0, p["discharge"])]
    made.rows("power_down", AT_MOST, np.tile(fleet.power_mw, (made.steps, 1)), power)
    limit, before = _level_before(made)
    room = (fleet.capacity_mwh - limit) / fleet.gain_charge
    made.rows("level_down", AT_MOST, room, [*power, (1.0 / fleet.gain_charge, before)])


def _level_before(made: _Maker) -> tuple[FloatArray, IntArray]:
    """Level before each step: what is known of it, and its place in x or -1."""
    level = made.places["level"]
    known = np.zeros(level.shape)
    known[0] = made.horizon.level_mwh
    return known, np.vstack([np.full(level.shape[1], -1), level[:-1]])
