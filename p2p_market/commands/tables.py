"""What a run shows on screen: a table per scenario, one over all, and the certificates."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from p2p_market.commands.console import console, euro
from p2p_market.commands.screen import Figures
from p2p_market.evaluation.benchmark import Row, ScenarioResult, units_of, weeks_and_draws
from p2p_market.evaluation.ends.certificate import MIXED_INTEGER
from p2p_market.evaluation.players.held import why_held
from p2p_market.evaluation.statistics.bootstrap import few_weeks
from p2p_market.evaluation.statistics.summary import Summary
from p2p_market.evaluation.tables.marks import NO_MARK, legends, marks_of, nothing, unmarked
from p2p_market.evaluation.tables.overview import overview
from p2p_market.evaluation.tables.roles import money_of_roles
from p2p_market.registry import rule_of
from p2p_market.track import OPTIMUM
from p2p_market.tracks import track_of
from p2p_market.words import counted, episodes, per, period

DASH: Final = "\N{EN DASH}"
"""At the ends of the scale, which have no interval."""


def print_result(result: ScenarioResult) -> None:
    """What a run says of one scenario."""
    spec = result.scenario.spec
    weeks, draws = weeks_and_draws(result.scenario, result.episode.keys)
    console.say(f"{spec.id}: {spec.title} ({episodes(weeks, spec.days, draws)})", "italic")
    console.print(_results(result))
    if few := few_weeks(_weeks(result)):
        console.print(few)
    _print_conduct(result)
    _print_certificate(result)
    _print_roles(result)


def _print_roles(result: ScenarioResult) -> None:
    """What the agents of each role pay, where there are several roles."""
    rows = []
    for one in money_of_roles(result):
        ends = one.saved_eur.low, one.saved_eur.high
        interval = "{:.2f}..{:.2f}".format(*ends) if np.isfinite(ends).all() else DASH
        rule = one.policy == rule_of(result.scenario)
        saved = DASH if rule else euro(np.array(one.saved_eur.point))
        cost = euro(np.array(one.cost_eur))
        rows.append((one.role, one.policy, cost, saved, DASH if rule else interval))
    if rows:
        headings = ("role", "policy", _unit(result), "saved", "95 % interval")
        console.print(Figures(headings, rows, names=(0, 1)))
        console.print(
            f"{_unit(result)}: what all agents of a role pay together; saved: what they pay where "
            f"all play {rule_of(result.scenario)}, less that"
        )


def print_overview(results: Sequence[ScenarioResult]) -> None:
    """What a run says at its end: the words of its tables, and one table over all scenarios."""
    gaps: dict[str, str] = {}
    for result in results:
        gaps |= track_of(result.scenario).CARD.gaps
    units = " or ".join(dict.fromkeys(_unit(result) for result in results))
    rules = " or ".join(dict.fromkeys(rule_of(result.scenario) for result in results))
    lost = f"; {' and '.join(gaps)}: what of it is lost by {' and by '.join(gaps.values())}"
    drawn = any(weeks_and_draws(one.scenario, one.episode.keys)[1] > 1 for one in results)
    console.print(
        f"score: share in percent of the way from {rules} (0) to the optimum (100), all weeks "
        f"together; {units}: cost of all agents together, on average"
        + (" over weeks and their draws" if drawn else "")
        + (lost if gaps else "")
    )
    if summaries := overview(results):
        blocks = summaries[0].blocks
        console.say(f"All {len(results)} scenarios ({blocks} blocks of weeks)", "italic")
        console.print(_summary(summaries))
        console.print(
            "IQM: mean of the middle half of the scores of blocks (of 13 weeks, every third); "
            "mean: of all of them; CVaR: mean of their worst tenth; worst: the lowest score of a "
            "scenario, the one in the last column; rank: 1 is best, from best to worst in 95 % of "
            "draws of weeks"
        )


def _unit(result: ScenarioResult) -> str:
    """That of all money in a scenario's table."""
    return f"EUR {per(result.scenario.spec.days)}"


def _weeks(result: ScenarioResult) -> int:
    """How many were resampled for the intervals."""
    return len(set(units_of(result.scenario, result.episode.keys).tolist()))


def _results(result: ScenarioResult) -> Figures:
    """Both ends of the scale and everything between, one row per policy."""
    ends = (rule_of(result.scenario), OPTIMUM)
    found = [" ".join(marks_of(row)) for row in result.rows]
    marked, gaps = ("mark",) if any(found) else (), track_of(result.scenario).CARD.gaps
    interval = ("95 %\ninterval",) if _weeks(result) > 1 else ()  # else dashes, at names' cost
    return Figures(
        (
            "policy",
            *marked,
            "score",
            *interval,
            "worst",
            _unit(result).replace(" ", "\n", 1),
            *gaps,
        ),
        [
            (
                row.policy,
                *((mark,) if marked else ()),
                f"{row.score.point:.1f}",
                *((DASH if row.policy in ends else _interval(row),) if interval else ()),
                f"{row.score.worst:.1f}",
                euro(row.social_cost_eur),
                *(euro(row.gaps_eur[name]) for name in gaps),
            )
            for row, mark in zip(result.rows, found, strict=True)
        ],
    )


def _interval(row: Row) -> str:
    return f"{row.score.low:.1f}..{row.score.high:.1f}"


def _print_conduct(result: ScenarioResult) -> None:
    """What the marks mean, and how policies failed."""
    for one in legends(result.rows):
        pairs = zip(one.policies, one.shares, strict=False)
        shares = ", ".join(f"{policy} {share}" for policy, share in pairs)
        console.print(f"{one.mark}: {one.word}; {one.meaning}{f' ({shares})' if shares else ''}")
    if set(unmarked(result.rows)) - {rule_of(result.scenario)}:
        console.print(f"no mark, but for the {OPTIMUM}: {NO_MARK}")
    for line in nothing(result):
        console.print(line, style="yellow")
    for row in result.rows:
        if row.conduct.failure is not None:
            console.say(str(row.conduct.failure), "red")


def _summary(summaries: Sequence[Summary]) -> Figures:
    """Every policy over all scenarios, the best first."""
    return Figures(
        ("policy", "IQM", "95 % interval", "mean", "CVaR 10 %", "worst", "rank", "worst in"),
        [
            (
                one.policy,
                f"{one.iqm:.1f}",
                f"{one.low:.1f}..{one.high:.1f}",
                f"{one.mean:.1f}",
                f"{one.cvar:.1f}",
                f"{one.worst:.1f}",
                _rank(one),
                one.worst_scenario,
            )
            for one in sorted(summaries, key=lambda summary: -summary.iqm)
        ],
        names=(0, 7),
    )


def _rank(summary: Summary) -> str:
    """Like 2 or 2-4."""
    low, high = summary.rank_low, summary.rank_high
    return str(low) if low == high else f"{low}-{high}"


def _print_certificate(result: ScenarioResult) -> None:
    """Say whether the ends of the scale hold, and who was held or beats the optimum."""
    good = sum(certificate.holds for certificate in result.certificates)
    total, days = len(result.certificates), result.scenario.spec.days
    _, draws = weeks_and_draws(result.scenario, result.episode.keys)
    console.print(
        f"{rule_of(result.scenario)} = 0 and {OPTIMUM} = 100 by definition; "
        f"the optimum's certificate holds in {good} of "
        f"{counted(total, period(days, draws))}."
    )
    exact = np.array([certificate.gap_eur for certificate in result.certificates])
    gaps = exact.round(3) + 0.0  # no minus sign before zero
    if result.scenario.spec.optimum == MIXED_INTEGER:
        console.print(
            f"Mixed-integer: 100 is the proved bound; schedules found cost {gaps.mean():.3f} EUR "
            f"more on average, {gaps.max():.3f} at most."
        )
    for key, certificate in zip(result.episode.keys, result.certificates, strict=True):
        if not certificate.holds:
            console.print(f"{key}: {certificate}", style="red")
    for name, played in result.trajectories.items():
        if words := why_held(result.scenario, played):
            console.print(f"{name}: {words}", style="yellow")
    for name in result.above_optimum:
        console.print(f"{name} costs less than the bound: engine or optimum is wrong", style="red")
