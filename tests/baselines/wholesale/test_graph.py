"""Agents as graphs of LangGraph, offline."""

import socket

import numpy as np
import pytest

from p2p_market.evaluation.players.policy import load_cast
from p2p_market.evaluation.rollout import rollout
from p2p_market.wholesale.bus import MessageBus
from p2p_market.wholesale.messages import messages
from p2p_market.wholesale.records import CAUSES, ROLES
from p2p_market.wholesale.track import roles
from tests.wholesale.cases import drawn, scenario

pytest.importorskip("langgraph", reason="needs the extra langgraph")

from baselines.wholesale.graph import GraphPolicy, default, network, rule, storage

STEPS = 24


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a connection was attempted")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def role_of(name):
    return next(role for role in roles(scenario()) if role.name == name)


def play(**cast):
    of = scenario()
    return rollout(of, drawn(), load_cast("default", of) | cast, steps=STEPS)


def test_graphs_around_the_default_rule_play_the_default_rule():
    graphs = play(**{role: default(role, scenario()) for role in ROLES})
    plain = play()
    assert graphs.digests == plain.digests == play(storage=storage(scenario())).digests
    for role in ROLES:
        assert np.array_equal(graphs.actions[role], plain.actions[role])


def test_a_rule_remembers_through_the_graph():
    ladder = load_cast("ladder", scenario())["generator"]
    role = role_of("generator")
    graphs = play(generator=GraphPolicy(rule(ladder, role), role))
    assert graphs.digests == play(generator=ladder).digests
    assert graphs.digests != play().digests


def test_a_network_decides():
    weights = np.random.default_rng(0).normal(size=(48, 2)).astype(np.float32) / 1e3

    def run(rows):
        return np.tanh(rows @ weights)

    policy = GraphPolicy(network(run), role_of("storage"))
    first, again = play(storage=policy), play(storage=policy)
    assert first.digests == again.digests
    assert not first.cause.any()
    seen = np.ones((2, 2, 48), dtype=np.float32)
    action, _ = policy.act(seen, policy.start([0, 1]))
    assert action == pytest.approx(np.broadcast_to(run(np.ones((1, 48), np.float32)), (2, 2, 2)))


def raising(state):
    raise RuntimeError(state["agent"])


@pytest.mark.parametrize(
    "decide",
    [
        raising,
        lambda state: ([0.0, 1.5], None),
        lambda state: ([0.0, np.nan], None),
        lambda state: ([0.0], None),
        lambda state: "charge",
        lambda state: (["charge", "now"], None),
    ],
)
def test_no_answer_is_missing(decide):
    def sometimes(state):
        if state["agent"] == "storage_1":
            return decide(state)
        return [1.0, 0.0], None

    causes = play(storage=GraphPolicy(sometimes, role_of("storage"))).cause[:, 0]
    agents = scenario().agents
    assert set(causes[:, agents.index("storage_1")].tolist()) == {CAUSES.index("missing")}
    assert not np.delete(causes, agents.index("storage_1"), axis=1).any()


@pytest.mark.parametrize("index", [25.0, -1.0, 2.5, np.nan])
def test_a_choice_that_is_none_is_missing(index):
    policy = GraphPolicy(lambda state: ([index], None), role_of("operator"))
    assert set(play(operator=policy).cause[:, 0, -1].tolist()) == {CAUSES.index("missing")}


def test_actions_are_rounded():
    policy = GraphPolicy(lambda state: ([0.123456789, 0.0], None), role_of("storage"), [25.0, 25.0])
    seen = np.zeros((1, 2, 48), dtype=np.float32)
    action, _ = policy.act(seen, policy.start([0]))
    assert action[0, :, 0] * 25.0 == pytest.approx(3.086, abs=1e-12)
    bids = GraphPolicy(lambda state: ([0.01, 0.3], None), role_of("generator"))
    action, _ = bids.act(np.zeros((1, 6, 64), dtype=np.float32), bids.start([0]))
    assert set(action[0, :, 0].tolist()) == {2.0 * 10 / 19 - 1.0}
    assert set(action[0, :, 1].tolist()) == {0.3}


def test_a_graph_reads_what_the_bus_delivered_and_what_is_seen():
    of, heard = scenario(), []

    def listen(state):
        heard.append((state["agent"], state["inbox"], state["market"]["price_1_ago"]))
        return [0.0, 0.0], None

    bus, told = MessageBus(of.agents), messages(of, drawn(), play(), 3)
    for message in reversed(told):
        bus.send(message)
    for phase in ("bid", "clear", "dispatch", "event", "status"):
        bus.deliver(phase)
    policy = GraphPolicy(listen, role_of("storage"))
    seen = np.full((1, 2, 48), 7.0, dtype=np.float32)
    policy.answer(seen, policy.start([0]), bus)
    assert [agent for agent, *_ in heard] == ["storage_0", "storage_1"]
    for agent, inbox, price in heard:
        assert price == 7.0
        assert inbox == tuple(m for m in told if m.receiver in (agent, "*"))
        assert any(m.kind == "MARKET_PRICE_UPDATE" for m in inbox)
