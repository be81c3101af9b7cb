"""Why the supervisor held a policy's agents: the track's own words, or what any track can tell."""

from collections.abc import Iterable

import numpy as np

from p2p_market.evaluation.players.answers import HUGE, percent, possible
from p2p_market.track import AnyScenario, Column, Role, Trajectory
from p2p_market.tracks import extra, track_of


def why_held(scenario: AnyScenario, played: Trajectory) -> str:
    """A sentence without its subject; empty where the supervisor held no agent."""
    own = extra(scenario, "held")
    if own is not None:
        words: str = own(scenario, played)
        return words
    if not played.cause.any():
        return ""
    names = track_of(scenario).CARD.causes
    found = {name: int(np.count_nonzero(played.cause == code)) for code, name in enumerate(names)}
    counts = ", ".join(
        f"{found[name]} {name.replace('_', ' ')}" for name in names[1:] if found[name]
    )
    share = percent(np.count_nonzero(played.cause) / played.cause.size)
    return f"held in {share} of its steps ({counts}){_first(scenario, played)}"


def _first(scenario: AnyScenario, played: Trajectory) -> str:
    """Which answer was wrong first, and what to answer, as the end of a sentence."""
    roles: Iterable[Role] = track_of(scenario).roles(scenario)
    first = 0
    for role in roles:
        asked, own = played.actions[role.name], slice(first, first + len(role.agents))
        wrong = np.argwhere(~possible(role, asked) & (played.cause[:, :, own, None] != 0))
        first += len(role.agents)
        if len(wrong):
            step, batch, agent, column = wrong[0].tolist()
            number = float(asked[step, batch, agent, column])
            what = role.columns[column]
            return (
                f"; the first at step {step}: {what.name} of {role.agents[agent]} was {number:g}; "
                f"answer {_wanted(what)}"
            )
    return ""


def _wanted(column: Column) -> str:
    if column.choices:
        return f"whole numbers from 0 to {column.choices - 1}"
    return f"numbers in [-1, 1]; from {HUGE:g} on they are no answer"
