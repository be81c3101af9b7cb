"""Feed-in tariffs that follow the day-ahead price, beside fixed ones."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.observation import features
from p2p_market.community.optimum.digest import digest_of
from p2p_market.community.records import LEDGER_COLUMN
from p2p_market.community.rules.policy import truthful
from p2p_market.community.scenario.scenario import Scenario, build, validated
from p2p_market.community.scenario.tariff import feed_in_year
from p2p_market.errors import ScenarioError
from p2p_market.evaluation.rollout import rollout
from p2p_market.market import MECHANISMS
from p2p_market.market.book import OrderBook
from p2p_market.registry import load_scenario
from p2p_market.scenarios import read

FOLLOWING = """
extends: community-16-v0
id: follow-v0
title: Paid by the day-ahead price
contracts:
  standard: {kind: dynamic, factor: 1.19, adder_eur_per_kwh: 0.24, feed_in: {ADDER}}
  older_roof: {kind: dynamic, factor: 1.19, adder_eur_per_kwh: 0.24, feed_in_eur_per_kwh: 0.12}
  default_supplier: {kind: dynamic, factor: 1.19, adder_eur_per_kwh: 0.25, feed_in: {}}
  business: {kind: dynamic, factor: 1.19, adder_eur_per_kwh: 0.23, feed_in: {factor: 0.9}}
"""
MAY_DAY = 4  # test week of 2018 with negative prices


def parsed(adder: str = "adder_eur_per_kwh: -0.004", more: str = ""):
    content = read(FOLLOWING.replace("ADDER", adder) + more, "mine.yaml")
    return validated(content.values, "mine.yaml")


@cache
def following() -> Scenario:
    return build(parsed())


def test_the_tariff_is_the_price_times_the_factor_plus_the_adder():
    scenario = following()
    market = scenario.data.day_ahead_eur_per_kwh
    own = scenario.feed_in_eur_per_kwh[:, scenario.contract_of]
    firm = [member.contract for member in scenario.spec.members].index("business")
    assert own[:, 0] == pytest.approx(market - 0.004, abs=0.000501)
    assert own[:, firm] == pytest.approx(0.9 * market, abs=0.000501)
    assert set(own[:, 5]) == {0.12}
    assert scenario.feed_in_follows[[0, 5, firm]].tolist() == [True, False, True]
    assert scenario.lowest_price_eur_per_kwh == own.min() < -0.05


def test_floor_and_cap_bound_it():
    contract = parsed("floor_eur_per_kwh: -0.01, cap_eur_per_kwh: 0.05").contracts["standard"]
    own = feed_in_year(contract, following().data, 0.001)
    assert (own.min(), own.max()) == (-0.01, 0.05)


@cache
def sold_by_rule():
    """The truthful rule in that week; what it sees, per step."""
    scenario, seen = following(), []
    rule = truthful(scenario)

    class Watching:
        start = staticmethod(rule.start)

        def act(self, observation, memory):
            seen.append(observation.copy())
            return rule.act(observation, memory)

    episode = draw(scenario, choose_key(scenario, 0, "test", MAY_DAY))
    return episode, rollout(scenario, episode, Watching()), np.array(seen)


def test_what_is_exported_is_paid_at_the_tariff_of_the_step():
    scenario = following()
    episode, played, _ = sold_by_rule()
    paid = episode.feed_in_eur_per_kwh[: scenario.steps]
    exported = played.series["export_kw"]
    earned = played.entries_eur[..., LEDGER_COLUMN["grid_export"]]
    assert earned == pytest.approx(-exported * paid * scenario.dt_h, abs=1e-9)
    assert ((paid < 0.0) & (exported > 0.0)).any()


def test_a_seller_trades_below_zero_rather_than_feed_in():
    """An ask of nothing is lowered to what the grid pays, so the cheapest seller comes first."""
    _, played, _ = sold_by_rule()
    floor, price = following().lowest_price_eur_per_kwh, played.series["clearing_price_eur_per_kwh"]
    book = OrderBook(
        *(np.array([row]) for row in ([3.0, -2.0, -2.0], [0.3, -0.05, -0.03], [0.3] * 3)),
        feed_in_eur_per_kwh=np.array([[-0.06] * 3]),
        k=0.5, tick_eur_per_kwh=0.001, price_max_eur_per_kwh=0.6, dt_h=0.25,
    )  # fmt: skip
    for rule in MECHANISMS.values():
        fills = rule.clear(book).power_kw[0]
        assert fills.sum() == pytest.approx(0.0)
        assert fills[1] <= fills[2]
    assert floor <= np.nanmin(price) < 0.0


def test_members_see_the_tariff_now_and_ahead():
    scenario = following()
    names = [feature.name for feature in features(scenario)]
    episode, _, seen = sold_by_rule()
    seen = seen[:, 0]
    paid = episode.feed_in_eur_per_kwh[:, 0].astype(np.float32)
    assert np.array_equal(seen[..., names.index("feed_in")], paid[: scenario.steps])
    known = episode.known_price_step[:, 0]
    for number, h in enumerate((1, 3, 8, 24)):
        assert np.array_equal(seen[..., names.index(f"feed_in_in_{h}h")], paid[known[:, number]])
    day_on = np.arange(scenario.steps) + scenario.steps_per_day
    sure = known[:, 3] == day_on
    band = seen[..., names.index("feed_in_band_24h")]
    retail_band = seen[..., names.index("retail_band_24h")]
    assert sure.any()
    assert not band[sure].any()
    assert band[~sure, 0] == pytest.approx(retail_band[~sure, 0] / 1.19, rel=1e-5)
    assert not band[:, 5].any()  # a fixed tariff
    assert all(f.low - 1e-6 <= seen[..., c].min() for c, f in enumerate(features(scenario)))
    ahead = [f"feed_in_in_{h}h" for h in (1, 3, 8, 24)]
    assert names[-5:] == [*ahead, "feed_in_band_24h"]
    shipped = [feature.name for feature in features(load_scenario("community-16-v0"))]
    assert names[:-5] == shipped
    feature = features(scenario)[names.index("feed_in")]
    assert feature.low == scenario.lowest_price_eur_per_kwh < 0.0


def test_a_digest_of_optima_follows_the_tariff():
    scenario = following()
    episode = draw(scenario, choose_key(scenario, 0, "test", MAY_DAY))
    other = replace(episode, feed_in_eur_per_kwh=episode.feed_in_eur_per_kwh + 0.001)
    assert digest_of(scenario, other) != digest_of(scenario, episode)


@pytest.mark.parametrize(
    ("adder", "more", "words"),
    [
        ("adder_eur_per_kwh: 0.9", "", ["prosumer_0", "> retail", "contracts.standard.feed_in"]),
        ("floor_eur_per_kwh: 0.2, cap_eur_per_kwh: 0.1", "", ["feed_in", "above cap_eur_per_kwh"]),
        ("floor_eur_per_kwh: 0.0005", "", ["contracts.standard.feed_in.floor_eur_per_kwh", "tick"]),
        ("faktor: 1", "", ["contracts.standard", "feed_in.faktor"]),
        ("", "feeder: {limit_kw: 50, mode: binding}", ["binding", "below zero", "-0.0"]),
        ("", "feeder: {limit_kw: 50, overload_eur_per_kwh: 0.2}", ["overload", "-0.0", "burning"]),
    ],
)
def test_what_breaks_a_rule_is_refused_with_the_number(adder, more, words):
    with pytest.raises(ScenarioError) as caught:
        build(parsed(adder, more))
    for word in words:
        assert word in str(caught.value)


def test_retail_prices_are_not_below_zero():
    spec = parsed("adder_eur_per_kwh: -0.1")
    low = spec.contracts["standard"].model_copy(update={"adder_eur_per_kwh": 0.0})
    with pytest.raises(ScenarioError, match=r"retail price of standard .*-0.090 .*floor_eur"):
        build(spec.model_copy(update={"contracts": {**spec.contracts, "standard": low}}))


@pytest.mark.parametrize("given", ["", "feed_in_eur_per_kwh: 0.1, feed_in: {},"])
def test_a_contract_has_one_of_both(given):
    contract = "{" + given + " kind: flat, retail_eur_per_kwh: 0.3}"
    text = "extends: classic-v0\nid: mine-v0\ncontracts:\n  day_and_night: " + contract
    with pytest.raises(ScenarioError, match=r"day_and_night.*(neither|both) of feed_in_eur"):
        validated(read(text, "mine.yaml").values, "mine.yaml")


def test_fixed_tariffs_leave_the_specification_as_it_was():
    contract = load_scenario("community-16-v0").spec.contracts["standard"]
    assert "feed_in" not in contract.model_dump()
