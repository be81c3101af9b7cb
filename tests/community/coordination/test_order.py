"""The order of members in the file does not matter to what agreements match and pay."""

import numpy as np
import pytest

from p2p_market.community.coordination.records import (
    BUYER,
    END,
    KIND,
    PRICE,
    QUANTITY,
    SELLER,
    Agreements,
    nothing_agreed,
)
from p2p_market.community.coordination.step import match_kernel
from p2p_market.community.coordination.terms import packed_terms
from p2p_market.community.engine import start
from p2p_market.community.kernel_inputs import now_of, packed_rules
from p2p_market.community.records import Proposal
from p2p_market.community.safety.feasibility import project
from tests.community.coordination.agreeing import agreeing, names, week_of

PAIRS = ((2, 0), (5, 1), (7, 3))  # buyer, seller
MEMBERS = (2, 4, 6, 9)
AGENTS = 12


def matched(place, net, floor, cap, quantities):
    """Orders that are left, matched power and money, where member m stands at `place[m]`."""
    scenario = agreeing(settled="delivery")
    episode = week_of(scenario)
    back = np.argsort(place)
    agreed = Agreements.Arrays(*(a.copy() for a in nothing_agreed(1, AGENTS, 4, 4).arrays()))
    for c, ((buyer, seller), quantity) in enumerate(zip(PAIRS, quantities, strict=True)):
        agreed.contracts[0, c, [KIND, BUYER, SELLER]] = 1.0, place[buyer], place[seller]
        agreed.contracts[0, c, [QUANTITY, PRICE, END]] = quantity, 0.2, 9.0
    own = [place[m] for m in MEMBERS]
    agreed.coalition[0, own] = min(own)
    now = now_of(episode, 0)._replace(floor=floor[back][None], cap=cap[back][None])
    shape = (1, AGENTS)
    nothing = Proposal(np.zeros((*shape, 1)), *np.zeros((2, *shape)), np.ones(shape, dtype=bool))
    action = project(scenario, episode, start(scenario, episode), nothing).arrays()
    moved = net[back][None].copy()
    price = np.full(shape, 0.25)
    action = action._replace(net_load_kw=moved, quantity_kw=moved, price_eur_per_kwh=price)
    further = np.zeros((*shape, len(names(scenario))))
    orders, cause = np.empty((3, *shape)), np.zeros(shape, dtype=np.int64)
    rules, terms = packed_rules(scenario), packed_terms(scenario)
    match_kernel(rules, terms, 0, now, action, cause, further, orders, agreed)
    every = np.stack([*orders[:, 0], agreed.matched_kw[0], agreed.money_eur[0]])
    return every[:, place]


@pytest.mark.parametrize("seed", range(4))
def test_members_may_stand_in_any_order(seed):
    generator = np.random.default_rng(seed)
    net = generator.uniform(-3.0, 3.0, AGENTS)
    net[[2, 5, 7]], net[[0, 1, 3]] = abs(net[[2, 5, 7]]), -abs(net[[0, 1, 3]])
    net[[4, 6, 9]] = -1.0, -0.5, 2.0
    floor = np.round(generator.uniform(0.08, 0.12, AGENTS), 3)
    cap = np.round(generator.uniform(0.24, 0.33, AGENTS), 3)
    given = net, floor, cap, generator.uniform(0.5, 3.0, 3)
    usual = matched(np.arange(AGENTS), *given)
    assert np.abs(usual[4]).sum() > 0.1
    assert usual[2] == pytest.approx(net - usual[3], abs=1e-12)  # what is left of the net loads
    place = generator.permutation(AGENTS)
    assert matched(place, *given) == pytest.approx(usual, abs=1e-12)
