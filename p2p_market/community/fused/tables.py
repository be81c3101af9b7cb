"""What the compiled step reads and writes: arrays under names, one tuple per lifetime.

Everything the step only reads is read-only, so that one compiled form serves every caller.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from p2p_market.assets.machine import World
from p2p_market.assets.node import Limits
from p2p_market.community.actions import action_map
from p2p_market.community.coordination.terms import terms_of
from p2p_market.community.coordination.view import agreed_features
from p2p_market.community.further import further_columns
from p2p_market.community.invariants import LAWS
from p2p_market.community.kernel_inputs import Now, Rules, fixed, rules_of
from p2p_market.community.observation import features
from p2p_market.community.records import LEDGER_ENTRIES, Action, Flows, Ledger, Proposal, Watch
from p2p_market.community.reward import weights
from p2p_market.community.safety.envelope import fit
from p2p_market.community.safety.offers import transfers_of
from p2p_market.community.safety.sensors import LEVELS
from p2p_market.community.scenario.fuel import fuel_rules
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.community.voltage import done_of, scratch_of
from p2p_market.compilation import inner
from p2p_market.market import MECHANISMS
from p2p_market.market.book import Fills
from p2p_market.records import Float32Array, FloatArray, IntArray


class Tables(NamedTuple):
    """Fixed by the scenario."""

    rules: Rules
    envelope: Any  # Envelope.Arrays
    middle: FloatArray  # (agent, column) of the action
    half: FloatArray  # (agent, column)
    weights: FloatArray  # (entry,)
    mechanism: int  # place in MECHANISMS
    strict: bool
    terms: Any  # Terms; None where there are no agreements


class Windows(NamedTuple):
    """What all episodes of one start day share, (step, slot, agent); + runs one day on."""

    retail: FloatArray  # +
    feed_in: FloatArray  # +
    expected_load_kw: FloatArray  # +
    load_spread_kw: FloatArray  # +
    expected_pv_kw: FloatArray  # +
    pv_spread_kw: FloatArray  # +
    pv_ceiling_kw: FloatArray
    ask_floor: FloatArray
    bid_cap: FloatArray
    carbon: FloatArray  # (step, slot)
    co2: FloatArray  # (step, slot)
    calendar: FloatArray  # (step, slot, wave)
    known_price_step: IntArray  # (step, slot, horizon)
    pv_top_kw: FloatArray  # (slot, agent)
    expected_drift_kwh: Any  # (step, slot, agent, asset) +; None where there are no machines
    weather: Any  # (step, slot, feature); None where nothing is moved by it
    fuel_price: Any  # (step, slot, agent); None where nobody orders fuel


class Series(NamedTuple):
    """What each community has for itself, (step, batch, agent)."""

    load_kw: FloatArray
    pv_kw: FloatArray
    grid: FloatArray  # (step, batch)
    plugged: FloatArray  # (step, batch, agent, asset)
    departs: FloatArray
    trip_kwh: FloatArray
    floor_kwh: FloatArray
    hours_left: FloatArray
    start_energy_kwh: FloatArray  # (batch, agent, asset)
    sensor_fault: IntArray  # (step, batch, agent, sensor)
    sensor_bias: FloatArray
    message_fault: IntArray  # (step, batch, agent)
    slot: IntArray  # (batch,), into the windows
    world: Any  # World.Arrays, (step, batch, agent, asset); None where there are no machines


WINDOW_SERIES: Final = (
    "retail_eur_per_kwh", "feed_in_eur_per_kwh", "expected_load_kw", "load_spread_kw",
    "expected_pv_kw", "pv_spread_kw", "pv_ceiling_kw", "ask_floor_eur_per_kwh",
    "bid_cap_eur_per_kwh", "carbon_eur_per_kwh", "co2_kg_per_kwh", "calendar", "known_price_step",
)  # fmt: skip
OWN_SERIES: Final = (
    "load_kw", "pv_kw", "grid", "plugged", "departs", "trip_kwh", "floor_kwh", "hours_left",
    "start_energy_kwh", "sensor_fault", "sensor_bias", "message_fault",
)  # fmt: skip
WORLD_SERIES: Final = World.Arrays._fields
"""Fields of an episode, in the order of `Windows` and `Series`."""
OPTIONAL_SERIES: Final = ("expected_drift_kwh", "weather", "fuel_eur_per_kwh")
"""Windows that may have no rows; they come last, and are None then."""


def worlds(series: Sequence[FloatArray]) -> Any:
    """`World.Arrays` of a batch's series, read-only; None where they have no rows."""
    if not len(series[0]):
        return None
    return fixed(World.Arrays(*map(np.ascontiguousarray, series)))


def optional(series: FloatArray) -> FloatArray | None:
    """A series that a scenario may lack, read-only; None where it has no rows."""
    return fixed(np.ascontiguousarray(series)) if len(series) else None


class Moving(NamedTuple):
    """What a step changes, in place; the arrays of `State`."""

    energy_kwh: FloatArray
    hold_steps: IntArray
    last_fill_kw: FloatArray
    last_price_eur_per_kwh: FloatArray
    setpoint_kw: FloatArray
    reading: FloatArray
    unchanged_steps: IntArray
    past: Any  # Past.Arrays; None where nobody looks back
    acting: Any  # Acting.Arrays; None where there are no acts
    line: Any  # (batch, agent, LINE); None where there is no voltage
    agreements: Any  # Agreements.Arrays; None where there are none
    fuel: Any  # (batch, agent, place); None where nobody orders fuel
    service: Any  # (batch, agent); None where nobody needs maintenance


class Work(NamedTuple):
    """Scratch of a few communities, in rows; after a step it holds what `Round` does."""

    now: Now
    stays: FloatArray  # (row, agent, asset), 1 where it has been there since the step before
    told: FloatArray  # (row, agent, sensor)
    proposal: Any  # Proposal.Arrays, as it arrived
    excused: Any  # (row, agent)
    reading_cause: IntArray  # (row, agent)
    limits: Limits
    asked: Any  # Proposal.Arrays, after the screen
    watch: Any  # Watch.Arrays
    action: Any  # Action.Arrays
    fills: Any  # Fills.Arrays
    flows: Any  # Flows.Arrays
    ledger: Any  # Ledger.Arrays
    residual: FloatArray  # (law, row, agent)
    common: Float32Array  # (slot, agent, feature), observations of no community
    world_before: Any  # World.Arrays, of the step before; None where there are no machines
    voltage: Any  # voltage.Scratch; None where there is none
    orders: Any  # (3, row, agent), what agreements leave; None where there are none


@lru_cache(maxsize=16)
def tables_of(scenario: Scenario, strict: bool) -> Tables:
    """The tables of a scenario."""
    columns = action_map(scenario)
    return Tables(
        rules=rules_of(scenario),
        envelope=fit(scenario).arrays(),
        middle=columns.middle,
        half=columns.half,
        weights=fixed(weights(scenario)),
        mechanism=list(MECHANISMS).index(scenario.spec.mechanism),
        strict=strict,
        terms=fixed(terms_of(scenario)),
    )


class Blocks(NamedTuple):
    """The arrays of a `Work`, those of one shape side by side, so that their places are few."""

    per_agent: FloatArray  # (place, row, agent)
    per_asset: FloatArray  # (place, row, agent, asset)
    per_row: FloatArray  # (place, row)
    numbers: IntArray  # (place, row, agent)
    flags: Any  # (place, row, agent)
    told: FloatArray  # (row, agent, sensor)
    entries: FloatArray  # (row, agent, entry)
    residual: FloatArray  # (law, row, agent)
    common: Float32Array  # (slot, agent, feature)
    world: Any  # (place, row, agent, asset); None where there are no machines
    further: Any  # (place, row, agent, further column); None where there are none
    line: Any  # voltage.Done: reactive power, pull-back, lines; each None where there is none
    voltage: Any  # voltage.Scratch; None where there is none
    orders: Any  # (place, row, agent); None where there are no agreements
    fuel: Any  # (place, row, agent): price, order, delivery; None where nobody orders fuel
    transfer: Any  # (row, agent), of offers to be cut; None where nobody may offer


class Game(NamedTuple):
    """All of it."""

    tables: Tables
    windows: Windows
    series: Series
    moving: Moving
    blocks: Blocks


def workspace(scenario: Scenario, rows: int, slots: int) -> Blocks:
    """Scratch for so many communities at once, whose windows stand in so many slots."""
    agents, assets = scenario.nodes.present.shape
    return Blocks(
        per_agent=np.zeros((24, rows, agents)),
        per_asset=np.zeros((13, rows, agents, assets)),
        per_row=np.zeros((4, rows)),
        numbers=np.zeros((3, rows, agents), dtype=np.int64),
        flags=np.zeros((3, rows, agents), dtype=np.bool_),
        told=np.zeros((rows, agents, LEVELS + assets)),
        entries=np.zeros((rows, agents, len(LEDGER_ENTRIES))),
        residual=np.zeros((len(LAWS), rows, agents)),
        common=np.zeros((slots, agents, _common_features(scenario)), dtype=np.float32),
        world=_no_world(scenario, rows),
        further=_nothing_further(scenario, rows),
        line=done_of(scenario, rows),
        voltage=scratch_of(scenario, rows),
        orders=None if terms_of(scenario) is None else np.zeros((3, rows, agents)),
        fuel=None if fuel_rules(scenario) is None else np.zeros((3, rows, agents)),
        transfer=transfers_of(scenario, rows),
    )


def _common_features(scenario: Scenario) -> int:
    """How many features there are before those of agreements."""
    return len(features(scenario)) - len(agreed_features(scenario))


def _no_world(scenario: Scenario, rows: int) -> FloatArray | None:
    if scenario.nodes.machines is None:
        return None
    return np.zeros((2 * len(WORLD_SERIES), rows, *scenario.nodes.present.shape))


def _nothing_further(scenario: Scenario, rows: int) -> FloatArray | None:
    columns = len(further_columns(scenario))
    return np.zeros((2, rows, len(scenario.agents), columns)) if columns else None


_Proposal, _Action, _Fills = Proposal.Arrays, Action.Arrays, Fills.Arrays
_Watch, _Flows, _Ledger, _World = Watch.Arrays, Flows.Arrays, Ledger.Arrays, World.Arrays


@inner(forceinline=True)
def _world_in(world, first):  # type: ignore[no-untyped-def]
    """A step's world among blocks, from a place on; None where there is none."""
    if world is None:
        return None
    w = world[first:]
    return _World(w[0], w[1], w[2], w[3], w[4])


@inner(forceinline=True)
def _further_in(further, place):  # type: ignore[no-untyped-def]
    """One place of blocks that may not be there."""
    if further is None:
        return None
    return further[place]


def work_of(blocks: Blocks) -> Work:
    """The arrays of some blocks under their names."""
    a, k, r = blocks.per_agent, blocks.per_asset, blocks.per_row
    n, f, w = blocks.numbers, blocks.flags, blocks.world
    now, before = _world_in(w, 0), _world_in(w, 5)
    arrived, heard = _further_in(blocks.further, 0), _further_in(blocks.further, 1)
    kvar, pulled, line = blocks.line
    price, order = _further_in(blocks.fuel, 0), _further_in(blocks.fuel, 1)
    fuel = _further_in(blocks.fuel, 2)
    outside = Now(
        a[0], a[1], a[2], a[6], a[3], a[4], a[5], r[0], r[1], k[0], k[1], k[2], k[3], k[4], now,
        price,
    )  # fmt: skip
    return Work(
        outside,
        k[5],
        blocks.told,
        _Proposal(k[6], a[7], a[8], f[0], arrived),
        f[1],
        n[0],
        Limits(k[7], k[8]),
        _Proposal(k[9], a[9], a[10], f[2], heard),
        _Watch(n[1], n[2], a[11]),
        _Action(k[10], a[12], a[13], a[14], a[15], a[16], kvar, pulled, order, blocks.transfer),
        _Fills(a[17], a[18], r[2]),
        _Flows(a[19], a[20], a[21], k[11], k[12], a[22], a[23], line, fuel),
        _Ledger(blocks.entries, r[3]),
        blocks.residual,
        blocks.common,
        before,
        blocks.voltage,
        blocks.orders,
    )


work_in: Final = inner(work_of, forceinline=True)
"""The same inside the compiled step."""
