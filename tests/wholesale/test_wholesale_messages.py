"""Messages of a step, derived from what was recorded, and the bus that carries them."""

import json
from collections import Counter
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from p2p_market.errors import ArgumentError
from p2p_market.evaluation.players.policy import load_cast
from p2p_market.evaluation.rollout import join, recorded, rollout
from p2p_market.kit.defaults import stack
from p2p_market.messages import EVERYBODY, GenerationBid, Message, log_of
from p2p_market.wholesale.bus import MessageBus
from p2p_market.wholesale.messages import PHASES, RESPONSE, all_messages, book_of, messages
from p2p_market.wholesale.records import LEDGER_ENTRIES
from tests.wholesale.cases import drawn, quiet, scenario

KINDS = {
    "GENERATION_BID", "DEMAND_RESPONSE_OFFER", "MARKET_PRICE_UPDATE", "DISPATCH_INSTRUCTION",
    "EMERGENCY_SIGNAL", "STATUS_UPDATE",
}  # fmt: skip
STEPS = 48
MARKET = LEDGER_ENTRIES.index("market")


@lru_cache(maxsize=4)
def played(name="default", steps=STEPS, of="wholesale-12-v0"):
    return rollout(scenario(of), drawn(of), load_cast(name, scenario(of)), steps=steps)


def scarce(**columns):
    """Steps of firm load that the only unit at work cannot serve from step 2 to step 3."""
    of = scenario()
    firm = np.full((1, of.steps, 3), 20.0)
    firm[:, 2:4] = 130.0
    given = {"available_mw": [30.0, 40.0, 40.0, 30.0, 0.0, 0.0], "damping_mw_per_hz": 2.0}
    episode = quiet(of, **(given | {"firm_mw": firm} | columns))
    return of, episode, rollout(of, episode, load_cast("default", of), steps=12)


def test_the_same_seed_gives_the_same_log():
    of, episode = scenario(), drawn()
    again = rollout(of, episode, load_cast("default", of), steps=STEPS)
    replay = rollout(of, episode, recorded(played().actions), steps=STEPS)
    logs = [log_of(all_messages(of, episode, one)) for one in (played(), again, replay)]
    assert logs[0] == logs[1] == logs[2]
    other = log_of(all_messages(of, episode, played("random")))
    assert other != logs[0]
    lines = [json.loads(line) for line in logs[0].splitlines()]
    assert {line["kind"] for line in lines} >= KINDS - {"EMERGENCY_SIGNAL"}
    assert [line["step"] for line in lines] == sorted(line["step"] for line in lines)


def test_a_community_of_a_batch_says_what_it_says_alone():
    of, episode = scenario(), drawn()
    batch, both = join([played(), played("random")]), stack([episode, episode])
    told = messages(of, episode, played(), 7)
    assert messages(of, both, batch, 7, 0) == told
    assert messages(of, both, batch, 7, 1) == messages(of, episode, played("random"), 7) != told


@pytest.mark.parametrize("name", ["default", "random"])
def test_every_order_has_one_bid_and_one_answer(name):
    of, episode, play = scenario(), drawn(), played(name)
    for step in range(STEPS):
        told = messages(of, episode, play, step)
        asked, fills = (play.series[key][step, 0] for key in ("order_mw", "fill_mw"))
        prices = play.series["order_eur_per_mwh"][step, 0]
        bids = {(m.sender, m.content.order): m.content for m in told if m.phase == "bid"}
        answers = Counter(
            (m.receiver, m.content.order)
            for m in told
            if m.phase in ("clear", "dispatch")
            and m.receiver != EVERYBODY
            and getattr(m.content, "reason", "") != "emergency"
        )
        cleared = {
            (m.receiver, m.content.order): m.content.cleared_quantity_mw
            for m in told
            if m.phase == "dispatch" and m.content.reason == "cleared"
        }
        assert sum(m.phase == "bid" for m in told) == len(bids) == np.count_nonzero(asked)
        assert set(answers) == set(bids)
        assert set(answers.values()) == {1}
        for order in book_of(of):
            key = of.agents[order.agent], order.name
            if asked[order.place] == 0.0:
                assert key not in bids
                continue
            assert bids[key].quantity_mw == asked[order.place]
            assert bids[key].price_eur_per_mwh == prices[order.place]
            assert cleared.get(key, 0.0) == fills[order.place]


@pytest.mark.parametrize("name", ["default", "random"])
def test_instructions_add_up_to_the_ledger(name):
    of, episode, play = scenario(), drawn(), played(name)
    paid = np.zeros((STEPS, len(of.agents)))
    for message in all_messages(of, episode, play):
        if message.phase == "dispatch":
            told = message.content
            agent = of.agents.index(message.receiver)
            energy = told.cleared_quantity_mw * of.dt_h
            paid[message.step, agent] += energy * told.clearing_price_eur_per_mwh
    assert paid == pytest.approx(play.entries_eur[:, 0, :, MARKET], abs=1e-9)


def test_all_is_told_in_order_and_by_the_clearing_price():
    of, episode, play = scenario(), drawn(), played("random")
    for step in range(STEPS):
        told = messages(of, episode, play, step)
        assert [m.sequence for m in told] == list(range(len(told)))
        places = [PHASES.index(m.phase) for m in told]
        assert places == sorted(places)
        (update,) = (m for m in told if m.phase == "clear" and m.receiver == EVERYBODY)
        price = play.series["price_eur_per_mwh"][step, 0]
        assert update.content.clearing_price_eur_per_mwh == price
        for message in told:
            price_told = getattr(message.content, "clearing_price_eur_per_mwh", price)
            assert price_told == price
        assert [m.sender for m in told if m.kind == "STATUS_UPDATE"] == list(of.agents)


def test_losers_hear_why():
    of = scenario("auction-example-v0")
    episode = drawn("auction-example-v0")
    told = messages(of, episode, rollout(of, episode, load_cast("default", of)), 0)
    lost = {
        (m.receiver, m.content.order): m.content.reason
        for m in told
        if m.kind == "MARKET_PRICE_UPDATE" and m.receiver != EVERYBODY
    }
    assert lost[("gas_1", "offer")] == "demand_met_by_cheaper_offers"
    assert {m.content.status for m in told if hasattr(m.content, "status")} == {"bid_not_cleared"}


def test_the_signal_comes_when_the_state_rises_and_when_it_falls():
    of, episode, play = scarce()
    signals = [m for m in all_messages(of, episode, play) if m.kind == "EMERGENCY_SIGNAL"]
    state = play.series["system_state"][:, 0]
    changes = [t for t in range(len(state)) if state[t] != (state[t - 1] if t else 0)]
    assert [m.step for m in signals] == changes
    assert [m.content.state for m in signals] == ["emergency", "normal"]
    assert {m.receiver for m in signals} == {EVERYBODY}
    lost = play.series["lost_mw"][changes[0], 0].sum()
    assert signals[0].content.missing_mw == pytest.approx(lost)
    assert lost > 100.0
    assert signals[1].content.missing_mw == 0.0
    assert changes == [2, 6]


def test_the_emergency_service_tells_storages_before_generators():
    of, episode, play = scarce(available_mw=[30.0, 40.0, 40.0, 30.0, 0.0, 0.0])
    told = [
        m for m in messages(of, episode, play, 2)
        if m.phase == "dispatch" and m.content.reason == "emergency"
    ]  # fmt: skip
    called = play.series["emergency_mw"][2, 0]
    ranks = [("storage", "coal", "gas", "oil", "consumer").index(m.receiver[:-2]) for m in told]
    assert ranks == sorted(ranks)
    assert {0, 4} <= set(ranks)
    served = -sum(m.content.cleared_quantity_mw for m in told if m.content.cleared_quantity_mw < 0)
    assert served == pytest.approx(called.sum())
    assert called.sum() > 0.0
    assert sum(m.content.cleared_quantity_mw for m in told) == pytest.approx(0.0, abs=1e-9)


def test_droop_is_told_in_the_order_of_the_protocol():
    of, episode, play = scarce(fluctuation_mw=[0.0] * 8 + [300.0] + [0.0] * 2007)
    told = [m for m in messages(of, episode, play, 8) if m.phase == "event"]
    assert told[0].kind == "EMERGENCY_SIGNAL"
    kinds = [of.agents.index(m.receiver) for m in told[1:]]
    units, storages, _ = of.sizes
    order = [0 if units <= i < units + storages else 1 if i >= units else 2 for i in kinds]
    assert order == sorted(order)
    assert {0, 2} <= set(order)
    for message in told[1:]:
        agent = of.agents.index(message.receiver)
        assert message.content.order == RESPONSE
        assert message.content.reason == "emergency"
        gain, room = (play.series[key][8, 0, agent] for key in ("gain_mw_per_hz", "room_up_mw"))
        hz = play.series["deviation_hz"][8, 0, 0]
        assert -message.content.cleared_quantity_mw == min(gain * hz, room)


def test_who_is_held_says_so():
    """A row of NaN is no message; a NaN beside a number is a wrong one."""
    of, episode = scenario(), drawn()
    actions = {role: values.copy() for role, values in played().actions.items()}
    actions["storage"][1, 0, 1] = actions["operator"][1] = np.nan
    actions["storage"][1, 0, 0, 1] = np.nan
    play = rollout(of, episode, recorded(actions), steps=3)
    status = [m for m in messages(of, episode, play, 1) if m.kind == "STATUS_UPDATE"]
    causes = {m.sender: m.content.cause for m in status if m.content.cause != "none"}
    assert causes == {
        "storage_0": "non_finite",
        "storage_1": "missing",
        "operator_0": "missing",
    }


def test_a_step_that_was_not_played_is_refused():
    with pytest.raises(ArgumentError, match="48 steps of 1 communities"):
        messages(scenario(), drawn(), played(), STEPS)
    with pytest.raises(ArgumentError, match="community 1"):
        messages(scenario(), drawn(), played(), 0, 1)


def bid(sender, receiver, phase="bid"):
    return Message(0, phase, 0, sender, receiver, GenerationBid("offer", -1.0, 20.0))


def test_the_bus_delivers_phase_by_phase_in_order():
    bus = MessageBus(("a", "b", "operator_0"))
    late, first, second = bid("a", "b", "status"), bid("a", "operator_0"), bid("b", "operator_0")
    for message in (late, first, second):
        bus.send(message)
    assert bus.take("operator_0") == ()
    assert bus.deliver("bid") == 2
    assert bus.take("operator_0") == (first, second)
    assert bus.take("operator_0") == ()
    assert bus.take("b") == ()
    assert bus.deliver("status") == 1
    assert bus.take("b") == (late,)
    assert bus.deliver("bid") == 0


def test_the_bus_tells_all_but_the_sender():
    bus = MessageBus(("a", "b", "c"))
    bus.broadcast(bid("a", "b"))
    bus.deliver("bid")
    told = bus.take("b")
    assert told == (replace(bid("a", "b"), receiver=EVERYBODY),)
    assert bus.take("c") == told
    assert bus.take("a") == ()


def test_the_bus_carries_a_whole_step():
    of, episode, play = scenario(), drawn(), played()
    bus, told = MessageBus(of.agents), messages(of, episode, play, 5)
    for message in reversed(told):
        bus.send(message)
    assert sum(bus.deliver(phase) for phase in PHASES) == len(told)
    arrived = bus.take("operator_0")
    own = [m for m in told if m.receiver == "operator_0"]
    assert sorted(arrived, key=lambda m: m.sequence) == own


def test_the_bus_knows_its_agents_and_phases():
    bus = MessageBus(("a", "b"))
    with pytest.raises(ArgumentError, match="nobody is called 'c'"):
        bus.send(bid("a", "c"))
    with pytest.raises(ArgumentError, match="no phase 'noon'"):
        bus.send(bid("a", "b", "noon"))
    with pytest.raises(ArgumentError, match="no phase 'noon'"):
        bus.deliver("noon")
    with pytest.raises(ArgumentError, match="nobody is called 'c'"):
        bus.take("c")
