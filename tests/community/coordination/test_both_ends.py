"""Agreements change neither end of the scale, and those that move money only change no physics."""

import numpy as np
import pytest

from baselines.community.optimal.policy import optimum
from p2p_market.community.actions import action_map
from p2p_market.community.coordination.terms import terms_of
from p2p_market.community.episode.episode import choose_key, draw, stack
from p2p_market.community.rules.contracting import contracting
from p2p_market.community.rules.policy import no_trade, truthful
from p2p_market.evaluation.ends.certificate import certify
from p2p_market.evaluation.rollout import recorded, rollout
from p2p_market.registry import load_scenario
from tests.community.coordination.agreeing import BASE, agreeing, week_of

WEEKS = [6, *(pytest.param(week, marks=pytest.mark.slow) for week in range(13) if week != 6)]
PHYSICS = ("setpoint_kw", "net_load_kw", "curtailed_kw", "energy_kwh")


@pytest.mark.compiled
@pytest.mark.parametrize("week", WEEKS)
def test_both_ends_are_equal_to_the_byte_and_certified(week):
    ends = []
    for scenario in (load_scenario(BASE), agreeing()):
        episode = draw(scenario, choose_key(scenario, 0, "test", week))
        plan = optimum(scenario, proved=True).plan(episode)
        certificate, replay = certify(scenario, episode, plan)
        assert certificate.holds
        rule = rollout(scenario, episode, no_trade(scenario), "rule")
        ends.append((plan, certificate, replay, rule))
    (plan, off, replay, rule), (same_plan, on, same_replay, same_rule) = ends
    assert off == on
    for name, series in plan.schedule.items():
        assert series.tobytes() == same_plan.schedule[name].tobytes()
    for one, other in ((replay, same_replay), (rule, same_rule)):
        assert one.entries_eur.tobytes() == other.entries_eur.tobytes()
        for name, series in one.series.items():
            assert series.tobytes() == other.series[name].tobytes()
        assert not other.series["agreed_eur"].any()


def test_money_only_agreements_leave_the_physical_record_as_it_is():
    """Random words; differences, options that nobody calls, forecasts."""
    scenario = agreeing(columns=("forward", "backup", "forecast"))
    plain, generator = load_scenario(BASE), np.random.default_rng(3)
    table, steps = action_map(scenario), 240
    terms = terms_of(scenario)
    actions = generator.uniform(-1.0, 1.0, (steps, 1, 12, table.width))
    actions[..., table.assets + 2 + terms.at.call] = -1.0
    episode = week_of(scenario)
    talks = rollout(scenario, episode, recorded({"prosumer": actions}), "words", steps=steps)
    silent = actions[..., : table.assets + 2]
    same = rollout(plain, week_of(plain), recorded({"prosumer": silent}), "silence", steps=steps)
    for name in (*PHYSICS, "fill_kw", "import_kw", "export_kw", "correction_kw"):
        assert talks.series[name].tobytes() == same.series[name].tobytes(), name
    assert np.abs(talks.series["agreed_eur"]).sum() > 1.0
    assert not talks.series["agreed_kw"].any()
    others = [c for c in range(talks.entries_eur.shape[-1]) if c != 0]
    assert talks.entries_eur[..., others].tobytes() == same.entries_eur[..., others].tobytes()


AT_A_TIME = 50


def of_random_policies(count, seed):
    """Costs of weeks under random set-points, orders and words, with delivery and coalitions."""
    scenario = agreeing(settled="delivery")
    table, generator = action_map(scenario), np.random.default_rng(seed)
    week = draw(scenario, choose_key(scenario, 0, "test", 6))
    bound = certify(scenario, week, optimum(scenario).plan(week))[0].bound_eur
    truth = rollout(scenario, week, truthful(scenario), "").actions["prosumer"]
    for size in [min(AT_A_TIME, count - done) for done in range(0, count, AT_A_TIME)]:
        bids = np.repeat(truth, size, axis=1)
        words = generator.uniform(-1.0, 1.0, bids[..., table.assets + 2 :].shape)
        bids[..., table.assets + 2 :] = words
        mixed = generator.random(bids.shape[:3]) < generator.random(size)[:, None]
        noise = generator.uniform(-1.0, 1.0, bids.shape)
        actions = np.where(mixed[..., None], noise, bids)
        played = rollout(scenario, stack([week] * size), recorded({"prosumer": actions}), "random")
        yield played, bound


@pytest.mark.compiled
@pytest.mark.parametrize("count", [2, pytest.param(500, marks=pytest.mark.slow)])
def test_delivery_never_costs_less_than_the_bound(count):
    weeks = 0
    for played, bound in of_random_policies(count, 11):
        assert played.series["agreed_kw"].any(axis=(0, 2)).all()
        assert played.social_cost_eur.min() >= bound - 1e-9
        assert np.abs(played.series["agreed_eur"].sum(axis=2)).max() < 1e-9
        weeks += len(played.social_cost_eur)
    assert weeks == count


@pytest.mark.compiled
@pytest.mark.parametrize("settled", ["difference", "delivery"])
def test_the_rule_that_signs_loses_nobody_its_credit(settled):
    scenario = agreeing(settled=settled)
    episode = week_of(scenario)
    signs = rollout(scenario, episode, contracting(scenario), "contracting")
    bids = rollout(scenario, episode, truthful(scenario), "truthful")
    assert not signs.cause.any()
    assert signs.series["agreed_lost_eur"].max() <= 20.0
    assert (signs.series["agreed_coalition"][96:] >= 0).any()
    assert np.abs(signs.series["agreed_eur"]).sum() > 10.0
    assert signs.social_cost_eur.item() == pytest.approx(bids.social_cost_eur.item(), rel=0.01)
    plain = load_scenario(BASE)
    played = rollout(plain, week_of(plain), contracting(plain), "no words")
    assert played.entries_eur.tobytes() == bids.entries_eur.tobytes()
