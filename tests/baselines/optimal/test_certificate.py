"""The certificate holds for the engine as it is, and fails for an engine broken on purpose."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from baselines.community.optimal.policy import optimum
from p2p_market.assets import node
from p2p_market.community import invariants, settlement
from p2p_market.community.baselines import BASELINES
from p2p_market.community.episode.episode import Episode, choose_key, draw
from p2p_market.community.optimum.plan import plan_actions
from p2p_market.community.records import LEDGER_COLUMN, Ledger
from p2p_market.community.scenario.scenario import Scenario, build
from p2p_market.errors import InvariantError
from p2p_market.evaluation.ends.certificate import certify
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.evaluation.rollout import Recorded, rollout
from p2p_market.registry import load_scenario
from p2p_market.track import Plan
from tests.every_scenario import COMMUNITY

IDS = COMMUNITY
BLIND = [name for name, one in BASELINES.items() if not one.slow]


@cache
def shortened(scenario_id: str, days: int) -> Scenario:
    return build(load_scenario(scenario_id).spec.model_copy(update={"days": days}))


@cache
def planned(scenario_id: str, days: int, split: str, week: int) -> tuple[Episode, Plan]:
    scenario = shortened(scenario_id, days)
    episode = draw(scenario, choose_key(scenario, week, split, week))
    return episode, optimum(scenario).plan(episode)


@pytest.mark.parametrize(("days", "split", "week"), [(2, "train", 6), (1, "validation", 12)])
@pytest.mark.parametrize("scenario_id", IDS)
def test_certificate_holds(scenario_id, days, split, week):
    episode, plan = planned(scenario_id, days, split, week)
    certificate, played = certify(shortened(scenario_id, days), episode, plan)
    assert certificate.holds, certificate
    assert not played.cause.any()
    assert played.series["setpoint_kw"][:, 0] == pytest.approx(
        plan.schedule["setpoint_kw"], abs=1e-6
    )


@pytest.mark.parametrize("scenario_id", ["ev-12-v0", "binding-feeder-v0", "outage-v0"])
@pytest.mark.parametrize("dt_h", [0.25, 1.0])
def test_certificate_holds_at_other_step_lengths(scenario_id, dt_h):
    change = {"days": 2, "dt_h": dt_h}
    scenario = build(load_scenario(scenario_id).spec.model_copy(update=change))
    episode = draw(scenario, choose_key(scenario, 1, "test", 6))
    certificate, _ = certify(scenario, episode, optimum(scenario).plan(episode))
    assert certificate.holds, certificate


def test_the_gap_of_a_mixed_integer_plan_is_published():
    scenario = shortened("resale-6-v0", 2)
    episode, plan = planned("resale-6-v0", 2, "test", 1)
    certificate, _ = certify(scenario, episode, plan)
    assert certificate.holds
    assert certificate.gap_eur == plan.objective_eur - plan.bound_eur
    # Passing grid energy on would pay: without the binaries the bound would be far lower.
    relaxed = replace(scenario, spec=scenario.spec.model_copy(update={"optimum": "linear"}))
    linear = optimum(relaxed).plan(episode)
    assert linear.objective_eur < plan.bound_eur - 1.0
    assert not certify(relaxed, episode, linear)[0].holds
    too_high = replace(plan, bound_eur=plan.objective_eur + 2.0 * certificate.tolerance_eur)
    assert not certify(scenario, episode, too_high)[0].holds


# Broken consistently: the engine has other numbers than the optimum saw, so no invariant fires.


def _efficiency_twice(scenario: Scenario) -> Scenario:
    nodes = scenario.nodes
    lossy = replace(
        nodes,
        charge_gain_h=nodes.charge_gain_h**2 / scenario.dt_h,
        discharge_gain_h=nodes.discharge_gain_h**2 / scenario.dt_h,
    )
    return replace(scenario, nodes=lossy)


def _no_terminal_value(scenario: Scenario) -> Scenario:
    spec = scenario.spec.model_copy(update={"terminal_value_eur_per_kwh": 0.0})
    return replace(scenario, spec=spec)


def _fees_twice(scenario: Scenario) -> Scenario:
    return replace(scenario, network_fee_eur_per_kwh=2.0 * scenario.network_fee_eur_per_kwh)


def _wear_dropped(scenario: Scenario) -> Scenario:
    fresh = np.zeros_like(scenario.nodes.degradation_eur_per_kwh)
    return replace(scenario, nodes=replace(scenario.nodes, degradation_eur_per_kwh=fresh))


def _smaller_batteries(scenario: Scenario) -> Scenario:
    capacity = 0.99 * scenario.nodes.energy_max_kwh
    return replace(scenario, nodes=replace(scenario.nodes, energy_max_kwh=capacity))


@pytest.mark.parametrize(
    "broken",
    [
        _efficiency_twice,
        _no_terminal_value,
        _fees_twice,
        _wear_dropped,
        _smaller_batteries,
    ],
)
def test_an_engine_with_other_numbers_fails(broken: Callable[[Scenario], Scenario]):
    scenario = shortened("community-16-v0", 1)
    episode, plan = planned("community-16-v0", 1, "test", 4)
    assert certify(scenario, episode, plan)[0].holds
    assert not certify(broken(scenario), episode, plan)[0].holds


def test_another_feed_in_tariff_fails():
    scenario = shortened("community-16-v0", 1)
    episode, plan = planned("community-16-v0", 1, "test", 4)
    flipped = replace(episode, feed_in_eur_per_kwh=-episode.feed_in_eur_per_kwh)
    assert not certify(scenario, flipped, plan)[0].holds


def test_a_tampered_plan_fails():
    scenario = shortened("community-16-v0", 1)
    episode, plan = planned("community-16-v0", 1, "test", 4)
    tolerance = certify(scenario, episode, plan)[0].tolerance_eur
    setpoint_kw = plan.schedule["setpoint_kw"]
    for change in (
        {"objective_eur": plan.objective_eur + 2.0 * tolerance},
        {"prices": {**plan.prices, "hub_eur_per_kwh": plan.prices["hub_eur_per_kwh"] + 0.001}},
        {"schedule": {**plan.schedule, "setpoint_kw": np.roll(setpoint_kw, 1, axis=0)}},
    ):
        assert not certify(scenario, episode, replace(plan, **change))[0].holds, change


# Broken in the code: the invariants see it first; without them the certificate does.


def _advance_with_efficiency_twice(nodes, presence, energy_kwh, power_kw):
    lossy = np.where(power_kw > 0.0, power_kw * 0.95, power_kw / 0.95)
    return _true_advance(nodes, presence, energy_kwh, lossy)


def _with_column(ledger: Ledger, name: str, factor: float) -> Ledger:
    entries = ledger.entries_eur.copy()
    entries[..., LEDGER_COLUMN[name]] *= factor
    return Ledger(entries, ledger.operator_balance_eur)


_true_advance = node.advance
_true_settle = settlement.settle


def _settle_with_feed_in_flipped(*arguments):
    return _with_column(_true_settle(*arguments), "grid_export", -1.0)


def _settle_with_import_flipped(*arguments):
    return _with_column(_true_settle(*arguments), "grid_import", -1.0)


def _settle_without_terminal_value(*arguments):
    return _with_column(_true_settle(*arguments), "terminal_value", 0.0)


@pytest.mark.parametrize(
    ("module", "name", "broken"),
    [
        (node, "advance", _advance_with_efficiency_twice),
        (settlement, "settle", _settle_with_feed_in_flipped),
        (settlement, "settle", _settle_with_import_flipped),
        (settlement, "settle", _settle_without_terminal_value),
    ],
)
def test_an_engine_with_other_code_fails(monkeypatch, module, name, broken):
    scenario = shortened("community-16-v0", 1)
    episode, plan = planned("community-16-v0", 1, "test", 4)
    assert certify(scenario, episode, plan)[0].holds
    monkeypatch.setattr(module, name, broken)
    try:
        caught = not certify(scenario, episode, plan)[0].holds
    except InvariantError:
        caught = True
    assert caught
    monkeypatch.setattr(invariants, "broken", lambda residual: np.zeros(residual.shape[1:], bool))
    assert not certify(scenario, episode, plan)[0].holds


# Nothing beats the bound.


@pytest.mark.parametrize("scenario_id", IDS)
def test_no_policy_beats_the_bound(scenario_id):
    scenario = shortened(scenario_id, 1)
    for split, week in (("train", 1), ("validation", 6), ("test", 10)):
        episode, plan = planned(scenario_id, 1, split, week)
        for name in BLIND:
            played = rollout(scenario, episode, load_policy(name, scenario), name)
            tolerance = 1e-6 * max(1.0, played.gross_money_eur[0])
            assert played.social_cost_eur[0] >= plan.bound_eur - tolerance, (split, week, name)


@pytest.mark.parametrize("scenario_id", IDS)
def test_no_neighbour_of_the_optimum_beats_the_bound(scenario_id):
    """The nearest competitors: the optimal schedule itself, nudged at random."""
    scenario = shortened(scenario_id, 1)
    episode, plan = planned(scenario_id, 1, "test", 10)
    actions = plan_actions(scenario, episode, plan.schedule)
    generator = np.random.default_rng(5)
    for size in (1e-4, 1e-3, 1e-2, 1e-1) * 3:
        nudged = actions.copy()
        setpoints = nudged[..., :-2]
        setpoints += size * generator.standard_normal(setpoints.shape)
        played = rollout(scenario, episode, Recorded(nudged))
        tolerance = 1e-6 * max(1.0, played.gross_money_eur[0])
        assert played.social_cost_eur[0] >= plan.bound_eur - tolerance, size
