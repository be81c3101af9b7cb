"""Every kind of machine: both ends hold, and nothing that is allowed breaks a law."""

from dataclasses import replace

import numpy as np
import pytest

from baselines.community.mpc.policy import alone
from baselines.community.optimal.policy import optimum
from p2p_market.community import engine
from p2p_market.community.actions import action_map, to_proposal
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.fused import board
from p2p_market.community.fused.boards import PureBoard
from p2p_market.community.observation import features, observe
from p2p_market.community.records import LEDGER_COLUMN
from p2p_market.community.rules.policy import no_trade
from p2p_market.evaluation.ends.certificate import certify
from p2p_market.evaluation.rollout import rollout
from tests.community.machines.zoo import ACTS, ALL, PLAIN, both_ends, community

pytestmark = pytest.mark.xdist_group("machines")  # one worker compiles for all
NAMES = [pytest.param(one, marks=pytest.mark.slow) if one in ACTS else one for one in ALL]
SKY = ("pv_detail", "geothermal_binary", "wind_turbine")
"""Without a machine but with weather: a step of its own is compiled for these."""
STEPS = [pytest.param(one, marks=pytest.mark.slow) if one in (*ACTS, *SKY) else one for one in ALL]


@pytest.mark.compiled
@pytest.mark.parametrize("weeks", [(6,), pytest.param((1, 11), marks=pytest.mark.slow)], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_both_ends_hold_and_no_policy_is_better(name, weeks):
    scenario = community(name)
    planner = optimum(scenario)
    for week in weeks:
        episode = draw(scenario, choose_key(scenario, 0, "test", week))
        _, rules = both_ends(scenario, episode, planner.plan(episode))
        assert not any(played.cause.any() for played in rules)


@pytest.mark.compiled
def test_no_truck_leaves_half_empty():
    scenario = community("pick_up")
    episode = draw(scenario, choose_key(scenario, 0, "test", 1))
    played = rollout(scenario, episode, no_trade(scenario), "")
    assert played.entries_eur[..., LEDGER_COLUMN["shortfall"]].sum() < 1e-6


@pytest.mark.compiled
@pytest.mark.parametrize("dt_h", [0.25, 0.5])
@pytest.mark.parametrize("name", ["heat_pump", "hydrogen", "shiftable_load"])
def test_both_ends_hold_in_shorter_steps(name, dt_h):
    scenario = community(name, dt_h)
    episode = draw(scenario, choose_key(scenario, 0, "test", 1))
    certificate, _ = certify(scenario, episode, optimum(scenario).plan(episode))
    assert certificate.holds, str(certificate)


@pytest.mark.compiled
@pytest.mark.parametrize("name", ["biogas_chp", "heat_chp", "shiftable_load"])
def test_both_ends_hold_behind_a_narrow_line_that_costs(name):
    scenario = community(name, limit_kw=5)
    episode = draw(scenario, choose_key(scenario, 0, "test", 6))
    certificate, _ = certify(scenario, episode, optimum(scenario).plan(episode))
    assert certificate.holds, str(certificate)


def played_by(where, scenario, steps):
    """Random actions, some lost or wild, with what each step gave."""
    generator = np.random.default_rng(2)
    shape = (1, len(scenario.agents))
    found = []
    for _ in range(steps):
        actions = generator.uniform(-1.2, 1.2, (*shape, action_map(scenario).width))
        actions[generator.random(actions.shape) < 0.01] = np.nan
        present = generator.random(shape) > 0.03
        reward = np.empty(shape)
        seen = np.empty((*shape, len(features(scenario))), np.float32)
        where.play(actions, present, reward, seen)
        found.append((reward, seen, where.outcome().ledger.entries_eur))
    return found


@pytest.mark.parametrize("name", STEPS)
def test_compiled_is_pure_bit_for_bit_and_observations_are_inside_their_space(name):
    scenario = community(name)
    episode = draw(scenario, choose_key(scenario, 3, "train"))
    state = engine.start(scenario, episode)
    low, high = (
        np.array([getattr(one, end) for one in features(scenario)], np.float32)
        for end in ("low", "high")
    )
    boards = PureBoard(scenario, episode, state, True), board(scenario, episode, state, True)
    for pure, fast in zip(*(played_by(one, scenario, 100) for one in boards), strict=True):
        for one, other in zip(pure, fast, strict=True):
            assert np.array_equal(one, other)
        assert (low <= pure[1]).all()
        assert (pure[1] <= high).all()


DRAWN = (
    "load_kw", "pv_kw", "drift_kwh", "charge_share", "low_share", "high_share", "weather",
    "fuel_eur_per_kwh",
)  # fmt: skip
FUTURES = ["heat_pump", "pick_up", "heated_room", "outdoor_battery"]


@pytest.mark.parametrize("name", [*FUTURES, pytest.param("wood_chp", marks=PLAIN)])
def test_changing_the_future_changes_no_observation(name):
    scenario = community(name)
    episode = draw(scenario, choose_key(scenario, 0, "train"))
    drawn = {field: getattr(episode, field) for field in DRAWN}
    later = {
        field: np.concatenate([series[:51], series[51:][::-1]])
        for field, series in drawn.items()
        if len(series) == scenario.steps
    }
    assert any((series != drawn[field]).any() for field, series in later.items())
    other = replace(episode, **later)
    state, table = engine.start(scenario, episode), action_map(scenario)
    rest = np.zeros((1, len(scenario.agents), table.width))
    everyone = np.ones((1, len(scenario.agents)), dtype=np.bool_)
    for step in range(51):
        seen = [observe(scenario, one, state) for one in (episode, other)]
        assert np.array_equal(*seen), step
        proposal = to_proposal(table.physical(rest), everyone, table.further)
        state, _ = engine.step(scenario, episode, state, proposal)
    after = [observe(scenario, one, state) for one in (episode, other)]
    assert not np.array_equal(*after)


@pytest.mark.compiled
@pytest.mark.parametrize("name", ["heat_pump", "cold_store"])
def test_a_planner_with_forecasts_saves_more_than_the_rule(name):
    scenario = community(name)
    episode = draw(scenario, choose_key(scenario, 0, "test", 1))
    costs = [
        float(rollout(scenario, episode, policy(scenario), policy.__name__).social_cost_eur[0])
        for policy in (alone, no_trade)
    ]
    assert costs[0] < costs[1]
