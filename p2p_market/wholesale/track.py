"""Track `wholesale`, as neutral code knows it; the rules of the game stand in `kernel`.

What is imported `as` its own name is a function of the contract.
"""

from functools import lru_cache
from typing import Final

import numpy as np

from p2p_market.kit.defaults import masks as masks
from p2p_market.kit.defaults import reads as reads
from p2p_market.kit.defaults import setting as setting
from p2p_market.kit.defaults import stack as stack
from p2p_market.kit.defaults import take as take
from p2p_market.track import Card, Joint, Outcome, Plan, Role, Series
from p2p_market.wholesale import engine
from p2p_market.wholesale.actions import COLUMNS, resting
from p2p_market.wholesale.baselines import BASELINES, RULE
from p2p_market.wholesale.engine import start as start
from p2p_market.wholesale.envs.env import environment as environment
from p2p_market.wholesale.episode.episode import Episode
from p2p_market.wholesale.episode.episode import digest as digest
from p2p_market.wholesale.episode.episode import draw as draw
from p2p_market.wholesale.episode.episode import keys as keys
from p2p_market.wholesale.features import features
from p2p_market.wholesale.metrics import METRICS
from p2p_market.wholesale.optimum.plan import plan_actions
from p2p_market.wholesale.optimum.program import BLOCKS, horizon_of, program_of
from p2p_market.wholesale.records import CAUSES, LEDGER_ENTRIES, ROLES, SOCIAL, State
from p2p_market.wholesale.scenario import Scenario
from p2p_market.wholesale.scenario import build as build
from p2p_market.wholesale.schema import read as read

CARD: Final = Card(
    name="wholesale",
    entries=LEDGER_ENTRIES,
    social=SOCIAL,
    causes=CAUSES,
    metrics=METRICS,
    baselines=BASELINES,
    rule=RULE,
    prices=BLOCKS,
    default="wholesale-12-v0",
    extras={
        "batch": "p2p_market.wholesale.envs.batch:systems",
        "optimum": "baselines.wholesale.optimal.policy:optimum",
        "population": "baselines.wholesale.population.bots:FIRST",
        "board": "leaderboard.tracks.wholesale:CARD",
    },
)

SERIES: Final = (
    "price_eur_per_mwh", "order_mw", "order_eur_per_mwh", "fill_mw", "output_mw", "dumped_mw",
    "power_mw", "flexible_mw", "lost_mw", "load_mw", "emergency_mw", "room_up_mw", "room_down_mw",
    "deviation_hz", "shed_mw", "reserve_level", "tap", "voltage_pu", "voltage_beyond_pu",
    "system_state", "level_mwh", "backlog_mwh", "emissions_t", "low_mw", "high_mw",
    "gain_mw_per_hz",
)  # fmt: skip
"""What of a step is kept by name for metrics, messages and pictures."""


@lru_cache(maxsize=8)
def roles(scenario: Scenario) -> tuple[Role, ...]:
    """Generators, storages, consumers and the operator."""
    made, first = [], 0
    for name, count in zip(ROLES, (*scenario.sizes, 1), strict=True):
        agents = scenario.agents[first : first + count]
        rest = np.tile(resting(name), (count, 1))
        made.append(Role(name, agents, features(scenario, name), COLUMNS[name], rest, RULE))
        first += count
    return tuple(made)


def observe(scenario: Scenario, episode: Episode, state: State) -> Joint:
    """What the agents of each role see."""
    return engine.observe(scenario, episode, state)._asdict()


def step(
    scenario: Scenario, episode: Episode, state: State, joint: Joint, strict: bool
) -> tuple[State, Outcome]:
    """One step of the engine."""
    after = engine.act(scenario, episode, state, joint, strict)
    done = after.last
    return after, Outcome(
        entries_eur=done.entries_eur,
        unpaid_eur=np.zeros((episode.batch, 0)),
        reward=done.reward,
        cause=done.cause,
        series={name: getattr(done, name) for name in SERIES},
        chained=(
            after.output_mw,
            after.level_mwh,
            after.backlog_mwh,
            after.hold_steps,
            done.fill_mw,
            done.price_eur_per_mwh,
            done.entries_eur,
        ),
    )


def bound_eur(scenario: Scenario, episode: Episode, prices: Series) -> float:
    """What no schedule can undercut."""
    return program_of(scenario, horizon_of(scenario, episode)).bound_eur(prices)


def replayed(scenario: Scenario, episode: Episode, plan: Plan) -> Joint:
    """Actions that play the plan."""
    return plan_actions(scenario, episode, plan.schedule)
