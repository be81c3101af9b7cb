"""The optimum is the test of the engine: plan, bound and replay agree, and nothing beats it."""

from dataclasses import replace

import numpy as np
import pytest

from p2p_market.battery.kernel import LEAST_MW
from p2p_market.battery.records import COLUMN, TIERS
from p2p_market.errors import OptimumError, ScenarioError
from p2p_market.evaluation.ends.certificate import certify
from p2p_market.registry import load_scenario
from p2p_market.scenarios import scenario_folder
from p2p_market.tracks import track_of

pytest.importorskip("cvxpy")

from baselines.battery.optimal.policy import optimum
from tests.battery.attack import attacked_eur
from tests.battery.cases import scenario
from tests.every_scenario import ids_of

SHIPPED = ids_of("battery")
EVERY = [
    name if name == "battery-146-v0" else pytest.param(name, marks=pytest.mark.slow)
    for name in SHIPPED
]


@pytest.fixture(scope="module")
def planner():
    return optimum(scenario())


def episodes(of, split, draws=1):
    track = track_of(of)
    return [track.draw(of, key) for unit in track.keys(of, split, 0) for key in unit[:draws]]


def test_energy_alone_on_measured_prices(planner):
    """Bid and ask are day-ahead, nothing is committed, no reserve is accepted, nothing called."""
    of = scenario()
    drawn = episodes(of, "test")[0]
    market = np.array(drawn.market)
    market[..., COLUMN["intraday"]] = market[..., COLUMN["day_ahead"]]
    market[..., COLUMN["marginal"]] = TIERS[0] / 2.0
    market[..., [COLUMN["spread"], COLUMN["mfrr_call"]]] = 0.0
    bare = replace(drawn, market=market, position_mw=np.zeros_like(drawn.position_mw))
    plan = planner.plan(bare)
    assert plan.objective_eur == pytest.approx(-4977.08, abs=5e-3)
    assert certify(of, bare, plan)[0].holds


def test_one_week_is_certified_and_withstands_an_attack(planner):
    of = scenario()
    drawn = episodes(of, "test")[0]
    plan = planner.plan(drawn)
    assert certify(of, drawn, plan)[0].holds
    cost = attacked_eur(of, drawn, plan.schedule, 20, seed=0)
    assert cost.min() >= plan.bound_eur - 1e-3


@pytest.mark.compiled
@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("split", ["test", "validation", "train"])
def test_every_week_is_certified_and_withstands_attacks(name, split):
    of = load_scenario(name)
    planner, heavy = optimum(of), len(of.agents) > 1 or of.spec.mfrr == "always"
    for seed, drawn in enumerate(episodes(of, split)[:: 5 if heavy else 1]):
        plan = planner.plan(drawn)
        certificate, _ = certify(of, drawn, plan)
        assert certificate.holds, f"{drawn.keys}: {certificate}"
        cost = attacked_eur(of, drawn, plan.schedule, 500, seed)
        assert cost.min() >= plan.bound_eur - certificate.tolerance_eur, drawn.keys
        assert np.median(cost) > plan.bound_eur + 1.0  # the attack changes something


@pytest.mark.compiled
@pytest.mark.parametrize("path", sorted((scenario_folder() / "fetched").glob("*.yaml")))
def test_weeks_of_fetched_prices_are_certified(path):
    try:
        of = load_scenario(path)
    except ScenarioError as error:
        pytest.skip(str(error))
    planner = optimum(of)
    for drawn in episodes(of, "test"):
        certificate, _ = certify(of, drawn, planner.plan(drawn))
        assert certificate.holds, f"{drawn.keys}: {certificate}"


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_ten_thousand_attacks_on_a_week(name):
    of = load_scenario(name)
    planner = optimum(of)
    for drawn in episodes(of, "test")[::3]:
        plan = planner.plan(drawn)
        for seed in range(5):
            cost = attacked_eur(of, drawn, plan.schedule, 2000, seed)
            assert cost.min() >= plan.bound_eur - 1e-2, (drawn.keys, seed)


def test_a_price_beyond_its_penalty_is_refused(planner):
    drawn = episodes(scenario(), "test")[0]
    market = np.array(drawn.market)
    market[0, 5, COLUMN["intraday"]] = 1600.0
    with pytest.raises(OptimumError, match="not below dam_penalty_eur_per_mwh"):
        planner.plan(replace(drawn, market=market))
    market = np.array(drawn.market)
    market[0, 5, COLUMN["afrr_cap_up"]] = 3000.0
    with pytest.raises(OptimumError, match="not below afrr_penalty_eur_per_mwh"):
        planner.plan(replace(drawn, market=market))


def test_dust_is_no_offer(planner):
    drawn = episodes(scenario(), "test")[0]
    offer = planner.plan(drawn).schedule["offer_mw"]
    assert np.all((offer == 0.0) | (offer >= LEAST_MW))
