"""The optimum where load is shed or PV is cut: narrow feeders and long outages.

At a binding feeder the engine slows storage down before it cuts. A linear program does not know
that order: its bound stays a bound, but its schedule may be out of the engine's reach. The second
program, with whole numbers, is the engine's own optimum.
"""

import pytest

from baselines.community.optimal.policy import optimum
from p2p_market.community.episode.episode import Episode, choose_key, draw
from p2p_market.community.scenario.scenario import Scenario, build
from p2p_market.community.scenario.schema import ScenarioSpec
from p2p_market.evaluation.ends.certificate import certify
from p2p_market.registry import load_scenario
from tests.baselines.optimal import linear_program
from tests.baselines.optimal.cases import (
    one_day,
    with_batteries,
    with_long_outages,
    with_whole_numbers,
)
from tests.baselines.optimal.test_optimum import check_agreement

WINTER, SUMMER = 0, 6  # test weeks


def with_limit(spec: ScenarioSpec, limit_kw: float) -> ScenarioSpec:
    """Another limit of the feeder."""
    feeder = spec.feeder.model_copy(update={"limit_kw": limit_kw})
    return spec.model_copy(update={"feeder": feeder})


def without_wear_and_losses(spec: ScenarioSpec) -> ScenarioSpec:
    """Batteries that may be used for nothing."""
    ideal = {"eta_charge": 1.0, "eta_discharge": 1.0, "degradation_eur_per_kwh": 0.0}
    return with_batteries(spec, lambda _: ideal)


def with_full_fees(spec: ScenarioSpec) -> ScenarioSpec:
    """Fees at which a member rather empties its battery than buys what is cut next door."""
    fees = spec.fees.model_copy(update={"level": "full", "grid_fee_eur_per_kwh": 0.3})
    return spec.model_copy(update={"fees": fees})


def day_of(spec: ScenarioSpec, week: int) -> tuple[Scenario, Episode]:
    """One day of a test week."""
    scenario = build(spec.model_copy(update={"days": 1}))
    return scenario, draw(scenario, choose_key(scenario, 3, "test", week))


def narrow(limit_kw: float) -> ScenarioSpec:
    """The shipped binding feeder with another limit."""
    return with_limit(load_scenario("binding-feeder-v0").spec, limit_kw)


@pytest.mark.parametrize("week", [0, 6, 12])
@pytest.mark.parametrize("hours", [(8.0, 10.0), (20.0, 24.0)])
def test_both_programs_agree_in_long_outages(hours, week):
    spec = with_long_outages(load_scenario("outage-v0").spec, hours)
    own = check_agreement(*day_of(spec, week))
    if week != SUMMER and hours[0] == 20.0:
        assert own.shed_kw.sum() > 1.0


@pytest.mark.parametrize(
    ("limit_kw", "week", "cut"),
    [(8.0, SUMMER, "curtailed_kw"), (3.0, SUMMER, "curtailed_kw"), (1.0, WINTER, "shed_kw")],
)
def test_both_programs_agree_at_a_narrow_feeder(limit_kw, week, cut):
    own = check_agreement(*day_of(narrow(limit_kw), week))
    assert getattr(own, cut).sum() > 10.0


@pytest.mark.parametrize(
    ("change", "limit_kw", "week"),
    [
        (without_wear_and_losses, 8.0, SUMMER),
        (without_wear_and_losses, 1.0, WINTER),
        pytest.param(with_full_fees, 3.0, SUMMER, marks=pytest.mark.slow),
    ],
)
def test_a_linear_schedule_out_of_reach_is_noticed_and_mended(change, limit_kw, week):
    """Linear: a bound and an alarm. With whole numbers: a schedule that the engine can play."""
    scenario, episode = day_of(change(narrow(limit_kw)), week)
    plan = optimum(scenario).plan(episode)
    certificate, _ = certify(scenario, episode, plan)
    assert not certificate.holds
    exact = check_agreement(build(with_whole_numbers(scenario.spec)), episode)
    assert plan.bound_eur <= exact.cost_eur + certificate.tolerance_eur


@pytest.mark.parametrize("scenario_id", ["binding-feeder-v0", "classic-v0", "outage-v0"])
def test_whole_numbers_change_nothing_in_a_linear_scenario(scenario_id):
    """The rules that a scenario proves when it loads make its linear program exact."""
    scenario, episode = one_day(scenario_id)
    costs = [linear_program.solve(scenario, episode, whole).cost_eur for whole in (False, True)]
    assert costs[0] == pytest.approx(costs[1], abs=1e-4)


def test_whole_numbers_count_where_reselling_would_pay():
    """On a winter day the firm would import and sell; on a summer day it has better to do."""
    scenario, episode = one_day("resale-6-v0", week=WINTER)
    resold = linear_program.solve(scenario, episode, whole=False)
    assert resold.cost_eur < check_agreement(scenario, episode).bound_eur - 1.0


HARDER = {
    "narrower feeder": (narrow(8.0), narrow(6.0)),
    "dearer lost load": tuple(
        with_long_outages(load_scenario("outage-v0").spec, (20.0, 24.0)).model_copy(
            update={"lost_load_eur_per_kwh": price}
        )
        for price in (4.0, 4.1)
    ),
}


@pytest.mark.parametrize("change", HARDER)
def test_the_comparison_would_notice(change):
    """A check that cannot fail guards nothing: what cuts cost moves the optimum."""
    week = SUMMER if change == "narrower feeder" else WINTER
    easy, hard = (linear_program.solve(*day_of(spec, week)).cost_eur for spec in HARDER[change])
    assert hard > easy + 1e-3
