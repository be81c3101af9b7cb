"""Numbers of weeks, and of draws where a week has several."""

import pytest

from p2p_market.evaluation.benchmark import weeks_and_draws
from p2p_market.registry import load_scenario
from p2p_market.tracks import track_of
from p2p_market.words import episodes, period


@pytest.mark.parametrize(
    ("number", "days", "draws", "told"),
    [(1, 7, 1, "1 week"), (13, 7, 1, "13 weeks"), (6, 2, 1, "6 episodes of 2 days"),
     (13, 7, 4, "13 weeks with 4 draws each"), (1, 7, 4, "1 week with 4 draws"),
     (2, 2, 3, "2 episodes of 2 days with 3 draws each")],
)  # fmt: skip
def test_episodes_are_counted_with_their_draws(number, days, draws, told):
    assert episodes(number, days, draws) == told


def test_one_of_several_draws_is_no_week():
    assert [period(7), period(7, 4), period(2)] == ["week", "draw", "episode"]


@pytest.mark.parametrize(("name", "draws"), [("battery-146-v0", 4), ("classic-v0", 1)])
def test_weeks_are_units_of_the_bootstrap(name, draws):
    scenario = load_scenario(name)
    units = track_of(scenario).keys(scenario, "test", 0)
    keys = [key for unit in units for key in unit]
    assert weeks_and_draws(scenario, keys) == (13, draws)
    assert weeks_and_draws(scenario, keys[:draws]) == (1, draws)
    uneven = keys[: draws + 1]  # a week whole and the beginning of another
    assert weeks_and_draws(scenario, uneven) == ((2, 1) if draws == 1 else (5, 1))
