"""The numbers of an episode out of what was played: the same for evaluation and replay."""

from functools import lru_cache
from typing import Any

import numpy as np

from leaderboard.playing.guard import allowed_faults
from leaderboard.playing.reference import ends
from leaderboard.playing.roles import compared_costs_eur
from leaderboard.record.traces import Trace, actions_of
from leaderboard.season.draws import Draw
from leaderboard.season.season import Season
from p2p_market.evaluation.players.player import play
from p2p_market.evaluation.rollout import recorded, rollout
from p2p_market.evaluation.statistics.scores import floor_costs
from p2p_market.records import FloatArray
from p2p_market.registry import rule_of
from p2p_market.track import Trajectory
from p2p_market.tracks import track_of


def replayed(drawn: Draw, trace: Trace) -> Trajectory:
    """The result of the actions of a trace; no policy is asked.

    Raises:
        RecordError: if the trace is not of the track's roles.
        PolicyError: if it has another shape than the draw.
    """
    scenario = drawn.scenario
    actions = actions_of(track_of(scenario).roles(scenario), trace)
    cast = recorded({role: own[:, None] for role, own in actions.items()})
    return rollout(scenario, drawn.episode(), cast, "trace")


def failed(season: Season, trace: Trace) -> bool:
    """Whether the floor counts: too many faulty steps, or the process died."""
    counts = trace.counts()
    most = allowed_faults(len(trace.faults), season.file.limits.faulty_share)
    return "dead" in counts or sum(counts.values()) > most


def self_numbers(season: Season, drawn: Draw, trace: Trace, played: Trajectory) -> dict[str, Any]:
    """What `record.Episode` holds of an entry in all seats.

    A failed episode costs the floor, or its real cost if that is more: failing does not pay.

    Args:
        season: of the draw.
        drawn: what was played.
        trace: its faults count.
        played: what its actions led to.
    """
    both, lost = ends(season, drawn), failed(season, trace)
    scenario = drawn.scenario
    costs = (np.array([both.rule_eur]), played.social_cost_eur, np.array([both.best_eur]))
    return {
        "faults": trace.counts(),
        "failed": lost,
        "chain": played.digests[0],
        "cost_eur": max(float(costs[1][0]), float(floor_costs(*costs, np.array([lost]))[0])),
        "rule_eur": both.rule_eur,
        "best_eur": both.best_eur,
        "metrics": {
            name: float(metric.of(scenario, drawn.episode(), played)[0])
            for name, metric in track_of(scenario).CARD.metrics.items()
        },
        "saved_eur": (both.alone_eur - played.private_cost_eur[0]).tolist(),
        "steps": len(trace.faults),
    }


def focal_numbers(
    season: Season, drawn: Draw, seat: int, trace: Trace, played: Trajectory
) -> dict[str, Any]:
    """What `record.FocalEpisode` holds of an entry in one seat.

    A failed episode costs its real cost, but at least the cost alone plus what the rule that others
    are measured against saves there.
    """
    own, truthful = played.private_cost_eur[0], compared_costs_eur(season, drawn, seat)
    alone, lost = float(_alone_eur(drawn)[seat]), failed(season, trace)
    floor = max(float(own[seat]), alone + max(0.0, alone - float(truthful[seat])))
    others = np.arange(len(own)) != seat
    return {
        "faults": trace.counts(),
        "failed": lost,
        "chain": played.digests[0],
        "cost_eur": floor if lost else float(own[seat]),
        "alone_eur": alone,
        "truthful_eur": float(truthful[seat]),
        "others_gain_eur": float((truthful - own)[others].sum()),
    }


@lru_cache(maxsize=4)
def _alone_eur(drawn: Draw) -> FloatArray:
    """Private costs under the rule at 0, (agent,)."""
    return np.asarray(
        play(drawn.scenario, drawn.episode(), rule_of(drawn.scenario)).private_cost_eur[0]
    )
