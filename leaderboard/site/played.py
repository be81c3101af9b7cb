"""One week of an entry, played again from its trace: what the pages draw."""

import numpy as np

from leaderboard.playing.scoring import replayed
from leaderboard.record.entries import TRACES, Entered
from leaderboard.record.record import Episode
from leaderboard.record.traces import read
from leaderboard.season.draws import Draw, draws
from leaderboard.season.season import Season
from leaderboard.site.content import Week
from leaderboard.site.weeks import WEEKDAYS
from leaderboard.tracks import board_card_of
from p2p_market.evaluation.statistics.scores import ratio_of_sums
from p2p_market.track import Trajectory
from p2p_market.tracks import extra


def shown_week(season: Season, one: Entered) -> Week | None:
    """The episode with the most to win; all entries of a season show the same one.

    None before the season's secret is revealed, because a week reveals its draw; the secret must be
    in the folder, not with the organiser.

    Raises:
        RecordError: if the trace is missing or damaged.
    """
    if season.secret is None:
        return None
    told = max(
        sorted(one.record.episodes, key=lambda each: (each.scenario, each.draw, each.file)),
        key=lambda each: each.rule_eur - each.best_eur,
    )
    (drawn,) = (
        each
        for each in draws(season)
        if (each.board.scenario, each.index) == (told.scenario, told.draw)
    )
    trace, _ = read(one.folder / TRACES / told.trace)
    return _week(told, drawn, replayed(drawn, trace))


def _week(told: Episode, drawn: Draw, played: Trajectory) -> Week:
    scenario, episode = drawn.scenario, drawn.episode()
    costs = (told.rule_eur, float(played.social_cost_eur[0]), told.best_eur)
    beside = board_card_of(scenario)
    apart = extra(scenario, "gaps")
    gaps = {} if apart is None else apart(scenario, episode, played, np.array([told.best_eur]))
    parts = tuple((float(gap[0]), beside.losses.get(name, name)) for name, gap in gaps.items())
    return Week(
        scenario=told.scenario,
        draw=told.draw,
        first_day=drawn.key.start_day % len(WEEKDAYS),
        dt_h=scenario.spec.dt_h,
        score=float(ratio_of_sums(*(np.array([cost]) for cost in costs))),
        above_eur=sum(eur for eur, _ in parts) if parts else costs[1] - costs[2],
        parts_eur=parts,
        picture=None if beside.picture is None else beside.picture(scenario, episode, played),
    )
