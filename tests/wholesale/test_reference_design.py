"""What the reference design of the track says in numbers, row by row, and what is refused of it."""

import numpy as np
import pytest

from p2p_market.errors import ScenarioError
from p2p_market.messages import EVERYBODY
from p2p_market.wholesale.actions import CHOICES
from p2p_market.wholesale.messages import messages
from p2p_market.wholesale.records import LEVELS_EUR_PER_MWH
from p2p_market.wholesale.scenario import build
from p2p_market.wholesale.schema import read
from p2p_market.wholesale.simulation import simulate
from tests.wholesale.cases import order, quiet, scenario, state

KINDS = {
    "GENERATION_BID", "DEMAND_RESPONSE_OFFER", "MARKET_PRICE_UPDATE", "DISPATCH_INSTRUCTION",
    "EMERGENCY_SIGNAL", "STATUS_UPDATE",
}  # fmt: skip


@pytest.fixture(scope="module")
def day():
    return simulate("wholesale-12-v0", hours=24)


def changed(**columns):
    """The default scenario with other fields, as a file would have them."""
    given = scenario().spec.model_dump(mode="json")
    return build(read({**given, **columns}))


def unit(**columns):
    """One unit on its own, with the net of the default scenario."""
    given = scenario().spec.model_dump(mode="json")["generators"][0]
    return {**given, **columns}


def test_twenty_prices_that_hold_every_price_of_the_examples():
    assert len(LEVELS_EUR_PER_MWH) == 20
    assert LEVELS_EUR_PER_MWH[0] == 20.0
    assert LEVELS_EUR_PER_MWH[-1] == 200.0
    assert {25.0, 30.0, 45.0, 55.0, 65.0, 75.0} <= set(LEVELS_EUR_PER_MWH)


def test_fuel_is_thermal_and_carbon_is_part_of_the_cost():
    columns = {"fuel_eur_per_mwh_thermal": 60.0, "efficiency": 0.85, "emissions_kg_per_mwh": 400.0}
    (cost,) = changed(generators=[unit(**columns)]).fleet.cost
    assert cost == pytest.approx(60.0 / 0.85 + 25.0 * 0.4)
    assert cost == pytest.approx(80.59, abs=0.005)
    assert scenario().fleet.cost.tolist() == pytest.approx([45.0, 65.0, 75.0, 150.0, 0.0, 0.0])


def test_a_preference_for_comfort_is_a_price_of_waiting():
    assert scenario().fleet.discomfort.tolist() == pytest.approx([4.0, 3.0, 2.0])


def test_only_in_the_example_sun_and_wind_cost_what_they_bid():
    assert scenario("auction-example-v0").fleet.cost.tolist()[:2] == [25.0, 30.0]
    assert scenario().fleet.cost.tolist()[4:] == [0.0, 0.0]


def test_twenty_five_choices_are_reserve_and_tap():
    from p2p_market.wholesale import engine

    of = scenario()
    given = quiet(of)
    for choice in range(CHOICES):
        asked = order(of, reserve_level=[choice // 5], tap=[choice % 5 - 2])
        done = engine.step(of, given, state(of, given), asked).last
        assert done.reserve_level[0] * 5 + done.tap[0] + 2 == choice


def test_the_market_clears_once_in_every_step(day):
    for step in range(0, day.played.steps, 24):
        told = messages(day.scenario, day.episode, day.played, step)
        news = [one for one in told if one.receiver == EVERYBODY and one.phase == "clear"]
        assert len(news) == 1
    assert len(day.played.series["price_eur_per_mwh"]) == 288


def test_six_kinds_of_messages_and_storages_bid_like_generators(day):
    found = {one.kind for one in day.messages()}
    assert found == KINDS
    bids = [
        one.content
        for one in day.messages()
        if one.kind == "GENERATION_BID" and one.sender.startswith("storage")
    ]
    assert {np.sign(one.quantity_mw) for one in bids} >= {-1.0}


def test_system_cost_has_two_numbers_with_two_names():
    told = simulate("auction-example-v0").summary()["economics"]
    assert 12.0 * told["consumer_payment_eur"] != pytest.approx(12.0 * told["production_cost_eur"])
    assert told["social_cost_eur"] < told["consumer_payment_eur"]


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"generators": 7}, "generators: 7"),
        ({"storages": 3}, "storages: 3"),
        ({"consumers": 4}, "consumers: 4"),
        ({"generators": [unit(fuel_cost_per_mwh=60.0)]}, "fuel_cost_per_mwh"),
        ({"generators": [unit(kind="nuclear")]}, "nuclear"),
    ],
)
def test_what_the_track_does_not_have_is_refused_by_name(columns, told):
    """Larger fleets than observations have room for, and keys of others."""
    given = scenario().spec.model_dump(mode="json")
    wanted = {
        name: [{**given[name][0], "name": f"unit_{k}"} for k in range(value)]
        if isinstance(value, int)
        else value
        for name, value in columns.items()
    }
    with pytest.raises(ScenarioError) as refused:
        changed(**wanted)
    words = str(refused.value)
    assert told.partition(":")[0] in words, words
