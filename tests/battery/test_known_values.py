"""Steps that were worked out by hand."""

import numpy as np
import pytest
import yaml

from p2p_market.battery import engine, observation
from p2p_market.battery.actions import masks
from p2p_market.battery.commitments import positions_mw
from p2p_market.battery.episode.episode import draw, keys
from p2p_market.battery.records import SOCIAL
from p2p_market.battery.settlement import ladder_kernel
from p2p_market.registry import load_scenario
from tests.battery.cases import episode, order, play, scenario, soc_of, state

QUARTERS = {"extends": "battery-146-v0", "id": "quarters-v0", "dt_h": 0.25}


def test_the_mask_of_a_nearly_empty_battery_that_has_sold():
    of = scenario()
    given = episode(of, -5.0)
    seen = engine.observe(of, given, state(of, given, 0.08))
    (mask,) = masks(of, seen)[0].astype(int)
    assert mask[:5].tolist() == [1, 0, 0, 0, 0]
    assert mask[5:10].all()
    assert np.flatnonzero(mask[10:]).tolist() == list(range(2, 12))


def test_a_position_that_the_level_cannot_serve():
    after, done, ledger = play(0.08, -5.0)
    assert done.dam_mw[0, 0] == pytest.approx(-4.24657, abs=5e-6)
    assert ledger["dam"] == pytest.approx(-500.0)
    assert ledger["dam_penalty"] == pytest.approx(1130.15, abs=5e-3)
    assert ledger["degradation"] == pytest.approx(63.70, abs=5e-3)
    assert soc_of(after) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("wish_mw", "intraday", "soc"), [(-30.0, -2940.0, 0.288064), (30.0, 3060.0, 0.699220)]
)
def test_energy_costs_its_price_half_the_spread_and_wear(wish_mw, intraday, soc):
    after, _, ledger = play(0.5, wish_mw=wish_mw)
    assert ledger["intraday"] == pytest.approx(intraday)
    assert ledger["degradation"] == pytest.approx(450.0)
    assert soc_of(after) == pytest.approx(soc, abs=5e-7)


EVENING = {
    "position_mw": -12.0, "step": 18, "day_ahead": 95.0, "afrr_up": 85.0, "activation": 1.0,
    "offer_mw": 13.5,
}  # fmt: skip


def test_a_failed_activation_costs_more_than_a_day_earns():
    after, _, ledger = play(0.1771615, **EVENING)
    assert ledger["dam"] == pytest.approx(-1140.0)
    assert ledger["afrr_capacity"] == pytest.approx(-337.5)
    assert ledger["afrr_energy"] == pytest.approx(-510.0, abs=5e-3)
    assert ledger["afrr_penalty"] == pytest.approx(27_000.0)
    assert ledger["degradation"] == pytest.approx(270.0, abs=5e-3)
    assert (ledger["dam_bonus"], ledger["soc_buffer"]) == (pytest.approx(-60.0), 2.0)
    without = sum(ledger.values()) - ledger["soc_buffer"] - ledger["shortfall_risk"]
    assert without == pytest.approx(25_222.5, abs=5e-3)
    assert soc_of(after) == pytest.approx(0.05)


def test_the_same_activation_answered():
    after, done, ledger = play(0.65, **EVENING)
    assert done.afrr_mw[0, 0] == pytest.approx(-13.5)
    assert sum(ledger[name] for name in SOCIAL) == pytest.approx(-2242.5, abs=5e-3)
    assert (ledger["dam_bonus"], ledger["afrr_bonus"]) == (-60.0, pytest.approx(-135.0))
    assert soc_of(after) == pytest.approx(0.469855, abs=5e-7)


def test_a_position_that_is_delivered():
    _, _, ledger = play(0.5, -10.0, day_ahead=80.0)
    found = ledger["dam"], ledger["dam_bonus"], ledger["degradation"], ledger["dam_penalty"]
    assert found == pytest.approx((-800.0, -50.0, 150.0, 0.0))


def test_half_a_position():
    of = scenario()
    soc = (of.fleet.lowest_mwh[0] + 5.0 / of.fleet.eta[0]) / of.fleet.capacity_mwh[0]
    _, _, ledger = play(soc, -10.0, day_ahead=80.0)
    assert ledger["dam_penalty"] == pytest.approx(7500.0)
    assert ledger["dam_bonus"] == 0.0


def test_reserve_that_nobody_calls():
    _, _, ledger = play(0.5, offer_mw=10.0, afrr_cap_up=12.0, afrr_cap_down=8.0)
    assert ledger["afrr_capacity"] == pytest.approx(-200.0)


def test_reserve_is_paid_as_bid_up_to_the_marginal_tier():
    paid = [
        play(0.5, offer_mw=20.0, tier=tier, marginal=1.1)[2]["afrr_capacity"] for tier in range(5)
    ]
    assert paid == pytest.approx([-350.0, -425.0, -500.0, 0.0, 0.0])


def test_a_called_direction_pays_the_balancing_price():
    assert play(0.5, wish_mw=-9.0, mfrr_call=1.0)[2]["mfrr"] == pytest.approx(-1800.0)
    against = play(0.5, wish_mw=9.0, mfrr_call=1.0)[2]
    assert (against["intraday"], against["mfrr"]) == (pytest.approx(918.0), 0.0)


def test_accepted_reserve_is_withheld_and_an_activation_takes_the_step():
    sold = [
        play(0.5, offer_mw=20.0, wish_mw=-30.0, marginal=m)[1].energy_mw[0, 0] for m in (2.0, 0.9)
    ]
    assert sold == [-10.0, -30.0]
    _, done, ledger = play(0.5, offer_mw=20.0, wish_mw=-30.0, activation=1.0)
    assert done.energy_mw[0, 0] == 0.0
    assert (ledger["afrr_energy"], ledger["afrr_bonus"]) == (-2400.0, -200.0)


@pytest.mark.parametrize(("soc", "eur"), [(0.40, 2258.81), (0.60, -70.78)])
def test_the_end_is_settled_against_the_start(soc, eur):
    last_day = np.linspace(20.0, 135.0, 24)
    prices = np.concatenate([np.full(145, 100.0), last_day, [100.0]])
    ledger = play(soc, step=167, day_ahead=prices)[2]
    assert ledger["terminal"] == pytest.approx(eur, abs=5e-3)


def test_the_ladder_grows_by_tranches():
    moved = [ladder_kernel(volume, 0.1) for volume in (0.0, 4.0, 10.0, 25.0, -35.0)]
    assert moved == pytest.approx([0.0, 1.0, 1.0, 2.6, -3.5714], abs=5e-5)


def test_a_position_is_planned_on_the_day_before():
    text = "40 38 35 33 34 39 55 80 85 70 50 35 20 15 18 30 50 75 110 120 115 90 70 55"
    prices = np.array(text.split(), dtype=float)
    (found,) = positions_mw(scenario(), prices)
    bought = {13: 18.0, 14: 18.0, 12: 12.0, 15: 12.0, 3: 6.0}
    sold = {19: -16.9, 20: -16.9, 18: -11.3, 21: -11.3, 8: -5.6}
    assert {h: mw for h, mw in enumerate(found.tolist()) if mw} == pytest.approx(bought | sold)


def test_prices_of_tomorrow_are_seen_from_the_publication_on():
    of = scenario()
    days = [np.full(48, 50.0), np.arange(24.0), 100.0 + np.arange(24.0), np.zeros(6 * 24)]
    table = observation.calendar_table(of, 21, np.concatenate(days))
    assert table[13, 26:38].tolist() == [*range(14, 24), 23, 23]
    assert table[14, 26:38].tolist() == [*range(15, 24), 100, 101, 102]


def test_the_risk_walks_through_the_position_without_trading():
    of = scenario()
    position = np.zeros(192)
    position[:2] = -5.0, -10.0
    given = episode(of, position)
    seen = engine.observe(of, given, state(of, given, 0.08))
    assert seen[0, 0, observation.RISK] == pytest.approx(0.71690, abs=5e-6)


def test_the_rule_on_measured_prices():
    of = scenario()
    costs = []
    for unit in keys(of, "test", 0):
        drawn = draw(of, unit[0])
        now, cost = engine.start(of, drawn), 0.0
        for _ in range(of.steps):
            now, done = engine.step(of, drawn, now, order(of))
            cost += done.entries_eur[..., : len(SOCIAL)].sum()
            assert done.entries_eur[..., SOCIAL.index("dam_penalty")].sum() == 0.0
        costs.append(cost)
    assert costs[0] == pytest.approx(3104.95, abs=5e-3)
    assert sum(costs) == pytest.approx(21_438.09, abs=5e-3)


def test_a_path_costs_the_same_in_quarters_of_an_hour(tmp_path):
    file = tmp_path / "quarters.yaml"
    file.write_text(yaml.safe_dump(QUARTERS))
    of = load_scenario(file)
    given = episode(of)
    now, paid = state(of, given), np.zeros(2)
    for _ in range(4):
        now, done = engine.step(of, given, now, order(of, wish_mw=-30.0))
        entries = done.entries_eur[0, 0]
        paid += entries[[SOCIAL.index("intraday"), SOCIAL.index("degradation")]]
    assert paid == pytest.approx([-2940.0, 450.0])
    assert now.level_mwh[0, 0] == pytest.approx(42.057, abs=5e-4)
