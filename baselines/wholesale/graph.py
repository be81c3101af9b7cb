"""Agents as graphs of LangGraph: for demonstrations and studies of language models, not training.

Each decision of an agent runs one graph: process_messages, analyse_market, decide, act, update.
Only `decide` is given from outside. Nothing is traced, stored or tried again, and what an agent
remembers travels in the state, so a play is a function of its seed as long as `decide` is.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Final, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from p2p_market.messages import Message
from p2p_market.records import Float32Array, FloatArray, Role
from p2p_market.wholesale.actions import level_number, level_of
from p2p_market.wholesale.bus import MessageBus
from p2p_market.wholesale.records import ROLES
from p2p_market.wholesale.rules import default as rules
from p2p_market.wholesale.track import roles

TICKS_PER_MW: Final = 1000  # powers are rounded to kW


class GraphState(TypedDict):
    """What travels through the graph of one agent in one step."""

    agent: str
    place: int  # of the agent in its role
    inbox: tuple[Message, ...]
    observation: Float32Array  # (feature,)
    market: Mapping[str, float]  # what is seen, by name of the feature
    action: FloatArray  # (column,)
    outbox: tuple[Mapping[str, float], ...]  # column -> number, as it is sent
    memory: Any  # of `decide`; None before the first step


Decider = Callable[[GraphState], tuple[ArrayLike, Any]]
"""From what an agent knows to its action, (column,), and its memory."""


class GraphPolicy:
    """A policy of one role that asks a graph for each agent.

    An exception in the graph, or an answer outside the action space, counts as no answer: the row
    is NaN, the supervisor calls the agent missing and lets it play the fallback of its role.
    """

    def __init__(self, decide: Decider, role: Role, power_mw: Sequence[float] = ()) -> None:
        """Compile the graph.

        Args:
            decide: a rule, a network or a client of a language model.
            role: that it plays, from `roles` of the track.
            power_mw: of each storage, whose powers are rounded to kW; empty: they are not.
        """
        self.role, self._graph = role, _compiled(decide, role, tuple(power_mw))

    def start(self, seeds: Sequence[int]) -> tuple[tuple[Any, ...], ...]:
        """No agent of any community remembers anything."""
        return tuple((None,) * len(self.role.agents) for _ in seeds)

    def act(
        self, observation: Float32Array, memory: tuple[tuple[Any, ...], ...]
    ) -> tuple[FloatArray, tuple[tuple[Any, ...], ...]]:
        """The actions, (batch, agent, column)."""
        return self.answer(observation, memory, None)

    def answer(
        self,
        observation: Float32Array,
        memory: tuple[tuple[Any, ...], ...],
        bus: MessageBus | None,
    ) -> tuple[FloatArray, tuple[tuple[Any, ...], ...]]:
        """As `act`, with what a bus has delivered to the agents of a batch of one."""
        from langsmith import tracing_context

        batch, agents = observation.shape[:2]
        action = np.full((batch, agents, len(self.role.columns)), np.nan)
        kept = [list(row) for row in memory]
        with tracing_context(enabled=False):
            for b in range(batch):
                for place in range(agents):
                    inbox = bus.take(self.role.agents[place]) if bus is not None else ()
                    seen = observation[b, place]
                    action[b, place], kept[b][place] = self._one(place, seen, kept[b][place], inbox)
        return action, tuple(tuple(row) for row in kept)

    def _one(
        self, place: int, seen: Float32Array, memory: Any, inbox: tuple[Message, ...]
    ) -> tuple[FloatArray, Any]:
        """Action and memory of one agent; without an answer NaN, and the memory as it was."""
        given = GraphState(
            agent=self.role.agents[place],
            place=place,
            inbox=inbox,
            observation=seen,
            market={},
            action=np.full(len(self.role.columns), np.nan),
            outbox=(),
            memory=memory,
        )
        try:
            after = self._graph.invoke(given)
        except Exception:  # whatever `decide` does, the others go on
            return np.full(len(self.role.columns), np.nan), memory
        return after["action"], after["memory"]


def _compiled(decide: Decider, role: Role, power_mw: tuple[float, ...]) -> Any:
    """The five nodes in a row."""
    from langgraph.graph import END, START, StateGraph

    names = tuple(feature.name for feature in role.features)

    def process_messages(state: GraphState) -> dict[str, Any]:
        """The inbox in the order of the step."""
        return {"inbox": tuple(sorted(state["inbox"], key=lambda m: (m.step, m.sequence)))}

    def analyse_market(state: GraphState) -> dict[str, Any]:
        """What is seen, by name."""
        return {"market": dict(zip(names, state["observation"].tolist(), strict=True))}

    def ask(state: GraphState) -> dict[str, Any]:
        """What comes from outside."""
        answer, memory = decide(state)
        return {"action": answer, "memory": memory}

    def act(state: GraphState) -> dict[str, Any]:
        """The answer, checked and rounded."""
        return {"action": _rounded(role, power_mw, state["place"], _checked(role, state["action"]))}

    def update(state: GraphState) -> dict[str, Any]:
        """What is sent, by name."""
        sent = zip((column.name for column in role.columns), state["action"].tolist(), strict=True)
        return {"outbox": (dict(sent),)}

    graph: Any = StateGraph(GraphState)
    nodes = {
        "process_messages": process_messages,
        "analyse_market": analyse_market,
        "decide": ask,
        "act": act,
        "update": update,
    }
    for name, node in nodes.items():
        graph.add_node(name, node)
    order = [START, *nodes, END]
    for before, after in pairwise(order):
        graph.add_edge(before, after)
    return graph.compile(checkpointer=None)


def _checked(role: Role, answer: Any) -> FloatArray:
    """The answer as numbers, if it lies in the action space.

    Raises:
        ValueError: otherwise.
    """
    action = np.asarray(answer, dtype=np.float64)
    if action.shape != (len(role.columns),):
        raise ValueError(f"{role.name}: answer has shape {action.shape}")
    for number, column in zip(action.tolist(), role.columns, strict=True):
        low, high = (0.0, column.choices - 1.0) if column.choices else (-1.0, 1.0)
        if not low <= number <= high or (column.choices and not number.is_integer()):
            raise ValueError(f"{role.name}: {column.name} {number} is outside the space")
    return action


def _rounded(role: Role, power_mw: tuple[float, ...], place: int, action: FloatArray) -> FloatArray:
    """Bids on their level, powers on a kW."""
    rounded = action.copy()
    if role.name == "generator":
        rounded[0] = level_number(int(level_of(action[0])))
    elif role.name == "storage" and power_mw:
        ticks = power_mw[place] * TICKS_PER_MW
        rounded[0] = np.floor(action[0] * ticks + 0.5) / ticks
    return rounded


def rule(policy: Any, role: Role) -> Decider:
    """Decide as a policy of the role does; each agent asks one of its own, without chance."""

    def decide(state: GraphState) -> tuple[ArrayLike, Any]:
        memory = policy.start([0]) if state["memory"] is None else state["memory"][0]
        seen = np.zeros((1, len(role.agents), len(role.features)), dtype=np.float32)
        seen[0, state["place"]] = state["observation"]
        action, after = policy.act(seen, memory)
        return action[0, state["place"]], (after,)

    return decide


def network(run: Callable[[NDArray[np.float32]], ArrayLike]) -> Decider:
    """Decide as a network does: one row of features in, one row of columns out."""

    def decide(state: GraphState) -> tuple[ArrayLike, Any]:
        return np.asarray(run(state["observation"][None]))[0], None

    return decide


def default(role_name: str, scenario: Any) -> GraphPolicy:
    """A graph around the default rule of a role."""
    (role,) = (one for one in roles(scenario) if one.name == role_name)
    policy = getattr(rules, role_name)(scenario)
    return GraphPolicy(rule(policy, role), role, scenario.fleet.power_mw.tolist())


generator, storage, consumer, operator = (partial(default, name) for name in ROLES)
"""Factories of a graph around the default rule, for the command line."""
