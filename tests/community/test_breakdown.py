"""What a policy loses, split by choice, device, hour and member: complete, and in its place."""

from dataclasses import fields, replace
from functools import cache

import numpy as np
import pytest

from p2p_market.community.baselines import RULE
from p2p_market.community.episode.episode import Episode, choose_key, draw, stack, take
from p2p_market.community.optimum.breakdown import (
    CHOICES,
    OF_DEVICES,
    Cause,
    breakdown,
    causes_of,
    device_kinds,
)
from p2p_market.community.optimum.duality import losses
from p2p_market.community.optimum.plan import Prices
from p2p_market.community.scenario.scenario import Scenario, build
from p2p_market.evaluation.benchmark import ScenarioResult, Yardstick, evaluate
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.evaluation.record.run_record import metric_rows
from p2p_market.evaluation.rollout import rollout
from p2p_market.registry import load_scenario
from p2p_market.track import Trajectory
from tests.every_scenario import COMMUNITY

pytest.importorskip("cvxpy")

LINEAR = [name for name in COMMUNITY if load_scenario(name).spec.optimum == "linear"]
WEEKS = [2, 6]  # the first has the night on which clocks change


@cache
def short(name: str) -> ScenarioResult:
    scenario = build(load_scenario(name).spec.model_copy(update={"days": 2}))
    return evaluate(scenario, ["truthful", "random"], weeks=WEEKS)


@pytest.mark.compiled
@pytest.mark.parametrize("name", LINEAR)
def test_causes_add_up_to_cost_above_bound(name):
    result = short(name)
    bound = np.array([certificate.bound_eur for certificate in result.certificates])
    for row in result.rows:
        near = 1e-9 * result.trajectories[row.policy].gross_money_eur.max()
        gap = row.social_cost_eur - bound
        assert row.lost is not None
        assert row.lost.lost_eur.min() > -1e-9, row.policy
        assert row.lost.total_eur == pytest.approx(gap, abs=near), row.policy
        choices = sum(row.lost.choice_eur(choice) for choice in CHOICES)
        assert choices == pytest.approx(gap, abs=near), row.policy
        common = row.lost.choice_eur("line") + row.lost.choice_eur("cuts")
        assert row.lost.member_eur.sum(axis=1) + common == pytest.approx(gap, abs=near)


def test_without_prices_there_is_no_split():
    result = short("resale-6-v0")
    assert result.prices == (None, None)
    assert all(row.lost is None for row in result.rows)
    assert {row["loss_power_eur"] for row in metric_rows(result)} == {None}


def test_every_week_has_the_prices_of_its_own_optimum():
    result = short("classic-v0")
    for number, prices in enumerate(result.prices):
        plan = Yardstick(result.scenario).plan(take(result.episode, number))
        assert prices.keys() == plan.prices.keys()
        for name, expected in plan.prices.items():
            assert prices[name] == pytest.approx(expected, abs=1e-8), name


def test_metrics_hold_the_losses_of_each_choice():
    result = short("ev-12-v0")
    bounds = [certificate.bound_eur for certificate in result.certificates]
    for row, bound in zip(metric_rows(result), bounds * len(result.rows), strict=True):
        told = sum(row[f"loss_{choice}_eur"] for choice in CHOICES)
        assert told == pytest.approx(row["social_cost_eur"] - bound, abs=1e-6)


def test_devices_are_counted_by_their_kind():
    scenario = load_scenario("ev-12-v0")
    kinds = device_kinds(scenario)
    found = [kind for own in kinds for kind in own]
    assert (found.count("battery"), found.count("electric_vehicle")) == (4, 9)
    leaves = np.array([[k == "electric_vehicle" for k in (*own, "", "")][:2] for own in kinds])
    width = scenario.nodes.target_kwh.shape[1]
    assert np.array_equal(scenario.nodes.target_kwh > 0.0, leaves[:, :width])
    causes = causes_of(kinds)
    assert len(causes) == len(CHOICES) + len(OF_DEVICES)
    assert Cause("full", "electric_vehicle") in causes


def test_a_community_without_devices_loses_by_trade_alone():
    spec = load_scenario("classic-v0").spec
    members = tuple(
        member.model_copy(
            update={"assets": tuple(a for a in member.assets if a["kind"] != "battery")}
        )
        for member in spec.members
    )
    scenario = build(spec.model_copy(update={"id": "bare", "days": 2, "members": members}))
    result = evaluate(scenario, [], weeks=WEEKS)
    lost = result.rows[0].lost
    assert OF_DEVICES[0] not in [cause.choice for cause in lost.causes]
    assert lost.choice_eur("power").tolist() == [0.0, 0.0]
    bound = np.array([certificate.bound_eur for certificate in result.certificates])
    assert lost.choice_eur("exchange") == pytest.approx(result.rows[0].social_cost_eur - bound)


@cache
def idle(day: int) -> tuple[Scenario, Episode, Trajectory]:
    scenario = load_scenario("classic-v0")
    episode = draw(scenario, replace(choose_key(scenario, 0, "test", 0), start_day=day))
    return scenario, episode, rollout(scenario, episode, load_policy(RULE, scenario), RULE)


def flat(scenario: Scenario) -> Prices:
    """Stored energy is worth less than what it costs at the meter."""
    shape = (scenario.steps, *scenario.nodes.present.shape)
    hub, line, meter = (np.full(shape[0], 0.25), np.zeros(shape[0]), np.full(shape[:2], 0.30))
    return Prices(hub, line, meter, np.full(shape, 0.20))


@pytest.mark.parametrize(("day", "hour"), [(21, 5), (189, 6)])
def test_a_mistake_stands_at_its_hour_and_member(day, hour):
    """In winter the grid's time is that of the wall clock, in summer an hour behind."""
    scenario, episode, own = idle(day)
    setpoint = own.series["setpoint_kw"].copy()
    setpoint[24 + 5, 0, 0, 0] += 1.0  # in the hour from five of the second day, first member
    wrong = replace(own, series={**own.series, "setpoint_kw": setpoint})
    before, after = (
        breakdown(scenario, episode, [flat(scenario).series], one) for one in (own, wrong)
    )
    moved = (after.lost_eur - before.lost_eur)[0]
    place = before.causes.index(Cause("power", "battery"))
    assert moved[place, hour] == pytest.approx(0.10)
    assert np.flatnonzero(np.abs(moved).max(axis=0) > 1e-9).tolist() == [hour]
    members = (after.member_eur - before.member_eur)[0]
    assert np.flatnonzero(np.abs(members) > 1e-9).tolist() == [0]


def test_a_store_is_too_full_or_too_empty():
    """What is worth 0.20 EUR/kWh now and 0.30 EUR/kWh next should be there, and be gone then."""
    scenario, episode, own = idle(21)
    stored = flat(scenario).stored_eur_per_kwh.copy()
    stored[7] = 0.30
    lost = losses(scenario, episode, replace(flat(scenario), stored_eur_per_kwh=stored), own)
    level, nodes = own.series["energy_kwh"][:, 0], scenario.nodes
    assert level[7].max() > 0.0
    assert level[6].max() < nodes.energy_max_kwh.max()
    assert lost.empty[6] == pytest.approx(0.10 * (nodes.energy_max_kwh - level[6]))
    assert lost.full[7] == pytest.approx(0.10 * (level[7] - nodes.energy_min_kwh))
    assert not lost.full[6].any()
    assert not lost.empty[7].any()


@pytest.mark.parametrize("name", ["ev-12-v0", "outage-v0"])
def test_taking_undoes_stacking(name):
    scenario = build(load_scenario(name).spec.model_copy(update={"days": 1}))
    singles = [draw(scenario, choose_key(scenario, 0, "test", week)) for week in (1, 4)]
    for number, single in enumerate(singles):
        again = take(stack(singles), number)
        for field in fields(Episode):
            one, other = getattr(single, field.name), getattr(again, field.name)
            assert np.array_equal(one, other), field.name
