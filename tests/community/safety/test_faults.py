"""The fault channel and the envelope: what is drawn, what is seen, what is found, what is left."""

from functools import cache
from itertools import groupby
from typing import get_args

import numpy as np
import pytest

import p2p_market
from p2p_market.community import engine
from p2p_market.community.actions import action_map, to_proposal
from p2p_market.community.envs.env import CommunityEnv
from p2p_market.community.episode.episode import Episode, choose_key, draw, stack
from p2p_market.community.episode.faults import CODE, OF_MESSAGES
from p2p_market.community.kernel_inputs import around_of
from p2p_market.community.records import SUPERVISOR_CAUSES
from p2p_market.community.safety import sensors
from p2p_market.community.safety.envelope import _change_and_run, fit
from p2p_market.community.scenario.scenario import Scenario, build
from p2p_market.community.scenario.schema import FaultKind, Faults
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.evaluation.record.events import Event, events
from p2p_market.evaluation.rollout import rollout
from p2p_market.registry import load_scenario
from tests.every_scenario import COMMUNITY
from tools import measure_faults

KINDS = get_args(FaultKind)


@cache
def faulty(kind: FaultKind | None, scenario_id: str = "ev-12-v0") -> tuple[Scenario, Episode]:
    faults = None if kind is None else Faults(kinds=(kind,), per_agent_day=2.0)
    scenario = build(load_scenario(scenario_id).spec.model_copy(update={"faults": faults}))
    return scenario, stack([draw(scenario, choose_key(scenario, s, "test", 5)) for s in (0, 1)])


def causes_of(scenario: Scenario, episode: Episode) -> set[str]:
    played = rollout(scenario, episode, load_policy("truthful", scenario))
    return {SUPERVISOR_CAUSES[cause] for cause in np.unique(played.cause)}


@pytest.mark.compiled
@pytest.mark.parametrize("scenario_id", COMMUNITY)
def test_without_faults_nobody_is_suspected(scenario_id):
    scenario, _ = faulty(None, scenario_id)
    keys = [choose_key(scenario, 3, split, 9) for split in ("train", "validation", "test")]
    episode = stack([draw(scenario, key) for key in keys])
    assert causes_of(scenario, episode) == {"none"}


@pytest.mark.slow
@pytest.mark.parametrize("split", ["train", "validation", "test"])
@pytest.mark.parametrize("scenario_id", COMMUNITY)
def test_without_faults_nobody_is_suspected_in_any_week(scenario_id, split):
    scenario, _ = faulty(None, scenario_id)
    keys = [choose_key(scenario, seed, split, week) for week in range(13) for seed in (0, 1)]
    episode = stack([draw(scenario, key) for key in keys])
    assert causes_of(scenario, episode) == {"none"}


@pytest.mark.parametrize("kind", KINDS)
def test_faults_change_what_is_told_and_nothing_that_is_true(kind):
    _, episode = faulty(kind)
    _, clean = faulty(None)
    for name in ("load_kw", "pv_kw", "retail_eur_per_kwh", "floor_kwh", "start_energy_kwh", "grid"):
        np.testing.assert_array_equal(getattr(episode, name), getattr(clean, name))
    codes = set(np.unique(episode.sensor_fault)) | set(np.unique(episode.message_fault))
    expected = {0, CODE[kind]} | ({CODE["missing"]} if kind == "lost_connection" else set())
    assert codes == expected
    assert not len(clean.sensor_fault)


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        ("nan", "non_finite"),
        pytest.param("infinite", "non_finite", marks=pytest.mark.compiled),
        pytest.param("missing", "non_finite", marks=pytest.mark.compiled),
        pytest.param("nan_action", "non_finite", marks=pytest.mark.compiled),
        pytest.param("missing_action", "missing", marks=pytest.mark.compiled),
        pytest.param("lost_connection", "missing", marks=pytest.mark.compiled),
        ("biased", "envelope"),
        pytest.param("stuck", "stuck", marks=pytest.mark.compiled),
    ],
)
def test_each_kind_is_found_as_what_it_is(kind, cause):
    found = causes_of(*faulty(kind))
    assert {cause, "held", "none"} <= found
    assert found <= {cause, "held", "none", "envelope"}  # a value that comes back has jumped


@pytest.mark.compiled
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("stuck", "biased")])
def test_what_cannot_be_missed_latches_in_its_first_step_and_lets_go(kind):
    scenario, episode = faulty(kind)
    played = rollout(scenario, episode, load_policy("truthful", scenario))
    if kind in OF_MESSAGES:
        wrong = episode.message_fault == CODE[kind]
    else:
        wrong = (episode.sensor_fault == CODE[kind]).any(axis=-1)
    assert np.all(played.cause[wrong] != 0)
    quiet = wrong.copy()
    for _ in range(scenario.hold_steps + 1):  # one more: the value that comes back has jumped
        quiet[1:] |= quiet[:-1].copy()
    assert not played.cause[~quiet].any()


@pytest.mark.parametrize(
    "kind", [pytest.param(k, marks=() if k == "nan" else pytest.mark.compiled) for k in KINDS]
)
def test_observations_stay_in_their_space(kind):
    scenario, _ = faulty(kind)
    env = CommunityEnv(scenario, strict=True)
    observations, _ = env.reset(seed=1)
    generator = np.random.default_rng(0)
    while env.agents:
        for agent, row in observations.items():
            assert env.observation_space(agent).contains(row)
        action = {
            a: generator.uniform(-1, 1, env.action_map.width).astype(np.float32) for a in env.agents
        }
        observations, *_ = env.step(action)


def test_a_biased_meter_shows_and_the_bill_does_not_change():
    """Actions without eyes: where nobody is latched the ledger is that of true readings."""
    scenario, episode = faulty("biased")
    clean_scenario, clean = faulty(None)
    table, shape = action_map(scenario), (2, len(scenario.agents))
    generator = np.random.default_rng(4)
    state, true_state = engine.start(scenario, episode), engine.start(clean_scenario, clean)
    differing = 0
    for _ in range(200):
        asked = to_proposal(
            table.physical(generator.uniform(-1, 1, (*shape, table.width))), np.ones(shape, bool)
        )
        told = sensors.shown(scenario, episode, state)
        truth = sensors.true_values(around_of(episode, state.step), state.energy_kwh)
        differing += int((told != truth).sum())
        state, outcome = engine.step(scenario, episode, state, asked)
        true_state, expected = engine.step(clean_scenario, clean, true_state, asked)
        if outcome.cause.any():
            break
        np.testing.assert_array_equal(outcome.ledger.entries_eur, expected.ledger.entries_eur)
    assert outcome.cause.any()  # the first jump is seen
    assert differing > 0


def test_a_snapshot_in_mid_fault_continues_alike():
    scenario, _ = faulty("stuck")
    env = CommunityEnv(scenario)
    env.reset(seed=2)
    action = {a: np.full(env.action_map.width, 0.2, np.float32) for a in env.agents}
    for _ in range(100):
        env.step(action)
    snapshot = env.snapshot()
    first = [env.step(action) for _ in range(50)]
    env.restore(snapshot)
    for before, again in zip(first, (env.step(action) for _ in range(50)), strict=True):
        assert before[1] == again[1]
        for agent in before[0]:
            np.testing.assert_array_equal(before[0][agent], again[0][agent])


def test_the_envelope_knows_training_days_only():
    """Other test days, the same envelope."""
    from dataclasses import replace

    from p2p_market.data.calendar import split_mask

    scenario, _ = faulty(None, "classic-v0")
    donors = tuple(
        replace(
            donor,
            shape=np.where(
                split_mask("train", len(donor.shape))[:, None], donor.shape, 9.0 + donor.shape
            ).astype(np.float32),
        )
        for donor in scenario.data.donors
    )
    other = replace(scenario, data=replace(scenario.data, donors=donors))
    np.testing.assert_array_equal(fit(scenario).load_change_kw, fit(other).load_change_kw)
    np.testing.assert_array_equal(fit(scenario).load_run_steps, fit(other).load_run_steps)


@pytest.mark.parametrize("seed", range(20))
def test_change_and_run_are_those_of_the_rounded_days(seed):
    generator = np.random.default_rng(seed)
    shape = generator.integers(0, 4, (5, 24)) / 7.0
    scale = 10.0 ** generator.uniform(-4.0, 1.0)  # the smallest loads round to equal watts
    days = [np.round(scale * day, 3).tolist() for day in shape]
    steps = [abs(b - a) for day in days for a, b in zip(day, [*day[1:], day[0]], strict=True)]
    runs = [len(list(same)) for day in days for _, same in groupby(day)]
    assert _change_and_run(shape, scale) == (max(steps), max(runs))


def test_a_reading_above_the_peak_or_a_jump_is_found():
    scenario, episode = faulty(None, "classic-v0")
    state = engine.start(scenario, episode)
    table, shape = action_map(scenario), (2, len(scenario.agents))
    idle = to_proposal(table.physical(np.zeros((*shape, table.width))), np.ones(shape, bool))
    from p2p_market.community.safety.envelope import check

    told = sensors.read(episode, state)
    assert not check(scenario, episode, state, told).any()
    for sensor, value in ((0, 1e3), (1, 1e3), (2, 1e3), (0, -1.0), (2, np.nan)):
        wrong = told.copy()
        wrong[0, 1, sensor] = value
        cause = check(scenario, episode, state, wrong)
        assert cause[0, 1] != 0
        assert np.count_nonzero(cause) == 1
    assert p2p_market.make("classic-v0").scenario.spec.faults is None
    assert idle.present.all()


def test_events_name_agent_step_first_cause_and_length():
    missing, non_finite, held = (
        SUPERVISOR_CAUSES.index(name) for name in ("missing", "non_finite", "held")
    )
    cause = np.zeros((8, 2, 2), dtype=np.int64)
    cause[1:5, 0, 1] = missing, non_finite, held, held
    cause[6:, 0, 1] = non_finite, held
    cause[0, 1, 0] = missing
    assert events(cause, SUPERVISOR_CAUSES) == (
        Event(0, 1, 1, "missing", 4),
        Event(0, 1, 6, "non_finite", 2),
        Event(1, 0, 0, "missing", 1),
    )
    assert events(np.zeros((0, 1, 1), dtype=np.int64), SUPERVISOR_CAUSES) == ()


def test_a_faulty_scenario_is_scored_and_its_optimum_is_that_of_sound_sensors(tmp_path):
    pytest.importorskip("cvxpy")
    from p2p_market.evaluation.benchmark import evaluate
    from p2p_market.evaluation.record.recorded import read_run
    from p2p_market.evaluation.record.run_record import replay, write_run

    spec = load_scenario("classic-v0").spec
    spec = spec.model_copy(update={"id": "faulty-v0", "days": 2, "faults": Faults()})
    result = evaluate(build(spec), ["truthful"], weeks=[5, 6])
    assert result.certified
    assert not result.above_optimum
    held = {row.policy: row.metrics["interventions"].sum() for row in result.rows}
    assert held["optimum"] == 0.0
    assert held["truthful"] > 0.0
    write_run([result], tmp_path, "2026-01-01T00:00:00+00:00")
    record = read_run(tmp_path)
    assert replay(tmp_path, record) == []
    told = {p["policy"]: p["events"] for p in record["scenarios"][0]["policies"]}
    assert not told["optimum"]
    assert sum(event["steps"] for event in told["truthful"]) == held["truthful"]


@pytest.mark.compiled
def test_the_published_table_is_what_is_measured():
    page = measure_faults.PAGE.read_text(encoding="utf-8")
    assert measure_faults.table() in page
