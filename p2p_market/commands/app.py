"""The command line `p2p-market`.

Exit codes: 0 all is well; 1 what was played or examined is wrong; 2 wrong usage, or nothing could
start.
"""

import json
import platform
import sys
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Column, Table
from rich.text import Text

from p2p_market import data
from p2p_market.commands import compare, dashboard, focal
from p2p_market.commands import data as datasets
from p2p_market.commands import leaderboard as submissions
from p2p_market.commands import reference as references
from p2p_market.commands import train as training
from p2p_market.commands.console import (
    Commands,
    SeedOption,
    SplitOption,
    WeeksOption,
    complain,
    complaining,
    console,
)
from p2p_market.commands.run import run
from p2p_market.commands.screen import visible
from p2p_market.compilation import folder
from p2p_market.data import system, weather
from p2p_market.errors import P2PMarketError
from p2p_market.evaluation.record.citation import bibtex, cff
from p2p_market.evaluation.record.recorded import read_run
from p2p_market.evaluation.record.run_record import replay
from p2p_market.evaluation.record.versions import other_versions
from p2p_market.loading import installing
from p2p_market.registry import (
    DEFAULT_SCENARIO,
    DEFAULT_TRACK,
    load_scenario,
    make,
    of_default_track,
)
from p2p_market.scenarios import known_ids, scenario_ids
from p2p_market.words import counted

EXTRAS: Final = (
    ("cvxpy", "optimal"),
    ("matplotlib", "report"),
    ("torch", "rl"),
    ("onnxruntime", "onnx"),
    ("onnx", "leaderboard"),
    ("ray", "ray"),
    ("streamlit", "dashboard"),
)
"""A package and the extra that carries it."""
NOT_KEPT: Final = (
    "not kept, so each process compiles for half a minute; set NUMBA_CACHE_DIR to a folder that "
    "can be written"
)

app = typer.Typer(
    cls=Commands,
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
app.command(name="dashboard")(dashboard.dashboard)
app.command(name="train")(training.train)

OutputOption = Annotated[
    Path, typer.Option("--output", "-o", help="Folder in which each run makes its own folder.")
]
WorkersOption = Annotated[
    int,
    typer.Option(
        "--workers",
        "-w",
        min=0,
        help=(
            "Parts played at the same time; 0: one per available processor, or all that fit on "
            "the cluster."
        ),
    ),
]
RayOption = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="ADDRESS",
        help=(
            "Play on a Ray cluster: local, auto, HOST:PORT or ray://HOST:PORT. The results have "
            "the same bytes."
        ),
    ),
]


PlayedOption = Annotated[
    list[str] | None,
    typer.Option(
        "--scenario",
        "-s",
        help=f"Scenario id or YAML file; repeatable. Default: {DEFAULT_SCENARIO}.",
    ),
]


@app.command()
def benchmark(
    scenario: PlayedOption = None,
    everything: Annotated[bool, typer.Option("--all", help="All shipped scenarios.")] = False,
    policy: Annotated[
        list[str] | None,
        typer.Option(
            "--policy",
            "-p",
            help="Baseline, MODULE:FACTORY or FILE.onnx; repeatable. "
            "ROLE=POLICY for one of several roles. Default: all baselines but those that know the "
            "future or take much longer.",
        ),
    ] = None,
    weeks: WeeksOption = "",
    split: SplitOption = "test",
    seed: SeedOption = 0,
    output: OutputOption = Path("results"),
    workers: WorkersOption = 0,
    ray: RayOption = None,
) -> None:
    """Play the policies on held-out weeks; print the table, write record, metrics and report.

    With several scenarios, each table is printed when it is finished. After Ctrl-C the finished
    ones are recorded, and the same command goes on where it stopped.

    Example: p2p-market benchmark -s classic-v0 -p truthful --weeks 5,6
    """
    with complaining():
        names = _chosen(scenario, everything, scenario_ids())
        run(names, policy or [], weeks, split, seed, output, workers, ray)


@app.command(name="evaluate")
def evaluate_policy(
    policy: Annotated[
        list[str],
        typer.Option(
            "--policy",
            "-p",
            help="MODULE:FACTORY, a trained FILE.onnx, a baseline's name, or ROLE=POLICY with "
            "one such; repeatable, for each role.",
        ),
    ],
    scenario: PlayedOption = None,
    everything: Annotated[
        bool, typer.Option("--all", help=f"All shipped scenarios of the track {DEFAULT_TRACK}.")
    ] = False,
    weeks: WeeksOption = "",
    split: SplitOption = "test",
    seed: SeedOption = 0,
    output: OutputOption = Path("results"),
    workers: WorkersOption = 0,
    ray: RayOption = None,
    decentralised: Annotated[
        bool | None,
        typer.Option(
            "--decentralised/--centralised",
            help=(
                "The claim of the policy. Decentralised: each agent acts on its own row only; "
                "this is checked (exit 1 if not). Centralised: it is not checked. Default: check "
                "and mark."
            ),
        ),
    ] = None,
) -> None:
    """Score one policy between the two ends of the scale.

    FACTORY is called with the scenario and returns an object with start(seeds) -> memory and
    act(observation, memory) -> (action, memory). Example: p2p-market evaluate -p
    my_agent:make
    """
    with complaining():
        if len(policy) > 1 and not all("=" in part for part in policy):
            raise typer.BadParameter(
                "scores one policy; for several use `p2p-market benchmark -p A -p B`, and for "
                "several roles -p ROLE=A -p ROLE=B",
                param_hint="--policy",
            )
        names = _chosen(scenario, everything, of_default_track())
        run(names, [",".join(policy)], weeks, split, seed, output, workers, ray, decentralised)


def _chosen(scenarios: list[str] | None, everything: bool, every: list[str]) -> list[str]:
    """The scenarios to play: those given, or every one, the default first, or the default."""
    if everything and scenarios:
        raise typer.BadParameter("give --all or scenarios, not both", param_hint="--all")
    others = [name for name in every if name != DEFAULT_SCENARIO]
    return scenarios or [DEFAULT_SCENARIO, *(others if everything else ())]


@app.command()
def scenarios(
    as_json: Annotated[
        bool, typer.Option("--json", help="A JSON list of objects with `id`.")
    ] = False,
) -> None:
    """List the shipped scenarios."""
    with complaining():
        chosen = [load_scenario(name) for name in known_ids()]
    if as_json:
        rows = [
            {
                "id": one.spec.id,
                "title": one.spec.title,
                "track": one.spec.track,
                "members": len(one.agents),
                "dt_h": one.spec.dt_h,
                "days": one.spec.days,
                "mechanism": getattr(one.spec, "mechanism", None),
                "data": one.data.name,
            }
            for one in chosen
        ]
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
        return
    widest = max(len(one.spec.id) for one in chosen)  # an id is typed, so it is never cut
    table = Table(
        Column("id", min_width=widest, no_wrap=True), "track", "agents", "step [h]", "title"
    )
    for one in chosen:
        spec = one.spec
        table.add_row(spec.id, spec.track, str(len(one.agents)), f"{spec.dt_h:g}", spec.title)
    console.print(table)


@app.command(name="replay")
def replay_run(run: Annotated[Path, typer.Argument(help="Folder of a run, results/RUN.")]) -> None:
    """Play the recorded actions of a run again and compare every digest, cost and score.

    Not checked: who wrote the record, its times and versions, and the conduct of policies that are
    not shipped. A record whose files were all changed consistently is not detected either.
    """
    with complaining(1):
        record = read_run(run)
        differences = replay(run, record)
    if differences:
        for line in [*differences, *other_versions(record)]:
            complain(line)
        raise typer.Exit(1)
    console.say(
        f"{run}: replays to the same digits; versions, times and the conduct of policies that are "
        "not shipped were not checked"
    )


@app.command()
def cite(
    run: Annotated[Path, typer.Argument(help="Folder of a run, results/RUN.")],
    as_cff: Annotated[bool, typer.Option("--cff", help="CITATION.cff instead of BibTeX.")] = False,
) -> None:
    """Print how to cite a run, with the digests of scenario, data and traces.

    Put in the name of the author: a record does not know it.
    """
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
        table.add_row(name, finding if good else Text(visible(finding), "red"))
    console.print(table)
    if problems:
        complain(f"wrong: {counted(problems, 'check')} in red; mend what it names")
        raise typer.Exit(1)
    console.say("all is well; an extra that is not installed is needed only for its own commands")


def _checks() -> Iterator[tuple[str, str, bool]]:
    """Name, finding and verdict of each check; a missing extra is reported, but is not a fault."""
    yield "python", platform.python_version(), sys.version_info >= (3, 11)
    for package in ("numpy", "numba", "gymnasium", "pettingzoo"):
        yield package, version(package), True
    for package, extra in EXTRAS:
        try:
            yield package, version(package), True
        except PackageNotFoundError:
            yield package, f"not installed; {installing(extra)}", True
    kept = folder()
    yield "compiled code", f"kept in {kept}" if kept else NOT_KEPT, True
    try:
        data.verify("de2018")
        weather.verify()
        system.verify()
        yield "data de2018", "all digests agree", True
        compiled, began = _count(kept), time.perf_counter()
        if not compiled:
            complain("compiling the engine ...")
        env = make("classic-v0")
        env.reset(seed=0)
        env.step({agent: env.action_space(agent).sample() for agent in env.agents})
        took_s = time.perf_counter() - began
        how = "compiled code was there" if compiled == _count(kept) > 0 else "with compilation"
        yield "first step", f"{took_s:.1f} s ({how})", True
    except P2PMarketError as error:
        yield "engine", str(error), False


def _count(kept: Path | None) -> int:
    """How many pieces of compiled code are kept."""
    return 0 if kept is None else sum(1 for _ in kept.iterdir())
