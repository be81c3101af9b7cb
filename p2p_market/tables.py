"""What a run shows on screen: a table per scenario, one over all, and the certificates."""

from collections.abc import Sequence

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from p2p_market.console import console, euro
from p2p_market.evaluation.benchmark import OPTIMUM, RULE, ScenarioResult
from p2p_market.evaluation.statistics.summary import Summary


def results_table(result: ScenarioResult) -> Table:
    """Both ends of the scale and everything between, one row per policy."""
    spec = result.scenario.spec
    count = result.episode.batch
    title = f"{spec.id}: {spec.title} ({count} episodes of {spec.days} days)"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=0, show_edge=False)
    table.add_column("policy", no_wrap=True)
    for heading in ("score", "95 % interval", "worst", "EUR each", "dispatch", "allocation"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in result.rows:
        table.add_row(
            row.policy,
            f"{row.score.point:.1f}",
            f"{row.score.low:.1f}..{row.score.high:.1f}",
            f"{row.score.worst:.1f}",
            euro(row.social_cost_eur),
            euro(row.dispatch_gap_eur),
            euro(row.allocation_gap_eur),
        )
    return table


def summary_table(summaries: Sequence[Summary], scenarios: int) -> Table:
    """Every policy over all scenarios, the best first."""
    title = f"All {scenarios} scenarios ({summaries[0].blocks} blocks of weeks)"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=0, show_edge=False)
    table.add_column("policy", no_wrap=True)
    for heading in ("IQM", "95 % interval", "mean", "CVaR 10 %", "worst", "rank"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("worst in")  # gives way where the terminal is narrow, numbers never
    for one in sorted(summaries, key=lambda s: -s.iqm):
        table.add_row(
            one.policy,
            f"{one.iqm:.1f}",
            f"{one.low:.1f}..{one.high:.1f}",
            f"{one.mean:.1f}",
            f"{one.cvar:.1f}",
            f"{one.worst:.1f}",
            _rank(one),
            Text(one.worst_scenario, no_wrap=True, overflow="ellipsis"),
        )
    return table


def _rank(summary: Summary) -> str:
    """Like 2 or 2-4."""
    low, high = summary.rank_low, summary.rank_high
    return str(low) if low == high else f"{low}-{high}"


def print_certificate(result: ScenarioResult) -> None:
    """Say whether the ends of the scale hold, and who was held or beats the optimum."""
    good = sum(certificate.holds for certificate in result.certificates)
    total = len(result.certificates)
    console.print(
        f"{RULE} = 0 and {OPTIMUM} = 100 by definition; "
        f"the optimum's certificate holds in {good} of {total} episodes."
    )
    gaps = np.array([certificate.gap_eur for certificate in result.certificates])
    if result.scenario.spec.optimum == "mixed_integer":
        console.print(
            f"Mixed-integer: 100 is the proved bound; schedules found cost {gaps.mean():.3f} EUR "
            f"more in the mean, {gaps.max():.3f} at most."
        )
    for key, certificate in zip(result.episode.keys, result.certificates, strict=True):
        if not certificate.holds:
            console.print(f"[red]{key}: {certificate}[/red]")
    for row in result.rows:
        if held := int(row.metrics["interventions"].sum()):
            console.print(
                f"[yellow]{row.policy}: held in grid-only fallback in {held} agent-steps: "
                "it answered with numbers that are none[/yellow]"
            )
    for name in result.above_optimum:
        console.print(f"[red]{name} costs less than the bound: engine or optimum is wrong[/red]")
