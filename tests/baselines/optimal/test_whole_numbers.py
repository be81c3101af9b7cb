"""Whole numbers stand where the engine's rules need them, and nowhere else; how far searches go."""

from dataclasses import replace

import numpy as np
import pytest

from baselines.community.optimal import policy
from baselines.community.optimal.policy import optimum
from baselines.community.optimal.whole_numbers import burners, resellers, sides_of
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.scenario.scenario import Scenario, build
from p2p_market.community.scenario.schema import ScenarioSpec
from p2p_market.evaluation.ends.certificate import certify
from p2p_market.evaluation.ends.reference import entries
from p2p_market.registry import load_scenario
from tests.baselines.optimal import linear_program
from tests.baselines.optimal.cases import one_day, with_batteries
from tests.every_scenario import COMMUNITY

WINTER, SUMMER = 0, 6  # test weeks
FIRM = 0  # the member of resale-6-v0 that buys cheaply
STORAGE = 3  # members of resale-6-v0 with a battery


def few(scenario: Scenario) -> Scenario:
    """The firm and a home with a battery: small enough for whole numbers everywhere."""
    spec = scenario.spec
    return build(spec.model_copy(update={"members": spec.members[:2]}))


def changed(overload_eur_per_kwh: float = 0.05, **contracts: dict[str, float]) -> Scenario:
    """A day of resale-6-v0 with other prices of the firm and the homes."""
    spec = load_scenario("resale-6-v0").spec
    feeder = {"limit_kw": 2.0, "overload_eur_per_kwh": overload_eur_per_kwh}
    prices = {
        name: contract.model_copy(update=contracts.get(name, {}))
        for name, contract in spec.contracts.items()
    }
    change = {"feeder": spec.feeder.model_copy(update=feeder), "contracts": prices, "days": 1}
    return build(spec.model_copy(update=change))


def binaries(scenario: Scenario) -> int:
    whole = [v for v in optimum(scenario).program.problem.variables() if v.attributes["boolean"]]
    return sum(variable.size for variable in whole)


LEAKY = {"eta_charge": 0.8, "eta_discharge": 0.8, "degradation_eur_per_kwh": 0.0}
"""Batteries that burn energy for nothing."""

CASES = {
    "the firm buys cheaply": (changed(), 1, 0),
    "the homes buy cheaply": (
        changed(firm={"retail_eur_per_kwh": 0.34}, home={"retail_eur_per_kwh": 0.19}), 2, 0,
    ),
    "the homes sell dearly": (
        changed(firm={"retail_eur_per_kwh": 0.33}, home={"feed_in_eur_per_kwh": 0.12}), 2, 0,
    ),
    "one tariff for all": (changed(firm={"retail_eur_per_kwh": 0.34}), 0, 0),
    "overload is dear": (build(with_batteries(changed(0.2).spec, lambda _: LEAKY)), 1, STORAGE),
    "overload is what the firm earns": (changed(0.07), 1, 1),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_only_where_it_would_pay(case):
    scenario, members, devices = CASES[case]
    assert len(resellers(scenario)) == members
    assert burners(scenario).sum() == devices
    assert binaries(scenario) == scenario.steps * (members + devices)


def test_where_something_may_be_cut_everybody_burns_and_who_gains_passes_energy_on():
    for name in ("binding-feeder-v0", "outage-v0"):
        spec = load_scenario(name).spec.model_copy(update={"optimum": "mixed_integer"})
        scenario = build(spec)
        assert not len(resellers(scenario))
        assert burners(scenario).sum() == scenario.nodes.present.sum()


def test_shipped_scenarios_without_resale_need_none():
    for name in COMMUNITY:
        scenario = load_scenario(name)
        if not scenario.cuts:
            expected = [FIRM] if name == "resale-6-v0" else []
            assert resellers(scenario).tolist() == expected


def test_without_losses_nothing_is_burned():
    ideal = {"eta_charge": 1.0, "eta_discharge": 1.0}
    spec: ScenarioSpec = with_batteries(changed(0.2).spec, lambda _: ideal)
    assert not burners(build(spec)).any()


@pytest.mark.parametrize("case", list(CASES)[1:])  # the first stands in `test_scarcity`
def test_the_engine_has_no_better_schedule(case):
    """The second program has whole numbers at every member and device, whether or not it pays."""
    scenario = few(CASES[case][0])
    episode = draw(scenario, choose_key(scenario, 3, "test", WINTER if "buy" in case else SUMMER))
    plan = optimum(scenario, proved=True).plan(episode)
    certificate, _ = certify(scenario, episode, plan)
    assert certificate.holds, certificate
    assert abs(certificate.gap_eur) <= certificate.tolerance_eur
    other = linear_program.solve(scenario, episode, gap=2e-2)
    resold = linear_program.solve(scenario, episode, whole=False)
    assert other.bound_eur <= plan.objective_eur + certificate.tolerance_eur
    assert plan.objective_eur <= other.cost_eur + certificate.tolerance_eur
    idle = case in ("one tariff for all", "overload is what the firm earns")
    assert (resold.cost_eur < plan.objective_eur - 0.2) != idle


def test_what_a_member_can_take_and_give_in_a_step():
    """Load, PV and devices: no more than their power, and than what is between empty and full."""
    tiny = {"capacity_kwh": 3.0}
    scenario = build(with_batteries(changed().spec, lambda _: tiny))
    _, episode = one_day("resale-6-v0", week=6)
    sides = sides_of(scenario, (slice(0, scenario.steps),))
    sides.fill(scenario, episode)
    idle = (episode.load_kw - episode.pv_kw)[:, 0, FIRM]
    assert sides.taking_max_kw[0].value[:, 0] == pytest.approx(np.maximum(idle + 3.0 / 0.96, 0.0))
    assert sides.giving_max_kw[0].value[:, 0] == pytest.approx(np.maximum(3.0 * 0.96 - idle, 0.0))


def test_a_vehicle_that_is_away_takes_and_gives_nothing():
    scenario, episode = one_day("ev-12-v0")
    every = replace(scenario, feed_in_eur_per_kwh=np.full_like(scenario.feed_in_eur_per_kwh, 10.0))
    sides = sides_of(every, (slice(0, scenario.steps),))
    sides.fill(every, episode)
    here = episode.plugged[:, 0] * scenario.nodes.power_max_kw
    most = (episode.load_kw - episode.pv_kw)[:, 0] + here.sum(axis=2)
    assert (here.sum(axis=2) < scenario.nodes.power_max_kw.sum(axis=1)).any()
    assert np.all(sides.taking_max_kw[0].value <= np.maximum(most, 0.0)[:, sides.members] + 1e-12)


def test_a_search_that_ends_early_is_certified_with_its_gap(monkeypatch):
    monkeypatch.setattr(policy, "MOST_NODES", 1)
    scenario, episode = one_day("resale-6-v0", week=0)
    early, proved = (optimum(scenario, proved=proved).plan(episode) for proved in (False, True))
    certificate, _ = certify(scenario, episode, early)
    assert certificate.holds, certificate
    assert certificate.gap_eur > 1e-3
    assert early.bound_eur <= proved.bound_eur + 1e-6
    assert proved.objective_eur <= early.objective_eur + 1e-6
    assert proved.objective_eur == pytest.approx(proved.bound_eur, abs=2.0 * policy.PROVED_EUR)


def test_a_published_search_of_many_whole_numbers_ends_early(monkeypatch):
    scenario, episode = one_day("resale-6-v0", week=0)
    closed = optimum(scenario, proved=True).plan(episode)
    monkeypatch.setattr(policy, "MANY_WHOLE", 0)
    monkeypatch.setattr(policy, "PROVED_NODES", 1)
    early = optimum(scenario, proved=True).plan(episode)
    assert early.objective_eur - early.bound_eur > 1e-3
    assert early.bound_eur <= closed.bound_eur + 1e-6 <= early.objective_eur + 2e-6


def test_published_weeks_are_proved():
    for entry in entries(load_scenario("resale-6-v0")):
        assert entry.holds
        assert abs(entry.plan_eur - entry.bound_eur) <= 2.0 * policy.PROVED_EUR
