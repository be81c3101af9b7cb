"""Learners among agreements: 0 is the rule, and each number of a stance moves what it names."""

from functools import lru_cache

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from baselines.learners.ppo.args import Args
from baselines.learners.ppo.collect import Collector
from baselines.learners.ppo.decision import AroundContracting, Full
from baselines.learners.ppo.imitate import Watched
from p2p_market.community.coordination.records import SLOTS
from p2p_market.community.envs.batch import CommunityBatch
from p2p_market.community.further import place
from p2p_market.community.observation import features
from p2p_market.community.rules.contracting import contracting
from p2p_market.community.rules.policy import truthful
from p2p_market.evaluation.rollout import rollout
from p2p_market.registry import load_scenario
from tests.community.coordination.agreeing import BASE, agreeing, week_of

pytestmark = pytest.mark.xdist_group("agreements")  # one worker compiles for all

NOON, EVENING = 47, 93
WANTS = AroundContracting.wants


@lru_cache
def played():
    """What was seen and done in the first steps of a week, by step."""
    scenario = agreeing()
    watched = Watched(contracting(scenario))
    rollout(scenario, week_of(scenario), watched, steps=EVENING + 1)
    return watched.seen, watched.done


def says(step, **wanted):
    """Physical words of all members, by name, for outputs that are 0 but for those named."""
    scenario, (seen, _) = agreeing(), played()
    meaning = AroundContracting(scenario)
    outputs = np.zeros((1, len(scenario.agents), meaning.width))
    for name, value in wanted.items():
        outputs[..., meaning.assets + WANTS.index(name)] = value
    action = meaning.actions(seen[step], outputs)
    table = contracting(scenario).table
    physical = table.physical(action)[0]
    return lambda name: physical[:, table.assets + 2 + place(scenario, name)]


def in_inbox(name, slot, step=NOON):
    """What lies in a place of the inbox, (agent,)."""
    place_of = [feature.name for feature in features(agreeing())].index(f"inbox_{name}_{slot}")
    return played()[0][step][0, :, place_of]


@pytest.mark.parametrize("step", [NOON, EVENING])
def test_zero_is_the_rule(step):
    scenario, (seen, done) = agreeing(), played()
    meaning = AroundContracting(scenario)
    outputs = np.zeros((1, len(scenario.agents), meaning.width))
    np.testing.assert_array_equal(meaning.actions(seen[step], outputs), done[step])


def test_each_number_moves_what_it_names():
    rule = says(NOON)
    less, half, whole = (says(NOON, hedged=to)("agreed_quantity") for to in (-1.0, 0.0, 1.0))
    np.testing.assert_allclose(whole - half, half - less, atol=1e-9)
    assert (np.abs(whole - half) > 0.01).any()
    bold, modest = says(NOON, offers=1.0)("agreed_price"), says(NOON, offers=-1.0)("agreed_price")
    assert bold == pytest.approx(0.33, abs=1e-6)  # the retail price
    assert modest == pytest.approx(0.08, abs=1e-6)  # the feed-in tariff
    np.testing.assert_allclose(says(NOON, tells=-1.0)("forecast_3h"), 0.0, atol=1e-9)
    twice = says(NOON, tells=1.0)("forecast_3h")
    np.testing.assert_allclose(twice, 2.0 * rule("forecast_3h"), atol=1e-9)
    options = says(NOON, options=1.0)
    buys = options("agreed_quantity") > 0.0
    assert buys.any()
    assert not buys.all()
    np.testing.assert_array_equal(np.floor(options("propose") + 1e-6), np.where(buys, 2.0, 1.0))
    assert (options("premium")[buys] > 0.0).all()


def test_who_does_not_join_neither_asks_nor_says_yes():
    asked = [in_inbox("coalition", slot, EVENING) > 0.0 for slot in range(SLOTS)]
    for want, joins in ((0.0, True), (-0.09, True), (-0.11, False), (-1.0, False)):
        words = says(EVENING, joins=want)
        assert (np.floor(words("propose") + 1e-6) == 3.0).any() == joins
        for slot, asks in enumerate(asked):
            assert ((words(f"answer_{slot}") > 0.0)[asks] == joins).all()
    assert asked[0].any()


def test_who_wants_nothing_signs_nothing():
    scenario = agreeing()
    meaning = AroundContracting(scenario)

    class Refusing:
        start = staticmethod(contracting(scenario).start)

        @staticmethod
        def act(observation, memory):
            outputs = np.zeros((1, len(scenario.agents), meaning.width))
            outputs[..., meaning.assets :] = [-1.0, 0.0, 0.0, -1.0, 0.0, 0.0]
            return meaning.actions(observation, outputs), memory

    signs = np.abs(
        rollout(scenario, week_of(scenario), contracting(scenario), steps=60).series["agreed_eur"]
    )
    refuses = rollout(scenario, week_of(scenario), Refusing(), steps=60)
    assert signs.sum() > 0.1
    assert not refuses.series["agreed_eur"].any()
    assert not (refuses.series["agreed_inbox"] != 0.0).any()


def test_limits_decide_what_is_accepted():
    """Proposals of the rule are at the middle price: below what sellers want, above what buyers."""
    signed = {"buys": 0, "sells": 0}
    for slot in range(SLOTS):
        kw, answer = in_inbox("quantity", slot), f"answer_{slot}"
        yes, low, high = (says(NOON, limit=to)(answer) > 0.0 for to in (0.0, -1.0, 1.0))
        signed["buys"] += (yes & (kw > 0.0)).sum()
        signed["sells"] += (yes & (kw < 0.0)).sum()
        assert not low[kw > 0.0].any()
        assert not high[kw < 0.0].any()
    assert signed["buys"] + signed["sells"] > 0


@pytest.mark.parametrize(("price", "premium", "yes"), [(0.3, 1.0, 1), (0.1, 1.0, 0), (0.3, 0.0, 0)])
def test_options_need_a_fair_price_and_a_premium(price, premium, yes):
    scenario = agreeing()
    at = {feature.name: place for place, feature in enumerate(features(scenario))}
    seen = played()[0][NOON].copy()
    offered = {"forward": 0.0, "backup": 1.0, "coalition": 0.0, "quantity": -1.0, "length": 1.0}
    for name, value in {**offered, "price": price, "premium": premium}.items():
        seen[..., at[f"inbox_{name}_0"]] = value
    rule = contracting(scenario)
    action = rule.table.physical(rule.act(seen, None)[0])
    answer = action[0, :, rule.table.assets + 2 + place(scenario, "answer_0")]
    assert set(answer) == {1.0 if yes else -1.0}


def test_without_agreements_there_are_set_points_alone():
    scenario = load_scenario(BASE)
    meaning = AroundContracting(scenario)
    watched = Watched(truthful(scenario))
    rollout(scenario, week_of(scenario), watched, steps=2)
    assert meaning.width == meaning.assets == 1
    outputs = np.zeros((1, len(scenario.agents), 1))
    np.testing.assert_array_equal(meaning.actions(watched.seen[1], outputs), watched.done[1])
    assert meaning.rows(watched.seen[1]).shape == (1, 12, len(meaning.names))
    found = meaning.outputs(watched.seen[1], watched.done[1])
    own = scenario.nodes.present[:, 0]
    assert np.isnan(found[0, ~own]).all()
    assert set(found[0, own, 0][~np.isnan(found[0, own, 0])]) == {0.0}


@pytest.mark.parametrize(("kind", "held"), [(AroundContracting, len(WANTS)), (Full, 0)])
def test_a_stance_is_explored_by_the_week(kind, held):
    scenario = agreeing()
    decision, drawn = kind(scenario), torch.Generator()
    collector = Collector(CommunityBatch(scenario, 2), decision, Args(communities=2), drawn)
    noise = [torch.randn(2, 12, decision.width, generator=drawn) for _ in range(3)]
    first, second = (collector._holding(each.clone()) for each in noise[:2])
    free = decision.width - held
    assert torch.equal(first, noise[0])
    assert torch.equal(second[..., :free], noise[1][..., :free])
    assert torch.equal(second[..., free:], noise[0 if held else 1][..., free:])
    collector.held = None  # the next episode
    assert torch.equal(collector._holding(noise[2].clone()), noise[2])
