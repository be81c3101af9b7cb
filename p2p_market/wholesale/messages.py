"""What agents and operator say to each other in a step, derived from what was recorded.

The step builds no messages: log, replay and pictures read the same arrays, so they agree. Phases
follow each other: bid, clear, dispatch, event, status; within a phase the order of the book or of
the agents holds. A message of a step can be read before the next one.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import numpy as np

from p2p_market.errors import ArgumentError
from p2p_market.grid.frequency import NOMINAL_HZ
from p2p_market.messages import (
    EVERYBODY,
    BidNotCleared,
    Content,
    DemandResponseOffer,
    DispatchInstruction,
    EmergencySignal,
    GenerationBid,
    MarketPriceUpdate,
    Message,
    StatusUpdate,
)
from p2p_market.records import Trajectory
from p2p_market.wholesale.book import LEAST_MW
from p2p_market.wholesale.episode.episode import Episode
from p2p_market.wholesale.events import DOWN, UP
from p2p_market.wholesale.records import CAUSES, EMERGENCY_HZ, NORMAL
from p2p_market.wholesale.scenario import INVERTER, Scenario

PHASES: Final = ("bid", "clear", "dispatch", "event", "status")
STATES: Final = ("normal", "alert", "emergency")
RESPONSE: Final = "response"
"""Order of an instruction that comes from droop, not from the book."""

_Said = tuple[str, str, str, Content]


class _Order(NamedTuple):
    place: int  # in the book
    agent: int
    name: str


class _Step(NamedTuple):
    """One step of one community."""

    scenario: Scenario
    series: dict[str, Any]  # name -> array of the step
    before: int  # state of the system
    cause: Any  # (agent,)
    paid_eur: Any  # (agent,)
    trips: Any  # (generator,)


def messages(
    scenario: Scenario, episode: Episode, played: Trajectory, step: int, community: int = 0
) -> tuple[Message, ...]:
    """All messages of a step, in order.

    Args:
        episode: what was played; it tells which units trip.
        step: of the play, from 0.
        community: place in the batch.

    Raises:
        ArgumentError: if the play has no such step or community.
    """
    if not (0 <= step < played.steps and 0 <= community < played.cause.shape[1]):
        raise ArgumentError(
            f"messages: step {step} of community {community} was not played; there are "
            f"{played.steps} steps of {played.cause.shape[1]} communities"
        )
    now = _step_of(scenario, episode, played, step, community)
    return tuple(
        Message(step, phase, number, sender, receiver, content)
        for number, (phase, sender, receiver, content) in enumerate(_said(now))
    )


def all_messages(
    scenario: Scenario, episode: Episode, played: Trajectory, community: int = 0
) -> Iterator[Message]:
    """Messages of all steps of a play, in order; `p2p_market.messages.log_of` makes them bytes."""
    for step in range(played.steps):
        yield from messages(scenario, episode, played, step, community)


def book_of(scenario: Scenario) -> tuple[_Order, ...]:
    """Place, agent and name of each order, in the order of the book."""
    units, storages, consumers = scenario.sizes
    rows: list[tuple[int, str]] = [(i, "must_run") for i in range(units)]
    rows += [(i, "offer") for i in range(units)]
    rows += [(units + i, "storage") for i in range(storages)]
    for name in ("firm", "wanted", "offered"):
        rows += [(units + storages + i, name) for i in range(consumers)]
    return tuple(_Order(place, agent, name) for place, (agent, name) in enumerate(rows))


def _step_of(scenario: Scenario, episode: Episode, played: Trajectory, t: int, b: int) -> _Step:
    series = {name: values[t, b] for name, values in played.series.items()}
    before = NORMAL if t == 0 else int(played.series["system_state"][t - 1, b])
    paid = played.entries_eur[t, b].sum(axis=-1)
    return _Step(scenario, series, before, played.cause[t, b], paid, episode.trips[b, t])


def _said(now: _Step) -> Iterator[_Said]:
    book = [one for one in book_of(now.scenario) if now.series["order_mw"][one.place] != 0.0]
    yield from _bids(now, book)
    yield from _clearing(now, book)
    yield from _instructions(now, book)
    yield from _events(now)
    yield from _statuses(now)


def _bids(now: _Step, book: Iterable[_Order]) -> Iterator[_Said]:
    names, consumers = now.scenario.agents, sum(now.scenario.sizes[:2])
    quantity, price = now.series["order_mw"], now.series["order_eur_per_mwh"]
    for place, agent, name in book:
        content = GenerationBid if agent < consumers else DemandResponseOffer
        bid = content(name, float(quantity[place]), float(price[place]))
        yield "bid", names[agent], names[-1], bid


def _clearing(now: _Step, book: Iterable[_Order]) -> Iterator[_Said]:
    """The price to all; to those of whose order nothing was taken again, with the reason."""
    names, series = now.scenario.agents, now.series
    yield "clear", names[-1], EVERYBODY, _update(now)
    cleared = float(series["price_eur_per_mwh"])
    for place, agent, name in book:
        if abs(series["fill_mw"][place]) <= LEAST_MW:
            quantity = float(series["order_mw"][place])
            limit = float(series["order_eur_per_mwh"][place])
            reason = _reason(quantity, limit, cleared)
            answer = BidNotCleared(name, quantity, limit, cleared, reason)
            yield "clear", names[-1], names[agent], answer


def _reason(quantity_mw: float, limit: float, cleared: float) -> str:
    if quantity_mw < 0.0:
        return "demand_met_by_cheaper_offers"
    return "price_above_limit" if cleared >= limit else "no_seller"


def _update(now: _Step) -> MarketPriceUpdate:
    series, fleet = now.series, now.scenario.fleet
    load = max(float(series["load_mw"].sum()), LEAST_MW)
    clean = series["output_mw"] - series["dumped_mw"]
    tonnes = float(series["emissions_t"].sum())
    return MarketPriceUpdate(
        clearing_price_eur_per_mwh=float(series["price_eur_per_mwh"]),
        volume_mw=float(np.maximum(series["fill_mw"], 0.0).sum()),
        lowest_frequency_hz=NOMINAL_HZ - float(series["deviation_hz"][UP]),
        highest_frequency_hz=NOMINAL_HZ + float(series["deviation_hz"][DOWN]),
        lowest_voltage_pu=float(series["voltage_pu"].min()),
        highest_voltage_pu=float(series["voltage_pu"].max()),
        renewable_share=float(clean[fleet.kind == INVERTER].sum()) / load,
        co2_kg_per_mwh=1000.0 * tonnes / (now.scenario.dt_h * load),
    )


def _instructions(now: _Step, book: Iterable[_Order]) -> Iterator[_Said]:
    """What the auction took, then what the emergency service called, storages first."""
    names, series = now.scenario.agents, now.series
    price = float(series["price_eur_per_mwh"])

    def told(agent: int, order: str, quantity: float, reason: str) -> _Said:
        content = DispatchInstruction(order, quantity, price, reason)
        return "dispatch", names[-1], names[agent], content

    for place, agent, name in book:
        fill = float(series["fill_mw"][place])
        if abs(fill) > LEAST_MW:
            yield told(agent, name, fill, "cleared")
    (units, storages, consumers), called = now.scenario.sizes, series["emergency_mw"]
    if not called.any():
        return
    for agent in (*range(units, units + storages), *range(units)):
        if called[agent] > 0.0:
            name = "offer" if agent < units else "storage"
            yield told(agent, name, -float(called[agent]), "emergency")
    first = 2 * units + storages
    for i in range(consumers):
        place = first + i
        unmet = float(series["order_mw"][place] - series["fill_mw"][place])
        served = unmet - float(series["lost_mw"][i])
        if served > LEAST_MW:
            yield told(units + storages + i, "firm", served, "emergency")


def _events(now: _Step) -> Iterator[_Said]:
    """The signal when the state rises or falls, and the response that an emergency called."""
    names, state = now.scenario.agents, int(now.series["system_state"])
    if state != now.before:
        yield "event", names[-1], EVERYBODY, _signal(now, state)
    if now.series["deviation_hz"].max() > EMERGENCY_HZ:
        yield from _responses(now)


def _signal(now: _Step, state: int) -> EmergencySignal:
    below, above = now.series["deviation_hz"].tolist()
    volts = now.series["voltage_pu"]
    return EmergencySignal(
        state=STATES[state],
        frequency_hz=NOMINAL_HZ - below if below >= above else NOMINAL_HZ + above,
        voltage_pu=float(volts[np.abs(volts - 1.0).argmax()]),
        missing_mw=float(now.series["lost_mw"].sum() + now.series["shed_mw"].sum()),
    )


def _responses(now: _Step) -> Iterator[_Said]:
    """Droop of storages, flexible load and generators, in the direction of the larger deviation."""
    (units, storages, consumers), series = now.scenario.sizes, now.series
    way = int(series["deviation_hz"].argmax())
    room = series["room_up_mw" if way == UP else "room_down_mw"]
    moved = np.minimum(series["gain_mw_per_hz"] * series["deviation_hz"][way], room)
    price, names = float(series["price_eur_per_mwh"]), now.scenario.agents
    providers = (*range(units, units + storages + consumers), *range(units))
    for agent in providers:
        if moved[agent] > LEAST_MW:
            power = float(moved[agent]) * (-1.0 if way == UP else 1.0)
            content = DispatchInstruction(RESPONSE, power, price, "emergency")
            yield "event", names[-1], names[agent], content


def _statuses(now: _Step) -> Iterator[_Said]:
    """Every agent to the operator, the operator to all."""
    (units, storages, consumers), series = now.scenario.sizes, now.series
    names = now.scenario.agents
    net = series["dumped_mw"] - series["output_mw"]
    own: list[dict[str, Any]] = [
        {"power_mw": float(net[i]), "tripped": bool(now.trips[i] > 0.0)} for i in range(units)
    ]
    own += [
        {"power_mw": float(series["power_mw"][i]), "level_mwh": float(series["level_mwh"][i])}
        for i in range(storages)
    ]
    own += [
        {"power_mw": float(series["load_mw"][i]), "backlog_mwh": float(series["backlog_mwh"][i])}
        for i in range(consumers)
    ]
    state = STATES[int(series["system_state"])]
    levels = {"reserve_level": int(series["reserve_level"]), "tap": int(series["tap"])}
    own.append({"state": state, **levels})
    for agent, values in enumerate(own):
        cause, paid = CAUSES[int(now.cause[agent])], float(now.paid_eur[agent])
        receiver = EVERYBODY if agent == len(own) - 1 else names[-1]
        yield "status", names[agent], receiver, StatusUpdate(cause, paid, **values)
