"""The engine: one step of the market as a pure function of frozen records."""

import numpy as np

from p2p_market.community import fuel, invariants, service, settlement
from p2p_market.community.acts import no_acts, obeyed
from p2p_market.community.coordination import step as coordination
from p2p_market.community.coordination.terms import begin
from p2p_market.community.episode.episode import Episode
from p2p_market.community.kernel_inputs import around_of, rules_of
from p2p_market.community.past.account import followed, no_past
from p2p_market.community.records import Action, Proposal, Round, State
from p2p_market.community.reward import rewards
from p2p_market.community.safety import emergency, feasibility, sensors, supervisor
from p2p_market.community.scenario.scenario import Scenario
from p2p_market.community.voltage import untouched_line
from p2p_market.market import MECHANISMS
from p2p_market.market.book import Fills, OrderBook
from p2p_market.records import FloatArray


def start(scenario: Scenario, episode: Episode) -> State:
    """State before the first step of an episode."""
    return state_at(scenario, episode, 0, episode.start_energy_kwh)


def state_at(scenario: Scenario, episode: Episode, step: int, energy_kwh: FloatArray) -> State:
    """State in mid-episode with such levels, nothing traded and all readings true.

    Args:
        energy_kwh: levels before the step, (batch, agent, asset) [kWh].
    """
    reading = sensors.true_values(around_of(episode, step), energy_kwh)
    return untouched(scenario, step, energy_kwh, reading)


def untouched(scenario: Scenario, step: int, energy_kwh: FloatArray, reading: FloatArray) -> State:
    """State with such levels (batch, agent, asset) [kWh] and readings before any trade.

    No step has been played, so nothing has moved the levels: the supervisor expects them as read.
    """
    shape = energy_kwh.shape[:2]
    return State(
        step=step,
        energy_kwh=energy_kwh,
        hold_steps=np.zeros(shape, dtype=np.int64),
        last_fill_kw=np.zeros(shape),
        last_price_eur_per_kwh=np.full(shape[0], scenario.spec.price_max_eur_per_kwh / 2.0),
        setpoint_kw=np.zeros_like(energy_kwh),
        reading=reading,
        unchanged_steps=np.full(reading.shape, -1, dtype=np.int64),
        past=no_past(scenario, shape[0]),
        acting=no_acts(scenario, shape[0]),
        line=untouched_line(scenario, shape[0]),
        agreements=begin(scenario, shape[0]),
        fuel=fuel.begin(scenario, shape[0]),
        service=service.begin(scenario, shape[0]),
    )


def step(
    scenario: Scenario, episode: Episode, state: State, proposal: Proposal, strict: bool = True
) -> tuple[State, Round]:
    """One step: screen, filter, market, emergency, grid, physics, ledger, invariants.

    Args:
        proposal: what the agents ask for, in physical units.
        strict: raise on a broken invariant; otherwise latch the agents concerned.

    Returns:
        The next state and everything the step produced.

    Raises:
        InvariantError: in strict mode, if energy or money does not balance.
    """
    told = sensors.read(episode, state)
    arrived, excused = sensors.deliver(episode, state, proposal)
    asked, watch = supervisor.screen(scenario, episode, state, arrived, told, excused)
    asked, watch, acting = obeyed(rules_of(scenario).acts, state, arrived, asked, watch)
    agreed = coordination.talk(scenario, state, asked, watch)
    action = feasibility.project(scenario, episode, state, asked)
    left = coordination.match(scenario, episode, state.step, asked, action, watch, agreed)
    fills = MECHANISMS[scenario.spec.mechanism].clear(order_book(scenario, episode, state, left))
    fills = coordination.settle(scenario, episode, state.step, fills, agreed)
    action = emergency.serve(scenario, episode, state, action, fills)
    flows = settlement.flows(scenario, episode, state, asked, action, fills, watch)
    ledger = settlement.settle(scenario, episode, state, action, fills, flows)
    residual = invariants.residuals(scenario, episode, state, action, fills, ledger, flows)
    residual = coordination.checked(scenario, residual, agreed)
    if strict:
        invariants.insist(scenario, state.step, residual)
    else:
        watch = invariants.latch(scenario, watch, residual)
    reading, unchanged_steps = sensors.remember(state, told)
    next_state = State(
        step=state.step + 1,
        energy_kwh=flows.energy_kwh,
        hold_steps=watch.hold_steps,
        last_fill_kw=fills.power_kw,
        last_price_eur_per_kwh=_last_price(state, fills),
        setpoint_kw=action.setpoint_kw,
        reading=reading,
        unchanged_steps=unchanged_steps,
        acting=acting,
        past=followed(scenario, episode, state, action, fills, flows, ledger),
        line=flows.line,
        agreements=coordination.remember(scenario, episode, state.step, action, ledger, agreed),
        fuel=fuel.after_step(scenario, state.fuel, action.fuel_kwh),
        service=service.after_step(scenario, state, asked.further),
    )
    return next_state, Round(
        proposal=asked,
        action=action,
        fills=fills,
        flows=flows,
        ledger=ledger,
        cause=watch.cause,
        reward=rewards(scenario, ledger),
    )


def foreign(scenario: Scenario) -> tuple[str, str] | None:
    """Module and words of a mechanism that is somebody else's; None for those of this package."""
    name = scenario.spec.mechanism
    module = MECHANISMS[name].clear.__module__
    own = module.startswith("p2p_market.market.")
    return None if own else (module, f"mechanism {name!r}")


def order_book(scenario: Scenario, episode: Episode, state: State, action: Action) -> OrderBook:
    """The orders of one step."""
    return OrderBook(
        quantity_kw=action.quantity_kw,
        price_eur_per_kwh=action.price_eur_per_kwh,
        retail_eur_per_kwh=episode.retail_eur_per_kwh[state.step],
        feed_in_eur_per_kwh=episode.feed_in_eur_per_kwh[state.step],
        k=scenario.spec.k,
        tick_eur_per_kwh=scenario.spec.tick_eur_per_kwh,
        price_max_eur_per_kwh=scenario.spec.price_max_eur_per_kwh,
        dt_h=scenario.dt_h,
    )


def _last_price(state: State, fills: Fills) -> FloatArray:
    price = fills.clearing_price_eur_per_kwh
    return np.where(np.isnan(price), state.last_price_eur_per_kwh, price)
