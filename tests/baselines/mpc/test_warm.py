"""Plans from the last one's basis: what they cost, and that nothing else is remembered."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest

from baselines.community.mpc import policy as cold
from baselines.community.mpc import simplex, warm
from baselines.community.mpc.forecasts import forecast
from baselines.community.mpc.lean import lean_program
from baselines.community.mpc.lean_data import data_of
from baselines.community.mpc.outlooks import outlook_of
from baselines.community.mpc.prices import PARTS, posted_prices
from baselines.community.mpc.simplex import Basis, solve_pieces
from baselines.community.optimal.program import Posted, fill
from p2p_market.community import engine
from p2p_market.community.actions import action_map
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.observation import observe
from p2p_market.community.scenario.scenario import build
from p2p_market.errors import OptimumError
from p2p_market.evaluation.rollout import rollout
from p2p_market.registry import load_scenario
from p2p_market.testing.policy import check_decentralised, check_policy

VARIED = ("community-16-v0", "ev-12-v0", "outage-v0", "binding-feeder-v0", "resale-6-v0")
FORMS = {"community": (cold.community, 0), "alone": (cold.alone, PARTS)}
HOURS = (8, 9)


@pytest.fixture(scope="module", params=VARIED)
def outlooks(request):
    """Two hours of a scenario as its members expect them; where there are outages, without grid."""
    scenario = load_scenario(request.param)
    key = choose_key(scenario, 0, "test", 5)
    episode = draw(scenario, key)
    ahead, block_steps = warm.horizon(scenario)
    found = []
    for hour in HOURS:
        step = hour * block_steps
        state = engine.state_at(scenario, episode, step, episode.start_energy_kwh)
        seen = observe(scenario, episode, state)[0].astype(np.float64)
        expected = forecast(scenario, seen, key.start_day, step, ahead.steps, block_steps)
        told = outlook_of(scenario, ahead, seen, expected)
        if scenario.spec.outages is not None:
            told = replace(told, grid=np.concatenate([np.zeros((3, 1)), told.grid[3:]]))
        learnt = warm.lessons(scenario)
        posted = posted_prices(scenario, learnt, told, key.start_day, step, block_steps)
        found.append((told, posted))
    return scenario, ahead, found


def solved(lean, data, bases=None):
    """Least cost, and the bases for an hour later."""
    bases = bases or (None,) * len(lean.pieces)
    values, kept = solve_pieces(lean.pieces, data, bases, "test")
    return (data.cost * values).sum(), kept


def without_devices(told):
    """The same hours with all flexible assets away."""
    return replace(told, plugged=np.zeros(told.plugged.shape))


def cost_in_full(planner, ahead, told, posted):
    """Least cost in the program of `mpc-alone` or `mpc-community`."""
    fill(planner.program, ahead, told)
    market = planner.program.market
    if isinstance(market, Posted):
        market.line_eur_per_kwh.fill(np.zeros(posted.most_kw.shape))
        for number, part in enumerate(market.parts):
            part.most_kw.fill(posted.most_kw)
            part.buy_eur_per_kwh.fill(posted.buy_eur_per_kwh[number])
            part.sell_eur_per_kwh.fill(posted.sell_eur_per_kwh[number])
    cold.solve(planner.program, "test")
    return planner.program.problem.value


@pytest.mark.parametrize("form", FORMS)
def test_plans_gain_what_those_of_the_full_program_gain(outlooks, form):
    """Against hours without devices, so that what is the same in all plans falls out."""
    scenario, ahead, ((told, posted), _) = outlooks
    make, parts = FORMS[form]
    planner, lean = make(scenario), lean_program(ahead, parts)
    gain, full_gain = [], []
    for outlook in (without_devices(told), told):
        data = data_of(lean, outlook, posted if parts else None)
        gain.append(solved(lean, data)[0])
        full_gain.append(cost_in_full(planner, ahead, outlook, posted))
    assert np.diff(full_gain)[0] < -0.05
    assert np.diff(gain)[0] == pytest.approx(np.diff(full_gain)[0], abs=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_a_basis_changes_no_cost(outlooks, form):
    """Neither that of the hour before, nor one that is none."""
    _, ahead, hours = outlooks
    lean = lean_program(ahead, FORMS[form][1])
    before, now = (
        data_of(lean, told, posted if FORMS[form][1] else None) for told, posted in hours
    )
    _, kept = solved(lean, before)
    cost, _ = solved(lean, now)
    nothing = tuple(Basis(bytes(len(one.variables)), bytes(len(one.rows))) for one in kept)
    for bases in (kept, nothing):
        assert solved(lean, now, bases)[0] == pytest.approx(cost, abs=1e-6)


def test_a_start_that_leads_nowhere_is_given_up(outlooks, monkeypatch):
    """Here by a limit of no steps at all, which holds for solves from a basis only."""
    _, ahead, ((told, _), (later, _)) = outlooks
    lean = lean_program(ahead)
    _, kept = solved(lean, data_of(lean, told))
    now = data_of(lean, later)
    cost, _ = solved(lean, now)
    monkeypatch.setattr(simplex, "FROM_A_BASIS", {"simplex_iteration_limit": 0, "presolve": "off"})
    assert solved(lean, now, kept)[0] == pytest.approx(cost, abs=1e-6)


def test_members_who_plan_alone_have_a_program_each(outlooks):
    """What the others expect changes no bit of a member's plan."""
    _, ahead, ((told, posted), (later, dearer)) = outlooks
    lean = lean_program(ahead, PARTS)
    assert len(lean.pieces) == len(lean.member) == ahead.has_storage.sum()
    assert len(lean_program(ahead).pieces) == 1
    one, other = data_of(lean, told, posted), data_of(lean, later, dearer)
    values, _ = solve_pieces(lean.pieces, one, (None,) * len(lean.pieces), "test")
    for piece in lean.pieces:
        mixed = deepcopy(other)
        for name in ("cost", "lower", "upper"):
            getattr(mixed, name)[:, piece.variables] = getattr(one, name)[:, piece.variables]
        for name in ("row_lower", "row_upper"):
            getattr(mixed, name)[:, piece.rows] = getattr(one, name)[:, piece.rows]
        again, _ = solve_pieces(lean.pieces, mixed, (None,) * len(lean.pieces), "test")
        np.testing.assert_array_equal(again[:, piece.variables], values[:, piece.variables])


def test_a_basis_moves_on_by_a_block():
    pattern = lean_program(warm.horizon(load_scenario("classic-v0"))[0]).pattern
    rows, variables = pattern.shape
    numbered = Basis(
        bytes(np.arange(24, dtype=np.uint8).repeat(variables)),
        bytes(np.arange(24, dtype=np.uint8).repeat(rows)),
    )
    moved = numbered.moved_on(pattern)
    expected = np.minimum(np.arange(24) + 1, 23).astype(np.uint8)
    assert moved.variables == bytes(expected.repeat(variables))
    assert moved.rows == bytes(expected.repeat(rows))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("series", ["pv_kw", "load_kw"])
def test_a_forecast_beyond_the_connection_is_planned_for(outlooks, form, series):
    _, ahead, ((told, posted), _) = outlooks
    lean = lean_program(ahead, FORMS[form][1])
    wild = replace(told, **{series: getattr(told, series) + 2.0 * ahead.spec.connection_limit_kw})
    if ahead.spec.feeder.mode == "binding" and form == "community":
        wild = replace(wild, **{series: 100.0 * getattr(told, series)})  # a share of it is cut
    assert np.isfinite(solved(lean, data_of(lean, wild, posted if FORMS[form][1] else None))[0])


def test_what_cannot_be_planned_is_told(outlooks):
    _, ahead, ((told, _), _) = outlooks
    lean = lean_program(ahead)
    data = data_of(lean, replace(told, start_energy_kwh=told.start_energy_kwh + 1e6))
    for basis in (None, Basis(bytes(data.cost.size), bytes(data.row_lower.size))):
        with pytest.raises(OptimumError, match="hour 3: HiGHS reports 'Infeasible'"):
            solve_pieces(lean.pieces, data, (basis,), "hour 3")


@pytest.mark.parametrize("make", [warm.alone, warm.community])
@pytest.mark.parametrize("name", ["classic-v0", "ev-12-v0"])
def test_all_that_is_remembered_is_in_the_memory(name, make):
    scenario = load_scenario(name)
    check_policy(make(scenario), scenario, steps=6)


def test_a_member_who_plans_alone_looks_at_nobody():
    scenario = load_scenario("ev-12-v0")
    check_decentralised(warm.alone(scenario), scenario, steps=12)


@pytest.mark.parametrize("form", FORMS)
def test_a_day_costs_about_what_it_costs_with_cold_plans(form):
    """Of plans that cost the same each may choose its own; forecasts then go wrong otherwise."""
    scenario = load_scenario("classic-v0")
    episode = draw(scenario, choose_key(scenario, 0, "test", 5))
    day = replace(scenario, steps=scenario.steps_per_day)
    own, other = (
        rollout(day, episode, getattr(module, form)(scenario)).social_cost_eur[0]
        for module in (warm, cold)
    )
    assert own == pytest.approx(other, rel=0.05)


def test_without_storage_there_is_nothing_to_plan():
    spec = load_scenario("classic-v0").spec
    members = tuple(
        one.model_copy(update={"assets": tuple(a for a in one.assets if a["kind"] != "battery")})
        for one in spec.members
    )
    scenario = build(spec.model_copy(update={"members": members}))
    assert not scenario.has_storage.any()
    episode = draw(scenario, choose_key(scenario, 0, "test", 5))
    seen = observe(scenario, episode, engine.start(scenario, episode))
    planner = warm.community(scenario)
    action, memory = planner.act(seen, planner.start([0]))
    assert action.shape == (1, len(scenario.agents), action_map(scenario).width)
    assert not memory.setpoint_kw.any()
