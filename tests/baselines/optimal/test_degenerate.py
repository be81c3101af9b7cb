"""Communities at the edge of what a program can be: the optimum is there, or says why not."""

from dataclasses import replace

import numpy as np
import pytest

from baselines.community.optimal.individual import individual
from baselines.community.optimal.policy import optimum
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.scenario.scenario import build
from p2p_market.errors import OptimumError, ScenarioError
from p2p_market.evaluation.ends.certificate import certify
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.evaluation.rollout import rollout
from p2p_market.registry import load_scenario
from tests.baselines.optimal.test_optimum import check_agreement


def without(spec, *kinds):
    """The same members without devices of some kinds."""
    members = [
        member.model_copy(
            update={"assets": tuple(d for d in member.assets if d["kind"] not in kinds)}
        )
        for member in spec.members
    ]
    return spec.model_copy(update={"members": tuple(members)})


def one_member(spec):
    return spec.model_copy(update={"members": spec.members[:1]})


CASES = {
    "no storage": lambda spec: without(spec, "battery", "ev"),
    "no PV": lambda spec: without(spec, "pv"),
    "neither": lambda spec: without(spec, "battery", "ev", "pv"),
    "one prosumer": one_member,
}


@pytest.mark.parametrize(
    "name",
    [
        "classic-v0",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("ev-12-v0", "outage-v0")),
    ],
)
@pytest.mark.parametrize("case", CASES)
def test_the_optimum_of_a_bare_community(case, name):
    spec = CASES[case](load_scenario(name).spec.model_copy(update={"days": 1}))
    scenario = build(spec)
    episode = draw(scenario, choose_key(scenario, 0, "test", 6))
    check_agreement(scenario, episode)
    if case == "one prosumer" and name != "outage-v0":
        plan = optimum(scenario).plan(episode)
        alone = individual(scenario).costs_eur(episode)
        assert plan.objective_eur == pytest.approx(alone.sum(), abs=1e-9)


def test_without_devices_there_is_nothing_to_decide():
    scenario = build(CASES["neither"](load_scenario("classic-v0").spec))
    episode = draw(scenario, choose_key(scenario, 0, "test", 6))
    certificate, _ = certify(scenario, episode, optimum(scenario).plan(episode))
    rule = rollout(scenario, episode, load_policy("no-trade", scenario))
    assert certificate.plan_eur == pytest.approx(rule.social_cost_eur[0])


def test_negative_retail_prices_are_refused_and_cannot_be_solved():
    spec = load_scenario("classic-v0").spec
    contracts = {
        name: contract.model_copy(update={"off_peak_eur_per_kwh": -0.10})
        for name, contract in spec.contracts.items()
    }
    with pytest.raises(ScenarioError, match="feed-in"):
        build(spec.model_copy(update={"contracts": contracts}))
    scenario = load_scenario("classic-v0")
    episode = draw(scenario, choose_key(scenario, 0, "test", 6))
    paid = replace(episode, retail_eur_per_kwh=np.full(episode.retail_eur_per_kwh.shape, -0.1))
    with pytest.raises(OptimumError, match=r"classic-v0.*start_day=189.*unbounded"):
        optimum(scenario).plan(paid)
    trapped = replace(episode, load_kw=np.full(episode.load_kw.shape, 1e4))
    with pytest.raises(OptimumError, match=r"classic-v0.*start_day=189.*infeasible"):
        optimum(scenario).plan(trapped)
