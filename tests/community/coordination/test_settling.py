"""What agreements pay and match: differences, delivery, options, coalitions, forecasts."""

from dataclasses import replace

import numpy as np
import pytest

from p2p_market.community.coordination.delivery import reference
from p2p_market.community.coordination.records import KIND, OUTCOMES
from p2p_market.community.coordination.shapley import shares
from p2p_market.community.coordination.terms import packed_terms
from p2p_market.community.kernel_inputs import packed_rules
from p2p_market.community.observation import features, observe
from p2p_market.community.records import LEDGER_COLUMN
from tests.community.coordination.agreeing import Talk, agreeing, week_of

YES = {"answer_0": 1.0}
FORWARD = {"propose": 1.0, "peer": 0.0, "agreed_quantity": 2.0, "agreed_price": 0.2, "lasts": 4.0}
BACKUP = {**FORWARD, "propose": 2.0, "premium": 0.5}
P2P, FEE = LEDGER_COLUMN["p2p_payment"], LEDGER_COLUMN["network_fee"]
NOON = 48
SELLER, BUYER = 0, 11


def signed(scenario, proposal, buyer=BUYER, start=0):
    """A talk in which `buyer` has signed with the seller; the contract runs from now on."""
    talk = Talk(scenario)
    for _ in range(start):
        talk.step()
    talk.step((buyer, proposal))
    talk.step((SELLER, YES))
    assert np.count_nonzero(talk.agreed.contracts[0, :, KIND]) == 1
    return talk


def test_a_difference_is_paid_against_the_price_of_the_hub():
    talk = signed(agreeing(), FORWARD, start=NOON)
    done = talk.step()
    price = float(done.fills.clearing_price_eur_per_kwh[0])
    assert not np.isnan(price)
    assert talk.agreed.money_eur[0, BUYER] == pytest.approx(2.0 * 0.25 * (0.2 - price), abs=1e-15)


def test_a_known_difference():
    talk = signed(agreeing(), FORWARD)  # at night nobody sells, so the middle is the price
    flat = np.ones_like(talk.episode.load_kw)
    talk.episode = replace(
        talk.episode, ask_floor_eur_per_kwh=0.16 * flat, bid_cap_eur_per_kwh=0.30 * flat
    )
    talk.step()
    paid = talk.agreed.money_eur[0, [SELLER, BUYER]]
    assert paid == pytest.approx([0.015, -0.015], abs=1e-15)


def test_without_trade_the_middle_of_caps_and_floors_is_the_price():
    scenario = agreeing()
    rules, terms = packed_rules(scenario), packed_terms(scenario)
    floor, cap = np.array([0.10, 0.12]), np.array([0.31, 0.30])
    assert reference(rules, terms, floor, cap, np.nan) == pytest.approx(0.21)
    assert reference(rules, terms, floor, cap, 0.25) == 0.25
    assert reference(rules, terms, floor, cap, -0.5) == 0.0
    talk = signed(scenario, FORWARD)  # at night
    done = talk.step()
    assert np.isnan(done.fills.clearing_price_eur_per_kwh[0])
    assert talk.agreed.money_eur[0, BUYER] != 0.0


def test_delivery_comes_before_the_auction_at_the_price_of_the_contract():
    talk, plain = signed(agreeing(settled="delivery"), FORWARD, start=NOON), Talk(agreeing())
    for _ in range(NOON + 2):
        plain.step()
    done, auction = talk.step(), plain.step()
    lacks = float(done.action.net_load_kw[0, BUYER])
    assert 0.0 < lacks < 2.0
    assert talk.agreed.matched_kw[0, [SELLER, BUYER]].tolist() == [-lacks, lacks]
    damages = (2.0 - lacks) * 0.25 * 0.1  # the buyer takes less than it bought
    paid = lacks * 0.25 * 0.2 + damages
    assert talk.agreed.money_eur[0, BUYER] == pytest.approx(paid, abs=1e-15)
    assert talk.agreed.lost_eur[0, [SELLER, BUYER]] == pytest.approx([-damages, damages])
    assert done.ledger.entries_eur[0, BUYER, P2P] == pytest.approx(paid, abs=1e-15)
    fee = float(auction.ledger.entries_eur[0, BUYER, FEE])
    assert done.ledger.entries_eur[0, BUYER, FEE] == pytest.approx(fee)
    assert done.action.net_load_kw.tobytes() == auction.action.net_load_kw.tobytes()


def test_if_both_fall_short_nobody_pays_and_a_seller_without_surplus_pays_damages():
    scenario = agreeing(settled="delivery")
    talk = signed(scenario, FORWARD)  # at night the seller has nothing, the buyer needs less
    talk.step()
    assert not talk.agreed.money_eur.any()
    talk = signed(scenario, {**FORWARD, "agreed_quantity": 0.05})
    done = talk.step()
    assert done.action.net_load_kw[0, BUYER] > 0.05
    assert talk.agreed.money_eur[0, SELLER] == pytest.approx(0.05 * 0.25 * 0.1)
    assert talk.agreed.matched_kw[0].tolist() == [0.0] * 12


def test_a_held_seller_delivers_nothing_and_owes_damages():
    talk = signed(agreeing(settled="delivery"), {**FORWARD, "agreed_quantity": 0.05}, start=NOON)
    talk.step(held=[SELLER])
    assert talk.agreed.money_eur[0, SELLER] == pytest.approx(0.05 * 0.25 * 0.1)


def test_an_option_costs_its_premium_once_and_delivers_what_is_called_and_needed():
    talk = signed(agreeing(), BACKUP, start=NOON)
    assert talk.agreed.money_eur[0, [SELLER, BUYER]].tolist() == [-0.5, 0.5]
    done = talk.step()
    assert not talk.agreed.money_eur.any()
    assert not talk.agreed.matched_kw.any()
    done = talk.step((BUYER, {"call": 0.1}))
    lacks = float(done.action.net_load_kw[0, BUYER])
    x = min(0.2, lacks)
    assert talk.agreed.matched_kw[0, BUYER] == x
    assert talk.agreed.money_eur[0, BUYER] == pytest.approx(x * 0.25 * 0.2)
    assert talk.agreed.lost_eur[0, BUYER] == 0.5


def test_who_cannot_deliver_a_called_option_pays_damages():
    talk = signed(agreeing(), BACKUP)  # at night
    done = talk.step((BUYER, {"call": 1.0}))
    due = min(2.0, float(done.action.net_load_kw[0, BUYER]))
    assert talk.agreed.money_eur[0, SELLER] == pytest.approx(due * 0.25 * 0.1)
    assert talk.agreed.money_eur[0, BUYER] == pytest.approx(-due * 0.25 * 0.1)


def coalition(*members, scenario=None):
    """Members that belong together from the first midnight on, and the talk at its noon."""
    talk = Talk(scenario or agreeing())
    ask = {"propose": 3.0, "peer": float(members[0])}
    for member in members[1:]:
        talk.step((member, ask))
        talk.step((members[0], YES))
    while talk.state.step < 96:
        talk.step()
        assert (talk.agreed.coalition == -1).all()
    for _ in range(NOON):
        talk.step()
    return talk


def test_a_coalition_matches_inside_and_shares_by_shapley():
    members = (0, 2, 5)
    talk = coalition(*members)
    assert talk.agreed.coalition[0, list(members)].tolist() == [0, 0, 0]
    assert (np.delete(talk.agreed.coalition[0], members) == -1).all()
    t = talk.state.step
    done = talk.step()
    episode, own = talk.episode, list(members)
    net = done.action.net_load_kw[0, own]
    cap, floor = episode.bid_cap_eur_per_kwh[t, 0, own], episode.ask_floor_eur_per_kwh[t, 0, own]
    limit = np.where(net > 0.0, cap, floor)
    value, share = shares(net, limit, np.zeros((0, 0), dtype=np.int64))
    inside = talk.agreed.matched_kw[0, own]
    assert value > 0.0
    assert inside[1:] == pytest.approx(net[1:], abs=1e-12)  # the roof serves both
    assert inside.sum() == pytest.approx(0.0, abs=1e-15)
    paid = talk.agreed.money_eur[0, own]
    assert paid == pytest.approx(0.25 * (inside * limit - share), abs=1e-15)
    rest = done.fills.power_kw[0, 0] - inside[0]
    assert rest < 0.0  # the rest of the roof is bid outside


@pytest.mark.parametrize(
    ("net_kw", "limit", "share_eur"),
    [
        ([-4.0, 3.0, 2.0], [0.13, 0.31, 0.27], [0.363333, 0.223333, 0.093333]),
        ([-1.0, 1.0, 1.0], [0.0, 0.3, 0.3], [0.3 * 2 / 3, 0.3 / 6, 0.3 / 6]),  # gloves
    ],
)
def test_known_shares(net_kw, limit, share_eur):
    members = (0, 5, 6)  # a roof and two homes without a battery
    talk, net, bound = coalition(*members), 0.2 * np.array(net_kw), np.array(limit)
    episode, at = talk.episode, np.s_[talk.state.step, 0, list(members)]
    load, sun = episode.load_kw.copy(), episode.pv_kw.copy()
    cap, floor = episode.bid_cap_eur_per_kwh.copy(), episode.ask_floor_eur_per_kwh.copy()
    load[at], sun[at], cap[at], floor[at] = np.maximum(net, 0), np.maximum(-net, 0), bound, bound
    talk.episode = replace(
        episode, load_kw=load, pv_kw=sun, bid_cap_eur_per_kwh=cap, ask_floor_eur_per_kwh=floor
    )
    done = talk.step()
    assert not done.cause.any()
    inside, paid = (of[0, list(members)] for of in (talk.agreed.matched_kw, talk.agreed.money_eur))
    assert inside.sum() == pytest.approx(0.0, abs=1e-12)
    gained = 0.25 * inside * bound - paid
    assert gained == pytest.approx(0.25 * 0.2 * np.array(share_eur), abs=1e-7)


def test_membership_ends_at_midnight():
    talk = coalition(0, 2)
    while talk.state.step < 192:
        assert talk.agreed.coalition[0, 2] == 0
        talk.step()
    talk.step()
    assert (talk.agreed.coalition == -1).all()


def test_a_coalition_has_no_more_members_than_it_may():
    talk = coalition(0, 2, 5, 7, scenario=agreeing(max_size=3))
    assert np.count_nonzero(talk.agreed.coalition[0] == 0) == 3


def test_who_asks_a_full_coalition_that_goes_on_is_refused():
    scenario, two_days = agreeing(max_size=2, max_h=48.0), {"lasts": 48.0}
    talk = Talk(scenario)
    ask = {"propose": 3.0, "peer": 0.0}
    talk.step((2, ask | two_days))
    talk.step((0, YES))
    while talk.state.step < 97:
        talk.step()
    talk.step((5, ask))
    talk.step((0, YES))
    assert talk.agreed.coalition[0, [0, 2, 5]].tolist() == [0, 0, -1]
    assert OUTCOMES[int(talk.agreed.answered[0, 0, 0])] == "coalition"
    assert OUTCOMES[int(talk.agreed.reply[0, 5])] == "coalition"


def test_a_forecast_reaches_who_it_is_for_and_its_error_is_counted():
    talk, scenario = Talk(agreeing()), agreeing()
    told = {f"forecast_{h}h": float(h) for h in (1, 3, 8, 24)}
    talk.step((3, told | {"share_forecast": 3.0}), (4, {**told, "share_forecast": 1.0, "peer": 6}))
    assert talk.agreed.shared_kw[0, 3].tolist() == [1.0, 3.0, 8.0, 24.0]
    assert talk.agreed.shared_to[0, [2, 3, 4]].tolist() == [-1, -2, 6]
    seen = observe(scenario, talk.episode, talk.state)[0]
    column = {feature.name: c for c, feature in enumerate(features(scenario))}
    assert seen[6, column["shared_in_8h"]] == 16.0
    assert seen[3, column["shared_in_8h"]] == 0.0
    assert seen[5, column["shared_senders"]] == 1.0
    for _ in range(4):
        talk.step()
    net = (week_of(scenario).load_kw - week_of(scenario).pv_kw)[4, 0, 3]
    assert talk.agreed.error_kw[0, 3].tolist() == [abs(1.0 - net), abs(net)]
    assert not talk.agreed.error_kw[0, 5].any()
