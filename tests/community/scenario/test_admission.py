"""Admission: every shipped scenario leaves something to win, certified, in its test weeks."""

import pytest

from p2p_market.evaluation.benchmark import evaluate
from p2p_market.registry import load_scenario
from tests.every_scenario import COMMUNITY

pytest.importorskip("cvxpy")


@pytest.mark.slow
@pytest.mark.parametrize("scenario_id", COMMUNITY)
def test_the_optimum_is_certified_and_worth_reaching(scenario_id):
    scenario = load_scenario(scenario_id)
    result = evaluate(scenario, ["truthful", "zero-intelligence", "random"])
    assert result.certified
    assert not result.above_optimum
    rule, *others, optimum = result.rows
    mixed_integer = scenario.spec.optimum == "mixed_integer"
    assert rule.score.point == 0.0
    assert optimum.score.point == pytest.approx(100.0, abs=1.0 if mixed_integer else 0.0)
    traded = (result.trajectories["truthful"].series["fill_kw"] > 0.0).any(axis=2)
    assert traded.mean() >= 0.10
    gap = (rule.social_cost_eur - optimum.social_cost_eur).sum()
    gross = result.trajectories["no-trade"].gross_money_eur.sum()
    assert gap >= max(1.0, 0.02 * gross)
    for row in result.rows:
        assert row.gaps_eur["allocation"].min() >= -1e-5
        assert row.gaps_eur["dispatch"].min() >= -1e-5
        assert not row.metrics["interventions"].any()
    assert all(row.score.point < 100.0 for row in others)
