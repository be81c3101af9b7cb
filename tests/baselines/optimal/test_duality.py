"""Prices prove a bound by arithmetic, and say what each choice of a policy loses against it.

That the bound is reached in random and scarce episodes: test_optimum.py, test_scarcity.py.
"""

from dataclasses import fields, replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baselines.community.optimal.policy import optimum
from p2p_market.community.episode.episode import Episode, choose_key, draw
from p2p_market.community.optimum.duality import Losses, bound_eur, losses
from p2p_market.community.optimum.plan import Prices
from p2p_market.community.scenario.scenario import Scenario, build
from p2p_market.evaluation.ends.certificate import certify
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.evaluation.rollout import rollout
from p2p_market.registry import load_scenario
from p2p_market.track import Plan, Trajectory
from tests.every_scenario import COMMUNITY, VARIED

LINEAR = [name for name in COMMUNITY if load_scenario(name).spec.optimum == "linear"]
FEW = [
    name
    for name in LINEAR
    if name in (*VARIED, "assets-12-v0", "battery-kinds-6-v0", "voltage-10-v0")
]
PLAYERS = ("no-trade", "truthful", "zero-intelligence", "random")


@cache
def two_days(name: str) -> tuple[Scenario, Episode, Plan]:
    scenario = build(load_scenario(name).spec.model_copy(update={"days": 2}))
    episode = draw(scenario, choose_key(scenario, 0, "test", 6))
    return scenario, episode, optimum(scenario).plan(episode)


@cache
def played(name: str, policy: str) -> Trajectory:
    scenario, episode, _ = two_days(name)
    return rollout(scenario, episode, load_policy(policy, scenario), policy)


def total(lost: Losses) -> float:
    return sum(getattr(lost, field.name).sum() for field in fields(lost))


@pytest.mark.parametrize("name", LINEAR)
def test_the_optimums_prices_prove_its_cost(name):
    scenario, episode, plan = two_days(name)
    assert plan.prices is not None
    bound = bound_eur(scenario, episode, Prices(**plan.prices))
    assert bound == pytest.approx(plan.objective_eur, abs=1e-9 * max(1.0, abs(bound)))


@pytest.mark.parametrize("policy", PLAYERS)
@pytest.mark.parametrize("name", LINEAR)
def test_the_losses_of_single_choices_add_up(name, policy):
    scenario, episode, plan = two_days(name)
    own = played(name, policy)
    lost = losses(scenario, episode, Prices(**plan.prices), own)
    cost, bound = own.social_cost_eur[0], bound_eur(scenario, episode, Prices(**plan.prices))
    assert total(lost) == pytest.approx(cost - bound, abs=1e-9 * own.gross_money_eur[0])
    for field in fields(lost):
        assert getattr(lost, field.name).min() > -1e-9, field.name


@pytest.mark.parametrize("name", ["classic-v0", "ev-12-v0", "binding-feeder-v0", "outage-v0"])
def test_the_optimum_loses_nothing(name):
    scenario, episode, plan = two_days(name)
    _, own = certify(scenario, episode, plan)
    lost = losses(scenario, episode, Prices(**plan.prices), own)
    for field in fields(lost):
        assert getattr(lost, field.name) == pytest.approx(0.0, abs=1e-4), field.name


@given(seed=st.integers(0, 2**32 - 1), size=st.floats(0.0, 0.5), name=st.sampled_from(FEW))
def test_no_prices_prove_more_than_the_optimum(seed, size, name):
    """Weak duality: whatever the prices say, the bound stays below what was reached."""
    scenario, episode, plan = two_days(name)
    generator = np.random.default_rng(seed)
    noise = {name: generator.standard_normal(a.shape) for name, a in plan.prices.items()}
    wild = Prices(**{name: a + size * noise[name] for name, a in plan.prices.items()})
    bound = bound_eur(scenario, episode, wild)
    assert bound <= plan.objective_eur + 1e-9 * max(1.0, abs(bound))
    for policy in PLAYERS:
        lost = losses(scenario, episode, wild, played(name, policy))
        assert min(getattr(lost, field.name).min() for field in fields(lost)) > -1e-9


def test_what_is_lost_by_hand():
    """A battery charged with 1 kW for an hour at a meter price above what it stores is worth.

    Its power alone loses: 1 kWh at 0.30 EUR, worth 0.20 EUR in the store.
    """
    scenario, episode, _ = two_days("classic-v0")
    shape = (scenario.steps, *scenario.nodes.present.shape)
    prices = Prices(
        np.full(scenario.steps, 0.25),
        np.zeros(scenario.steps),
        np.full(shape[:2], 0.30),
        np.full(shape, 0.20),
    )
    own = played("classic-v0", "no-trade")
    setpoint = own.series["setpoint_kw"].copy()
    setpoint[5, 0, 0] = (1.0, *np.zeros(shape[2] - 1))
    own = replace(own, series={**own.series, "setpoint_kw": setpoint})
    lost = losses(scenario, episode, prices, own)
    most_kw = -scenario.nodes.power_min_kw[0, 0]  # discharging it would have earned as much per kWh
    assert lost.power[5, 0, 0] == pytest.approx(0.10 * (1.0 + most_kw))
