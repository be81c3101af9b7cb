"""`p2p-market reference`: show, check or remake the published ends of the scale."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer

from p2p_market.commands.console import ScenarioOption, complaining, console, progress_bar
from p2p_market.commands.screen import Figures
from p2p_market.errors import PolicyError
from p2p_market.evaluation.ends.certificate import MIXED_INTEGER, certify
from p2p_market.evaluation.ends.reference import (
    Entry,
    entries,
    plan_of,
    published,
    reference_keys,
    write_table,
)
from p2p_market.evaluation.ends.row import row as any_row
from p2p_market.evaluation.players.player import play
from p2p_market.evaluation.record.versions import versions
from p2p_market.evaluation.running.part_store import installation
from p2p_market.evaluation.running.parts import Tell
from p2p_market.evaluation.running.processes import in_processes, processors
from p2p_market.loading import needing
from p2p_market.registry import load_scenario, of_default_track, rule_of
from p2p_market.track import OPTIMUM, AnyScenario, Plan
from p2p_market.tracks import extra, track_of

LEGEND: Final = (
    "rule, optimum: mean social cost in EUR; alone: score of all members with perfect foresight "
    "and no neighbours; replay, bound, second: largest difference in EUR between the optimum's "
    "cost and its cost in the engine, its bound by prices, and the bound of a second solver"
)

Row = tuple[Entry, Plan]


@dataclass(frozen=True, slots=True)
class RowTask:
    """One week of one scenario, to be made or found in what an interrupted command left."""

    number: int  # of the scenario
    scenario: str
    place: int  # of the episode in the table
    folder: Path  # of finished rows


def reference(
    scenario: ScenarioOption = None,
    check: Annotated[
        bool, typer.Option("--check", help="Solve every episode again and compare.")
    ] = False,
    build: Annotated[bool, typer.Option("--build", help="Write a new table.")] = False,
    workers: Annotated[
        int, typer.Option("--workers", "-w", min=0, help="Processes; 0: one per processor.")
    ] = 0,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="Folder that keeps finished rows, so that an interrupted command can go on.",
        ),
    ] = Path("results"),
) -> None:
    """Show the published ends of the scale: no-trade rule and proved optimum of each test week.

    Without options every published schedule is played and its bound computed from its prices, which
    needs no solver. An interrupted --check or --build goes on when it is given again.
    """
    with complaining():
        chosen = [load_scenario(name) for name in scenario or of_default_track()]
        fresh: list[list[Row]] = []
        if check or build:
            fresh = _solve(chosen, workers or processors(), output)
        if build:
            for one, rows in zip(chosen, fresh, strict=True):
                console.say(f"written: {write_table(one, rows, versions())}")
        complaints = _verify(chosen)
        if check:
            for one, rows in zip(chosen, fresh, strict=True):
                complaints += _differences(one, rows)
        console.say("The ends of the scale over the test weeks", "italic")
        console.print(_overview(chosen))
        console.print(LEGEND)
        for line in complaints:
            console.say(line, "red")
        if complaints:
            raise typer.Exit(1)


def _solve(chosen: list[AnyScenario], workers: int, output: Path) -> list[list[Row]]:
    """All rows of the scenarios, made side by side."""
    tasks = []
    for number, one in enumerate(chosen):
        made_by = json.dumps(installation([OPTIMUM, rule_of(one)], one), sort_keys=True)
        folder = output / "reference" / hashlib.sha256(made_by.encode()).hexdigest()[:16]
        tasks += [
            RowTask(number, one.spec.id, place, folder / f"week-{place}")
            for place in range(len(reference_keys(one)))
        ]
    tasks.sort(key=lambda task: -len(chosen[task.number].agents) * chosen[task.number].steps)
    found: dict[tuple[int, int], Row] = {}
    with progress_bar() as progress:
        bars = [progress.add_task(one.spec.id, total=len(reference_keys(one))) for one in chosen]
        for task, row in in_processes(tasks, workers, lambda *_: None, make_row):
            found[task.number, task.place] = row
            progress.advance(bars[task.number])
    return [
        [found[number, place] for place in range(len(reference_keys(one)))]
        for number, one in enumerate(chosen)
    ]


def make_row(task: RowTask, tell: Tell) -> Row:
    """What a process does: a row out of the folder of finished ones, or solved and put there."""
    scenario = load_scenario(task.scenario)
    stored = entries(scenario, task.folder)
    if stored:
        episode = track_of(scenario).draw(scenario, stored[0].key)
        plan = plan_of(scenario, episode, stored[0], 0, task.folder)
        if plan is not None and stored[0].episode == track_of(scenario).digest(scenario, episode):
            return stored[0], plan
    try:
        row: Row = (extra(scenario, "row") or any_row)(task.scenario, task.place)
    except ImportError as error:
        raise PolicyError(f"no solver: {error}; solving needs {needing('optimal')}") from error
    write_table(scenario, [row], versions(), task.folder)
    return row


def _verify(chosen: list[AnyScenario]) -> list[str]:
    """Play rule and published schedule of each entry, and compute the bound, without a solver."""
    found = []
    for scenario in chosen:
        table = entries(scenario)
        if len(table) < len(reference_keys(scenario)):
            found.append(f"{scenario.spec.id}: not published for this version of it; use --build")
        for entry in table:
            found += [
                f"{scenario.spec.id}, {entry.key}: {what}" for what in _wrong(scenario, entry)
            ]
    return found


def _wrong(scenario: AnyScenario, entry: Entry) -> list[str]:
    episode = track_of(scenario).draw(scenario, entry.key)
    plan = published(scenario, episode)
    if plan is None:
        return ["the draw of the episode differs, or its schedule is damaged"]
    rule = play(scenario, episode, rule_of(scenario))
    certificate, played = certify(scenario, episode, plan, OPTIMUM)
    bound_moved = abs(certificate.bound_eur - entry.bound_eur) > entry.tolerance_eur
    told = {
        "the rule plays differently": rule.digests[0] != entry.rule_digest,
        "the cost of the rule differs": rule.social_cost_eur[0] != entry.rule_eur,
        "the schedule plays differently": played.digests[0] != entry.optimum_digest,
        f"the certificate fails: {certificate}": not certificate.holds,
        "the bound proved by the prices differs": bound_moved,
    }
    return [what for what, wrong in told.items() if wrong]


def _differences(scenario: AnyScenario, fresh: list[Row]) -> list[str]:
    """Where the table differs from the rows that were solved again."""
    table = {entry.key: entry for entry in entries(scenario)}
    found = []
    for new, _ in fresh:
        old = table.get(new.key)
        if old is None:
            continue
        most = {"plan_eur": old.tolerance_eur, "bound_eur": old.tolerance_eur, "rule_eur": 0.0}
        if scenario.spec.optimum == MIXED_INTEGER:  # plan and bound are ends of a gap, not costs
            most = {"rule_eur": 0.0}
        for name, tolerance in most.items():
            was, now = getattr(old, name), getattr(new, name)
            if abs(was - now) > tolerance:
                found.append(f"{scenario.spec.id}, {new.key}: {name} {was!r}, solved again {now!r}")
    return found


def _overview(chosen: list[AnyScenario]) -> Figures:
    """One line per scenario, sums over its test weeks."""
    return Figures(
        ("scenario", "rule", "optimum", "alone", "replay", "bound", "second", "proved"),
        [(one.spec.id, *_line(rows)) for one in chosen if (rows := entries(one))],
    )


def _line(rows: tuple[Entry, ...]) -> list[str]:
    def column(name: str) -> Any:
        return np.array([getattr(entry, name) for entry in rows], dtype=np.float64)

    rule, plan, bound = column("rule_eur"), column("plan_eur"), column("bound_eur")
    alone = np.array([sum(entry.individual_eur) or np.nan for entry in rows])
    alone_score = 100.0 * (rule - alone).sum() / (rule - bound).sum()
    second = np.abs(bound - column("second_solver_eur")).max()
    return [
        f"{rule.mean():.2f}",
        f"{plan.mean():.2f}",
        "-" if np.isnan(alone_score) else f"{alone_score:.1f}",
        f"{np.abs(column('replay_eur') - plan).max():.0e}",
        f"{np.abs(plan - bound).max():.0e}",
        "-" if np.isnan(second) else f"{second:.0e}",
        f"{sum(entry.holds for entry in rows)}/{len(rows)}",
    ]
