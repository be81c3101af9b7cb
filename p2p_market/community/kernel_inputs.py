"""What the kernels of a step read: the rules of a scenario, and what is outside in a step.

Kernels know named tuples by the names of their fields, so one text serves arrays of an episode and
scratch of a few communities.
"""

from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from p2p_market.assets.machine import World
from p2p_market.assets.node import Presence
from p2p_market.community.acts import META, acts_of
from p2p_market.community.episode.episode import Episode
from p2p_market.community.further import FUEL, REACTIVE, SERVICE, place, place_of
from p2p_market.community.past.register import register
from p2p_market.community.safety.offers import AMOUNT, offers_of
from p2p_market.community.scenario.fuel import fuel_rules
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.community.scenario.service import service_rules
from p2p_market.community.scenario.voltage import voltage_rules
from p2p_market.compilation import Packed
from p2p_market.data.forecast import BAND, HORIZONS_H, PERSISTENCE
from p2p_market.market.ticks import to_ticks
from p2p_market.records import FloatArray, IntArray

_SHARE: Final = np.array(PERSISTENCE)


class Rules(NamedTuple):
    """Fixed by the scenario."""

    nodes: Any  # Coefficients.Arrays
    # (agent,)
    fee: FloatArray
    outage_floor: FloatArray  # limits of an order where the grid is gone
    outage_cap: FloatArray
    peak_load_kw: FloatArray
    price_spread: FloatArray
    feed_in_spread: FloatArray
    largest_kw: FloatArray  # what a faulty message is charged on, see `safety/penalty.py`
    # (horizon,)
    ahead: IntArray  # steps
    share: FloatArray  # of the present deviation
    rest: FloatArray  # half-width of a band in standard deviations
    # numbers
    steps: int
    hold_steps: int
    outages: bool
    faults: bool
    mobile: bool  # whether some asset comes and goes, or is a machine
    following: bool  # whether some feed-in tariff follows a price
    binding: bool
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
    band: float  # of the price that is not published, in standard deviations
    past: Any  # Register; None where nobody looks back
    acts: Any  # Acts; None where there are none
    voltage: Any  # VoltageRules; None where there is no voltage
    fuel: Any  # FuelRules; None where nobody orders fuel
    fuel_column: int  # of `Proposal.further`
    service: Any  # ServiceRules; None where nobody needs maintenance
    service_column: int
    offers: Any  # Offers; None where nobody may offer to be cut


@lru_cache(maxsize=16)
def rules_of(scenario: Scenario) -> Rules:
    """The rules of a scenario."""
    spec, nodes = scenario.spec, scenario.nodes
    fee, tick = scenario.network_fee_eur_per_kwh, spec.tick_eur_per_kwh
    span_kw = (nodes.power_max_kw - nodes.power_min_kw).sum(axis=1)
    return Rules(
        nodes=nodes.arrays(),
        fee=fee,
        outage_floor=fixed(to_ticks(fee, tick)),
        outage_cap=fixed(to_ticks(spec.lost_load_eur_per_kwh - fee, tick)),
        peak_load_kw=scenario.peak_load_kw,
        price_spread=scenario.price_spread_eur_per_kwh,
        feed_in_spread=scenario.feed_in_spread_eur_per_kwh,
        largest_kw=fixed(np.asarray(spec.connection_limit_kw + span_kw)),
        ahead=fixed(np.array([round(h / spec.dt_h) for h in HORIZONS_H])),
        share=fixed(_SHARE),
        rest=fixed(BAND * np.sqrt(1.0 - _SHARE * _SHARE)),
        steps=scenario.steps,
        hold_steps=scenario.hold_steps,
        outages=spec.outages is not None,
        faults=spec.faults is not None,
        mobile=scenario.mobile,
        following=bool(scenario.feed_in_follows.any()),
        binding=spec.feeder.mode == "binding",
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
        past=fixed(register(scenario)),
        acts=acts_of(scenario, place(scenario, META)) if spec.acts else None,
        voltage=voltage_rules(scenario, place_of(scenario, REACTIVE)),
        fuel=fixed(fuel_rules(scenario)),
        fuel_column=place_of(scenario, FUEL),
        service=fixed(service_rules(scenario)),
        service_column=place_of(scenario, SERVICE),
        offers=offers_of(scenario, place_of(scenario, AMOUNT)),
    )


@lru_cache(maxsize=16)
def packed_rules(scenario: Scenario) -> Any:
    """The same as one argument, for kernels that are called from Python."""
    return Packed(rules_of(scenario))


@lru_cache(maxsize=16)
def packed_nodes(scenario: Scenario) -> Any:
    """Its devices, likewise."""
    return Packed(scenario.nodes.arrays())


class Around(NamedTuple):
    """What is outside in one step and can be measured, or is told to the members."""

    load_kw: FloatArray  # (batch, agent)
    pv_kw: FloatArray  # (batch, agent)
    grid: FloatArray  # (batch,)
    plugged: FloatArray  # (batch, agent, asset)
    hours_left: FloatArray  # (batch, agent, asset)


def around_of(episode: Episode, step: int) -> Any:
    """What is around in a step of an episode; `Now`, which says more, where there are machines."""
    t = step
    if len(episode.drift_kwh):
        return now_of(episode, t)
    return Around(
        episode.load_kw[t], episode.pv_kw[t], episode.grid[t], episode.plugged[t],
        episode.hours_left[t],
    )  # fmt: skip


def presence_of(episode: Episode, step: int) -> Any:
    """What flexible assets may do in a step of an episode, as `Presence.Arrays`."""
    t = step
    return Presence.Arrays(
        episode.plugged[t], episode.floor_kwh[t], episode.departs[t], episode.trip_kwh[t],
        world_of(episode, t),
    )  # fmt: skip


def world_of(episode: Episode, step: int) -> Any:
    """What the world does to machines in a step, as `World.Arrays`; None where there are none."""
    if not len(episode.drift_kwh):
        return None
    return World.Arrays(*(getattr(episode, name)[step] for name in World.Arrays._fields))


class Before(NamedTuple):
    """Of a state what the ledger reads."""

    energy_kwh: FloatArray  # (batch, agent, asset)
    setpoint_kw: FloatArray


class Now(NamedTuple):
    """All that is outside in one step, (batch, agent); it serves as `Around` and `Presence`."""

    load_kw: FloatArray
    pv_kw: FloatArray
    retail: FloatArray
    feed_in: FloatArray
    ceiling: FloatArray  # what no reading of PV can exceed
    floor: FloatArray  # of an ask
    cap: FloatArray  # of a bid
    grid: FloatArray  # (batch,)
    carbon: FloatArray  # (batch,)
    plugged: FloatArray  # (batch, agent, asset), as all below
    departs: FloatArray
    trip_kwh: FloatArray
    floor_kwh: FloatArray
    hours_left: FloatArray
    world: Any  # World.Arrays; None where there are no machines
    fuel_price: Any  # (batch, agent); None where nobody orders fuel


def now_of(episode: Episode, step: int) -> Now:
    """What is outside in a step of an episode."""
    t = step
    return Now(
        episode.load_kw[t], episode.pv_kw[t], episode.retail_eur_per_kwh[t],
        episode.feed_in_eur_per_kwh[t], episode.pv_ceiling_kw[t],
        episode.ask_floor_eur_per_kwh[t], episode.bid_cap_eur_per_kwh[t],
        episode.grid[t], episode.carbon_eur_per_kwh[t], episode.plugged[t], episode.departs[t],
        episode.trip_kwh[t], episode.floor_kwh[t], episode.hours_left[t], world_of(episode, t),
        episode.fuel_eur_per_kwh[t] if len(episode.fuel_eur_per_kwh) else None,
    )  # fmt: skip


class Done(NamedTuple):
    """What has been done in a step, each as `Arrays` of its record; the ledger is filled last."""

    action: Any
    fills: Any
    flows: Any
    ledger: Any


def fixed(value: Any) -> Any:
    """A read-only view of an array, of all arrays of a tuple; anything else as it is."""
    if isinstance(value, tuple):
        return type(value)(*map(fixed, value))
    if not isinstance(value, np.ndarray):
        return value
    view = value.view()
    view.setflags(write=False)
    return view
