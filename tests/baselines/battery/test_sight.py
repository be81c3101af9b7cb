"""What a battery's network is shown beside the observation."""

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from baselines.battery.ppo.sight import DAY_H, OFFERS, Sight
from p2p_market.battery.episode.episode import draw
from p2p_market.battery.observation import features
from p2p_market.registry import load_scenario, make_batch
from p2p_market.track import EpisodeKey

HOURS = 60


@pytest.fixture(scope="module")
def scenario():
    return load_scenario("battery-146-v0")


@pytest.fixture(scope="module")
def week(scenario):
    """Observations of an idle battery, (hour, feature), and the record behind them."""
    batch = make_batch("battery-146-v0", 1)
    seen, _ = batch.reset(seed=4)
    rows = []
    for _ in range(HOURS):
        rows.append(seen[0, 0])
        seen = batch.step(np.array([[[0.0, 2.0, 10.0]]])).observations
    return torch.from_numpy(np.stack(rows)), draw(scenario, batch.keys[0])


def row_of(scenario, **values):
    row = torch.zeros(1, len(features(scenario)))
    places = {one.name: place for place, one in enumerate(features(scenario))}
    for name, value in values.items():
        row[0, places[name]] = value
    return row


def test_prices_to_expect_are_those_shown_and_else_those_of_the_day_before(scenario, week):
    rows, episode = week
    sight, price = Sight(scenario), episode.market[0, 1:, 0]
    carried = torch.zeros(1, sight.carried)
    for hour, row in enumerate(rows):
        if hour >= DAY_H:
            expected = sight.expected(row[None], carried, torch.zeros(1, 1))[0].numpy()
            published = (48 if hour % 24 >= 14 else 24) - hour % 24
            for k in range(1, DAY_H):
                known = k < published and k <= 12
                true = price[hour + k if known else hour + k - 24]
                assert expected[k - 1] == pytest.approx(true, abs=1e-3), (hour, k)
        carried = sight.after(row[None], carried)
    assert carried[0, :DAY_H].numpy() == pytest.approx(price[HOURS - DAY_H : HOURS][::-1], abs=1e-3)


def test_at_the_start_nothing_is_known_and_the_usual_price_stands_in(scenario, week):
    rows, _ = week
    sight = Sight(scenario)
    expected = sight.expected(rows[:1], torch.zeros(1, sight.carried), torch.full((1, 1), 7.0))
    assert (expected[0, 12:] == 7.0).all()
    assert (expected[0, :12] != 7.0).all()


@pytest.mark.parametrize(
    ("soc", "position", "up", "down"),
    [(0.1771615, -12.0, 0, 1), (0.65, -12.0, 1, 1), (0.93, -12.0, 1, 1), (0.85, 12.0, 1, 0)],
)
def test_an_offer_that_the_position_leaves_nothing_for_is_known(scenario, soc, position, up, down):
    """13.5 MW beside a position of 12 MW; the first two are cases 4 and 5 of the track."""
    made = Sight(scenario)._room(row_of(scenario, soc=soc, current_dam_commitment=position))
    flags = [one.item() for one in made[5 + 4 * OFFERS.index(0.75) :][:2]]
    assert flags == [up, down]


def test_levels_are_followed_through_the_position(scenario):
    sight = Sight(scenario)
    row = row_of(scenario, soc=0.5, current_dam_commitment=18.0, next_dam_commitment_2=-16.9)
    path = sight._room(row)[5 + 4 * len(OFFERS) :]
    eta = 0.94**0.5
    low, high = path[4].item(), path[5].item()  # of the next four hours
    assert low == pytest.approx(73.0 + 18.0 * eta - 16.9 / eta - 7.3, abs=1e-3)
    assert high == pytest.approx(138.7 - 73.0 - 18.0 * eta, abs=1e-3)


def test_it_is_for_one_battery_by_the_hour():
    fits = {name: Sight.fits(load_scenario(f"battery-{name}-v0"))
            for name in ("146", "146-wide", "146-bidding", "146-quarter", "fleet-4")}  # fmt: skip
    assert fits == {
        "146": True, "146-wide": True, "146-bidding": True, "146-quarter": False, "fleet-4": False,
    }  # fmt: skip


def test_rows_of_any_shape_are_normalised_alike(scenario, week):
    rows, _ = week
    sight = Sight(scenario)
    carried = torch.zeros(HOURS, sight.carried)
    sight.freeze(sight.raw(rows, carried))
    one = sight(rows, carried)
    assert torch.isfinite(one).all()
    assert one.abs().max() <= 5.0
    shaped = sight(rows.view(6, 10, -1), carried.view(6, 10, -1))
    torch.testing.assert_close(shaped.flatten(0, 1), one)


def test_the_key_of_a_week_is_used_for_its_price(scenario):
    from baselines.battery.ppo.own import full_eur

    worth = full_eur(scenario, [EpisodeKey("train", 30, 0)])
    week = scenario.day_ahead_eur_per_mwh[24 * 30 : 24 * 37]
    assert worth == pytest.approx(np.array([[146.0 * week.mean()]]))
