"""What holds after every step: levels, powers, energy, and money that goes from hand to hand."""

import numpy as np

from p2p_market.battery.episode.episode import Episode
from p2p_market.battery.records import COLUMN, SOCIAL, Dispatch, State
from p2p_market.battery.scenario import Scenario
from p2p_market.battery.settlement import ladder_kernel
from p2p_market.errors import InvariantError
from p2p_market.records import FloatArray

TOLERANCE = 1e-5  # MWh, MW, EUR
LAWS = ("level", "power", "energy", "money")


def residuals(
    scenario: Scenario, episode: Episode, state: State, done: Dispatch
) -> dict[str, FloatArray]:
    """How far each law is broken, (batch,) [MWh, MW, MWh, EUR].

    Args:
        state: before the step.
    """
    fleet, dt = scenario.fleet, scenario.dt_h
    legs = np.stack([done.dam_mw, done.afrr_mw, done.energy_mw])
    level = np.maximum(fleet.lowest_mwh - done.level_mwh, done.level_mwh - fleet.highest_mwh)
    power = np.abs(legs).sum(axis=0) - fleet.power_mw
    stored = dt * np.where(legs > 0.0, legs * fleet.eta, legs / fleet.eta).sum(axis=0)
    energy = np.abs(done.level_mwh - state.level_mwh - stored)
    paid = done.entries_eur[:, :, : len(SOCIAL)].sum(axis=(1, 2))
    received = _received_eur(scenario, episode, state, done)
    return {
        "level": level.max(axis=1),
        "power": power.max(axis=1),
        "energy": energy.max(axis=1),
        "money": np.abs(paid - received),
    }


def insist(scenario: Scenario, episode: Episode, state: State, done: Dispatch) -> None:
    """Raise at the first law that is broken.

    Raises:
        InvariantError: naming law, step and size.
    """
    for law, residual in residuals(scenario, episode, state, done).items():
        if not residual.max() <= TOLERANCE:
            raise InvariantError(
                f"{scenario.spec.id}: step {state.step}: {law} is off by {residual.max():.3g}"
            )


def _received_eur(scenario: Scenario, episode: Episode, state: State, done: Dispatch) -> FloatArray:
    """Total paid to exchange, operator, wear and terminal value, (batch,) [EUR]."""
    rules, fleet, dt = scenario.rules, scenario.fleet, scenario.dt_h
    now = {name: episode.market[:, state.step + 1, place] for name, place in COLUMN.items()}
    position = state.position_mw[:, :, int(state.step * dt)]
    call, energy = now["mfrr_call"][:, None], done.energy_mw
    up, down = (call > 0.5) & (energy < 0.0), ((call < -0.5) | (call > 1.5)) & (energy > 0.0)
    traded = np.where(up | down, 0.0, energy)
    volume = traded.sum(axis=1)
    moved = np.array([ladder_kernel(one, rules.ladder) for one in volume])
    exchange = position.sum(axis=1) * now["day_ahead"] + volume * (now["intraday"] + moved)
    exchange += 0.5 * now["spread"] * np.abs(traded).sum(axis=1)
    missing = (np.abs(position) - np.abs(done.dam_mw)).sum(axis=1)
    called = (done.accepted_mw > 0.0) & (now["activation"] != 0.0)[:, None]
    failed = called & (np.abs(done.afrr_mw) < 0.9 * done.accepted_mw - 1e-9)
    operator = rules.dam_penalty * missing
    operator += rules.afrr_penalty * (done.accepted_mw * failed).sum(axis=1)
    operator += (done.afrr_mw.clip(max=0.0)).sum(axis=1) * now["afrr_up"]
    operator += (done.afrr_mw.clip(min=0.0)).sum(axis=1) * now["afrr_down"]
    operator += (energy * up).sum(axis=1) * now["mfrr_up"]
    operator += (energy * down).sum(axis=1) * now["mfrr_down"]
    flow = np.abs(done.dam_mw) + np.abs(done.afrr_mw) + np.abs(energy)
    capacity, terminal = (
        done.entries_eur[..., SOCIAL.index(name)].sum(axis=1)
        for name in ("afrr_capacity", "terminal")
    )
    return np.asarray(dt * (exchange + operator + flow @ fleet.wear) + capacity + terminal)
