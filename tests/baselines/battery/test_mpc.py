"""The planner: what it expects, that its plans are robust, and that it beats the rules."""

import numpy as np
import pytest

pytest.importorskip("highspy")

from baselines.battery.mpc.outlook import (
    Outlook,
    learnt,
    nothing_known,
    outlook,
    positions,
)
from baselines.battery.mpc.policy import mpc_battery
from baselines.battery.mpc.program import Battery, plan
from p2p_market.battery import engine, in_numbers, mask_of
from p2p_market.battery.episode.episode import draw, keys
from p2p_market.battery.observation import features
from p2p_market.battery.records import COLUMN, LEDGER_ENTRIES, SOCIAL
from p2p_market.battery.rules.policy import dam_only, reserve_first
from p2p_market.errors import OptimumError, PolicyError
from p2p_market.kit.defaults import stack
from p2p_market.registry import load_scenario
from p2p_market.testing import check_policy

PLAIN = "battery-146-v0"
ETA = 0.9
FULL = Battery(30.0, 5.0, 95.0, 50.0, ETA, 15.0, 1.0, 1500.0, True)


def ahead(price, position=0.0, reserve=0.0):
    """Certain prices without spread, and no reserve that is worth anything unless said."""
    price = np.array(price, dtype=float)
    return Outlook(
        length_h=np.ones(len(price)),
        position_mw=np.broadcast_to(position, price.shape).astype(float),
        buy=price,
        sell=price,
        reserve=np.broadcast_to(reserve, price.shape).astype(float),
        called=np.zeros(len(price)),
        tier=np.zeros(len(price), dtype=np.int64),
        last_prices=price,
    )


def test_it_buys_cheap_and_sells_dear():
    assert plan(FULL, 50.0, ahead([0.0, 100.0]), "case").wish_mw == pytest.approx(30.0)
    back = -30.0 * ETA * ETA  # as much as can be bought back for the end
    assert plan(FULL, 50.0, ahead([100.0, 0.0]), "case").wish_mw == pytest.approx(back)
    assert plan(FULL, 50.0, ahead([50.0, 60.0]), "case").wish_mw == pytest.approx(0.0)


def test_reserve_and_trade_share_the_power():
    best = plan(FULL, 50.0, ahead([50.0, 50.0], position=[12.0, 0.0], reserve=5.0), "case")
    assert best.offer_mw == pytest.approx(18.0)
    assert best.wish_mw == pytest.approx(0.0)
    best = plan(FULL, 50.0, ahead([0.0, 200.0], position=[12.0, 0.0], reserve=5.0), "case")
    assert best == pytest.approx((0.0, 18.0))


def test_the_next_delivery_fits_behind_an_activation():
    """10 MWh are above the lowest level; the sale of the next hour takes 9 / 0.9 of them."""
    sale = ahead([50.0, 50.0], position=[0.0, -9.0], reserve=5.0)
    assert plan(FULL, 15.0, sale, "case").offer_mw == pytest.approx(0.0)
    some = plan(FULL, 20.0, sale, "case").offer_mw
    assert some == pytest.approx(5.0 * ETA)
    assert plan(FULL, 50.0, sale, "case").offer_mw == pytest.approx(30.0)


def test_what_cannot_be_delivered_is_no_obstacle():
    plan(FULL, 5.0, ahead([50.0, 50.0], position=[-20.0, -20.0], reserve=5.0), "case")


def test_a_program_without_a_plan_is_an_error():
    with pytest.raises(OptimumError, match="case: HiGHS reports"):
        plan(FULL._replace(lowest_mwh=96.0), 50.0, ahead([50.0]), "case")


def seen_at(of, episode, steps):
    """What is known, and what is seen, after some steps at rest."""
    now, known = engine.start(of, episode), nothing_known(of, episode.batch)
    rest = np.tile([0.0, 2.0, 10.0], (episode.batch, len(of.agents), 1))
    for step in range(steps + 1):
        seen = engine.observe(of, episode, now)
        known = learnt(of, known, seen, step)
        now, _ = engine.act(of, episode, now, rest)
    return known, seen


@pytest.mark.parametrize("hour", [0, 9, 13, 14, 40, 160])
def test_expected_prices_are_those_published(hour):
    of = load_scenario(PLAIN)
    episode = draw(of, keys(of, "train", 0)[5][0])
    known, seen = seen_at(of, episode, hour)
    found = outlook(of, known, seen[0], hour, 0)
    market = episode.market[0, hour + 1 :]
    shown = min(13, len(found.buy), (48 if hour % 24 >= 14 else 24) - hour % 24)
    middle = (found.buy + found.sell)[:shown] / 2.0
    before = episode.market[0, hour]
    away = before[COLUMN["intraday"]] - before[COLUMN["day_ahead"]] if hour > 0 else 0.0
    fading = 0.59 * 0.69 ** np.arange(shown)
    assert middle == pytest.approx(market[:shown, COLUMN["day_ahead"]] + away * fading, abs=1e-3)
    assert found.buy[0] - found.sell[0] == pytest.approx(market[0, COLUMN["spread"]], abs=1e-4)
    assert len(found.buy) == min(24, 168 - hour)
    assert not np.isnan(found.buy).any()


@pytest.mark.parametrize("hour", [13, 14, 40])
def test_tomorrows_position_follows_from_todays_prices(hour):
    of = load_scenario("battery-fleet-4-v0")
    episode = draw(of, keys(of, "train", 0)[5][0])
    known, _ = seen_at(of, episode, hour)
    hours = hour + np.arange(24)
    assert positions(of, known, hours, 0) == pytest.approx(episode.position_mw[0][:, hours])


def test_the_tier_is_the_one_that_earns_most():
    of = load_scenario(PLAIN)
    episode = draw(of, keys(of, "train", 0)[5][0])
    known, seen = seen_at(of, episode, 3)
    chances = {0.02: 0, 0.5: 1, 0.999: 4}
    place = [one.name for one in features(of)].index("selection_probability")
    for chance, tier in chances.items():
        seen[0, 0, place] = chance
        assert outlook(of, known, seen[0], 3, 0).tier[0] == tier


def cost_eur(of, episode, policy, masked=False):
    """Mean cost of a week, and of its penalties; a masked policy asks for nothing impossible."""
    now, memory = engine.start(of, episode), policy.start(list(range(episode.batch)))
    total = np.zeros(len(LEDGER_ENTRIES))
    for _ in range(of.steps):
        seen = engine.observe(of, episode, now)
        action, memory = policy.act(seen, memory)
        allowed = mask_of(of, seen)
        for column, mask in enumerate(np.split(allowed, [5, 10, 31], axis=-1)[:3]):
            chosen = action[..., column : column + 1].astype(np.int64)
            assert not masked or np.take_along_axis(mask, chosen, axis=-1).all()
        now, done = engine.act(of, episode, now, action)
        total += done.entries_eur.sum(axis=1).mean(axis=0)
    penalties = [LEDGER_ENTRIES.index(name) for name in ("dam_penalty", "afrr_penalty")]
    return total[: len(SOCIAL)].sum(), total[penalties].sum()


@pytest.mark.compiled
@pytest.mark.parametrize("name", [PLAIN, "battery-146-wide-v0"])
def test_it_earns_half_more_than_reserve_first(name):
    of = load_scenario(name)
    episode = stack([draw(of, unit[0]) for unit in keys(of, "validation", 0)[::3]])
    idle, rule = (cost_eur(of, episode, make(of)) for make in (dam_only, reserve_first))
    planned = cost_eur(of, episode, mpc_battery(of), masked=True)
    assert idle[0] - planned[0] > 1.5 * (idle[0] - rule[0]) > 0.0
    assert planned[1] < 0.05 * (idle[0] - planned[0])


@pytest.mark.compiled
@pytest.mark.parametrize("name", [PLAIN, "battery-fleet-4-v0", "battery-146-bidding-v0"])
def test_it_conforms(name):
    of = load_scenario(name)
    check_policy(mpc_battery(of), of)


@pytest.mark.compiled
def test_it_plans_by_the_quarter_hour():
    of = load_scenario("battery-146-quarter-v0")
    episode = draw(of, keys(of, "validation", 0)[2][0])
    policy = mpc_battery(of)
    now, memory = engine.start(of, episode), policy.start([0])
    for _ in range(60):
        action, memory = policy.act(engine.observe(of, episode, now), memory)
        now, done = engine.act(of, episode, now, action)
        assert not done.entries_eur[..., LEDGER_ENTRIES.index("afrr_penalty")].any()


def test_numbers_are_refused():
    with pytest.raises(PolicyError, match="answers with choices"):
        mpc_battery(in_numbers(load_scenario(PLAIN)))
