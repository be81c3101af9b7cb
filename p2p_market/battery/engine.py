"""The engine: one step of the batteries as a pure function of frozen records.

The rules stand in `kernel`, which this hands copies of the records' arrays to.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from p2p_market.battery import invariants, kernel
from p2p_market.battery.episode.episode import Episode
from p2p_market.battery.kernel import Game, Series
from p2p_market.battery.observation import LONGEST_H
from p2p_market.battery.records import COLUMN, LEDGER_ENTRIES, Dispatch, Order, State
from p2p_market.battery.scenario import Scenario
from p2p_market.compilation import Packed
from p2p_market.records import BoolArray, Float32Array, FloatArray


def start(scenario: Scenario, episode: Episode) -> State:
    """The state before the first step: half full or as the scenario says, nothing accepted."""
    fleet, shape = scenario.fleet, (episode.batch, len(scenario.agents))
    level = np.tile(fleet.start_mwh, (episode.batch, 1))
    return State(
        step=0,
        level_mwh=level,
        hold_steps=np.zeros(shape, dtype=np.int64),
        accepted_mw=np.zeros(shape),
        quiet_h=np.full(shape, LONGEST_H),
        shortfall_risk=risks(scenario, level, episode.position_mw, 0),
        intraday_eur_per_mwh=episode.market[:, 0, COLUMN["intraday"]],
        position_mw=episode.position_mw,
    )


def risks(
    scenario: Scenario, level_mwh: FloatArray, position_mw: FloatArray, step: int
) -> FloatArray:
    """Share of the position that is shown before a step and would stay unserved, (batch, agent).

    Args:
        level_mwh: before the step, (batch, agent).
        position_mw: (batch, agent, hour).
    """
    out = np.zeros_like(level_mwh)
    kernel.risks(scenario.rules, scenario.fleet, level_mwh, position_mw, step, out)
    return out


def step(
    scenario: Scenario, episode: Episode, state: State, order: Order, strict: bool = True
) -> tuple[State, Dispatch]:
    """One step from orders in physical units: the door of plans.

    Raises:
        InvariantError: in strict mode, if energy or money does not balance.
    """
    arrays = Order.Arrays(*(np.array(one) for one in order.arrays()))
    return _step(scenario, episode, state, arrays, NOTHING, strict)


def act(
    scenario: Scenario,
    episode: Episode,
    state: State,
    actions: NDArray[Any],
    strict: bool = True,
    heard: BoolArray | None = None,
) -> tuple[State, Dispatch]:
    """One step from actions.

    Args:
        actions: (batch, agent, column).
        heard: whose action arrived, (batch, agent); None: everybody's.

    Raises:
        InvariantError: in strict mode, if energy or money does not balance.
    """
    blank = blank_order(scenario, episode.batch)
    given = np.ascontiguousarray(actions, dtype=np.float64)
    everyone = np.ones(given.shape[:2], dtype=np.bool_) if heard is None else heard
    return _step(scenario, episode, state, blank, (given, everyone), strict)


def observe(scenario: Scenario, episode: Episode, state: State) -> Float32Array:
    """What all batteries see before a step, (batch, agent, feature)."""
    seen = np.empty((*state.level_mwh.shape, episode.table.shape[-1]), dtype=np.float32)
    order, done = blank_order(scenario, episode.batch), blank_dispatch(scenario, episode.batch)
    kernel.show(
        game_of(scenario, episode, moving_of(state), order, done), state.step, seen, UNMASKED
    )
    return seen


def _step(
    scenario: Scenario,
    episode: Episode,
    state: State,
    order: Any,
    told: tuple[NDArray[Any], BoolArray],
    strict: bool,
) -> tuple[State, Dispatch]:
    moving, done = moving_of(state), blank_dispatch(scenario, episode.batch)
    game = game_of(scenario, episode, moving, order, done)
    kernel.turn(game, state.step, *map(fixed, told), UNSEEN, UNMASKED)
    dispatch = Dispatch(*done)
    if strict:
        invariants.insist(scenario, episode, state, dispatch)
    return State(*moving._replace(step=state.step + 1)), dispatch


def game_of(scenario: Scenario, episode: Episode, moving: Any, order: Any, done: Any) -> Any:
    """All that a step reads and writes, as one argument of a kernel."""
    series = Series(episode.market, episode.table)
    return Packed(Game(scenario.rules, scenario.fleet, series, moving, order, done))


def moving_of(state: State) -> Any:
    """A copy of a state that kernels may write into."""
    step, *arrays = state.arrays()
    return State.Arrays(step, *(np.array(one) for one in arrays))


def blank_order(scenario: Scenario, batch: int) -> Any:
    """Room for orders, as named arrays."""
    shape = (batch, len(scenario.agents))
    tier, fault = np.zeros((2, *shape), dtype=np.int64)
    bids = np.zeros((*shape, scenario.bids))
    return Order.Arrays(np.zeros(shape), tier, np.zeros(shape), bids, fault)


def blank_dispatch(scenario: Scenario, batch: int) -> Any:
    """Room for what a step produces, as named arrays."""
    shape = (batch, len(scenario.agents))
    cause = np.zeros(shape, dtype=np.int64)
    powers = (np.zeros(shape) for _ in range(5))
    entries = np.zeros((*shape, len(LEDGER_ENTRIES)))
    return Dispatch.Arrays(cause, *powers, entries, np.zeros(shape), np.zeros(batch))


NOTHING: Final = np.zeros((0, 0, 0)), np.zeros((0, 0), dtype=np.bool_)
UNSEEN: Final = np.zeros((0, 0, 0), dtype=np.float32)
UNMASKED: Final = np.zeros((0, 0, 0), dtype=np.bool_)
"""In place of actions, observations and masks that nobody needs."""


def fixed(array: NDArray[Any]) -> NDArray[Any]:
    """A read-only view: whether one may write is part of what a kernel is compiled for."""
    view = array.view()
    view.setflags(write=False)
    return view
