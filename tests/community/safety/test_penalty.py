"""The filter penalty has no cheaper way out: a faulty message pays as the worst action would."""

from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pytest

from p2p_market.community import engine
from p2p_market.community.actions import action_map, to_proposal
from p2p_market.community.envs.batch import CommunityBatch
from p2p_market.community.envs.env import CommunityEnv
from p2p_market.community.episode.episode import Episode, choose_key, draw
from p2p_market.community.records import LARGEST, LEDGER_COLUMN, SUPERVISOR_CAUSES, Round, State
from p2p_market.community.safety.penalty import largest_kw
from p2p_market.community.scenario.scenario import Scenario, build
from p2p_market.community.scenario.schema import Faults
from p2p_market.errors import ActionError
from p2p_market.registry import load_scenario
from tests.community.fused.test_boards import FAULTY

PRICE = 0.1  # EUR/kWh
PENALTY = LEDGER_COLUMN["filter_penalty"]
IDS = ["classic-v0", "ev-12-v0", "outage-v0", "binding-feeder-v0"]


@cache
def priced(scenario_id: str, faults: Faults | None = None) -> tuple[Scenario, Episode]:
    spec = load_scenario(scenario_id).spec
    reward = spec.reward.model_copy(update={"filter_penalty_eur_per_kwh": PRICE})
    spec = spec.model_copy(update={"reward": reward, "days": 1, "faults": faults})
    scenario = build(spec)
    return scenario, draw(scenario, choose_key(scenario, 1, "test", 6))


def play(
    scenario: Scenario,
    episode: Episode,
    state: State,
    action: np.ndarray,
    absent: int | None = None,
) -> tuple[State, Round]:
    """One step under a normalised joint action (agent, column); one agent may be silent."""
    present = np.ones((1, len(action)), dtype=np.bool_)
    if absent is not None:
        present[0, absent] = False
    proposal = to_proposal(action_map(scenario).physical(action[None]), present)
    return engine.step(scenario, episode, state, proposal)


def paid_kw(scenario: Scenario, outcome: Round) -> np.ndarray:
    """What the ledger's penalty is charged on, (agent,) [kW]."""
    kw = outcome.ledger.entries_eur[0, :, PENALTY] / (PRICE * scenario.dt_h)
    assert kw == pytest.approx(outcome.flows.penalised_kw[0], abs=1e-9)
    return kw


def states(scenario: Scenario, episode: Episode) -> list[State]:
    """Every few steps a state with levels somewhere inside their bounds."""
    generator = np.random.default_rng(0)
    nodes = scenario.nodes
    found = []
    for step in range(0, scenario.steps, max(1, scenario.steps // 8)):
        floor = episode.floor_kwh[max(step - 1, 0), 0]
        share = generator.choice([0.0, 0.3, 1.0], nodes.present.shape)
        levels = np.maximum(floor, share * nodes.energy_max_kwh)[None]
        found.append(engine.state_at(scenario, episode, step, levels))
    return found


@pytest.mark.parametrize("scenario_id", IDS)
def test_no_action_pays_more_than_a_faulty_step(scenario_id):
    """Corners of the action space, and actions inside; the neighbours are wild as well."""
    scenario, episode = priced(scenario_id)
    width = action_map(scenario).width
    generator = np.random.default_rng(1)
    corners = [np.array(corner) for corner in product([-1.0, 0.0, 1.0], repeat=width)]
    for state in states(scenario, episode):
        others = generator.choice([-1.0, 0.3, 1.0], (len(scenario.agents), width))
        silent = others * np.nan
        most = paid_kw(scenario, play(scenario, episode, state, silent)[1])
        for corner in corners:
            joint = others.copy()
            for own in range(0, len(joint), 2):
                joint[own] = corner
            paid = paid_kw(scenario, play(scenario, episode, state, joint)[1])
            assert np.all(paid <= most + 1e-9)
        assert most == pytest.approx(largest_kw(scenario))


@pytest.mark.parametrize("scenario_id", IDS)
def test_all_faulty_messages_pay_alike(scenario_id):
    scenario, episode = priced(scenario_id)
    width, own = action_map(scenario).width, 1
    state = engine.start(scenario, episode)
    calm = np.zeros((len(scenario.agents), width))
    _, silent = play(scenario, episode, state, calm, absent=own)
    expected = paid_kw(scenario, silent)
    assert expected[own] > 0.0
    beyond = 1.001 * LARGEST / action_map(scenario).half[own].max()
    for value in (np.nan, np.inf, -np.inf, 1e300, 1e6 * beyond):
        for column in range(width):
            if value == 1e6 * beyond and action_map(scenario).half[own, column] == 0.0:
                continue  # a padding column has no physical size
            joint = calm.copy()
            joint[own, column] = value
            paid = paid_kw(scenario, play(scenario, episode, state, joint)[1])
            assert paid == pytest.approx(expected, abs=1e-12)


def test_the_largest_number_that_is_heard_pays_for_all_of_it():
    scenario, episode = priced("classic-v0")
    table, own = action_map(scenario), 1
    joint = np.zeros((len(scenario.agents), table.width))
    joint[own, 0] = 0.999999 * LARGEST / table.half[own, 0]
    _, outcome = play(scenario, episode, engine.start(scenario, episode), joint)
    assert not outcome.cause.any()
    assert paid_kw(scenario, outcome)[own] > 0.99 * LARGEST


def test_a_held_agent_pays_for_what_it_says_as_if_it_were_heard():
    """Else one silence would make the rest of the hour free."""
    scenario, episode = priced("ev-12-v0")
    width, own = action_map(scenario).width, 1
    calm = np.zeros((len(scenario.agents), width))
    wild = calm.copy()
    wild[own] = 1.0
    state, _ = play(scenario, episode, engine.start(scenario, episode), calm, absent=own)
    held = replace(state, hold_steps=np.where(np.arange(len(calm)) == own, 3, 0)[None])
    free = replace(state, hold_steps=np.zeros_like(state.hold_steps))
    idle = action_map(scenario).normalised(np.zeros_like(calm))
    for joint in (wild, -wild, 0.3 * wild, idle):
        _, outcome = play(scenario, episode, held, joint)
        assert SUPERVISOR_CAUSES[outcome.cause[0, own]] == "held"
        heard = paid_kw(scenario, play(scenario, episode, free, joint)[1])
        assert paid_kw(scenario, outcome) == pytest.approx(heard, abs=1e-9)
    assert paid_kw(scenario, outcome)[own] == pytest.approx(0.0, abs=1e-9)  # for nothing asked


@pytest.mark.parametrize("scenario_id", ["classic-v0", "outage-v0"])
def test_faults_that_the_scenario_draws_cost_nothing(scenario_id):
    """Spoiled and lost messages, wrong meters; the agents themselves ask for nothing."""
    scenario, episode = priced(scenario_id, FAULTY)
    state = engine.start(scenario, episode)
    table = action_map(scenario)
    calm = table.normalised(np.zeros((len(scenario.agents), table.width)))
    seen = set()
    for _ in range(scenario.steps):
        t = state.step
        state, outcome = play(scenario, episode, state, calm)
        latched = outcome.cause[0] != 0
        seen |= {SUPERVISOR_CAUSES[cause] for cause in outcome.cause[0, latched]}
        paid = paid_kw(scenario, outcome)
        assert np.all(paid[latched] == 0.0)
        if episode.grid[t, 0] > 0.0:
            assert np.all(paid == 0.0)
    assert {"missing", "non_finite", "held"} <= seen


def test_who_sends_nonsense_pays_where_its_meter_is_wrong_too_but_not_where_it_is_cut_off():
    scenario, episode = priced("classic-v0", FAULTY)
    nonsense = np.full((len(scenario.agents), action_map(scenario).width), np.nan)
    state = engine.start(scenario, episode)
    excused = 0
    for _ in range(scenario.steps):
        lost = episode.message_fault[state.step, 0] != 0
        state, outcome = play(scenario, episode, state, nonsense)
        assert np.array_equal(paid_kw(scenario, outcome) > 0.0, ~lost)
        excused += int(lost.sum())
    assert excused > 0


def episode_kw(scenario: Scenario, said, own: int = 1) -> float:
    """What one agent is charged on in a whole episode; `said(step)` is None where it is silent."""
    env, total = CommunityEnv(scenario, info="full"), 0.0
    env.reset(seed=0)
    for step in range(scenario.steps):
        joint = {agent: np.zeros(env.action_map.width) for agent in env.agents}
        victim = env.agents[own]
        if (message := said(step)) is None:
            del joint[victim]
        else:
            joint[victim] = np.full(env.action_map.width, message)
        *_, infos = env.step(joint)
        total += infos[victim]["ledger_eur"][PENALTY] / (PRICE * scenario.dt_h)
    return total


@pytest.mark.parametrize("wild", [1.0, -1.0])
def test_no_mixture_of_silence_and_nonsense_is_cheaper_than_a_wild_episode(wild):
    """The storage of who is silent is elsewhere than that of who is wild, and it does not help."""
    scenario, _ = priced("classic-v0")
    again = scenario.hold_steps + 1
    honest = episode_kw(scenario, lambda step: wild)
    for said in (
        lambda step: None,
        lambda step: np.nan,
        lambda step: np.inf,
        lambda step: None if step % again == 0 else wild,
        lambda step: np.nan if step % 2 == 0 else wild,
    ):
        assert episode_kw(scenario, said) >= honest


def test_environment_and_batch_charge_alike():
    scenario, _ = priced("classic-v0")
    env, batch = CommunityEnv(scenario, info="full"), CommunityBatch(scenario, 1)
    env.reset(seed=2)
    batch.reset(seed=2)
    calm = {agent: np.zeros(3) for agent in env.agents}
    spoiled = dict(calm, prosumer_1=np.array([0.0, np.nan, 0.0]))
    *_, infos = env.step(spoiled)
    step = batch.step(np.array(list(spoiled.values()))[None])
    paid = infos["prosumer_1"]["ledger_eur"][PENALTY]
    assert paid >= PRICE * scenario.spec.connection_limit_kw * scenario.dt_h
    rewards = [-info["ledger_eur"].sum() for info in infos.values()]
    assert step.rewards[0] == pytest.approx(rewards, abs=1e-12)
    del spoiled["prosumer_1"]
    *_, infos = env.step(spoiled)
    assert infos["prosumer_1"]["ledger_eur"][PENALTY] > 0.0
    with pytest.raises(ActionError, match="prosumer_1"):
        env.step(dict(calm, prosumer_1=np.zeros(3, dtype=np.int64)))
