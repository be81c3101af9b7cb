"""Every number of an observation, written out again from its definition."""

import math
from statistics import NormalDist, fmean, pstdev

import numpy as np
import pytest

from p2p_market.battery import engine
from p2p_market.battery.actions import columns
from p2p_market.battery.episode.episode import draw, keys, window
from p2p_market.battery.observation import BACK_H, features
from p2p_market.battery.records import COLUMN
from p2p_market.registry import load_scenario

HOURLY = ("battery-146-v0", "battery-146-wide-v0", "battery-fleet-4-v0", "battery-146-bidding-v0")


def by_definition(of, given, now, i, day_ahead, accepted, since):
    """What battery i sees before step t, in hours.

    Args:
        accepted: its reserve in the step before.
        since: hours since its last activation.
    """
    t, h, fleet = now.step, now.step % 24, of.fleet
    market = {name: given.market[0, t : t + 2, place] for name, place in COLUMN.items()}
    day, position = day_ahead(t, t + 1)[0], now.position_mw[0, i]
    eta, level = fleet.eta[i], now.level_mwh[0, i]
    free = fleet.power_mw[i] - abs(position[t])
    stored, room = (level - fleet.lowest_mwh[i]) * eta, (fleet.highest_mwh[i] - level) / eta
    published = 24 - h + (24 if h >= 14 else 0)  # hours from this one on
    ahead = range(1, 13)
    prices = [day_ahead(t + min(k, published - 1), t + min(k, published - 1) + 1)[0] for k in ahead]
    commitments = [position[t + k] if k < published else 0.0 for k in ahead]
    last_24, six_ago = day_ahead(t - 23, t + 1), day_ahead(t - 6, t - 5)[0]
    today = day_ahead(t - h, t - h + 24)
    imbalance = market["imbalance"][0]
    expected = 0.2104 + 0.7 * (math.log(market["marginal"][0]) - 0.2104)
    asked = unserved = 0.0
    walked = level
    for mw in position[t : t + min(12, published)]:
        asked += abs(mw)
        if mw > 0.0:
            served = min(mw, (fleet.highest_mwh[i] - walked) / eta)
            walked += served * eta
        else:
            served = min(-mw, (walked - fleet.lowest_mwh[i]) * eta)
            walked -= served / eta
        unserved += abs(mw) - served
    weekday = (given.keys[0].start_day + t // 24) % 7
    turn, week = 2.0 * math.pi * h / 24.0, 2.0 * math.pi * weekday / 7.0
    return [
        level / fleet.capacity_mwh[i],
        min(free, stored),
        min(free, room),
        day,
        now.intraday_eur_per_mwh[0],
        market["spread"][1],
        market["mfrr_up"][0],
        market["mfrr_down"][0],
        market["mfrr_up"][0] - market["mfrr_down"][0],
        math.sin(turn), math.cos(turn), math.sin(week), math.cos(week),
        position[t],
        *commitments,
        *prices,
        market["afrr_cap_up"][1],
        market["afrr_cap_down"][1],
        0.0 if abs(imbalance) <= 100.0 else math.copysign(1.0, imbalance),
        accepted,
        round(NormalDist().cdf(expected / 0.178536), 3),
        float(since < 4.0),
        since,
        float(accepted > 0.0),
        imbalance,
        unserved / asked if asked else 0.0,
        min(1.0, max(-1.0, (day - six_ago) / (abs(six_ago) + 1.0))),
        min(1.0, pstdev(last_24) / 50.0),
        float(h < 14),
        24.0 - h,
        4.0 - h % 4,
        float(h != 23),
        min(5.0, max(-5.0, (day - fmean(last_24)) / max(abs(fmean(last_24)), 1.0))),
        float(17 <= h <= 21),
        float(9 <= h <= 15),
        (today.index(max(today)) - h) % 24,
    ]  # fmt: skip


@pytest.mark.parametrize("name", HOURLY)
def test_every_number_is_what_its_definition_says(name):
    of = load_scenario(name)
    names = [one.name for one in features(of)]
    assert len(names) == 58
    given = draw(of, keys(of, "test", 0)[2][1])
    prices = window(of, given.keys[0].start_day).day_ahead.tolist()
    now, batteries = engine.start(of, given), len(of.agents)
    accepted, since = np.zeros(batteries), np.full(batteries, 24.0)
    sizes = [column.choices for column in columns(of)]
    generator = np.random.default_rng(0)
    for t in range(of.steps + 1):
        seen = engine.observe(of, given, now)[0]
        for i in range(batteries):
            told = by_definition(
                of,
                given,
                now,
                i,
                lambda a, b: prices[BACK_H + a : BACK_H + b],
                accepted[i],
                since[i],
            )
            found = dict(zip(names, seen[i].tolist(), strict=True))
            expected = dict(zip(names, map(float, told), strict=True))
            wrong = {n: (found[n], v) for n, v in expected.items() if abs(found[n] - v) > 2e-3}
            assert not wrong, f"step {t}, battery {i}: {wrong}"
        if t == of.steps:
            break
        action = generator.integers(sizes, size=(1, batteries, len(sizes))).astype(float)
        activated = given.market[0, t + 1, COLUMN["activation"]] != 0.0
        now, done = engine.act(of, given, now, action)
        accepted = done.accepted_mw[0]
        since = np.where((accepted > 0.0) & activated, 0.0, np.minimum(since + 1.0, 24.0))
        moved = done.energy_mw.any() and of.rules.ladder > 0.0
        if not moved:
            price = given.market[0, t + 1, COLUMN["intraday"]]
            assert now.intraday_eur_per_mwh[0] == price
