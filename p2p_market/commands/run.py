"""How a run goes: check what is asked, play, write the record, then show, then report.

The record is complete before the last table is shown, so that no terminal and no picture can lose
it. Tables of other scenarios are shown as soon as they are finished; their parts are kept by then.
"""

import re
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import typer

from p2p_market.commands.console import (
    GOES_ON,
    check_names,
    complain,
    complaining,
    console,
    progress_bar,
    weeks_of,
)
from p2p_market.commands.tables import print_overview, print_result
from p2p_market.errors import P2PMarketError
from p2p_market.evaluation.benchmark import ScenarioResult, entrants
from p2p_market.evaluation.players.failure import FailedPolicyError, Failure
from p2p_market.evaluation.players.names import is_ours, missing
from p2p_market.evaluation.record.run_record import write_run
from p2p_market.evaluation.running.first_try import first_tries
from p2p_market.evaluation.running.interruption import ask_again
from p2p_market.evaluation.running.parallel import evaluate_each
from p2p_market.evaluation.running.part_store import PartStore
from p2p_market.evaluation.running.parts import Job, units_of_work
from p2p_market.evaluation.running.processes import processors
from p2p_market.files import check_writable, new_folder, safe_name
from p2p_market.loading import import_ours, needing, spec_of_ours
from p2p_market.registry import baselines, load_scenario, rule_of
from p2p_market.track import OPTIMUM, AnyScenario, Baseline

REPORT: Final = "report.page:write"
NAMED: Final = 2  # so many policies stand in the name of a run's folder
GOING_ON: Final = "the run goes on"

Results = dict[int, ScenarioResult | P2PMarketError]
"""Number of a job -> its result, or why it has no scale; in the order in which they finished."""


def run(
    names: Sequence[str],
    policies: Sequence[str],
    weeks: str,
    split: str,
    seed: int,
    output: Path,
    workers: int,
    ray: str | None,
    decentralised: bool | None = None,
) -> None:
    """Evaluate, write and show; exit with 1 if anything that was played is wrong.

    Args:
        decentralised: the claim of the policies. True: it is an error if they are not;
            False: it is not checked.

    Raises:
        P2PMarketError: if nothing could start.
        OSError: the same.
    """
    jobs = _asked(names, policies, weeks, split, seed, decentralised is False)
    check_writable(output)
    store = PartStore(output)
    results, shown, folder = _play(jobs, output, workers, store, ray)
    store.clear()
    ordered, complete = _in_order(results), f"the record is complete: {folder}"
    with complaining(1, complete):
        shown &= _without_loss("screen", complete, partial(_show_last, results))
        console.say(f"record, metrics and actions: {folder}")
        if any(_comparable(one) for one in ordered):
            console.say(f"differences with paired intervals: p2p-market compare {folder}")
        reported = _without_loss("report", complete, lambda: _write_report(ordered, folder))
        ask_again()
    broken = _broken_words(ordered) if decentralised else []
    for line in broken:
        complain(line)
    sound = len(ordered) == len(jobs) and not broken and all(one.sound for one in ordered)
    if not (sound and shown and reported):
        raise typer.Exit(1)


def _asked(
    names: Sequence[str],
    policies: Sequence[str],
    weeks: str,
    split: str,
    seed: int,
    centralised: bool,
) -> list[Job]:
    """What is to be played, after a first try of each policy.

    Raises:
        P2PMarketError: if something of it cannot be played.
    """
    check_names(policies)
    chosen = [load_scenario(name) for name in names]
    if len({scenario.spec.id for scenario in chosen}) < len(chosen):
        raise typer.BadParameter("the same scenario twice", param_hint="--scenario")
    if not policies:
        _name_absent(chosen)
    jobs = [
        Job(
            one,
            tuple(policies or default_policies(one)),
            split,
            weeks_of(one, split, weeks),
            seed,
            centralised,
        )
        for one in chosen
    ]
    _try_out(jobs, split)
    return jobs


def default_policies(scenario: AnyScenario) -> list[str]:
    """What a benchmark plays without `-p`: the baselines whose code is here, and the optimum."""
    found = baselines(scenario).items()
    return [*(name for name, one in found if one.benchmark and _is_here(one)), OPTIMUM]


def _is_here(baseline: Baseline) -> bool:
    """Whether the code of a baseline is installed; an installed package has the plain rules."""
    return all(spec_of_ours(target.partition(".")[0]) for target in baseline.targets.values())


def _name_absent(chosen: Sequence[AnyScenario]) -> None:
    """Say which baselines a benchmark leaves out."""
    absent = dict.fromkeys(
        name
        for scenario in chosen
        for name, one in baselines(scenario).items()
        if one.benchmark and not _is_here(one)
    )
    if absent:
        complain(f"not played: {', '.join(absent)}; {missing()}")


def _try_out(jobs: Sequence[Job], split: str) -> None:
    """Ask each policy for one action, so that a broken one is reported before hours of play.

    Raises:
        FailedPolicyError: if all that were asked for fail at once, or the rule does.
        P2PMarketError: if one of them does not exist.
    """
    outcomes: dict[str, list[Failure | None]] = {}
    asking = [(job.scenario, tuple(entrants(job.scenario, job.policies))) for job in jobs]
    for names in dict.fromkeys(names for _, names in asking):
        chosen = [scenario for scenario, own in asking if own == names]
        for name, found in first_tries(chosen, names, split).items():
            outcomes.setdefault(name, []).extend(found)
    works = {policy for policy, found in outcomes.items() if None in found}
    failures = [next(filter(None, found)) for found in outcomes.values() if any(found)]
    rules = {rule_of(job.scenario) for job in jobs}
    asked = {name for job in jobs for name in job.policies} - {OPTIMUM}
    if not rules <= works or (asked and not asked & works):
        *others, last = failures
        for other in others:
            complain(f"error: {other}")
        raise FailedPolicyError(last)
    for failure in failures:
        complain(f"{failure.message}; the other policies are played")


def _between(result: ScenarioResult) -> list[str]:
    """The policies but the ends."""
    ends = (rule_of(result.scenario), OPTIMUM)
    return [row.policy for row in result.rows if row.policy not in ends]


def _comparable(result: ScenarioResult) -> bool:
    """Whether two policies compete between the ends."""
    between = _between(result)
    return sum(row.conduct.contends for row in result.rows if row.policy in between) > 1


def _broken_words(results: Sequence[ScenarioResult]) -> list[str]:
    """Policies that were said to be decentralised and are not."""
    return [
        f"{row.policy} is not decentralised in {result.scenario.spec.id}: what agents do depends "
        "on what others see"
        for result in results
        for row in result.rows
        if row.conduct.rows == "centralised" and row.policy != OPTIMUM
    ]


def _play(
    jobs: Sequence[Job], output: Path, workers: int, store: PartStore, ray: str | None
) -> tuple[Results, bool, Path]:
    """Results, whether all but the last could be shown, and the folder of their record.

    Raises:
        typer.Exit: with code 1, if something was played and no scenario could be scored.
        P2PMarketError: if nothing was played.
        OSError: the same.
    """
    begun_s, shown, results = 0.0, True, Results()  # by the clock; 0: nothing is played yet
    with progress_bar(transient=len(jobs) > 1) as progress:
        bars = [progress.add_task(job.scenario.spec.id, total=units_of_work(job)) for job in jobs]

        def tell(number: int, units: int) -> None:
            nonlocal begun_s
            begun_s = begun_s or time.perf_counter()
            progress.advance(bars[number], units)

        at_once = workers or (0 if ray else processors())
        try:
            apart = _strange(jobs)
            with closing(evaluate_each(jobs, at_once, tell, store, ray, apart)) as playing:
                for number, result in playing:
                    results[number] = result
                    progress.update(bars[number], visible=False)
                    if len(results) < len(jobs):
                        progress.stop()
                        shown &= _without_loss("screen", GOING_ON, partial(_show, result))
                        complain(_time_left(jobs, results, time.perf_counter() - begun_s))
                        progress.start()
            return results, shown, _record(_in_order(results), output)
        except (P2PMarketError, OSError) as error:
            if begun_s == 0.0:
                raise
            complain(f"error: {error}{_what_is_left(error, results, jobs, output)}")
            _keep_finished(results, jobs, output)
            raise typer.Exit(1) from error
        except KeyboardInterrupt:
            _keep_finished(results, jobs, output)
            raise


def _strange(jobs: Sequence[Job]) -> bool:
    """Whether somebody else's policy is played."""
    return any(not is_ours(name) for job in jobs for name in job.policies)


def _what_is_left(error: Exception, results: Results, jobs: Sequence[Job], output: Path) -> str:
    """What the same command would find, as the end of a sentence about the error."""
    if isinstance(error, P2PMarketError) and len(results) == len(jobs):
        return ""  # all was played, and no scenario has a scale: it would end as now
    if GOES_ON in str(error):
        return f"; they are kept in {output}"
    return f"; {GOES_ON}, which are kept in {output}"


def _in_order(results: Results) -> list[ScenarioResult]:
    """Those that have a scale, in the order of the jobs, whichever was finished first.

    Raises:
        P2PMarketError: if none has.
    """
    ordered = [results[number] for number in sorted(results)]
    scored = [one for one in ordered if isinstance(one, ScenarioResult)]
    for one in ordered:
        if isinstance(one, P2PMarketError) and not scored:
            raise one
    return scored


def _show(result: ScenarioResult | P2PMarketError) -> None:
    """The table of a scenario, or why it has none."""
    if isinstance(result, ScenarioResult):
        print_result(result)
    else:
        complain(f"error: {result}; this scenario is not in the record")


def _time_left(jobs: Sequence[Job], results: Results, seconds: float) -> str:
    """How long the other scenarios take, judged by the members and days of the finished ones."""
    sizes = [len(job.scenario.agents) * job.scenario.spec.days for job in jobs]
    done = sum(sizes[number] for number in results)
    left_s = seconds * (sum(sizes) - done) / done
    about = f"{left_s / 60.0:.0f} minutes" if left_s > 90.0 else f"{left_s:.0f} s"
    return (
        f"{len(results)} of {len(jobs)} scenarios in {seconds:.0f} s; the others take about {about}"
    )


def _show_last(results: Results) -> None:
    """The table of the scenario that was finished last, and one over all."""
    _show(list(results.values())[-1])
    print_overview(_in_order(results))


def _keep_finished(results: Results, jobs: Sequence[Job], output: Path) -> None:
    """Write the record of the scenarios that are finished, if others are not."""
    scored = any(isinstance(one, ScenarioResult) for one in results.values())
    if not scored or len(results) == len(jobs):
        return

    def write() -> None:
        folder = _record(_in_order(results), output)
        complain(f"{len(results)} of {len(jobs)} scenarios are finished; their record: {folder}")

    _without_loss("record", GOES_ON, write)


def _record(results: Sequence[ScenarioResult], output: Path) -> Path:
    """Write the record into a folder of its own, which has its name when it is complete."""
    now = datetime.now(UTC)
    title = results[0].scenario.spec.id if len(results) == 1 else "benchmark"
    if len(names := _between(results[0])) <= NAMED:
        title = "-".join([*(re.sub(r"[^a-z0-9_-]+", "_", one.lower()) for one in names), title])

    def fill(folder: Path) -> None:
        write_run(results, folder, now.isoformat(timespec="seconds"))

    return new_folder(output, f"{now:%Y%m%d-%H%M%S}", safe_name(title), fill)


def _without_loss(what: str, otherwise: str, work: Callable[[], None]) -> bool:
    """Whether something that is not the record could be done, whatever goes wrong in it.

    Args:
        otherwise: what is not lost, for the complaint.
    """
    try:
        work()
    except Exception as error:  # of any library: nothing of it may end a run
        complain(f"no {what}: {type(error).__name__}: {error}; {otherwise}")
        return False
    return True


def _write_report(results: Sequence[ScenarioResult], folder: Path) -> None:
    """Pages in one file, those that a track adds included."""
    module, _, function = REPORT.partition(":")
    try:
        write = getattr(import_ours(module), function)
    except ImportError as error:
        console.say(f"no report: {error}; it needs {needing('report')}")
        return
    console.say(f"report: {write(results, folder, title='p2p_market benchmark')}")
