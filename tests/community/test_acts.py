"""Members' own acts: nothing, stop, ask; what a human answers, and what is kept of it."""

import numpy as np
import pytest
from numba import config

from p2p_market.community import engine
from p2p_market.community.actions import action_map, to_proposal
from p2p_market.community.acts import ACT, ASK, CHOICES, NOTHING, STOP, chosen, urgency_of
from p2p_market.community.coordination.told import messages
from p2p_market.community.envs.env import CommunityEnv, box_of
from p2p_market.community.episode.episode import choose_key, draw
from p2p_market.community.fused import board
from p2p_market.community.fused.boards import PureBoard
from p2p_market.community.metrics import interventions
from p2p_market.community.observation import features
from p2p_market.community.records import SUPERVISOR_CAUSES
from p2p_market.community.rules.policy import truthful
from p2p_market.community.safety.held import held
from p2p_market.community.scenario.scenario import build
from p2p_market.evaluation.players.policy import load_policy
from p2p_market.evaluation.record.events import requests
from p2p_market.evaluation.rollout import recorded, rollout
from p2p_market.messages import HumanRequest, Stop
from p2p_market.registry import load_scenario
from tests.community.past.looking_back import looking_back, play

as_python = pytest.mark.skipif(not config.DISABLE_JIT, reason="played as plain Python, or slow")
EITHER = [pytest.param(None, marks=as_python), pytest.param(None, marks=pytest.mark.slow)]
OWN_STOP = SUPERVISOR_CAUSES.index("own_stop")


def acting(base="few-sellers-v0", **settings):
    return looking_back((), base, acts=True, **settings)


def begun(base="few-sellers-v0", **settings):
    scenario = acting(base, **settings)
    episode = draw(scenario, choose_key(scenario, 0, "test", 5))
    return scenario, episode, engine.start(scenario, episode)


def saying(scenario, acts, urgency=5.0, setpoint=1.0, quantity=1.0):
    """Normalised actions of which each member has an act: full charging and a large bid."""
    table = action_map(scenario)
    joint = np.zeros((1, len(scenario.agents), table.width))
    joint[..., : table.assets] = setpoint
    joint[..., table.assets] = quantity
    joint[..., table.assets + 1] = 1.0
    joint[..., -2] = (np.asarray(acts) + 0.5) / len(CHOICES) * 2.0 - 1.0
    joint[..., -1] = urgency / 5.0 - 1.0
    return joint


def stepped(scenario, episode, state, joint):
    table = action_map(scenario)
    everyone = np.ones(joint.shape[:2], dtype=np.bool_)
    proposal = to_proposal(table.physical(joint), everyone, table.further)
    return engine.step(scenario, episode, state, proposal)


def members(scenario, act, others=ACT):
    return np.array([act, *[others] * (len(scenario.agents) - 1)])


@as_python
def test_nothing_is_standstill_and_no_order():
    scenario, episode, state = begun()
    after, done = stepped(scenario, episode, state, saying(scenario, [NOTHING] * 12))
    assert not done.action.setpoint_kw.any()
    assert not done.action.quantity_kw.any()
    assert not done.cause.any()
    again, done = stepped(scenario, episode, after, saying(scenario, [ACT] * 12))
    assert done.action.setpoint_kw.any()
    assert not again.acting.stop_steps.any()


@as_python
def test_a_stop_holds_for_as_long_as_the_supervisor_does():
    scenario, episode, state = begun()  # half-hours, hold_h is one hour
    assert scenario.hold_steps == 2
    seen = []
    for act in (STOP, ACT, ACT):
        state, done = stepped(scenario, episode, state, saying(scenario, members(scenario, act)))
        seen.append(SUPERVISOR_CAUSES[done.cause[0, 0]])
        assert not done.cause[0, 1:].any()
        if seen[-1] == "own_stop":
            assert not done.action.setpoint_kw[0, 0].any()
            assert done.action.quantity_kw[0, 0] == 0.0
            assert done.flows.penalised_kw[0, 0] == 0.0
    assert seen == ["own_stop", "own_stop", "none"]


@as_python
def test_who_stands_still_sees_that_it_is_not_heard():
    scenario, episode, state = begun()
    place = [one.name for one in features(scenario)].index("fallback")
    joint, other = (saying(scenario, members(scenario, act)) for act in (STOP, ACT))
    seen, _ = play(PureBoard(scenario, episode, state, True), scenario, np.array([joint, other]))
    assert seen[:, 0, 0, place].tolist() == [1.0, 0.0]
    assert not seen[:, 0, 1:, place].any()


@as_python
def test_what_is_wrong_with_a_message_comes_before_its_act():
    scenario, episode, state = begun()
    joint = saying(scenario, [STOP] * 12)
    joint[0, 3, 0] = np.nan
    after, done = stepped(scenario, episode, state, joint)
    assert SUPERVISOR_CAUSES[done.cause[0, 3]] == "non_finite"
    assert after.acting.stop_steps[0, 3] == 0
    assert (np.delete(done.cause[0], 3) == OWN_STOP).all()


@as_python
def test_a_stopped_machine_runs_as_much_as_it_must():
    scenario, episode, state = begun_with_a_cold_house()
    for _ in range(30):
        state, done = stepped(
            scenario, episode, state, saying(scenario, [STOP] * 12, setpoint=-1.0)
        )
    assert done.cause[0].tolist() == [OWN_STOP] * 12
    assert done.action.setpoint_kw[0, 0].sum() > 0.1  # heat, or the house falls below its level


def begun_with_a_cold_house():
    """The same, but the first member has a heat pump."""
    spec = acting().spec
    pump = {"kind": "heat_pump", "power_kw": 8.0, "buffer_kwh": 5.0}
    first = spec.members[0].model_copy(update={"assets": (*spec.members[0].assets, pump)})
    scenario = build(spec.model_copy(update={"members": (first, *spec.members[1:])}))
    episode = draw(scenario, choose_key(scenario, 0, "test", 1))
    return scenario, episode, engine.start(scenario, episode)


@as_python
def test_an_hour_has_one_request_and_the_step_goes_on():
    scenario, episode, state = begun()
    urgency, orders = [], []
    for number in (7.0, 9.0, 3.0, 10.0):
        joint = saying(scenario, members(scenario, ASK), urgency=number)
        state, done = stepped(scenario, episode, state, joint)
        urgency.append(int(state.acting.request[0, 0]))
        orders.append(done.action.quantity_kw[0, 0])
        assert not done.cause.any()
    assert urgency == [7, 0, 3, 0]
    acting_only = begun()
    _, done = stepped(*acting_only, saying(scenario, members(scenario, ACT), urgency=7.0))
    assert done.action.quantity_kw[0, 0] == orders[0]


def test_bins_are_equal_and_urgency_goes_from_one_to_ten():
    numbers = [-1e5, -2.0, -1.01, -1.0, 0.0, 0.99, 1.0, 2.0, 1e5]
    acts = [STOP, STOP, STOP, ASK, ACT, ACT, NOTHING, NOTHING, NOTHING]
    assert [chosen(n) for n in numbers] == acts
    assert [urgency_of(n) for n in (0.0, 1.4, 1.5, 9.6, 99.0)] == [1, 1, 2, 10, 10]


@as_python
def test_a_human_answers_once_and_the_answers_play_again():
    """What was played, answers put in, gives the same without anybody to answer."""
    scenario = acting()
    first, asked, played = scenario.agents[0], [], []
    idle = np.zeros(action_map(scenario).width)
    stop = saying(scenario, [STOP] * 12)[0, 0]

    def human(request):
        asked.append((request.step, request.agent, request.urgency))
        assert request.observation.shape == (len(features(scenario)),)
        return {0: idle, 2: None, 4: stop}[request.step]

    env, other = CommunityEnv(scenario), CommunityEnv(scenario)
    env.on_human_request = human
    env.reset(seed=3)
    other.reset(seed=3)
    for step in range(6):
        joint = saying(scenario, members(scenario, ASK), urgency=8.0)[0]
        actions = dict(zip(scenario.agents, joint, strict=True))
        seen, reward, _, _, infos = env.step(actions)
        assert ("answered" in infos[first]) == (step in (0, 4))
        assert infos[first].get("human_request") == (8 if step in (0, 2) else None)
        played.append(actions | {a: i["answered"] for a, i in infos.items() if "answered" in i})
        assert infos[first]["supervisor"] == ("own_stop" if step >= 4 else "none")
        again = other.step(played[-1])
        assert all(np.array_equal(seen[a], again[0][a]) for a in scenario.agents)
        assert again[1] == reward
        assert again[4][first].get("human_request") == infos[first].get("human_request")
    assert asked == [(0, first, 8), (2, first, 8), (4, first, 8)]


class Troubled:
    """Truthful, but the first stops now and then, and the second asks all the time."""

    def __init__(self, scenario):
        self.rule, self.scenario = truthful(scenario), scenario

    def start(self, seeds):
        return 0, self.rule.start(seeds)

    def act(self, observation, memory):
        step, inner = memory
        action, inner = self.rule.act(observation, inner)
        acts = saying(self.scenario, [STOP if step % 10 == 3 else ACT, ASK, *[ACT] * 10])
        action[..., -2:] = acts[..., -2:]
        return action, (step + 1, inner)


@as_python
def test_records_and_statistics_tell_them_apart():
    scenario, episode, _ = begun()
    played = rollout(scenario, episode, Troubled(scenario), "troubled", steps=40)
    assert np.count_nonzero(played.cause) == 8
    assert interventions(scenario, episode, played).tolist() == [0.0]
    told = "stopped themselves in 8 agent-steps, asked a human 20 times, with urgency up to 5"
    assert held(scenario, played) == told
    listed = requests(played.series["request"])
    assert [one.step for one in listed] == list(range(0, 40, 2))
    assert {(one.agent, one.urgency) for one in listed} == {(1, 5)}
    again = rollout(scenario, episode, recorded(played.actions), "again", steps=40)
    assert again.digests == played.digests
    told = messages(scenario, again)
    stops = [one for one in told if isinstance(one.content, Stop)]
    assert [(one.step, one.sender, one.receiver) for one in stops] == [
        (step, "prosumer_0", "*") for step in (3, 13, 23, 33)
    ]
    asked = [one.content.urgency for one in told if isinstance(one.content, HumanRequest)]
    assert asked == [5] * 20
    assert told[0].line() == (
        '{"content": {"urgency": 5, "version": 1}, "kind": "HumanRequest", "phase": "act", '
        '"receiver": "human", "sender": "prosumer_1", "sequence": 0, "step": 0}'
    )


@pytest.mark.parametrize("_", EITHER)
def test_the_compiled_step_obeys_the_same(_):
    scenario, episode, state = begun()
    generator = np.random.default_rng(4)
    asked = generator.uniform(-1.1, 1.1, (60, 1, 12, action_map(scenario).width))
    asked[generator.random(asked.shape) < 0.005] = np.nan
    boards = [kind(scenario, episode, state, True) for kind in (PureBoard, board)]
    seen = [play(one, scenario, asked) for one in boards]
    assert np.array_equal(seen[0][0], seen[1][0])
    for one, other in zip(seen[0][1], seen[1][1], strict=True):
        assert np.array_equal(one.cause, other.cause)
        assert np.array_equal(one.ledger.entries_eur, other.ledger.entries_eur)
    kept = [one.state().acting for one in boards]
    assert np.array_equal(kept[0].request, kept[1].request)
    assert (seen[0][1][-1].cause == OWN_STOP).any()


@as_python
def test_acts_stand_beside_agreements_and_what_is_remembered():
    """All options at once: who stops signs nothing, and compiled text says the same as plain."""
    spec = load_scenario("contracts-12-v0").spec
    more = {"id": "all-v0", "acts": True, "observe": ("board", "portfolio"), "days": 1}
    scenario = build(spec.model_copy(update=more))
    episode = draw(scenario, choose_key(scenario, 0, "test", 5))
    state = engine.start(scenario, episode)
    generator = np.random.default_rng(6)
    asked = generator.uniform(-1.0, 1.0, (40, 1, 12, action_map(scenario).width))
    both = [
        play(kind(scenario, episode, state, True), scenario, asked) for kind in (PureBoard, board)
    ]
    assert np.array_equal(both[0][0], both[1][0])
    for one in both[0][1]:
        assert not one.proposal.further[one.cause == OWN_STOP].any()
    assert any((one.cause == OWN_STOP).any() for one in both[0][1])
    box = box_of(features(scenario))
    assert ((both[0][0] >= box.low) & (both[0][0] <= box.high)).all()


@as_python
@pytest.mark.parametrize("name", ["storage-value", "mpc-alone"])
@pytest.mark.parametrize("acts", [False, True])
def test_planners_play_with_and_without_further_columns(name, acts):
    scenario = looking_back(("board", "portfolio"), acts=acts)
    episode = draw(scenario, choose_key(scenario, 0, "test", 5))
    played = rollout(scenario, episode, load_policy(name, scenario), name, steps=2)
    assert not played.cause.any()
    said = action_map(scenario).physical(played.actions["prosumer"])[..., -2:]
    assert not acts or not said.any()


def test_without_the_switch_there_is_no_column():
    scenario = load_scenario("few-sellers-v0")
    assert action_map(scenario).further == 0
    assert "acts" not in scenario.spec.model_dump()
