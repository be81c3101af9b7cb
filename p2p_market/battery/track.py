"""Track `battery`, as neutral code knows it; the rules of the game stand in `engine`.

What is imported `as` its own name is a function of the contract.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from p2p_market.battery import actions, engine
from p2p_market.battery.baselines import BASELINES, ROLE, RULE
from p2p_market.battery.engine import start as start
from p2p_market.battery.envs.env import BatteryEnv
from p2p_market.battery.episode.episode import Episode
from p2p_market.battery.episode.episode import draw as draw
from p2p_market.battery.episode.episode import keys as keys
from p2p_market.battery.metrics import METRICS
from p2p_market.battery.observation import features
from p2p_market.battery.plan import plan_actions
from p2p_market.battery.records import CAUSES, LEDGER_ENTRIES, SHAPING, SOCIAL, State
from p2p_market.battery.scenario import Scenario, in_numbers
from p2p_market.battery.scenario import build as build
from p2p_market.battery.schema import read as read
from p2p_market.errors import OptimumError
from p2p_market.kit.defaults import digest as digest
from p2p_market.kit.defaults import stack as stack
from p2p_market.kit.defaults import take as take
from p2p_market.records import BoolArray
from p2p_market.track import Card, Joint, Outcome, Plan, Role, Series

CARD: Final = Card(
    name="battery",
    entries=LEDGER_ENTRIES,
    social=SOCIAL,
    hidden=SHAPING,
    causes=CAUSES,
    metrics=METRICS,
    baselines=BASELINES,
    rule=RULE,
    default="battery-146-v0",
    extras={
        "batch": "p2p_market.battery.envs.batch:fleets",
        "optimum": "baselines.battery.optimal.policy:optimum",
        "population": "baselines.battery.population.bots:FIRST",
        "report": "report.battery.pages:PAGES",
        "board": "leaderboard.tracks.battery:CARD",
    },
)


@lru_cache(maxsize=8)
def roles(scenario: Scenario) -> tuple[Role, ...]:
    """All batteries see and do the same."""
    rest = np.tile(actions.rest(scenario), (len(scenario.agents), 1))
    columns = actions.columns(scenario)
    return (Role(ROLE, scenario.agents, features(scenario), columns, rest, RULE),)


def observe(scenario: Scenario, episode: Episode, state: State) -> Joint:
    """What batteries see."""
    return {ROLE: engine.observe(scenario, episode, state)}


def masks(scenario: Scenario, role: str, observation: NDArray[Any]) -> BoolArray | None:
    """Choices that level and position allow."""
    return actions.masks(scenario, observation)


def reads(scenario: Scenario, episode: Episode, state: State) -> Mapping[str, BoolArray]:
    """Bids count in the step before the gate alone."""
    if not scenario.bids or actions.closing_kernel(scenario.rules, state.step):
        return {}
    read = np.ones((*state.level_mwh.shape, actions.NO_BIDS + scenario.bids), dtype=np.bool_)
    read[..., actions.NO_BIDS :] = False
    return {ROLE: read}


def step(
    scenario: Scenario, episode: Episode, state: State, joint: Joint, strict: bool
) -> tuple[State, Outcome]:
    """One step of the engine."""
    after, done = engine.act(scenario, episode, state, joint[ROLE], strict)
    position = state.position_mw[:, :, int(state.step * scenario.dt_h)]
    return after, Outcome(
        entries_eur=done.entries_eur,
        unpaid_eur=np.zeros((episode.batch, 0)),
        reward=done.reward,
        cause=done.cause,
        series={
            "level_mwh": done.level_mwh,
            "accepted_mw": done.accepted_mw,
            "dam_mw": done.dam_mw,
            "missing_mw": np.abs(position) - np.abs(done.dam_mw),
            "afrr_mw": done.afrr_mw,
            "energy_mw": done.energy_mw,
            "intraday_eur_per_mwh": done.intraday_eur_per_mwh,
        },
        chained=(after.level_mwh, after.hold_steps, done.accepted_mw, done.entries_eur),
    )


def bound_eur(scenario: Scenario, episode: Episode, prices: Series) -> float:
    """No prices prove a bound here: the search tree does."""
    raise OptimumError(f"{scenario.spec.id}: the bound of this track is that of the search tree")


def setting(scenario: Scenario, episode: Episode) -> tuple[Scenario, Episode]:
    """The same market; actions are numbers, for a plan knows no grid of choices."""
    return in_numbers(scenario), episode


def replayed(scenario: Scenario, episode: Episode, plan: Plan) -> Joint:
    """The plan as numbers."""
    return {ROLE: plan_actions(scenario, episode, plan.schedule)}


def environment(scenario: Scenario, render_mode: str | None, info: str) -> BatteryEnv:
    """The PettingZoo environment."""
    return BatteryEnv(scenario, render_mode, info)
