"""How a run goes: check what is asked, play, show, write the record and the report."""

import importlib
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import typer

from p2p_market.console import console, progress_bar, week_numbers
from p2p_market.evaluation.benchmark import ScenarioResult, entrants
from p2p_market.evaluation.overview import overview
from p2p_market.evaluation.parallel import evaluate_all
from p2p_market.evaluation.part_store import PartStore
from p2p_market.evaluation.parts import Job, units_of_work
from p2p_market.evaluation.policy import load_policy
from p2p_market.evaluation.rollout import try_out
from p2p_market.evaluation.run_record import write_run
from p2p_market.scenario import load_scenario
from p2p_market.tables import print_certificate, results_table, summary_table

REPORT: Final = "report.page:write"


def run(
    names: Sequence[str],
    policies: Sequence[str],
    weeks: str,
    split: str,
    seed: int,
    output: Path,
    workers: int,
    ray: str | None,
) -> None:
    """Evaluate, print and write; exit 1 if a certificate fails or something beats the optimum."""
    chosen = [load_scenario(name) for name in names]
    if len({scenario.spec.id for scenario in chosen}) < len(chosen):
        raise typer.BadParameter("the same scenario twice", param_hint="--scenario")
    numbers = week_numbers(weeks)
    for scenario in chosen:
        for policy in entrants(policies):
            try_out(load_policy(policy, scenario), scenario, split, policy)
    output.mkdir(parents=True, exist_ok=True)
    jobs = [Job(one, tuple(policies), split, tuple(numbers), seed) for one in chosen]
    store = PartStore(output)
    with progress_bar() as progress:
        bars = [progress.add_task(job.scenario.spec.id, total=units_of_work(job)) for job in jobs]
        results = evaluate_all(
            jobs,
            workers or (0 if ray else os.cpu_count() or 1),
            lambda number, units: progress.advance(bars[number], units),
            store,
            ray,
        )
    for result in results:
        console.print(results_table(result))
        print_certificate(result)
    console.print(
        "score: share of the way from no trade (0) to the optimum (100), over all episodes; "
        "dispatch and allocation: EUR per episode lost by set-points and by matching"
    )
    if summaries := overview(results):
        console.print(summary_table(summaries, len(results)))
        console.print(
            "IQM: mean of the middle half of the scores of blocks (of 13 weeks, every third); "
            "CVaR: mean of their worst tenth; rank: in 95 % of draws"
        )
    now = datetime.now(UTC)
    folder = (
        output / f"{now:%Y%m%d-%H%M%S}-{chosen[0].spec.id if len(chosen) == 1 else 'benchmark'}"
    )
    write_run(results, folder, now.isoformat(timespec="seconds"))
    store.clear()
    _write_report(results, folder)
    if any(not result.certified or result.above_optimum for result in results):
        raise typer.Exit(1)


def _write_report(results: Sequence[ScenarioResult], folder: Path) -> None:
    module, _, function = REPORT.partition(":")
    console.print(f"record, metrics and actions: {folder}", markup=False, soft_wrap=True)
    try:
        write = getattr(importlib.import_module(module), function)
    except ImportError as error:
        console.print(f"no report: {error}; it needs a checkout and p2p-market\\[report]")
        return
    page = write(results, folder, title="p2p_market benchmark")
    console.print(f"report: {page}", markup=False, soft_wrap=True)
