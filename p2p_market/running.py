"""How a run goes: check what is asked, play, write the record, then show, then report.

The record is complete before anything is shown, so that no terminal and no picture can lose it.
"""

import importlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import typer

from p2p_market.console import GOES_ON, complain, complaining, console, progress_bar, week_numbers
from p2p_market.errors import P2PMarketError
from p2p_market.evaluation.benchmark import ScenarioResult, entrants
from p2p_market.evaluation.files import check_writable, new_folder, safe_name
from p2p_market.evaluation.interruption import ask_again
from p2p_market.evaluation.parallel import evaluate_all
from p2p_market.evaluation.part_store import PartStore
from p2p_market.evaluation.parts import Job, units_of_work
from p2p_market.evaluation.policy import load_policy
from p2p_market.evaluation.processes import processors
from p2p_market.evaluation.rollout import try_out
from p2p_market.evaluation.run_record import write_run
from p2p_market.scenario import load_scenario
from p2p_market.tables import print_results

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
    """Evaluate, write and show; exit 1 if anything that was played is wrong.

    Raises:
        P2PMarketError: if nothing could start.
        OSError: the same.
    """
    jobs = _asked(names, policies, weeks, split, seed)
    check_writable(output)
    store = PartStore(output)
    results, folder = _play(jobs, output, workers, store, ray)
    store.clear()
    with complaining(1, f"the record is complete: {folder}"):
        shown = _without_loss("screen", folder, lambda: print_results(results))
        console.say(f"record, metrics and actions: {folder}")
        reported = _without_loss("report", folder, lambda: _write_report(results, folder))
        ask_again()
    sound = all(result.certified and not result.above_optimum for result in results)
    if not (sound and shown and reported):
        raise typer.Exit(1)


def _asked(
    names: Sequence[str], policies: Sequence[str], weeks: str, split: str, seed: int
) -> list[Job]:
    """What is to be played, after a first try of each policy.

    Raises:
        P2PMarketError: if something of it cannot be played.
    """
    chosen = [load_scenario(name) for name in names]
    if len({scenario.spec.id for scenario in chosen}) < len(chosen):
        raise typer.BadParameter("the same scenario twice", param_hint="--scenario")
    numbers = week_numbers(weeks)
    for scenario in chosen:
        for policy in entrants(policies):
            try_out(load_policy(policy, scenario), scenario, split, policy)
    return [Job(one, tuple(policies), split, tuple(numbers), seed) for one in chosen]


def _play(
    jobs: Sequence[Job], output: Path, workers: int, store: PartStore, ray: str | None
) -> tuple[list[ScenarioResult], Path]:
    """Results, and the folder of their record.

    Raises:
        typer.Exit: with code 1, if something was played and the record could not be made of it.
        P2PMarketError: if nothing was played.
        OSError: the same.
    """
    begun = False
    with progress_bar() as progress:
        bars = [progress.add_task(job.scenario.spec.id, total=units_of_work(job)) for job in jobs]

        def tell(number: int, units: int) -> None:
            nonlocal begun
            begun = True
            ask_again()
            progress.advance(bars[number], units)

        at_once = workers or (0 if ray else processors())
        try:
            results = evaluate_all(jobs, at_once, tell, store, ray)
            return results, _record(results, output)
        except (P2PMarketError, OSError) as error:
            if not begun:
                raise
            complain(f"error: {error}; {GOES_ON}, which are kept in {output}")
            raise typer.Exit(1) from error


def _record(results: Sequence[ScenarioResult], output: Path) -> Path:
    """Write the record into a folder of its own, which has its name when it is complete."""
    now = datetime.now(UTC)
    title = results[0].scenario.spec.id if len(results) == 1 else "benchmark"

    def fill(folder: Path) -> None:
        write_run(results, folder, now.isoformat(timespec="seconds"))

    return new_folder(output, f"{now:%Y%m%d-%H%M%S}", safe_name(title), fill)


def _without_loss(what: str, folder: Path, work: Callable[[], None]) -> bool:
    """Whether something that is not the record could be done, whatever goes wrong in it."""
    try:
        work()
    except Exception as error:  # of any library: nothing of it may end a run whose record is there
        complain(f"no {what}: {type(error).__name__}: {error}; the record is complete: {folder}")
        return False
    return True


def _write_report(results: Sequence[ScenarioResult], folder: Path) -> None:
    module, _, function = REPORT.partition(":")
    try:
        write = getattr(importlib.import_module(module), function)
    except ImportError as error:
        console.say(f"no report: {error}; it needs a checkout and p2p-market[report]")
        return
    console.say(f"report: {write(results, folder, title='p2p_market benchmark')}")
