"""Curtailment offers: merit order, who pays, and that both ends of a scenario stay."""

from functools import lru_cache

import numpy as np
import pytest

from baselines.community.optimal.policy import optimum
from p2p_market.assets.node import Limits, PowerNode, coefficients
from p2p_market.community import engine
from p2p_market.community.actions import action_map, to_proposal
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.further import place
from p2p_market.community.fused import board
from p2p_market.community.fused.boards import PureBoard
from p2p_market.community.records import Action
from p2p_market.community.rules.policy import no_trade, truthful
from p2p_market.community.safety.feeder import limit_kernel
from p2p_market.community.safety.offers import AMOUNT, PRICE, Offers
from p2p_market.community.scenario.scenario import build
from p2p_market.errors import ScenarioError
from p2p_market.evaluation.ends.certificate import certify
from p2p_market.evaluation.rollout import rollout
from p2p_market.registry import load_scenario
from tests.community.machines.test_zoo import played_by
from tests.community.safety.test_feeder import Line, Outside


def cut(offers, pv=(8, 8, 4), load=(0, 0, 2), limit=8.0, dt_h=0.5):
    """Curtailed PV and transfers of three members with (amount, price) each."""
    load, pv = np.array([load], float), np.array([pv], float)
    curtailed, shed, transfer = np.zeros((3, *load.shape))
    net, setpoint = load - pv, np.zeros((*load.shape, 1))
    action = Action.Arrays(setpoint, curtailed, shed, net, net, net, transfer_eur=transfer)
    nodes = coefficients([[PowerNode("setpoint")]] * 3, dt_h).arrays()
    limits, further = Limits(setpoint, setpoint), np.array([offers], float)
    rules = Line(limit, nodes, Offers(0, 1.0, dt_h))
    limit_kernel(rules, Outside(load, pv, np.ones(1)), further, limits, action)
    assert net.sum() == pytest.approx(-limit)
    return curtailed[0], transfer[0]


def test_without_offers_everybody_is_cut_alike_and_nothing_is_paid():
    curtailed, paid = cut([(0, 0)] * 3)  # 10 kW too much, of 20 kW of PV
    assert curtailed == pytest.approx([4, 4, 2])
    assert not paid.any()


def test_the_cheapest_are_cut_first_and_who_exports_pays():
    curtailed, paid = cut([(6, 0.10), (8, 0.05), (0, 0)])
    assert curtailed == pytest.approx([2, 8, 0])
    # 8 kW at 0.05 and 2 kW at 0.10 for half an hour: 0.30 EUR, by exports of 6, 0 and 2 kW
    assert paid == pytest.approx([-0.10 + 0.225, -0.20, 0.075])


def test_equal_prices_share_and_what_nobody_offers_is_cut_of_all():
    curtailed, _ = cut([(9, 0.2), (6, 0.2), (0, 0)], limit=11.0)  # 7 kW, of 8 (all there is) and 6
    assert curtailed == pytest.approx([4, 3, 0])
    curtailed, paid = cut([(5, 0.1), (0, 0), (0, 0)])
    assert curtailed == pytest.approx([5 + 1, 8 / 3, 4 / 3])  # 5 kW are left, of 15 kW
    assert paid.sum() == pytest.approx(0.0)
    assert paid[0] == pytest.approx(-0.25 + 0.25 * 2 / 8)


@pytest.mark.parametrize("offer", [(-3, -1), (99, 99)])
def test_wild_offers_are_clipped(offer):
    curtailed, paid = cut([offer, (0, 0), (0, 0)])
    assert curtailed[0] == pytest.approx(8 if offer[0] > 0 else 4)
    assert paid.sum() == pytest.approx(0.0)


@lru_cache
def street(curtailment="offers", optimum="linear"):
    spec = load_scenario("binding-feeder-v0").spec
    changes = {"curtailment": curtailment, "optimum": optimum}
    return build(spec.model_copy(update=changes))


def test_money_balances_and_no_more_is_cut_than_without():
    scenario, other = street(), street("share")
    episode = draw(scenario, choose_key(scenario, 0, "test", 7))
    table, generator = action_map(scenario), np.random.default_rng(4)
    everyone = np.ones((1, len(scenario.agents)), dtype=np.bool_)
    state, paid = engine.start(scenario, episode), 0.0
    for _ in range(scenario.steps):
        wish = table.physical(generator.uniform(-1.3, 1.3, (1, len(scenario.agents), table.width)))
        proposal = to_proposal(wish, everyone, table.further)
        plain = to_proposal(wish[..., : table.assets + 2], everyone)
        _, without = engine.step(other, episode, state, plain)
        state, done = engine.step(scenario, episode, state, proposal)
        assert done.action.curtailed_kw.sum() == pytest.approx(without.action.curtailed_kw.sum())
        assert np.array_equal(done.action.setpoint_kw, without.action.setpoint_kw)
        transfer = done.action.transfer_eur
        assert transfer.sum() == pytest.approx(0.0, abs=1e-9)
        moved = done.ledger.entry("p2p_payment") - done.fills.payment_eur
        assert moved == pytest.approx(transfer)
        paid += np.abs(transfer).sum()
        amount, price = (done.proposal.further[..., place(scenario, n)] for n in (AMOUNT, PRICE))
        assert amount.shape == price.shape
    assert paid > 1.0


@pytest.mark.compiled
@pytest.mark.parametrize(
    ("week", "form"), [(7, "linear"), pytest.param(6, "mixed_integer", marks=pytest.mark.slow)]
)
def test_both_ends_stay(week, form):
    found = []
    for curtailment in ("share", "offers"):
        scenario = street(curtailment, form)
        episode = draw(scenario, choose_key(scenario, 0, "test", week))
        plan = optimum(scenario).plan(episode)
        certificate, played = certify(scenario, episode, plan)
        assert certificate.holds, str(certificate)
        assert played.series["curtailed_kw"].sum() > 10.0
        rules = [rollout(scenario, episode, p(scenario), p.__name__) for p in (no_trade, truthful)]
        found.append((certificate.bound_eur, [one.social_cost_eur.tobytes() for one in rules]))
    assert found[0][0] == pytest.approx(found[1][0], abs=0.2 if form == "mixed_integer" else 1e-6)
    assert found[0][1] == found[1][1]


def test_offers_where_nothing_is_cut_are_refused():
    spec = street().spec
    feeder = spec.feeder.model_copy(update={"mode": "penalty"})
    with pytest.raises(ScenarioError, match=r"needs `feeder\.mode: binding`"):
        build(spec.model_copy(update={"feeder": feeder}))


def test_a_scenario_without_offers_says_nothing_of_them():
    assert "curtailment" not in street("share").spec.model_dump(mode="json")
    assert action_map(street("share")).further == 0


@pytest.mark.slow
@pytest.mark.compiled
def test_compiled_is_pure_bit_for_bit():
    scenario = street()
    episode = draw(scenario, choose_key(scenario, 3, "train"))
    state = engine.start(scenario, episode)
    boards = PureBoard(scenario, episode, state, True), board(scenario, episode, state, True)
    for pure, fast in zip(*(played_by(one, scenario, 100) for one in boards), strict=True):
        for one, other in zip(pure, fast, strict=True):
            assert np.array_equal(one, other)
