"""What a recorded play holds of agreements: series, messages, and how honest forecasts were.

Messages are derived from recorded arrays, so a replay gives the same ones.
"""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from p2p_market.community.actions import action_map
from p2p_market.community.coordination.records import (
    BACKUP,
    BUYER,
    END,
    EVERYBODY,
    FORWARD,
    KIND,
    NOBODY,
    OUTCOMES,
    PREMIUM,
    PRICE,
    QUANTITY,
    SELLER,
    START,
    Agreements,
)
from p2p_market.community.coordination.terms import terms_of
from p2p_market.community.records import SUPERVISOR_CAUSES
from p2p_market.community.scenario.record import Scenario
from p2p_market.data.forecast import HORIZONS_H
from p2p_market.errors import ScenarioError
from p2p_market.messages import EVERYBODY as ALL
from p2p_market.messages import (
    HUMAN,
    MARKET,
    Answer,
    BackupCall,
    BackupProposal,
    CoalitionProposal,
    Content,
    ForecastShare,
    ForwardProposal,
    HumanRequest,
    Message,
    Settled,
    Signed,
    Stop,
)
from p2p_market.records import FloatArray
from p2p_market.track import Series, Trajectory

SERIES: Final = {
    "agreed_eur": "money_eur",
    "agreed_kw": "matched_kw",
    "agreed_contracts": "contracts",
    "agreed_inbox": "inbox",
    "agreed_proposals": "proposed",
    "agreed_sending": "sending",
    "agreed_answers": "answered",
    "agreed_coalition": "coalition",
    "agreed_lost_eur": "lost_eur",
    "agreed_forecast_kw": "shared_kw",
    "agreed_forecast_to": "shared_to",
}
"""Series of an outcome, each with its field of `Agreements`, as it is after the step."""

_OWN_STOP = SUPERVISOR_CAUSES.index("own_stop")
_SIGNED, _FULL = OUTCOMES.index("signed"), OUTCOMES.index("inbox_full")
_NAMES: Final = ("", "forward", "backup", "coalition")


def series_of(agreements: Agreements | None) -> Series:
    """What an outcome tells of agreements; nothing where there are none."""
    if agreements is None:
        return {}
    return {name: getattr(agreements, field) for name, field in SERIES.items()}


def chained(agreements: Agreements | None) -> tuple[Any, ...]:
    """What is hashed of agreements: all of it."""
    return () if agreements is None else tuple(agreements.arrays())


def with_agreements(
    infos: dict[str, dict[str, Any]], agreements: Agreements | None
) -> dict[str, dict[str, Any]]:
    """Infos of all members, with what each is told of the step, of a batch of one."""
    if agreements is None:
        return infos
    sending, answers = agreements.sending[0].tolist(), agreements.answered[0].tolist()
    reply = agreements.reply[0].tolist()
    eur, kw = agreements.money_eur[0].tolist(), agreements.matched_kw[0].tolist()
    for i, own in enumerate(infos.values()):
        own["agreements"] = {
            "proposal": OUTCOMES[sending[i]],
            "answers": tuple(OUTCOMES[code] for code in answers[i]),
            "reply": OUTCOMES[reply[i]],
            "paid_eur": eur[i],
            "bought_kw": kw[i],
        }
    return infos


def messages(scenario: Scenario, played: Trajectory, community: int = 0) -> tuple[Message, ...]:
    """All messages of an episode, in order.

    Raises:
        ScenarioError: if the scenario has neither agreements nor acts.
    """
    if scenario.spec.coordination is None and not scenario.spec.acts:
        raise ScenarioError(
            f"{scenario.spec.id}: has no section `coordination` and no `acts`, so no messages"
        )
    return tuple(
        Message(step, phase, number, sender, receiver, content)
        for step in range(played.steps)
        for number, (phase, sender, receiver, content) in enumerate(
            _said(scenario, played, step, community)
        )
    )


Said = tuple[str, str, str, Content]


def _said(scenario: Scenario, played: Trajectory, t: int, b: int) -> Iterator[Said]:
    if scenario.spec.acts:
        yield from _acts(scenario, played, t, b)
    if scenario.spec.coordination is not None:
        yield from _of_step(scenario, played, t, b)


def _acts(scenario: Scenario, played: Trajectory, t: int, b: int) -> Iterator[Said]:
    """Stops that begin in this step, and requests."""
    fresh = played.series["stop_steps"][t, b] == scenario.hold_steps - 1
    for member in np.flatnonzero(fresh & (played.cause[t, b] == _OWN_STOP)).tolist():
        yield "act", scenario.agents[member], ALL, Stop(scenario.hold_steps)
    for member, urgency in enumerate(played.series["request"][t, b].tolist()):
        if urgency:
            yield "act", scenario.agents[member], HUMAN, HumanRequest(urgency)


def _of_step(scenario: Scenario, played: Trajectory, t: int, b: int) -> Iterator[Said]:
    name, now = scenario.agents, {key: played.series[key][t, b] for key in SERIES}
    if t > 0:
        inbox = played.series["agreed_inbox"][t - 1, b]
        for receiver, slot in np.argwhere(now["agreed_answers"] > 0).tolist():
            row, code = inbox[receiver, slot], int(now["agreed_answers"][receiver, slot])
            proposer = name[int(row[BUYER])]
            yield "answer", name[receiver], proposer, Answer(code == _SIGNED, OUTCOMES[code])
            if code == _SIGNED:
                yield "answer", proposer, name[receiver], Signed(_NAMES[int(row[KIND])])
    for sender, row in enumerate(now["agreed_proposals"]):
        if row[KIND]:
            receiver = int(row[SELLER])
            yield "propose", name[sender], name[receiver], _proposal(row)
            if now["agreed_sending"][sender] == _FULL:
                yield "propose", name[receiver], name[sender], Answer(False, OUTCOMES[_FULL])
    for sender, to in enumerate(now["agreed_forecast_to"].tolist()):
        if to != NOBODY:
            told = tuple(now["agreed_forecast_kw"][sender].tolist())
            heard = ALL if to == EVERYBODY else name[to]
            yield "forecast", name[sender], heard, ForecastShare(HORIZONS_H, told)
    yield from _calls(scenario, played, t, b)
    for member, eur in enumerate(now["agreed_eur"].tolist()):
        kw = float(now["agreed_kw"][member])
        if eur != 0.0 or kw != 0.0:
            yield "settle", MARKET, name[member], Settled(eur, kw)


def _proposal(row: FloatArray) -> Content:
    kind, (start, end) = int(row[KIND]), (int(row[START]), int(row[END]))
    quantity, price = float(row[QUANTITY]), float(row[PRICE])
    if kind == FORWARD:
        return ForwardProposal(quantity, price, start, end)
    if kind == BACKUP:
        return BackupProposal(quantity, price, float(row[PREMIUM]), start, end)
    return CoalitionProposal(end)


def _calls(scenario: Scenario, played: Trajectory, t: int, b: int) -> Iterator[Said]:
    """Calls of options that were open in a step, by members that were heard."""
    terms, table = terms_of(scenario), action_map(scenario)
    assert terms is not None
    if terms.at.call < 0 or t == 0:
        return
    action = table.physical(played.actions["prosumer"][t, b].astype(np.float64))
    share = np.clip(action[:, table.assets + 2 + terms.at.call], 0.0, 1.0)
    open_now = played.series["agreed_contracts"][t - 1, b]
    runs = (open_now[:, KIND] == BACKUP) & (open_now[:, START] <= t) & (t < open_now[:, END])
    for buyer in sorted({int(i) for i in open_now[runs, BUYER]}):
        if share[buyer] > 0.0 and played.cause[t, b, buyer] == 0:
            own = runs & (open_now[:, BUYER] == buyer)
            for one in sorted({int(i) for i in open_now[own, SELLER]}):
                call = BackupCall(float(share[buyer]))
                yield "call", scenario.agents[buyer], scenario.agents[one], call


def honesty(played: Trajectory, truthful_kw: FloatArray) -> FloatArray:
    """How far shared forecasts are from what their senders expected, (batch, agent).

    Mean absolute difference over the mean absolute net load; nan for who shared nothing.

    Args:
        truthful_kw: each sender's own forecast, (step, batch, agent, horizon) [kW].
    """
    told = played.series["agreed_forecast_to"] != NOBODY
    off = np.abs(played.series["agreed_forecast_kw"] - truthful_kw).mean(axis=3)
    count = told.sum(axis=0)
    mean_off = np.where(told, off, 0.0).sum(axis=0) / np.where(count > 0, count, np.nan)
    return np.asarray(mean_off / np.abs(played.series["net_load_kw"]).mean(axis=0))
