"""What the compiled step reads and writes: plain arrays under names, one tuple per lifetime.

Everything the step only reads is read-only, so that one compiled form serves every caller.
"""

from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from p2p_market.community.actions import action_map
from p2p_market.community.invariants import LAWS
from p2p_market.community.observation import horizons
from p2p_market.community.records import LEDGER_ENTRIES
from p2p_market.community.reward import weights
from p2p_market.community.safety.envelope import fit
from p2p_market.community.safety.penalty import largest_kw
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.data.forecast import BAND
from p2p_market.market import MECHANISMS
from p2p_market.market.ticks import to_ticks
from p2p_market.records import FloatArray, IntArray


class Rules(NamedTuple):
    """Fixed by the scenario."""

    # (agent, asset)
    retention: FloatArray
    charge_gain_h: FloatArray
    discharge_gain_h: FloatArray
    energy_min_kwh: FloatArray
    energy_max_kwh: FloatArray
    power_min_kw: FloatArray
    power_max_kw: FloatArray
    degradation_eur_per_kwh: FloatArray
    target_kwh: FloatArray
    # (agent, column) of the action
    middle: FloatArray
    half: FloatArray
    # (agent,)
    feed_in: FloatArray
    fee: FloatArray
    outage_floor: FloatArray  # limits of an order where the grid is gone
    outage_cap: FloatArray
    peak_load_kw: FloatArray
    load_max_kw: FloatArray
    load_change_kw: FloatArray
    load_run_steps: IntArray
    pv_daylight_kw: FloatArray
    price_spread: FloatArray
    largest_kw: FloatArray  # what a faulty message is charged on
    # (horizon,), (entry,)
    ahead: IntArray
    share: FloatArray
    rest: FloatArray
    weights: FloatArray
    # numbers
    steps: int
    hold_steps: int
    mechanism: int  # place in MECHANISMS
    mobile: bool  # whether some asset comes and goes
    outages: bool
    faults: bool
    binding: bool
    strict: bool
    dt_h: float
    k: float
    tick: float
    price_max: float
    connection_limit_kw: float
    feeder_limit_kw: float
    overload: float
    loss_share: float
    lost_load: float
    shortfall: float
    terminal_value: float
    filter_penalty: float
    community_share: float
    band: float


class Windows(NamedTuple):
    """What all episodes of one start day share, (step, slot, agent); + runs one day on."""

    retail: FloatArray  # +
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


WINDOW_SERIES: Final = (
    "retail_eur_per_kwh", "expected_load_kw", "load_spread_kw", "expected_pv_kw", "pv_spread_kw",
    "pv_ceiling_kw", "ask_floor_eur_per_kwh", "bid_cap_eur_per_kwh", "carbon_eur_per_kwh",
    "co2_kg_per_kwh", "calendar", "known_price_step",
)  # fmt: skip
OWN_SERIES: Final = (
    "load_kw", "pv_kw", "grid", "plugged", "departs", "trip_kwh", "floor_kwh", "hours_left",
    "start_energy_kwh", "sensor_fault", "sensor_bias", "message_fault",
)  # fmt: skip
"""Fields of an episode, in the order of `Windows` and `Series`."""


class Moving(NamedTuple):
    """What a step changes, in place; the arrays of `State`."""

    energy_kwh: FloatArray
    hold_steps: IntArray
    last_fill_kw: FloatArray
    last_price: FloatArray
    setpoint_kw: FloatArray
    reading: FloatArray
    unchanged_steps: IntArray


class Work(NamedTuple):
    """Scratch of a few communities; after a step it holds what `Outcome` does."""

    # (row, agent)
    load: FloatArray
    pv: FloatArray
    surplus: FloatArray
    retail: FloatArray
    feed_in: FloatArray
    floor: FloatArray
    cap: FloatArray
    ceiling: FloatArray
    quantity: FloatArray  # as it arrived
    price: FloatArray
    tradable: FloatArray
    order_quantity: FloatArray  # after the filter
    order_price: FloatArray
    fill: FloatArray
    payment: FloatArray
    imported: FloatArray
    exported: FloatArray
    lost: FloatArray
    correction: FloatArray
    penalised: FloatArray
    unheard: FloatArray
    asked_quantity: FloatArray  # after the screen
    asked_price: FloatArray
    curtailed: FloatArray
    shed: FloatArray
    net: FloatArray
    residual: FloatArray  # (law, row, agent)
    # (row, agent, asset)
    setpoint: FloatArray  # as it arrived
    asked_setpoint: FloatArray  # after the screen
    executed: FloatArray
    low: FloatArray
    high: FloatArray
    plugged: FloatArray
    departs: FloatArray
    trip: FloatArray
    tube: FloatArray
    hours_left: FloatArray
    stays: FloatArray
    after: FloatArray
    missing: FloatArray
    told: FloatArray  # (row, agent, sensor)
    entries: FloatArray  # (row, agent, entry)
    # (row,)
    grid: FloatArray
    carbon: FloatArray
    co2: FloatArray
    hub_price: FloatArray
    balance: FloatArray
    calendar: FloatArray  # (row, wave)
    # whole numbers and flags, (row, agent)
    reading_cause: IntArray
    cause: IntArray
    held: IntArray
    present: Any
    excused: Any


@lru_cache(maxsize=16)
def rules(scenario: Scenario, strict: bool) -> Rules:
    """The tables of a scenario."""
    spec, nodes, limits = scenario.spec, scenario.nodes, fit(scenario)
    columns, (ahead, share, rest) = action_map(scenario), horizons(scenario)
    fee, tick = scenario.network_fee_eur_per_kwh, spec.tick_eur_per_kwh
    return Rules(
        retention=nodes.retention,
        charge_gain_h=nodes.charge_gain_h,
        discharge_gain_h=nodes.discharge_gain_h,
        energy_min_kwh=nodes.energy_min_kwh,
        energy_max_kwh=nodes.energy_max_kwh,
        power_min_kw=nodes.power_min_kw,
        power_max_kw=nodes.power_max_kw,
        degradation_eur_per_kwh=nodes.degradation_eur_per_kwh,
        target_kwh=nodes.target_kwh,
        middle=columns.middle,
        half=columns.half,
        feed_in=scenario.feed_in_eur_per_kwh,
        fee=fee,
        outage_floor=fixed(to_ticks(fee, tick)),
        outage_cap=fixed(to_ticks(spec.lost_load_eur_per_kwh - fee, tick)),
        peak_load_kw=scenario.peak_load_kw,
        load_max_kw=limits.load_max_kw,
        load_change_kw=limits.load_change_kw,
        load_run_steps=limits.load_run_steps,
        pv_daylight_kw=limits.pv_daylight_kw,
        price_spread=scenario.price_spread_eur_per_kwh,
        largest_kw=fixed(largest_kw(scenario)),
        ahead=fixed(ahead),
        share=fixed(share),
        rest=fixed(rest),
        weights=fixed(weights(scenario)),
        steps=scenario.steps,
        hold_steps=scenario.hold_steps,
        mechanism=list(MECHANISMS).index(spec.mechanism),
        mobile=bool((nodes.target_kwh > 0.0).any()),
        outages=spec.outages is not None,
        faults=spec.faults is not None,
        binding=spec.feeder.mode == "binding",
        strict=strict,
        dt_h=spec.dt_h,
        k=float(spec.k),
        tick=float(tick),
        price_max=float(spec.price_max_eur_per_kwh),
        connection_limit_kw=float(spec.connection_limit_kw),
        feeder_limit_kw=float(spec.feeder.limit_kw),
        overload=float(spec.feeder.overload_eur_per_kwh),
        loss_share=float(spec.fees.loss_share),
        lost_load=float(spec.lost_load_eur_per_kwh),
        shortfall=float(spec.shortfall_eur_per_kwh),
        terminal_value=float(spec.terminal_value_eur_per_kwh),
        filter_penalty=float(spec.reward.filter_penalty_eur_per_kwh),
        community_share=float(spec.reward.community_share),
        band=BAND,
    )


def fixed(array: Any) -> Any:
    """A read-only view of an array; anything else as it is."""
    if not isinstance(array, np.ndarray):
        return array
    view = array.view()
    view.setflags(write=False)
    return view


def workspace(scenario: Scenario, rows: int) -> Work:
    """Scratch for so many communities at once."""
    agents, assets = scenario.nodes.present.shape
    trailing = {
        "residual": (len(LAWS), rows, agents),
        **dict.fromkeys(_PER_ASSET, (rows, agents, assets)),
        "told": (rows, agents, 2 + assets),
        "entries": (rows, agents, len(LEDGER_ENTRIES)),
        **dict.fromkeys(("grid", "carbon", "co2", "hub_price", "balance"), (rows,)),
        "calendar": (rows, 6),
    }
    kinds: dict[str, Any] = {"present": np.bool_, "excused": np.bool_}
    kinds |= dict.fromkeys(("reading_cause", "cause", "held"), np.int64)
    work = Work(
        **{
            name: np.zeros(trailing.get(name, (rows, agents)), dtype=kinds.get(name, np.float64))
            for name in Work._fields
        }
    )
    work.feed_in[:] = scenario.feed_in_eur_per_kwh
    return work


_PER_ASSET = (
    "setpoint", "asked_setpoint", "executed", "low", "high", "plugged", "departs", "trip", "tube",
    "hours_left", "stays", "after", "missing",
)  # fmt: skip
