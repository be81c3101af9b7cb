"""The command line `p2p-market`. Exit codes: 0 ok, 1 a check failed, 2 wrong usage."""

import importlib
import json
import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from p2p_market import compare, data, datasets, focal, references, submissions, training
from p2p_market.console import (
    ScenarioOption,
    SeedOption,
    SplitOption,
    WeeksOption,
    complaining,
    complaints,
    console,
    euro,
    progress_bar,
    week_numbers,
)
from p2p_market.errors import P2PMarketError
from p2p_market.evaluation.benchmark import (
    OPTIMUM,
    RULE,
    ScenarioResult,
    entrants,
)
from p2p_market.evaluation.citation import bibtex, cff
from p2p_market.evaluation.overview import overview
from p2p_market.evaluation.parallel import evaluate_all
from p2p_market.evaluation.part_store import PartStore
from p2p_market.evaluation.parts import Job, units_of_work
from p2p_market.evaluation.policy import load_policy
from p2p_market.evaluation.rollout import try_out
from p2p_market.evaluation.run_record import read_run, replay, write_run
from p2p_market.evaluation.statistics.summary import Summary
from p2p_market.registry import BASELINES, PLANNING, REFERENCES, make
from p2p_market.scenario import load_scenario, scenario_ids

REPORT: Final = "report.page:write"
EXTRAS: Final = (
    ("cvxpy", "optimal"),
    ("matplotlib", "report"),
    ("torch", "rl"),
    ("onnxruntime", "onnx"),
    ("onnx", "leaderboard"),
    ("ray", "ray"),
)
"""A package and the extra that carries it."""

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Benchmarks for peer-to-peer energy trading: policies are scored between the no-trade "
    "rule (0) and the perfect-foresight optimum of the same physics (100).",
)
app.add_typer(compare.app, name="compare")
app.add_typer(datasets.app, name="data")
app.add_typer(submissions.app, name="leaderboard")
app.command(name="reference")(references.reference)
app.command(name="focal")(focal.focal)
app.command(name="train")(training.train)

OutputOption = Annotated[
    Path, typer.Option("--output", "-o", help="Folder in which a folder per run is made.")
]
WorkersOption = Annotated[
    int,
    typer.Option(
        "--workers",
        "-w",
        min=0,
        help="Parts played at the same time; 0: one per processor, or all that fit on the cluster.",
    ),
]
RayOption = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="ADDRESS",
        help="Play on a Ray cluster: local, auto, HOST:PORT or ray://HOST:PORT. Same bytes.",
    ),
]


@app.command()
def benchmark(
    scenario: ScenarioOption = None,
    policy: Annotated[
        list[str] | None,
        typer.Option(
            "--policy",
            "-p",
            help="Baseline, MODULE:FACTORY or FILE.onnx; repeatable. "
            f"Default: all but {', '.join(REFERENCES)}.",
        ),
    ] = None,
    weeks: WeeksOption = "0-12",
    split: SplitOption = "test",
    seed: SeedOption = 0,
    output: OutputOption = Path("results"),
    workers: WorkersOption = 0,
    ray: RayOption = None,
) -> None:
    """Play all policies on held-out weeks; print the table, write record, metrics and report.

    An interrupted run goes on when the same command is given again.

    Example: p2p-market benchmark -s classic-v0 -p truthful --weeks 5,6
    """
    with complaining():
        names, policies = scenario or scenario_ids(), policy or [*BASELINES, *PLANNING]
        _run(names, policies, weeks, split, seed, output, workers, ray)


@app.command(name="evaluate")
def evaluate_policy(
    policy: Annotated[
        str,
        typer.Option(
            "--policy", "-p", help="MODULE:FACTORY, a trained FILE.onnx, or a baseline's name."
        ),
    ],
    scenario: ScenarioOption = None,
    weeks: WeeksOption = "0-12",
    split: SplitOption = "test",
    seed: SeedOption = 0,
    output: OutputOption = Path("results"),
    workers: WorkersOption = 0,
    ray: RayOption = None,
) -> None:
    """Score one policy between the two ends of the scale.

    FACTORY is called with the scenario and returns an object with start(seeds) -> memory and
    act(observation, memory) -> (action, memory). Example: p2p-market evaluate -p
    my_agent:make_policy
    """
    with complaining():
        _run(scenario or scenario_ids(), [policy], weeks, split, seed, output, workers, ray)


@app.command()
def scenarios(
    as_json: Annotated[
        bool, typer.Option("--json", help="A JSON list of objects with `id`.")
    ] = False,
) -> None:
    """List the shipped scenarios."""
    with complaining():
        specs = [load_scenario(name).spec for name in scenario_ids()]
    if as_json:
        rows = [
            {
                "id": spec.id,
                "title": spec.title,
                "members": len(spec.members),
                "dt_h": spec.dt_h,
                "days": spec.days,
                "mechanism": spec.mechanism,
                "data": spec.data,
            }
            for spec in specs
        ]
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
        return
    table = Table("id", "members", "step [h]", "title")
    for spec in specs:
        table.add_row(spec.id, str(len(spec.members)), f"{spec.dt_h:g}", spec.title)
    console.print(table)


@app.command(name="replay")
def replay_run(run: Annotated[Path, typer.Argument(help="Folder of a run, results/RUN.")]) -> None:
    """Play the recorded actions of a run again and compare every digest and cost."""
    with complaining():
        differences = replay(run, read_run(run))
    if differences:
        for line in differences:
            complaints.print(line, markup=False, highlight=False)
        raise typer.Exit(1)
    console.print(f"{run}: replays to the same digits", markup=False)


@app.command()
def cite(
    run: Annotated[Path, typer.Argument(help="Folder of a run, results/RUN.")],
    as_cff: Annotated[bool, typer.Option("--cff", help="CITATION.cff instead of BibTeX.")] = False,
) -> None:
    """Print how to cite a run, with the digests of scenario, data and traces."""
    with complaining():
        record = read_run(run)
    sys.stdout.write(cff(record) if as_cff else bibtex(record))


@app.command()
def doctor() -> None:
    """Check installation, data and engine on this machine."""
    table = Table("check", "result")
    problems = 0
    for name, finding, good in _checks():
        problems += not good
        table.add_row(name, finding if good else f"[red]{finding}[/red]")
    console.print(table)
    raise typer.Exit(1 if problems else 0)


def _checks() -> Iterator[tuple[str, str, bool]]:
    """Name, finding and verdict of each check; a missing extra is told, not a fault."""
    yield "python", platform.python_version(), sys.version_info >= (3, 11)
    for package in ("numpy", "numba", "gymnasium", "pettingzoo"):
        yield package, version(package), True
    for package, extra in EXTRAS:
        try:
            yield package, version(package), True
        except PackageNotFoundError:
            yield package, f"not installed; pip install 'p2p-market[{extra}]'", True
    try:
        data.verify("de2018")
        yield "data de2018", "all digests agree", True
        began = time.perf_counter()
        env = make("classic-v0")
        env.reset(seed=0)
        env.step({agent: env.action_space(agent).sample() for agent in env.agents})
        yield "first step", f"{time.perf_counter() - began:.1f} s with compilation", True
    except P2PMarketError as error:
        yield "engine", str(error), False


def _run(
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
        console.print(_table(result))
        _print_certificate(result)
    console.print(
        "score: share of the way from no trade (0) to the optimum (100), over all episodes; "
        "dispatch and allocation: EUR per episode lost by set-points and by matching"
    )
    if summaries := overview(results):
        console.print(_summary_table(summaries, len(results)))
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


def _table(result: ScenarioResult) -> Table:
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


def _summary_table(summaries: Sequence[Summary], scenarios: int) -> Table:
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


def _print_certificate(result: ScenarioResult) -> None:
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
