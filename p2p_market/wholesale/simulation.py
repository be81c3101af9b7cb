"""One play of a scenario in one call, and what it came to in a few numbers."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from p2p_market.errors import ArgumentError
from p2p_market.grid.frequency import NOMINAL_HZ
from p2p_market.loading import import_ours
from p2p_market.messages import Message
from p2p_market.records import Record, Trajectory
from p2p_market.registry import load_scenario
from p2p_market.wholesale import metrics
from p2p_market.wholesale.baselines import RULE
from p2p_market.wholesale.episode.episode import Episode, draw, keys
from p2p_market.wholesale.events import DOWN, UP
from p2p_market.wholesale.messages import all_messages
from p2p_market.wholesale.records import ALERT, EMERGENCY, LEDGER_ENTRIES, ROLES
from p2p_market.wholesale.scenario import Scenario

SPLIT: Final = "test"
_PLAYING: Final = "p2p_market.evaluation.rollout"
_LOADING: Final = "p2p_market.evaluation.players.policy"
"""Modules above this one, imported on use."""


@dataclass(frozen=True, slots=True, eq=False)
class Simulation(Record):
    """One episode as it was played."""

    scenario: Scenario
    episode: Episode
    played: Trajectory

    def messages(self) -> tuple[Message, ...]:
        """All messages of the play, in order."""
        return tuple(all_messages(self.scenario, self.episode, self.played))

    def summary(self) -> dict[str, dict[str, Any]]:
        """Numbers by name, with their unit in it.

        Returns:
            `stability`, `economics`, `environment`, `messages` (their number by kind) and `agents`
            (what each paid, and in how many steps the supervisor held it).
        """
        counts = Counter(message.kind for message in self.messages())
        return {
            "stability": _stability(self.scenario, self.played),
            "economics": _economics(self.scenario, self.played),
            "environment": _environment(self.scenario, self.played),
            "messages": dict(sorted(counts.items())),
            "agents": {
                agent: {
                    "paid_eur": float(self.played.private_cost_eur[0, place]),
                    "held_steps": int(np.count_nonzero(self.played.cause[:, 0, place])),
                }
                for place, agent in enumerate(self.scenario.agents)
            },
        }


def simulate(
    scenario_id: str,
    hours: float | None = None,
    seed: int = 0,
    policies: Mapping[str, Any] | None = None,
) -> Simulation:
    """Play the beginning of a test week.

    Args:
        scenario_id: as in `p2p_market.make`.
        hours: to play; None: the whole episode.
        seed: of the first week of the split `test`.
        policies: role -> a policy, or the name of one (a baseline, MODULE:FACTORY or a file); a
            role that is left out plays its default rule.

    Raises:
        ArgumentError: if a role is unknown, the scenario is of another track, or the hours are no
            number of steps of the episode.
        PolicyError: if nothing of a name can be imported.
    """
    scenario = load_scenario(scenario_id)
    if not isinstance(scenario, Scenario):
        raise ArgumentError(f"{scenario_id}: not a scenario of the track wholesale; take another")
    cast = _cast(scenario, policies or {})
    steps = _steps(scenario, hours)
    episode = draw(scenario, keys(scenario, SPLIT, seed)[0][0])
    rollout = import_ours(_PLAYING).rollout
    return Simulation(scenario, episode, rollout(scenario, episode, cast, steps=steps))


def _cast(scenario: Scenario, policies: Mapping[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(policies) - set(ROLES))
    if unknown:
        raise ArgumentError(f"policies: no role {unknown[0]!r}; roles are {', '.join(ROLES)}")
    load = import_ours(_LOADING).load_policy
    cast = {}
    for role in ROLES:
        given = policies.get(role, RULE)
        cast[role] = load(given, scenario, role) if isinstance(given, str) else given
    return cast


def _steps(scenario: Scenario, hours: float | None) -> int:
    if hours is None:
        return scenario.steps
    steps = round(hours / scenario.dt_h)
    if not 1 <= steps <= scenario.steps:
        longest = scenario.steps * scenario.dt_h
        raise ArgumentError(
            f"hours: {hours:g} is not between one step of {scenario.dt_h:g} h and {longest:g} h"
        )
    return steps


def _stability(scenario: Scenario, played: Trajectory) -> dict[str, Any]:
    series = played.series
    state, deviation, volts = (
        series[key][:, 0] for key in ("system_state", "deviation_hz", "voltage_pu")
    )
    return {
        "in_band_share": float(metrics.in_band(scenario, None, played)[0]),
        "outage_probability": float(metrics.outage_probability(scenario, None, played)[0]),
        "lowest_frequency_hz": NOMINAL_HZ - float(deviation[:, UP].max()),
        "highest_frequency_hz": NOMINAL_HZ + float(deviation[:, DOWN].max()),
        "lowest_voltage_pu": float(volts.min()),
        "highest_voltage_pu": float(volts.max()),
        "alert_steps": int(np.count_nonzero(state == ALERT)),
        "emergency_steps": int(np.count_nonzero(state == EMERGENCY)),
        "lost_load_mwh": float(series["lost_mw"].sum()) * scenario.dt_h,
        "shed_load_mwh": float(series["shed_mw"].sum()) * scenario.dt_h,
    }


def _economics(scenario: Scenario, played: Trajectory) -> dict[str, Any]:
    generation = played.entries_eur[..., LEDGER_ENTRIES.index("generation")].sum()
    price = played.series["price_eur_per_mwh"]
    return {
        "social_cost_eur": float(played.social_cost_eur[0]),
        "production_cost_eur": float(generation),
        "consumer_payment_eur": float(metrics.consumer_payment(scenario, None, played)[0]),
        "mean_price_eur_per_mwh": float(metrics.mean_price(scenario, None, played)[0]),
        "lowest_price_eur_per_mwh": float(price.min()),
        "highest_price_eur_per_mwh": float(price.max()),
    }


def _environment(scenario: Scenario, played: Trajectory) -> dict[str, Any]:
    tonnes = float(metrics.emissions(scenario, None, played)[0])
    load_mwh = float(played.series["load_mw"].sum()) * scenario.dt_h
    return {
        "renewable_share": float(metrics.renewable_share(scenario, None, played)[0]),
        "emissions_t": tonnes,
        "co2_kg_per_mwh": 1000.0 * tonnes / load_mwh if load_mwh else 0.0,
        "dumped_mwh": float(played.series["dumped_mw"].sum()) * scenario.dt_h,
    }
