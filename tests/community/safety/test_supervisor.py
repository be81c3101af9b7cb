"""The supervisor: who is held, why, for how long, and that nobody else notices."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from p2p_market.assets import node
from p2p_market.community import engine
from p2p_market.community.actions import action_map
from p2p_market.community.episode.episode import Episode, choose_key, draw, stack
from p2p_market.community.records import SUPERVISOR_CAUSES, Proposal, Round, State
from p2p_market.community.safety import sensors, supervisor
from p2p_market.community.scenario.scenario import Scenario, build
from p2p_market.errors import InvariantError
from p2p_market.registry import load_scenario
from tests.every_scenario import EVERY_SCENARIO, STORES

IDS = STORES
VICTIM = 1  # owns a battery in every shipped scenario without machines
COLUMNS = ("setpoint_kw", "quantity_kw", "price_eur_per_kwh")


@cache
def day(scenario_id: str, communities: int = 2) -> tuple[Scenario, Episode]:
    scenario = build(load_scenario(scenario_id).spec.model_copy(update={"days": 1}))
    keys = [choose_key(scenario, seed, "test", 4) for seed in range(communities)]
    return scenario, stack([draw(scenario, key) for key in keys])


def clean(scenario: Scenario, seed: int = 0, communities: int = 2) -> Proposal:
    """A proposal that every layer leaves a good part of."""
    generator = np.random.default_rng(seed)
    agents, assets = scenario.nodes.present.shape
    shape, more = (communities, agents), action_map(scenario).further
    return Proposal(
        setpoint_kw=generator.uniform(-3.0, 3.0, (*shape, assets)),
        quantity_kw=generator.uniform(-5.0, 5.0, shape),
        price_eur_per_kwh=generator.uniform(0.1, 0.3, shape),
        present=np.ones(shape, dtype=bool),
        further=np.zeros((*shape, more)) if more else None,
    )


def spoiled(proposal: Proposal, column: str, value: float, community: int = 0) -> Proposal:
    """The same proposal with one number of one agent replaced."""
    array = getattr(proposal, column).copy()
    array[community, VICTIM] = value
    return replace(proposal, **{column: array})


def without(proposal: Proposal, community: int = 0) -> Proposal:
    """The same proposal, but one agent's message never arrived."""
    present = proposal.present.copy()
    present[community, VICTIM] = False
    return replace(proposal, present=present)


def bad_messages(proposal: Proposal) -> Iterator[tuple[str, Proposal]]:
    """Cause and proposal of everything that can be wrong with one message."""
    for column in COLUMNS:
        for value in (np.nan, np.inf, -np.inf):
            yield "non_finite", spoiled(proposal, column, value)
    yield "missing", without(proposal)
    yield "missing", without(spoiled(proposal, "quantity_kw", np.nan))


def causes(outcome: Round) -> list[list[str]]:
    return [[SUPERVISOR_CAUSES[c] for c in row] for row in outcome.cause]


def only_victim(scenario: Scenario, cause: str) -> list[list[str]]:
    """Cause names when only the victim of community 0 is held."""
    rows = [["none"] * len(scenario.agents) for _ in range(2)]
    rows[0][VICTIM] = cause
    return rows


def self_consumption_kw(scenario: Scenario, episode: Episode, state: State) -> float:
    """What the victim's battery does when it takes the own surplus and serves the own deficit."""
    nodes, t = scenario.nodes, state.step
    level = nodes.retention[VICTIM, 0] * state.energy_kwh[0, VICTIM, 0]
    surplus = episode.pv_kw[t, 0, VICTIM] - episode.load_kw[t, 0, VICTIM]
    room = (nodes.energy_max_kwh[VICTIM, 0] - level) / nodes.charge_gain_h[VICTIM, 0]
    content = (level - nodes.energy_min_kwh[VICTIM, 0]) / nodes.discharge_gain_h[VICTIM, 0]
    low = max(nodes.power_min_kw[VICTIM, 0], -content)
    high = min(nodes.power_max_kw[VICTIM, 0], room)
    return float(np.clip(surplus, low, high))


def check_held(scenario: Scenario, episode: Episode, state: State, outcome: Round) -> None:
    """The victim has no order, no trade, and storage on the self-consumption rule."""
    assert outcome.action.quantity_kw[0, VICTIM] == 0.0
    assert outcome.fills.power_kw[0, VICTIM] == 0.0
    assert outcome.action.setpoint_kw[0, VICTIM, 0] == pytest.approx(
        self_consumption_kw(scenario, episode, state), abs=1e-9
    )


def check_free(proposal: Proposal, outcome: Round) -> None:
    """All agents but the victim are heard as they spoke."""
    others = np.ones(proposal.present.shape, dtype=bool)
    others[0, VICTIM] = False
    for column in COLUMNS:
        heard, said = getattr(outcome.proposal, column), getattr(proposal, column)
        np.testing.assert_array_equal(heard[others], said[others], err_msg=column)


@pytest.mark.parametrize("scenario_id", IDS)
def test_a_bad_message_latches_exactly_its_agent(scenario_id):
    scenario, episode = day(scenario_id)
    for step in (0, scenario.steps // 2):  # at night a deficit, at noon a surplus
        state = engine.state_at(scenario, episode, step, episode.start_energy_kwh)
        for cause, proposal in bad_messages(clean(scenario, step)):
            after, outcome = engine.step(scenario, episode, state, proposal)
            assert causes(outcome) == only_victim(scenario, cause)
            expected = np.zeros_like(after.hold_steps)
            expected[0, VICTIM] = scenario.hold_steps
            np.testing.assert_array_equal(after.hold_steps, expected)
            check_held(scenario, episode, state, outcome)
            check_free(proposal, outcome)
            for array in (after.energy_kwh, outcome.ledger.entries_eur, outcome.reward):
                assert np.isfinite(array).all()


@pytest.mark.parametrize("scenario_id", EVERY_SCENARIO)
def test_others_fare_as_if_the_agent_had_fallen_back_by_itself(scenario_id):
    scenario, episode = day(scenario_id)
    state, proposal = engine.start(scenario, episode), clean(scenario)
    _, held = engine.step(scenario, episode, state, without(proposal))
    by_itself = held.proposal  # finite, and nobody missing
    _, free = engine.step(scenario, episode, state, by_itself)
    assert not free.cause.any()
    np.testing.assert_array_equal(free.ledger.entries_eur, held.ledger.entries_eur)
    np.testing.assert_array_equal(free.flows.energy_kwh, held.flows.energy_kwh)


@pytest.mark.parametrize("bad", ["missing", "non_finite"])
@pytest.mark.parametrize("scenario_id", EVERY_SCENARIO)
def test_released_after_a_clean_interval(scenario_id, bad):
    scenario, episode = day(scenario_id)
    state = engine.start(scenario, episode)
    proposals = dict(bad_messages(clean(scenario)))
    state, outcome = engine.step(scenario, episode, state, proposals[bad])
    assert causes(outcome) == only_victim(scenario, bad)
    for left in reversed(range(scenario.hold_steps)):
        before = state
        state, outcome = engine.step(scenario, episode, state, clean(scenario, left))
        assert causes(outcome) == only_victim(scenario, "held")
        assert state.hold_steps[0, VICTIM] == left
        check_held(scenario, episode, before, outcome)
        check_free(clean(scenario, left), outcome)
    state, outcome = engine.step(scenario, episode, state, clean(scenario))
    assert not outcome.cause.any()
    assert not state.hold_steps.any()
    for column in COLUMNS:
        np.testing.assert_array_equal(
            getattr(outcome.proposal, column), getattr(clean(scenario), column)
        )


def test_the_interval_starts_again_after_another_bad_message():
    scenario, episode = day("community-16-v0")
    assert scenario.hold_steps > 2
    state, good = engine.start(scenario, episode), clean(scenario)
    for proposal, expected in (
        (without(good), "missing"),
        (good, "held"),
        (spoiled(good, "price_eur_per_kwh", np.nan), "non_finite"),
        *[(good, "held")] * scenario.hold_steps,
        (good, "none"),
    ):
        state, outcome = engine.step(scenario, episode, state, proposal)
        assert causes(outcome) == only_victim(scenario, expected)


@pytest.mark.parametrize("scenario_id", IDS)
def test_the_hold_time_does_not_depend_on_the_step(scenario_id):
    scenario, _ = day(scenario_id)
    assert scenario.hold_steps * scenario.dt_h == scenario.spec.hold_h


def test_all_agents_may_be_lost_at_once():
    scenario, episode = day("community-16-v0")
    state, good = engine.start(scenario, episode), clean(scenario)
    nobody = replace(good, present=np.zeros_like(good.present))
    _, outcome = engine.step(scenario, episode, state, nobody)
    assert set(np.ravel(causes(outcome))) == {"missing"}
    assert not outcome.fills.power_kw.any()


def test_numbers_up_to_a_million_are_no_cause_and_larger_ones_are():
    scenario, episode = day("community-16-v0")
    state, good = engine.start(scenario, episode), clean(scenario)
    told = sensors.read(episode, state)
    for column in COLUMNS:
        for value in (1e6, -1e6, 5e-324, -0.0):
            asked = spoiled(good, column, value)
            heard, watch = supervisor.screen(scenario, episode, state, asked, told)
            assert not watch.cause.any()
            np.testing.assert_array_equal(getattr(heard, column), getattr(asked, column))
        for value in (1.1e6, -1e300):
            bad = spoiled(good, column, value)
            _, watch = supervisor.screen(scenario, episode, state, bad, told)
            assert np.count_nonzero(watch.cause) == 1


def test_a_broken_invariant_latches_its_agent_or_raises(monkeypatch):
    """A battery that gains energy from nowhere: the engine's own mistake, not the agent's."""
    scenario, episode = day("community-16-v0")
    state, good = engine.start(scenario, episode), clean(scenario)
    true_advance = node.advance

    def leaking_advance(*arguments):
        energy, shortfall = true_advance(*arguments)
        energy[0, VICTIM, 0] += 0.01
        return energy, shortfall

    with monkeypatch.context() as broken:
        broken.setattr(node, "advance", leaking_advance)
        with pytest.raises(InvariantError, match=r"stored energy.*prosumer_1.*step 0"):
            engine.step(scenario, episode, state, good, strict=True)
        state, outcome = engine.step(scenario, episode, state, good, strict=False)
    assert causes(outcome) == only_victim(scenario, "invariant")
    before = state
    state, outcome = engine.step(scenario, episode, state, good, strict=False)
    assert causes(outcome) == only_victim(scenario, "held")
    check_held(scenario, episode, before, outcome)
