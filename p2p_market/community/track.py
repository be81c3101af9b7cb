"""Track `community`, as neutral code knows it; the rules of the game stand in `engine`.

What is imported `as` its own name is a function of the contract.
"""

from functools import lru_cache
from typing import Final

import numpy as np

from p2p_market.community import engine
from p2p_market.community.actions import action_map, to_proposal
from p2p_market.community.baselines import BASELINES
from p2p_market.community.coordination.told import chained, series_of
from p2p_market.community.engine import start as start
from p2p_market.community.envs.env import CommunityEnv
from p2p_market.community.episode.episode import Episode, choose_key
from p2p_market.community.episode.episode import draw as draw
from p2p_market.community.further import further_columns
from p2p_market.community.metrics import METRICS
from p2p_market.community.observation import features
from p2p_market.community.observation import observe as observe_all
from p2p_market.community.optimum.breakdown import CHOICES
from p2p_market.community.optimum.digest import digest_of
from p2p_market.community.optimum.duality import bound_eur as proved_eur
from p2p_market.community.optimum.full_matching import fully_matched
from p2p_market.community.optimum.plan import Prices, plan_actions
from p2p_market.community.records import (
    LEDGER_ENTRIES,
    SOCIAL_COLUMNS,
    SUPERVISOR_CAUSES,
    Acting,
    State,
)
from p2p_market.community.scenario.scenario import Scenario, validated
from p2p_market.community.scenario.scenario import build as build
from p2p_market.community.voltage import line_series
from p2p_market.data.calendar import WEEKS_PER_SPLIT
from p2p_market.kit.defaults import masks as masks
from p2p_market.kit.defaults import reads as reads
from p2p_market.kit.defaults import stack as stack
from p2p_market.kit.defaults import take as take
from p2p_market.track import Card, Column, EpisodeKey, Joint, Outcome, Plan, Role, Series

ROLE: Final = "prosumer"

read, digest = validated, digest_of

CARD: Final = Card(
    name="community",
    entries=LEDGER_ENTRIES,
    social=tuple(LEDGER_ENTRIES[column] for column in SOCIAL_COLUMNS),
    hidden=("filter_penalty",),
    prices=Prices.__slots__,
    causes=SUPERVISOR_CAUSES,
    metrics=METRICS,
    baselines=BASELINES,
    rule="no-trade",
    compared="truthful",
    default="community-16-v0",
    losses=CHOICES,
    gaps={"dispatch": "set-points", "allocation": "matching"},
    extras={
        "batch": "p2p_market.community.envs.batch:CommunityBatch",
        "breakdown": "p2p_market.community.optimum.breakdown:breakdown",
        "gaps": "p2p_market.community.metrics:gaps_eur",
        "figures": "p2p_market.community.portfolio:in_metrics",
        "held": "p2p_market.community.safety.held:held",
        "foreign": "p2p_market.community.engine:foreign",
        "twin": "p2p_market.community.optimum.full_matching:shipped_twin",
        "pack": "p2p_market.community.optimum.plan:packed",
        "unpack": "p2p_market.community.optimum.plan:unpacked",
        "mechanisms": "p2p_market.community.mechanisms:compare_mechanisms",
        "starter": "p2p_market.community.scenario.starter:starter",
        "optimum": "baselines.community.optimal.policy:optimum",
        "row": "baselines.community.optimal.yardstick:row",
        "population": "baselines.population.bots:FIRST",
        "report": "report.community.pages:PAGES",
        "board": "leaderboard.tracks.community.card:CARD",
    },
)


@lru_cache(maxsize=8)
def roles(scenario: Scenario) -> tuple[Role, ...]:
    """All members are prosumers; who has no device has columns without effect."""
    setpoints = range(scenario.nodes.present.shape[1])
    columns = (
        *(Column(f"setpoint_{number}", "kW") for number in setpoints),
        Column("quantity", "kW"),
        Column("price", "EUR/kWh"),
        *(Column(further.name, further.unit) for further in further_columns(scenario)),
    )
    table = action_map(scenario)
    rest = np.zeros((len(scenario.agents), len(columns)))
    rest[:, table.assets + 2 :] = table.normalised(rest)[:, table.assets + 2 :]
    return (Role(ROLE, scenario.agents, features(scenario), columns, rest, CARD.rule),)


def keys(scenario: Scenario, split: str, seed: int) -> tuple[tuple[EpisodeKey, ...], ...]:
    """Thirteen weeks of a split."""
    return tuple((choose_key(scenario, seed, split, week),) for week in range(WEEKS_PER_SPLIT))


def observe(scenario: Scenario, episode: Episode, state: State) -> Joint:
    """What members see."""
    return {ROLE: observe_all(scenario, episode, state)}


def step(
    scenario: Scenario, episode: Episode, state: State, actions: Joint, strict: bool
) -> tuple[State, Outcome]:
    """One step of the engine."""
    normalised = actions[ROLE].astype(np.float64)
    present = np.ones(normalised.shape[:2], dtype=np.bool_)
    table = action_map(scenario)
    proposal = to_proposal(table.physical(normalised), present, table.further)
    after, done = engine.step(scenario, episode, state, proposal, strict)
    entries_eur, acting = done.ledger.entries_eur, after.acting
    kept = () if acting is None else (acting.stop_steps, acting.request)
    return after, Outcome(
        entries_eur=entries_eur,
        unpaid_eur=np.zeros((len(entries_eur), 0)),
        reward=done.reward,
        cause=done.cause,
        series={
            "net_load_kw": done.action.net_load_kw,
            "curtailed_kw": done.action.curtailed_kw,
            "shed_kw": done.action.shed_kw,
            "setpoint_kw": done.action.setpoint_kw,
            "energy_kwh": done.flows.energy_kwh,
            "fill_kw": done.fills.power_kw,
            "order_kw": done.action.quantity_kw,
            "import_kw": done.flows.import_kw,
            "export_kw": done.flows.export_kw,
            "correction_kw": done.flows.correction_kw,
            "clearing_price_eur_per_kwh": done.fills.clearing_price_eur_per_kwh,
            **_acted(acting),
            **line_series(done),
            **series_of(after.agreements),
            **({} if done.action.fuel_kwh is None else {"fuel_kwh": done.action.fuel_kwh}),
        },
        chained=(
            after.energy_kwh,
            after.hold_steps,
            done.fills.power_kw,
            entries_eur,
            *kept,
            *chained(after.agreements),
        ),
    )


def _acted(acting: Acting | None) -> Series:
    """Series of members' own acts, where a scenario has them."""
    if acting is None:
        return {}
    return {"request": acting.request, "stop_steps": acting.stop_steps}


def bound_eur(scenario: Scenario, episode: Episode, prices: Series) -> float:
    """By weak duality."""
    return proved_eur(scenario, episode, Prices(**prices))


def setting(scenario: Scenario, episode: Episode) -> tuple[Scenario, Episode]:
    """A market that matches all volume, and sound sensors."""
    return fully_matched(scenario), episode.without_faults()


def replayed(scenario: Scenario, episode: Episode, plan: Plan) -> Joint:
    """Set-points of the plan, and truthful orders for what is left."""
    return {ROLE: plan_actions(scenario, episode, plan.schedule)}


def environment(scenario: Scenario, render_mode: str | None, info: str) -> CommunityEnv:
    """The PettingZoo environment."""
    return CommunityEnv(scenario, render_mode=render_mode, info=info)
