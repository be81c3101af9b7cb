"""The engine: broken invariants, rewards, known values."""

from dataclasses import fields, replace

import numpy as np
import pytest

from p2p_market.community import engine, invariants
from p2p_market.community.actions import action_map, to_proposal
from p2p_market.community.envs.env import CommunityEnv
from p2p_market.community.episode.episode import Episode, choose_key, draw
from p2p_market.community.records import LEDGER_COLUMN, SOCIAL_COLUMNS, SUPERVISOR_CAUSES
from p2p_market.community.safety import supervisor
from p2p_market.community.scenario.scenario import build
from p2p_market.errors import InvariantError
from p2p_market.evaluation.rollout import Recorded, rollout
from p2p_market.registry import load_scenario


@pytest.fixture
def classic():
    scenario = load_scenario("classic-v0")
    return scenario, draw(scenario, choose_key(scenario, 0, "test", 6))


def proposal_of(scenario, value=0.5, batch=1):
    shape = (batch, len(scenario.agents), action_map(scenario).width)
    return to_proposal(
        action_map(scenario).physical(np.full(shape, value)), np.ones(shape[:2], dtype=np.bool_)
    )


def money_printer(monkeypatch):
    """A market that pays sellers more than buyers pay."""
    honest = engine.MECHANISMS["k_double_auction"]

    def clear(book):
        fills = honest.clear(book)
        return replace(fills, payment_eur=fills.payment_eur - 0.01, power_kw=fills.power_kw + 0.01)

    printer = {"k_double_auction": replace(honest, clear=clear, kernel=None)}
    for user in ("p2p_market.community.engine", "p2p_market.community.fused.boards"):
        monkeypatch.setattr(f"{user}.MECHANISMS", printer)


def test_strict_mode_raises_and_names_law_agent_and_step(classic, monkeypatch):
    scenario, episode = classic
    money_printer(monkeypatch)
    state = engine.start(scenario, episode)
    with pytest.raises(InvariantError, match=r"bought = energy sold.*prosumer_0.*step 0"):
        engine.step(scenario, episode, state, proposal_of(scenario))


def test_otherwise_the_agents_are_latched_and_told(classic, monkeypatch):
    scenario, episode = classic
    money_printer(monkeypatch)
    state = engine.start(scenario, episode)
    state, outcome = engine.step(scenario, episode, state, proposal_of(scenario), strict=False)
    assert {SUPERVISOR_CAUSES[cause] for cause in outcome.cause.ravel()} == {"invariant"}
    assert np.all(state.hold_steps == scenario.hold_steps)
    env = CommunityEnv(scenario)
    env.reset(seed=0)
    *_, infos = env.step({agent: np.zeros(3) for agent in env.agents})
    assert infos["prosumer_0"]["supervisor"] == "invariant"


def test_a_number_that_is_not_one_breaks_every_law():
    residual = np.zeros((len(invariants.LAWS), 1, 2))
    residual[0, 0, 1] = np.nan
    assert invariants.broken(residual).tolist() == [[False, True]]


def test_fifty_kw_asked_of_a_battery_with_ten_kwh_gives_ten(classic):
    scenario, episode = classic
    owners = scenario.has_storage
    levels = np.where(scenario.nodes.present, 40.0, 0.0)[None]
    state = engine.state_at(scenario, episode, 0, levels)
    asked = replace(proposal_of(scenario), setpoint_kw=np.full((1, 6, 1), 50.0))
    state, outcome = engine.step(scenario, episode, state, asked)
    assert np.all(outcome.action.setpoint_kw[0, owners, 0] == 10.0)
    assert np.all(state.energy_kwh[0, owners, 0] == 50.0)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_rewards_sum_to_minus_the_social_cost(classic, share):
    scenario, episode = classic
    reward = scenario.spec.reward.model_copy(update={"community_share": share})
    scenario = build(scenario.spec.model_copy(update={"reward": reward}))
    state = engine.start(scenario, episode)
    for step in range(scenario.steps):
        state, outcome = engine.step(
            scenario, episode, state, proposal_of(scenario, (step % 9 - 4) / 4.0)
        )
        social = outcome.ledger.social_cost_eur()
        balance = outcome.ledger.operator_balance_eur
        assert outcome.reward.sum() == pytest.approx(-(social + balance).item(), abs=1e-9)
        if share == 1.0:
            assert np.ptp(outcome.reward) == pytest.approx(0.0, abs=1e-12)


def test_weights_of_the_reward_act_on_carbon_and_overload_only():
    spec = load_scenario("community-16-v0").spec.model_copy(update={"days": 1})
    feeder = spec.feeder.model_copy(update={"limit_kw": 1.0})
    spec = spec.model_copy(update={"feeder": feeder})
    free = spec.reward.model_copy(update={"carbon_weight": 0.0, "overload_weight": 0.0})
    plain, blind = build(spec), build(spec.model_copy(update={"reward": free}))
    episode = draw(plain, choose_key(plain, 0, "test", 6))
    outcomes = [
        engine.step(s, episode, engine.start(s, episode), proposal_of(s))[1] for s in (plain, blind)
    ]
    ledger = outcomes[0].ledger
    hidden = ledger.entry("carbon") + ledger.entry("overload")
    assert hidden.sum() > 0.0
    assert outcomes[1].reward == pytest.approx(outcomes[0].reward + hidden)


def test_the_filter_penalty_counts_in_the_reward_and_not_in_the_social_cost(classic):
    scenario, episode = classic
    reward = scenario.spec.reward.model_copy(update={"filter_penalty_eur_per_kwh": 0.1})
    scenario = build(scenario.spec.model_copy(update={"reward": reward}))
    outcome = engine.step(
        scenario, episode, engine.start(scenario, episode), proposal_of(scenario, 1.0)
    )[1]
    penalty = outcome.ledger.entry("filter_penalty")
    assert penalty == pytest.approx(0.1 * outcome.flows.correction_kw * scenario.dt_h)
    assert penalty.sum() > 0.0
    assert LEDGER_COLUMN["filter_penalty"] not in SOCIAL_COLUMNS


def test_records_cannot_be_written(classic):
    _, episode = classic
    with pytest.raises(ValueError, match="read-only"):
        episode.load_kw[0] = 1.0
    with pytest.raises(AttributeError):
        episode.load_kw = None


def in_quarters(hours: Episode) -> Episode:
    """The same episode in steps of a quarter-hour: departures and trips end the last of four."""
    once = {"keys": hours.keys, "start_energy_kwh": hours.start_energy_kwh}
    series = {f.name: getattr(hours, f.name) for f in fields(hours) if f.name not in once}
    quarters = {name: np.repeat(value, 4, axis=0) for name, value in series.items()}
    last = np.arange(len(quarters["departs"])) % 4 == 3
    for name in ("departs", "trip_kwh"):
        quarters[name] = quarters[name] * last[:, None, None, None]
    return Episode(**once, **quarters)


@pytest.mark.parametrize("scenario_id", ["classic-v0", "community-16-v0", "ev-12-v0"])
def test_the_same_trajectory_costs_the_same_in_quarters_and_in_hours(scenario_id, monkeypatch):
    # Four equal quarters in a row are no real day: the envelope would take meters for stuck.
    monkeypatch.setattr(supervisor, "check", lambda *_: np.zeros((1, len(coarse.agents)), int))
    spec = load_scenario(scenario_id).spec.model_copy(update={"days": 1})
    fine, coarse = (build(spec.model_copy(update={"dt_h": dt})) for dt in (0.25, 1.0))
    hours = draw(coarse, choose_key(coarse, 2, "test", 6))
    # Inside the tube the last quarter could make good what the first three left undone.
    hours = replace(hours, floor_kwh=np.zeros_like(hours.floor_kwh))
    # Slow charging, and of batteries slow discharging: no device meets a limit within an hour.
    generator, table = np.random.default_rng(0), action_map(coarse)
    script = generator.uniform(-0.05, 0.05, (24, 1, *table.half.shape))
    leaves = coarse.nodes.target_kwh > 0.0
    asked_kw = script[..., :-2] * coarse.nodes.power_max_kw
    physical = table.physical(script)
    physical[..., :-2] = np.where(leaves, np.abs(asked_kw), asked_kw)
    physical[..., -2] *= 20.0  # orders may be as large as they like
    script = table.normalised(physical)
    costs = []
    for scenario, episode, repeat in ((fine, in_quarters(hours), 4), (coarse, hours, 1)):
        played = rollout(scenario, episode, Recorded(np.repeat(script, repeat, axis=0)))
        assert played.series["setpoint_kw"].any()
        assert not played.cause.any()
        costs.append(played.entries_eur.sum(axis=(0, 1)))
    assert costs[0] == pytest.approx(costs[1], abs=1e-9)
    assert leaves.any() == (costs[0][:, LEDGER_COLUMN["shortfall"]].sum() > 0.0)
