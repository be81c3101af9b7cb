"""Rules of the market that a scenario keeps, so that a linear optimum is exact; else an error."""

from typing import Final

import numpy as np

from p2p_market.community.coordination.checks import check_agreements
from p2p_market.community.safety.offers import check_offers
from p2p_market.community.scenario.machine_checks import check_machines, owns_value
from p2p_market.community.scenario.record import Scenario
from p2p_market.community.scenario.voltage import check_voltage, dearest_eur_per_kwh
from p2p_market.errors import ScenarioError
from p2p_market.records import FloatArray

MOST_EUR_PER_H: Final = 1e9
"""Money of a community in an hour, so that sums of floats are good to the invariants' 1e-5 EUR."""
NOTHING_EUR_PER_KWH: Final = 1e-9
"""A gain that is rounding only."""


def check_rules(scenario: Scenario) -> None:
    """Feed-in below retail, prices inside the range, terminal value inside its bounds."""
    spec = scenario.spec
    retail, feed_in = scenario.retail_eur_per_kwh, scenario.feed_in_eur_per_kwh
    left = (retail - feed_in).min(axis=0)[scenario.contract_of]
    if np.any(left < 0.0):
        i = int(np.argmax(left < 0.0))
        own, name = scenario.contract_of[i], spec.members[i].contract
        t, follows = int(np.argmax(retail[:, own] < feed_in[:, own])), scenario.feed_in_follows[i]
        raise ScenarioError(
            f"{spec.id}: {scenario.agents[i]}: feed-in {feed_in[t, own]:.3f} > retail "
            f"{retail[t, own]:.3f} EUR/kWh in quarter {t} of the year; lower "
            f"contracts.{name}.{'feed_in' if follows else 'feed_in_eur_per_kwh'}"
        )
    _check_negative(scenario)
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
    check_voltage(scenario)
    check_offers(scenario)
    check_machines(scenario)
    check_agreements(scenario)
    if spec.optimum == "linear":
        _check_no_resale(scenario)
        _check_no_waste(scenario)


def _check_negative(scenario: Scenario) -> None:
    """Check that retail prices are not below zero, and that no cut pays where feed-in is."""
    spec, retail = scenario.spec, scenario.retail_eur_per_kwh
    name = spec.members[
        int(np.argmax(scenario.contract_of == retail.min(axis=0).argmin()))
    ].contract
    if (lowest := retail.min()) < 0.0:
        raise ScenarioError(
            f"{spec.id}: the retail price of {name} falls to {lowest:.3f} EUR/kWh; set "
            f"contracts.{name}.floor_eur_per_kwh to 0 or more"
        )
    if spec.feeder.mode == "binding" and scenario.lowest_price_eur_per_kwh < 0.0:
        raise ScenarioError(
            f"{spec.id}: with `feeder.mode: binding` a feed-in tariff below zero, here "
            f"{scenario.lowest_price_eur_per_kwh:.3f} EUR/kWh, cannot be combined: an optimum "
            "would cut PV for its price, the engine cuts for the limit alone; set "
            "floor_eur_per_kwh of `feed_in` to 0"
        )


def _check_connections(scenario: Scenario) -> None:
    """Check that connections carry load and PV with idle storage, and that money stays exact."""
    spec = scenario.spec
    pv_kw = scenario.pv_peak_kw
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
    """Check that storage gains nothing by trading with the grid at the end of the episode.

    What it gains by selling at a feed-in tariff that follows a price depends on the hour; such
    tariffs are left out.
    """
    nodes, value = scenario.nodes, scenario.spec.terminal_value_eur_per_kwh
    shared = nodes.present & ~owns_value(scenario)
    if not shared.any():
        return
    eta_discharge = (scenario.dt_h / nodes.discharge_gain_h[shared]).max()
    eta_charge = (nodes.charge_gain_h[shared] / scenario.dt_h).max()
    fixed = scenario.feed_in_eur_per_kwh[0, scenario.contract_of][~scenario.feed_in_follows]
    low = fixed.max(initial=0.0) * min(eta_discharge, 1.0)
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
    pv_kw = scenario.pv_peak_kw
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
    cheapest = (feed_in + low).min(axis=1, keepdims=True)
    exporting = (feed_in - cheapest).max(axis=0)[contract_of] - fee
    through = (feed_in.max(axis=1) - retail.min(axis=1)).max()
    return np.asarray(np.maximum(np.maximum(importing, exporting), through))


def _check_no_resale(scenario: Scenario) -> None:
    """Check that resale gains nothing for owners of storage: then a linear optimum is exact.

    For every i with storage and every j: retail_j - retail_i <= fee_i + fee_j, and
    feed-in_i - feed-in_j <= fee_i + fee_j; and no feed-in tariff is above any retail price of the
    same quarter-hour. Where load or PV can be cut, the condition is asked of every i.
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
    more costs more overload than it earns feed-in, that would be worth the losses. A feed-in tariff
    that follows a price may be low, or below zero, for some hours; then what burning wears counts
    too: of a kWh that goes in and out `1 - round trip` is lost, and `1 + round trip` wears.
    """
    nodes = scenario.nodes
    round_trip = nodes.charge_gain_h / np.where(nodes.present, nodes.discharge_gain_h, 1.0)
    both = (nodes.power_min_kw < 0.0) & (nodes.power_max_kw > 0.0)
    lossy = nodes.present & both & (round_trip < 1.0 - 1e-12)
    given = scenario.spec.voltage
    overload = scenario.spec.feeder.overload_eur_per_kwh + dearest_eur_per_kwh(scenario)
    if scenario.spec.feeder.mode == "binding" or (given is not None and given.mode == "binding"):
        return  # burning may spare a cut: the certificate tells, `mixed_integer` forbids it
    lowest = scenario.lowest_feed_in_eur_per_kwh
    worn = np.where(lossy, nodes.degradation_eur_per_kwh * (1.0 + round_trip), 0.0)
    spared = (worn / np.where(lossy, 1.0 - round_trip, 1.0)).T * scenario.feed_in_follows
    dear = lossy & (overload > lowest + spared).T
    if dear.any():
        agent = int(np.where(dear.any(axis=1), lowest, np.inf).argmin())
        feed_in, else_ = lowest[agent], "lower it"
        if scenario.feed_in_follows[agent]:
            else_ = (
                "lower it, set floor_eur_per_kwh of `feed_in` or degradation_eur_per_kwh of the "
            )
            else_ += "storage, or declare `optimum: mixed_integer`"
        raise ScenarioError(
            f"{scenario.spec.id}: feeder.overload_eur_per_kwh {overload} is above {feed_in:.3f}, "
            f"the lowest feed-in tariff of a member with storage; {else_}, or burning energy pays"
        )
