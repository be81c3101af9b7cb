"""A human in a live session: who asks in a step, and what is played where somebody answers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from p2p_market.community.actions import ActionMap
from p2p_market.community.acts import ACT, ASK, META, HumanRequest, chosen, urgency_of
from p2p_market.community.further import place
from p2p_market.community.records import Acting, State
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.records import BoolArray, Float32Array, FloatArray
from p2p_market.validation import floats

OnRequest = Callable[[HumanRequest], FloatArray | Float32Array | None]
"""What is called with each request that counts; the action that it returns is played."""


def requests(
    scenario: Scenario, table: ActionMap, state: State, joint: FloatArray, seen: Float32Array
) -> list[tuple[int, HumanRequest]]:
    """Place of each agent that asks and may, and what it asks.

    Args:
        joint: normalised actions, (agent, column).
        seen: observations before the step, (agent, feature).
    """
    acting: Acting | None = state.acting
    if acting is None:
        return []
    first = table.assets + 2 + place(scenario, META)
    meta, urgency = table.physical(joint)[:, first : first + 2].T
    asks = np.array([np.isfinite(joint[i]).all() and chosen(m) == ASK for i, m in enumerate(meta)])
    heard = (state.hold_steps[0] == 0) & (acting.stop_steps[0] == 0)
    return [
        (
            i,
            HumanRequest(
                state.step, scenario.agents[i], urgency_of(urgency[i]), seen[i].copy(),
                joint[i].copy(),
            ),
        )
        for i in np.flatnonzero(asks & heard & (acting.quiet_steps[0] <= 1)).tolist()
    ]  # fmt: skip


def answered(
    scenario: Scenario,
    table: ActionMap,
    asked: list[tuple[int, HumanRequest]],
    answer: OnRequest,
    out_joint: FloatArray,
    out_present: BoolArray,
) -> dict[str, FloatArray]:
    """Agent -> what is played instead, written into the joint action too.

    The request stays part of the action, so that it is played again with it, unless the human
    chooses another act than `act`, such as `stop`.

    Raises:
        ActionError: if an answer has another shape.
    """
    first = table.assets + 2 + place(scenario, META)
    found: dict[str, FloatArray] = {}
    for i, request in asked:
        said = answer(request)
        if said is None:
            continue
        action = np.array(floats(f"{request.agent}: answer", said, (table.width,)), dtype=float)
        meta = table.physical(np.tile(action, (len(out_joint), 1)))[i, first]
        if np.isfinite(meta) and chosen(meta) in (ACT, ASK):
            action[first : first + 2] = request.action[first : first + 2]
        out_joint[i], out_present[i] = action, True
        found[request.agent] = action.copy()
    return found


def with_acts(
    infos: dict[str, dict[str, Any]],
    agents: Sequence[str],
    acting: Acting | None,
    answers: Mapping[str, FloatArray],
) -> dict[str, dict[str, Any]]:
    """Infos with how urgently an agent asked a human, and what a human played for it."""
    asked = [] if acting is None else acting.request[0].tolist()
    for agent, urgency in zip(agents, asked, strict=False):
        if urgency and agent in infos:
            infos[agent]["human_request"] = urgency
    for agent, action in answers.items():
        infos[agent]["answered"] = action
    return infos
