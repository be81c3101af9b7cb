"""The duals of the optimum are prices at which every member, for itself, would do as planned."""

import numpy as np
import pytest

from baselines.community.mpc.policy import solve
from baselines.community.optimal.individual import individual
from baselines.community.optimal.policy import optimum
from baselines.community.optimal.program import Posted, compile_program, fill
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.evaluation.ends.certificate import certificate_tolerance_eur
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.evaluation.rollout import rollout
from p2p_market.registry import load_scenario
from tests.every_scenario import COMMUNITY, VOLTAGES

QUICK = ("classic-v0", "outage-v0", "binding-feeder-v0")
LINEAR = [
    pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)
    for name in COMMUNITY
    if load_scenario(name).spec.optimum == "linear" and name not in VOLTAGES
]


def solved_alone(scenario, episode, hub, congestion, trade=True):
    """Sum of the members' own optima at posted prices [EUR]."""
    own = compile_program(scenario, posted_parts=1)
    fill(own, scenario, episode)
    assert isinstance(own.market, Posted)
    shape = (scenario.steps, len(scenario.agents))
    (part,) = own.market.parts
    part.buy_eur_per_kwh.fill(np.broadcast_to(hub[:, None], shape))
    part.sell_eur_per_kwh.fill(np.broadcast_to(hub[:, None], shape))
    part.most_kw.fill(np.full(shape, scenario.spec.connection_limit_kw if trade else 0.0))
    own.market.line_eur_per_kwh.fill(np.broadcast_to(congestion[:, None], shape))
    solve(own, scenario.spec.id)
    return own.problem.value


@pytest.mark.parametrize("name", LINEAR)
def test_private_optima_at_the_duals_sum_to_the_optimum(name):
    """Less what the line earns: the congestion price times what it can carry."""
    scenario = load_scenario(name)
    episode = draw(scenario, choose_key(scenario, 0, "test", 5))
    plan = optimum(scenario).plan(episode)
    hub, line = plan.prices["hub_eur_per_kwh"], plan.prices["line_eur_per_kwh"]
    alone = solved_alone(scenario, episode, hub, line)
    rent = scenario.dt_h * scenario.spec.feeder.limit_kw * np.abs(line).sum()
    tolerance = certificate_tolerance_eur(abs(plan.objective_eur))
    assert alone - rent == pytest.approx(plan.objective_eur, abs=10.0 * tolerance)
    wrong = solved_alone(scenario, episode, hub + 0.02, line)
    assert wrong - rent < plan.objective_eur - 10.0 * tolerance  # other prices promise too much


def test_without_a_market_everybody_pays_more():
    scenario = load_scenario("community-16-v0")
    episode = draw(scenario, choose_key(scenario, 0, "test", 5))
    nothing = np.zeros(scenario.steps)
    together = solved_alone(scenario, episode, nothing, nothing, trade=False)
    alone = individual(scenario).costs_eur(episode)
    assert alone.shape == (16,)
    assert alone.sum() == pytest.approx(together, abs=1e-6)
    assert alone.sum() > optimum(scenario).plan(episode).objective_eur + 1.0


@pytest.mark.parametrize("name", ["classic-v0", "ev-12-v0", "resale-6-v0"])
def test_foresight_alone_beats_the_rule_of_each_member(name):
    scenario = load_scenario(name)
    episode = draw(scenario, choose_key(scenario, 0, "test", 5))
    alone = individual(scenario).costs_eur(episode)
    rule = rollout(scenario, episode, load_policy("no-trade", scenario)).private_cost_eur[0]
    assert np.all(alone <= rule + 1e-6)
    assert alone.sum() < rule.sum() - (0.1 if name != "resale-6-v0" else -1e-9)
