"""Optima where feed-in follows the day-ahead price: plan, bound and replay are one number."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from baselines.community.mpc.forecasts import columns, forecast
from baselines.community.mpc.foresight import foresight
from baselines.community.mpc.policy import community
from baselines.community.optimal.policy import Optimum, optimum
from p2p_market.community.engine import start
from p2p_market.community.episode.episode import draw, reference_key
from p2p_market.community.observation import observe
from p2p_market.community.scenario.scenario import Scenario, build
from p2p_market.community.scenario.schema import FollowingFeedIn
from p2p_market.evaluation.ends.certificate import certify
from p2p_market.evaluation.rollout import rollout
from p2p_market.registry import load_scenario
from tests.baselines.optimal import linear_program


def paying(feed_in: FollowingFeedIn) -> Scenario:
    """Classic with another feed-in tariff, and with a feeder that is never too small."""
    spec = load_scenario("classic-v0").spec
    tariff = {"feed_in_eur_per_kwh": None, "feed_in": feed_in}
    contract = spec.contracts["day_and_night"].model_copy(update=tariff)
    feeder = spec.feeder.model_copy(update={"overload_eur_per_kwh": 0.0})
    change = {"id": "paid-v0", "contracts": {"day_and_night": contract}, "feeder": feeder}
    return build(spec.model_copy(update=change))


@cache
def following() -> tuple[Scenario, Optimum]:
    """Paid by the day-ahead price less what makes half of the hours negative."""
    scenario = paying(FollowingFeedIn(adder_eur_per_kwh=-0.045))
    return scenario, optimum(scenario)


@pytest.mark.parametrize("week", range(13))
def test_the_certificate_holds_in_every_test_week(week):
    scenario, planner = following()
    episode = draw(scenario, reference_key(scenario, week))
    certificate, played = certify(scenario, episode, planner.plan(episode))
    assert certificate.holds, certificate
    paid = episode.feed_in_eur_per_kwh[: scenario.steps]
    sold = played.series["export_kw"] > 0.0
    assert week not in (3, 4, 5) or (sold & (paid < 0.0)).any()


def test_it_holds_where_fees_put_sellers_below_zero_in_order():
    """The engine serves those first who lose most by feeding in, as the program does."""
    spec = load_scenario("community-16-v0").spec
    tariff = {"feed_in_eur_per_kwh": None, "feed_in": FollowingFeedIn(adder_eur_per_kwh=-0.03)}
    contracts = {name: one.model_copy(update=tariff) for name, one in spec.contracts.items()}
    feeder = spec.feeder.model_copy(update={"overload_eur_per_kwh": 0.0})
    change = {"id": "paid-16-v0", "contracts": contracts, "feeder": feeder}
    scenario = build(spec.model_copy(update=change))
    episode = draw(scenario, reference_key(scenario, 4))
    certificate, played = certify(scenario, episode, optimum(scenario).plan(episode))
    assert certificate.holds, certificate
    assert np.nanmin(played.series["clearing_price_eur_per_kwh"]) < 0.0


def test_another_program_finds_the_same_optimum():
    """Without negative tariffs, where that program would throw energy away."""
    scenario = paying(FollowingFeedIn(adder_eur_per_kwh=-0.02, floor_eur_per_kwh=0.0))
    episode = draw(scenario, reference_key(scenario, 4))
    cost = linear_program.solve(scenario, episode).cost_eur
    assert optimum(scenario).plan(episode).objective_eur == pytest.approx(cost, abs=1e-5)


def test_the_program_would_be_wrong_with_the_tariff_of_another_hour():
    scenario, planner = following()
    episode = draw(scenario, reference_key(scenario, 4))
    late = np.roll(episode.feed_in_eur_per_kwh, 1, axis=0)
    plan = planner.plan(replace(episode, feed_in_eur_per_kwh=late))
    assert not certify(scenario, episode, plan)[0].holds


def test_planners_count_on_the_tariff_as_far_as_it_is_published():
    """With all of the episode in view a rolling plan is the optimum; a forecast shows what is."""
    scenario, _ = following()
    scenario = build(scenario.spec.model_copy(update={"days": 2}))
    episode = draw(scenario, reference_key(scenario, 4))
    best = optimum(scenario).plan(episode).objective_eur
    played = rollout(scenario, episode, foresight(scenario, 48.0).informed(episode))
    assert played.social_cost_eur[0] == pytest.approx(best, abs=1e-3 * abs(best))
    seen = observe(scenario, episode, start(scenario, episode))[0].astype(np.float64)
    told = forecast(scenario, seen, episode.keys[0].start_day, 0, 25, 1).feed_in_eur_per_kwh
    at = columns(scenario)
    for hours in (1, 3, 8, 24):
        assert told[hours] == pytest.approx(seen[:, at[f"feed_in_in_{hours}h"]], abs=1e-6)
    blind = rollout(scenario, episode, community(scenario)).social_cost_eur[0]
    assert best < blind
