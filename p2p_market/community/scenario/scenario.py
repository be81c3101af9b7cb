"""A scenario: everything that is fixed before an episode is drawn, validated and frozen."""

import hashlib
import json
import math
from functools import partial
from typing import Final

import numpy as np

from p2p_market.assets.node import coefficients
from p2p_market.community.scenario.machine_checks import check_machines, owns_value
from p2p_market.community.scenario.members import (
    CLEARNESS_RANGE,
    all_pools,
    clear_skies,
    demand_of,
    devices,
    network_fees,
    peak_loads_kw,
    sized,
)
from p2p_market.community.scenario.record import Scenario
from p2p_market.community.scenario.schema import REASONS, DynamicContract, ScenarioSpec
from p2p_market.community.scenario.tariff import retail_year
from p2p_market.data import DataSet, load
from p2p_market.data.forecast import expect, pooled
from p2p_market.errors import DataError, ScenarioError
from p2p_market.kit.schema import read
from p2p_market.market import MECHANISMS
from p2p_market.market.ticks import to_ticks
from p2p_market.records import FloatArray
from p2p_market.scenarios import ENDINGS

MOST_EUR_PER_H: Final = 1e9
"""Money of a community in an hour, so that sums of floats are good to the invariants' 1e-5 EUR."""
NOTHING_EUR_PER_KWH: Final = 1e-9
"""A gain that is rounding only."""

__all__ = ["Scenario", "build", "specification_digest", "validated"]


validated: Final = partial(read, ScenarioSpec, reasons=REASONS)
"""What the file of a scenario says, as `p2p_market.kit.schema.read` checks it."""


def build(spec: ScenarioSpec, source: str = "") -> Scenario:
    """Compute the arrays of a scenario and check the rules of the market.

    Args:
        spec: what the file says.
        source: the file, to be named in errors.

    Raises:
        ScenarioError: if data or devices are unknown or impossible, or a rule is broken.
    """
    try:
        return _build(spec)
    except ScenarioError as error:
        before = f"{source}: " if source.endswith(ENDINGS) else ""
        raise ScenarioError(f"{before}{error}") from error


def _build(spec: ScenarioSpec) -> Scenario:
    if spec.mechanism not in MECHANISMS:
        raise ScenarioError(
            f"{spec.id}: unknown mechanism {spec.mechanism!r}; known: {', '.join(MECHANISMS)}"
        )
    data = _data_of(spec)
    owned = [
        sized(spec, data, number, devices(spec, number)) for number in range(len(spec.members))
    ]
    demand = tuple(demand_of(spec, number, own) for number, own in enumerate(owned))
    roofs = tuple(next((node for node in own if node.driver == "sun"), None) for own in owned)
    flexible = [[node for node in own if node.driver == "setpoint"] for own in owned]
    column = {name: i for i, name in enumerate(dict.fromkeys(m.contract for m in spec.members))}
    contract_of = np.array([column[member.contract] for member in spec.members])
    contracts = [spec.contracts[name] for name in column]
    feed_in = np.array([c.feed_in_eur_per_kwh for c in contracts])
    factor = np.array([c.factor if isinstance(c, DynamicContract) else 0.0 for c in contracts])
    tick = spec.tick_eur_per_kwh
    expectation = expect(data)
    pools = all_pools(spec, data, demand)
    expected_load, load_spread = pooled(
        expectation.load, expectation.load_spread, [pool["train"] for pool in pools]
    )
    clear_sky_fraction, orientation_of, roof_kw = clear_skies(spec, data, roofs)
    scenario = Scenario(
        spec=spec,
        digest=specification_digest(spec, data),
        data=data,
        agents=tuple(f"prosumer_{i}" for i in range(len(spec.members))),
        demand=demand,
        roofs=roofs,
        flexible=tuple(tuple(own) for own in flexible),
        nodes=coefficients(flexible, spec.dt_h, spec.terminal_value_eur_per_kwh),
        clear_sky_fraction=clear_sky_fraction,
        orientation_of=orientation_of,
        roof_kw=roof_kw,
        donor_pools=pools,
        expected_load=expected_load,
        load_spread=load_spread,
        expected_clearness=expectation.clearness,
        clearness_spread=expectation.clearness_spread,
        price_spread_eur_per_kwh=expectation.day_ahead_spread_eur_per_kwh * factor[contract_of],
        peak_load_kw=peak_loads_kw(data, demand, pools),
        retail_eur_per_kwh=np.column_stack([retail_year(c, data, tick) for c in contracts]),
        contract_of=contract_of,
        feed_in_eur_per_kwh=to_ticks(feed_in, tick)[contract_of],
        network_fee_eur_per_kwh=network_fees(spec, data),
        steps=round(spec.days * 24 / spec.dt_h),
        steps_per_day=round(24 / spec.dt_h),
        hold_steps=math.ceil(spec.hold_h / spec.dt_h),
    )
    _check_prices(scenario)
    return scenario


def _data_of(spec: ScenarioSpec) -> DataSet:
    try:
        return load(f"{spec.data}+{spec.prices}" if spec.prices else spec.data)
    except DataError as error:
        field = f"prices {spec.prices!r}" if spec.prices else f"data {spec.data!r}"
        raise ScenarioError(f"{spec.id}: {field}: {error}") from error


def _check_prices(scenario: Scenario) -> None:
    """Feed-in below retail, prices inside the range, terminal value inside its bounds."""
    spec = scenario.spec
    retail, feed_in = scenario.retail_eur_per_kwh, scenario.feed_in_eur_per_kwh
    lowest = retail.min(axis=0)[scenario.contract_of]
    if np.any(lowest < feed_in):
        i = int(np.argmax(lowest < feed_in))
        own = retail[:, scenario.contract_of[i]]
        t = int(np.argmax(own < feed_in[i]))
        raise ScenarioError(
            f"{spec.id}: {scenario.agents[i]}: feed-in {feed_in[i]:.3f} > retail "
            f"{own[t]:.3f} EUR/kWh in quarter {t} of the year; lower "
            f"contracts.{spec.members[i].contract}.feed_in_eur_per_kwh"
        )
    carbon = spec.carbon_eur_per_kg * scenario.data.co2_g_per_kwh.max() / 1000.0
    if retail.max() + carbon > spec.price_max_eur_per_kwh:
        raise ScenarioError(
            f"{spec.id}: price_max_eur_per_kwh {spec.price_max_eur_per_kwh} is below the highest "
            f"retail price with carbon, {retail.max() + carbon:.3f}; raise it"
        )
    gain_h = scenario.nodes.charge_gain_h[scenario.nodes.target_kwh > 0.0].min(initial=spec.dt_h)
    if spec.shortfall_eur_per_kwh * gain_h <= spec.price_max_eur_per_kwh * spec.dt_h:
        raise ScenarioError(
            f"{spec.id}: shortfall_eur_per_kwh {spec.shortfall_eur_per_kwh} must be above the "
            f"cost of charging at price_max_eur_per_kwh {spec.price_max_eur_per_kwh}, losses "
            "included; raise it"
        )
    if spec.lost_load_eur_per_kwh <= spec.price_max_eur_per_kwh:
        raise ScenarioError(
            f"{spec.id}: lost_load_eur_per_kwh {spec.lost_load_eur_per_kwh} must be above "
            f"price_max_eur_per_kwh {spec.price_max_eur_per_kwh}; raise it"
        )
    if (fee := scenario.network_fee_eur_per_kwh.max()) > spec.price_max_eur_per_kwh:
        raise ScenarioError(
            f"{spec.id}: the highest network fee is {fee:.3f}, above price_max_eur_per_kwh "
            f"{spec.price_max_eur_per_kwh}; lower fees.grid_fee_eur_per_kwh or the losses' price"
        )
    _check_terminal_value(scenario)
    _check_cuts(scenario)
    _check_connections(scenario)
    check_machines(scenario)
    if spec.optimum == "linear":
        _check_no_resale(scenario)
        _check_no_waste(scenario)


def _check_connections(scenario: Scenario) -> None:
    """Check that connections carry load and PV with idle storage, and that money stays exact."""
    spec = scenario.spec
    pv_kw = np.asarray(CLEARNESS_RANGE[1] * scenario.clear_sky_peak_kw)
    for most_kw, what in ((scenario.peak_load_kw, "draw"), (pv_kw, "feed in")):
        if most_kw.max() > spec.connection_limit_kw:
            agent = int(most_kw.argmax())
            raise ScenarioError(
                f"{spec.id}: {scenario.agents[agent]} may {what} {most_kw[agent]:.3f} kW, above "
                f"connection_limit_kw {spec.connection_limit_kw}; raise the limit or make "
                f"members[{agent}]'s load or pv smaller"
            )
    moved_kw = scenario.peak_load_kw + pv_kw + scenario.nodes.power_max_kw.sum(axis=1)
    if (money := moved_kw.sum() * spec.price_max_eur_per_kwh) > MOST_EUR_PER_H:
        raise ScenarioError(
            f"{spec.id}: at price_max_eur_per_kwh {spec.price_max_eur_per_kwh} members may move "
            f"{money:.3g} EUR/h, but money balances to 1e-5 EUR up to {MOST_EUR_PER_H:g}; lower it"
        )


def _check_terminal_value(scenario: Scenario) -> None:
    """Check that storage gains nothing by trading with the grid at the end of the episode."""
    nodes, value = scenario.nodes, scenario.spec.terminal_value_eur_per_kwh
    shared = nodes.present & ~owns_value(scenario)
    if not shared.any():
        return
    eta_discharge = (scenario.dt_h / nodes.discharge_gain_h[shared]).max()
    eta_charge = (nodes.charge_gain_h[shared] / scenario.dt_h).max()
    low = scenario.feed_in_eur_per_kwh.max() * min(eta_discharge, 1.0)
    high = scenario.retail_eur_per_kwh.min() / min(eta_charge, 1.0)
    if not low <= value <= high:
        raise ScenarioError(
            f"{scenario.spec.id}: terminal_value_eur_per_kwh {value} must lie between "
            f"{low:.4f} (feed-in) and {high:.4f} (retail)"
        )


def _check_cuts(scenario: Scenario) -> None:
    """Where load or PV may be cut, check that connections carry either of them with storage.

    A cut moves other members' net loads; theirs must stay inside their connections.
    """
    if not scenario.cuts:
        return
    spec, nodes = scenario.spec, scenario.nodes
    if np.any(nodes.target_kwh > 0.0):
        raise ScenarioError(
            f"{spec.id}: electric vehicles need the grid; use `feeder.mode: penalty` and no "
            "outages, or remove the vehicles"
        )
    if spec.feeder.mode == "binding" and spec.outages is not None and nodes.present.any():
        raise ScenarioError(
            f"{spec.id}: with storage, outages and `feeder.mode: binding` cannot be combined, "
            "because no optimum says which load is shed first; use `feeder.mode: penalty` or no "
            "outages"
        )
    pv_kw = CLEARNESS_RANGE[1] * scenario.clear_sky_peak_kw
    for most_kw, what in (
        (scenario.peak_load_kw + nodes.power_max_kw.sum(axis=1), "draw {:.3f} kW when PV is cut"),
        (pv_kw - nodes.power_min_kw.sum(axis=1), "feed in {:.3f} kW when load is cut"),
    ):
        if most_kw.max() > spec.connection_limit_kw:
            agent = int(most_kw.argmax())
            raise ScenarioError(
                f"{spec.id}: {scenario.agents[agent]} may {what.format(most_kw[agent])}, above "
                f"connection_limit_kw {spec.connection_limit_kw}; raise it"
            )


def resale_gain_eur_per_kwh(scenario: Scenario) -> FloatArray:
    """What each member could gain at most in a step by passing energy on, (agent,) [EUR/kWh].

    By importing what it sells, exporting what it buys, or exporting what it imports; below zero,
    all of them would cost it.
    """
    retail, feed_in = scenario.retail_eur_per_kwh, scenario.feed_in_eur_per_kwh
    fee, contract_of = scenario.network_fee_eur_per_kwh, scenario.contract_of
    low = np.full(retail.shape[1], np.inf)  # lowest fee under each contract
    np.minimum.at(low, contract_of, fee)
    dearest = (retail - low).max(axis=1, keepdims=True)
    importing = (dearest - retail).max(axis=0)[contract_of] - fee
    exporting = feed_in - fee - (feed_in + fee).min()
    return np.asarray(np.maximum(np.maximum(importing, exporting), feed_in.max() - retail.min()))


def _check_no_resale(scenario: Scenario) -> None:
    """Check that resale gains nothing for owners of storage: then a linear optimum is exact.

    For every i with storage and every j: retail_j - retail_i <= fee_i + fee_j, and
    feed-in_i - feed-in_j <= fee_i + fee_j; and no feed-in tariff is above any retail price. Where
    load or PV can be cut, the condition is asked of every i.
    """
    owners = scenario.has_storage | scenario.cuts
    gain = resale_gain_eur_per_kwh(scenario)[owners].max(initial=0.0)
    if gain > NOTHING_EUR_PER_KWH:
        raise ScenarioError(
            f"{scenario.spec.id}: a member with storage could resell grid energy with a gain of "
            f"{gain:.4f} EUR/kWh; bring contracts closer together, raise the network fees, or "
            "declare `optimum: mixed_integer`"
        )


def _check_no_waste(scenario: Scenario) -> None:
    """Check that wasting energy in a lossy storage never pays: then a linear optimum is exact.

    A linear program can charge and discharge at once, the engine cannot. Where exporting one kWh
    more costs more overload than it earns feed-in, that would be worth the losses.
    """
    nodes = scenario.nodes
    round_trip = nodes.charge_gain_h / np.where(nodes.present, nodes.discharge_gain_h, 1.0)
    both = (nodes.power_min_kw < 0.0) & (nodes.power_max_kw > 0.0)
    lossy = (nodes.present & both & (round_trip < 1.0 - 1e-12)).any(axis=1)
    overload = scenario.spec.feeder.overload_eur_per_kwh
    if scenario.spec.feeder.mode == "binding":
        return  # burning may spare a cut: the certificate tells, `mixed_integer` forbids it
    feed_in = scenario.feed_in_eur_per_kwh[lossy].min(initial=np.inf)
    if overload > feed_in:
        raise ScenarioError(
            f"{scenario.spec.id}: feeder.overload_eur_per_kwh {overload} is above {feed_in:.3f}, "
            "the lowest feed-in tariff of a member with storage; lower it, or burning energy pays"
        )


def specification_digest(spec: ScenarioSpec, data: DataSet) -> str:
    """SHA-256 over a specification and the digest of its data, in hexadecimal digits."""
    text = json.dumps([spec.model_dump(mode="json"), data.digest], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
