"""The engine: one step of the power system as a pure function of frozen records.

The rules stand in `kernel`, which this hands copies of the records' arrays to.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from p2p_market.compilation import Packed
from p2p_market.records import BoolArray
from p2p_market.track import Joint
from p2p_market.wholesale import invariants, kernel
from p2p_market.wholesale.actions import COLUMNS, Sent
from p2p_market.wholesale.book import orders
from p2p_market.wholesale.episode.episode import Episode
from p2p_market.wholesale.features import WIDTHS
from p2p_market.wholesale.kernel import Game, Series
from p2p_market.wholesale.observation import Seen
from p2p_market.wholesale.records import (
    FILLS,
    FIRST_PRICE_EUR_PER_MWH,
    HOUR,
    LEDGER_ENTRIES,
    LONGEST_AWAY_H,
    RECOVERY_STEPS,
    ROLES,
    Dispatch,
    Order,
    State,
)
from p2p_market.wholesale.scenario import Scenario
from p2p_market.wholesale.schema import BUSES


def start(scenario: Scenario, episode: Episode) -> State:
    """The state before the first step: storages as the scenario says, nothing produced."""
    (units, storages, consumers), batch = scenario.sizes, episode.batch
    last = blank_dispatch(scenario, batch)
    last.price_eur_per_mwh[:] = FIRST_PRICE_EUR_PER_MWH
    last.voltage_pu[:] = 1.0
    level = np.tile(scenario.fleet.start_mwh, (batch, 1))
    last.level_mwh[:] = level
    return State(
        step=0,
        output_mw=np.zeros((batch, units)),
        level_mwh=level,
        backlog_mwh=np.zeros((batch, consumers)),
        hold_steps=np.zeros((batch, len(scenario.agents)), dtype=np.int64),
        system_state=np.zeros(batch, dtype=np.int64),
        clean_steps=np.full(batch, RECOVERY_STEPS, dtype=np.int64),
        price_eur_per_mwh=np.zeros((batch, scenario.steps)),
        fills_mw=np.zeros((batch, units, FILLS)),
        profits_eur=np.zeros((batch, len(scenario.agents), HOUR)),
        responses_eur=np.zeros((batch, storages, HOUR)),
        away_h=np.full((batch, units), LONGEST_AWAY_H),
        stored_eur_per_mwh=np.full((batch, storages), FIRST_PRICE_EUR_PER_MWH),
        last=Dispatch(*last),
    )


def step(
    scenario: Scenario, episode: Episode, state: State, order: Order, strict: bool = True
) -> State:
    """One step from orders in physical units; what it produced is the state's `last`.

    Raises:
        InvariantError: in strict mode, if energy or money does not balance.
    """
    arrays = Order.Arrays(*(np.array(one) for one in order.arrays()))
    return _step(scenario, episode, state, arrays, UNSENT, NOBODY, strict)


def act(
    scenario: Scenario,
    episode: Episode,
    state: State,
    actions: Joint,
    strict: bool = True,
    heard: BoolArray | None = None,
) -> State:
    """One step from actions.

    Args:
        actions: role -> (batch, agent of the role, column).
        heard: whose action arrived, (batch, agent); None: everybody's.

    Raises:
        InvariantError: in strict mode, if energy or money does not balance.
    """
    given = Sent(*(fixed(np.ascontiguousarray(actions[role], dtype=np.float64)) for role in ROLES))
    shape = (episode.batch, len(scenario.agents))
    everyone = np.ones(shape, dtype=np.bool_) if heard is None else heard
    blank = blank_order(scenario, episode.batch)
    return _step(scenario, episode, state, blank, given, everyone, strict)


def observe(scenario: Scenario, episode: Episode, state: State) -> Seen:
    """What agents see before a step, by role, (batch, agent of the role, feature)."""
    seen = blank_seen(scenario, episode.batch)
    order = blank_order(scenario, episode.batch)
    kernel.show(game_of(scenario, episode, moving_of(state), order), state.step, seen)
    return seen


def _step(
    scenario: Scenario,
    episode: Episode,
    state: State,
    order: Any,
    sent: Sent,
    heard: BoolArray,
    strict: bool,
) -> State:
    moving = moving_of(state)
    kernel.turn(game_of(scenario, episode, moving, order), state.step, sent, fixed(heard), UNSEEN)
    after = State(*moving._replace(step=state.step + 1, last=Dispatch(*moving.last)))
    if strict:
        invariants.insist(scenario, episode, state, after)
    return after


def game_of(scenario: Scenario, episode: Episode, moving: Any, order: Any) -> Any:
    """All that a step reads and writes, as one argument of a kernel."""
    series = Series(*(getattr(episode, name) for name in Series._fields))
    flow = scenario.flow.arrays()
    return Packed(Game(scenario.rules, scenario.fleet, flow, series, moving, order), whole=True)


def moving_of(state: State) -> Any:
    """A copy of a state that kernels may write into."""
    step, *arrays, last = state.arrays()
    copies = (np.array(one) for one in arrays)
    return State.Arrays(step, *copies, Dispatch.Arrays(*(np.array(one) for one in last)))


def copied(moving: Any, step: int) -> State:
    """The state that kernels have moved, as a record of its own."""
    fresh = State.Arrays(*map(np.array, moving[:-1]), Dispatch(*map(np.array, moving.last)))
    return State(*fresh._replace(step=step))


def blank_order(scenario: Scenario, batch: int) -> Any:
    """Room for orders, as named arrays."""
    units, storages, consumers = scenario.sizes
    return Order.Arrays(
        level=np.zeros((batch, units), dtype=np.int64),
        share=np.zeros((batch, units)),
        power_mw=np.zeros((batch, storages)),
        limit_eur_per_mwh=np.zeros((batch, storages)),
        adjustment=np.zeros((batch, consumers)),
        response_eur_per_mwh=np.zeros((batch, consumers)),
        reserve_level=np.zeros(batch, dtype=np.int64),
        tap=np.zeros(batch, dtype=np.int64),
        fault=np.zeros((batch, len(scenario.agents)), dtype=np.int64),
    )


def blank_dispatch(scenario: Scenario, batch: int) -> Any:
    """Room for what a step produces, as named arrays."""
    units, storages, consumers = scenario.sizes
    agents, providers = len(scenario.agents), units + storages + consumers
    widths: dict[str, int] = {
        "cause": agents,
        "bid_level": units,
        "offered_share": units,
        "adjustment": consumers,
        "order_mw": orders(*scenario.sizes),
        "order_eur_per_mwh": orders(*scenario.sizes),
        "fill_mw": orders(*scenario.sizes),
        "low_mw": units,
        "high_mw": units,
        "output_mw": units,
        "dumped_mw": units,
        "emissions_t": units,
        "power_mw": storages,
        "level_mwh": storages,
        "flexible_mw": consumers,
        "normal_mw": consumers,
        "lost_mw": consumers,
        "load_mw": consumers,
        "backlog_mwh": consumers,
        "emergency_mw": units + storages,
        "room_up_mw": providers,
        "room_down_mw": providers,
        "gain_mw_per_hz": providers,
        "response_eur": providers,
        "bus_mw": BUSES,
        "bus_mvar": BUSES,
        "voltage_pu": BUSES,
        "voltage_beyond_pu": BUSES,
        "deviation_hz": 2,
        "shed_mw": 2,
        "reward": agents,
        "objectives_eur": 3,
    }
    whole = ("cause", "bid_level", "reserve_level", "tap", "system_state")
    made = {}
    for name in Dispatch.Arrays._fields:
        shape = (batch, widths[name]) if name in widths else (batch,)
        made[name] = np.zeros(shape, dtype=np.int64 if name in whole else np.float64)
    made["entries_eur"] = np.zeros((batch, agents, len(LEDGER_ENTRIES)))
    return Dispatch.Arrays(**made)


def blank_seen(scenario: Scenario, batch: int) -> Seen:
    """Room for observations."""
    counts = (*scenario.sizes, 1)
    shapes = zip(counts, WIDTHS.values(), strict=True)
    return Seen(*(np.empty((batch, *shape), dtype=np.float32) for shape in shapes))


def fixed(array: NDArray[Any]) -> NDArray[Any]:
    """A read-only view: whether one may write is part of what a kernel is compiled for."""
    view = array.view()
    view.setflags(write=False)
    return view


def _unsent() -> Sent:
    return Sent(*(fixed(np.zeros((0, 0, 0))) for _ in COLUMNS))


UNSENT: Final = _unsent()
NOBODY: Final = np.zeros((0, 0), dtype=np.bool_)
"""In place of actions, where orders stand."""
UNSEEN: Final = Seen(*(np.zeros((0, 0, 0), dtype=np.float32) for _ in COLUMNS))
"""In place of observations that nobody needs."""
