"""The optimum is the test of the engine: plan, bound and replay agree, and nothing beats it."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from p2p_market.errors import ScenarioError
from p2p_market.evaluation.ends.certificate import certify
from p2p_market.evaluation.ends.reference import entries, published
from p2p_market.kit.defaults import stack
from p2p_market.registry import load_scenario
from p2p_market.track import OPTIMUM
from p2p_market.wholesale import engine
from p2p_market.wholesale.episode.episode import draw, keys
from p2p_market.wholesale.optimum.plan import plan_actions
from p2p_market.wholesale.optimum.program import (
    AT_LEAST,
    AT_MOST,
    BLOCKS,
    horizon_of,
    program_of,
)
from p2p_market.wholesale.scenario import build
from p2p_market.wholesale.schema import read
from tests.every_scenario import ids_of
from tests.wholesale.cases import scenario, social_eur
from tests.wholesale.test_laws import sent

pytest.importorskip("cvxpy")

from baselines.wholesale.optimal.policy import optimum
from baselines.wholesale.optimal.solve import solve


@lru_cache(maxsize=1)
def day():
    """A scenario of a day, which is solved in a second."""
    return changed_day()


def changed_day(**changes):
    shipped = scenario().spec.model_dump()
    return build(read({**shipped, "id": "day-v0", "days": 1, **changes}))


@lru_cache(maxsize=8)
def day_plan(week=0):
    of = day()
    given = draw(of, keys(of, "test", 0)[week][0])
    return given, optimum(of).plan(given)


def test_a_day_is_certified():
    given, plan = day_plan()
    certificate, played = certify(day(), given, plan)
    assert certificate.holds, certificate
    assert abs(certificate.gap_eur) < 1e-4
    assert abs(certificate.replay_eur - certificate.plan_eur) < 0.05
    assert played.entries_eur[..., 10].sum() == 0.0  # the tap holds every voltage


def test_the_replay_produces_what_was_planned():
    given, plan = day_plan(2)
    _, played = certify(day(), given, plan)
    for name in ("output_mw", "power_mw", "flexible_mw"):
        assert played.series[name][:, 0] == pytest.approx(plan.schedule[name], abs=1e-4)


def test_no_prices_prove_more_than_the_optimum():
    given, plan = day_plan()
    program, generator = program_of(day(), horizon_of(day(), given)), np.random.default_rng(0)
    assert tuple(program.blocks) == BLOCKS
    assert program.bound_eur(plan.prices) == pytest.approx(plan.objective_eur, abs=1e-4)
    for scale in (0.0, 1e-3, 0.1, 1.0, 50.0):
        for _ in range(4):
            noisy = {
                name: values + scale * generator.standard_normal(values.shape)
                for name, values in plan.prices.items()
            }
            assert program.bound_eur(noisy) <= plan.objective_eur + 1e-4
    halves = {name: values for k, (name, values) in enumerate(plan.prices.items()) if k % 2}
    assert program.bound_eur(halves) <= plan.objective_eur


def test_a_price_of_the_wrong_sign_counts_for_nothing():
    given, _ = day_plan()
    program = program_of(day(), horizon_of(day(), given))
    for name, block in program.blocks.items():
        if block.sense in (AT_MOST, AT_LEAST):
            wrong = np.full(len(block.limit), 1.0 if block.sense == AT_MOST else -1.0)
            assert program.bound_eur({name: wrong}) == program.bound_eur({})


def changed(generator, plan, copies):
    """Copies of a plan, each changed in a few places."""
    made = {}
    for name, values in plan.schedule.items():
        many = np.tile(values, (copies, 1, 1))
        where = generator.random(many.shape) < generator.choice([1e-4, 1e-3, 0.02], (copies, 1, 1))
        size = generator.choice([0.05, 0.5, 3.0, 25.0], many.shape)
        made[name] = many + where * size * generator.choice([-1.0, 1.0], many.shape)
    made["output_mw"] = np.maximum(made["output_mw"], 0.0)
    made["flexible_mw"] = np.maximum(made["flexible_mw"], 0.0)
    made["power_mw"] = np.clip(made["power_mw"], -25.0, 25.0)
    return made


def costs_of(of, joint, actions):
    now, cost = engine.start(of, joint), np.zeros(joint.batch)
    for step in range(of.steps):
        now = engine.act(of, joint, now, {role: rows[step] for role, rows in actions.items()})
        cost += social_eur(now.last)
    return cost


@pytest.mark.compiled
def test_nothing_beats_the_bound():
    """A thousand policies: plans changed at random, and actions at random."""
    given, plan = day_plan()
    of, copies, generator = day(), 800, np.random.default_rng(1)
    plans = changed(generator, plan, copies)
    each = [
        plan_actions(of, given, {name: values[k] for name, values in plans.items()})
        for k in range(copies)
    ]
    actions = {role: np.concatenate([one[role] for one in each], axis=1) for role in each[0]}
    cost = costs_of(of, stack([given] * copies), actions)
    assert cost.min() >= plan.bound_eur - 1e-2
    assert np.median(cost) > plan.bound_eur + 1.0
    joint = stack([given] * 200)
    random = [sent(of, generator, ("uniform", "corners")[t % 2], 200) for t in range(of.steps)]
    wild = {role: np.stack([one[role] for one in random]) for role in random[0]}
    assert costs_of(of, joint, wild).min() >= plan.bound_eur


ONE_STORAGE = [{"name": "storage_0", "power_mw": 1.0, "capacity_mwh": 100.0, "bus": 2}]


def test_the_same_schedule_costs_the_same_in_longer_steps():
    """Without events: prices are per hour, so a step three times as long costs three times."""
    calm = dict.fromkeys(type(scenario().spec.draws).model_fields, 0.0)
    short, long = (
        changed_day(data="constant", draws=calm, dt_h=dt_h, steps=steps, storages=ONE_STORAGE)
        for dt_h, steps in ((1.0 / 12.0, 12), (0.25, 4))
    )
    found = [
        optimum(of).plan(draw(of, keys(of, "test", 0)[0][0])).objective_eur for of in (short, long)
    ]
    assert found[0] == pytest.approx(found[1], rel=1e-9)


def test_an_outage_is_planned_and_played():
    """A unit trips in the plan's step, and what it produced is missing there."""
    of = day()
    given, _ = day_plan()
    trips, available = given.trips.copy(), given.available_mw.copy()
    must = given.must_mw.copy()
    trips[0, 100, 0] = 1.0
    available[0, 101:160, 0] = 0.0
    back = np.minimum(30.0, 2.5 * np.arange(1, of.steps - 160 + 1))
    available[0, 160:, 0] = back
    must[0, 101:, 0] = np.minimum(10.0, available[0, 101:, 0])
    lost = replace(given, trips=trips, available_mw=available, must_mw=must)
    plan = optimum(of).plan(lost)
    certificate, played = certify(of, lost, plan)
    assert certificate.holds, certificate
    assert played.series["deviation_hz"][100, 0, 0] >= 0.0
    assert played.series["output_mw"][101:160, 0, 0].max() == 0.0


def test_where_even_the_optimum_loses_load_the_emergency_service_decides():
    """It empties storages at once, where the plan keeps room for response: the replay costs more.

    The bound holds all the same, and no published week is of that kind.
    """
    of = day()
    given, _ = day_plan()
    firm = given.firm_mw.copy()
    firm[0, 100:130] += 70.0
    short = replace(given, firm_mw=firm)
    plan = optimum(of).plan(short)
    certificate, played = certify(of, short, plan)
    assert played.series["lost_mw"].sum() > 0.0
    assert certificate.gap_eur == pytest.approx(0.0, abs=1e-3)
    more = certificate.replay_eur - certificate.plan_eur
    assert -certificate.tolerance_eur < more < 0.005 * certificate.plan_eur


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"frequency_eur_per_hz_h": 9000.0}, "would shed load where relays do not"),
        ({"dumped_eur_per_mwh": 60.0}, "would charge and discharge at once"),
        ({"carbon_eur_per_t": 500.0}, "above the highest bid"),
    ],
)
def test_what_the_optimum_rests_on_is_checked(changes, told):
    with pytest.raises(ScenarioError, match=told):
        build(read({**scenario().spec.model_dump(), **changes}))


def test_a_net_that_no_tap_can_hold_is_refused():
    values = scenario().spec.model_dump()
    values["generators"][5]["max_mw"] = 600.0
    with pytest.raises(ScenarioError, match="squared voltage of bus 6 can rise"):
        build(read(values))


@pytest.mark.compiled
@pytest.mark.parametrize("name", ids_of("wholesale"))
def test_published_ends_are_played_and_proved_without_a_solver(name):
    of = load_scenario(name)
    rows = entries(of)
    assert [row.key for row in rows] == [key for unit in keys(of, "test", 0) for key in unit]
    entry = rows[5]
    given = draw(of, entry.key)
    certificate, played = certify(of, given, published(of, given), OPTIMUM)
    assert certificate.holds, certificate
    assert played.digests[0] == entry.optimum_digest
    assert all(row.holds and row.rule_eur > row.plan_eur for row in rows)
    assert played.series["lost_mw"].sum() == 0.0


@pytest.mark.slow
@pytest.mark.parametrize("name", ids_of("wholesale"))
def test_every_week_is_certified(name):
    of = load_scenario(name)
    planner = optimum(of)
    for unit in keys(of, "validation", 1):
        given = draw(of, unit[0])
        certificate, _ = certify(of, given, planner.plan(given))
        assert certificate.holds, f"{given.keys}: {certificate}"


def test_solver_and_program_agree_on_what_is_left():
    given, _ = day_plan()
    program = program_of(day(), horizon_of(day(), given))
    found = solve(program)
    for block in program.blocks.values():
        left = np.bincount(block.row, block.value * found.x[block.column], len(block.limit))
        away = left - block.limit
        if block.sense == AT_MOST:
            away = np.maximum(away, 0.0)
        elif block.sense == AT_LEAST:
            away = np.minimum(away, 0.0)
        assert np.abs(away).max() < 1e-6
