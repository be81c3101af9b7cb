"""One week of an entry, played again from its trace: what the pages draw."""

import numpy as np

from leaderboard.playing.evaluate import TRACES
from leaderboard.playing.scoring import replayed
from leaderboard.record.entries import Entered
from leaderboard.record.record import Episode
from leaderboard.record.traces import read
from leaderboard.season.draws import Draw, draws
from leaderboard.season.season import Season
from leaderboard.site.content import Week
from leaderboard.site.weeks import WEEKDAYS
from p2p_market.community.metrics import allocation_gap_eur
from p2p_market.evaluation.statistics.scores import ratio_of_sums
from p2p_market.records import FloatArray
from p2p_market.track import Trajectory


def shown_week(season: Season, one: Entered) -> Week | None:
    """The episode with the most to win; all entries of a season show the same one.

    None before the season's secret is revealed, for a week tells of its draw; it has to stand in
    the folder, not with the organiser.

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
    allocation = float(allocation_gap_eur(scenario, episode, played)[0])
    room_kwh = float(scenario.nodes.energy_max_kwh.sum())
    stored_kwh = played.series["energy_kwh"][:, 0].sum(axis=(1, 2))

    def community(series: FloatArray) -> FloatArray:
        """Sum over the members, (step,)."""
        return np.asarray(series[: len(stored_kwh), 0].sum(axis=1))

    return Week(
        scenario=told.scenario,
        draw=told.draw,
        first_day=drawn.key.start_day % len(WEEKDAYS),
        dt_h=scenario.dt_h,
        load_kw=community(episode.load_kw),
        pv_kw=community(episode.pv_kw),
        price_eur_per_kwh=played.series["clearing_price_eur_per_kwh"][:, 0],
        cap_eur_per_kwh=episode.bid_cap_eur_per_kwh[: len(stored_kwh), 0].max(axis=1),
        floor_eur_per_kwh=episode.ask_floor_eur_per_kwh[: len(stored_kwh), 0].min(axis=1),
        traded_kw=community(np.maximum(played.series["fill_kw"], 0.0)),
        grid_kw=community(played.series["import_kw"]) - community(played.series["export_kw"]),
        soc=stored_kwh / room_kwh if room_kwh > 0.0 else np.zeros_like(stored_kwh),
        score=float(ratio_of_sums(*(np.array([cost]) for cost in costs))),
        gap_eur=(costs[1] - costs[2] - allocation, allocation),
    )
