"""Scenarios side by side in processes; which process plays what changes no byte of the result."""

import multiprocessing
import queue
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from p2p_market.evaluation.benchmark import ScenarioResult, evaluate
from p2p_market.scenario import load_scenario

REPORT_EVERY: Final = 100  # units of work between two messages of a process


@dataclass(frozen=True, slots=True)
class Job:
    """One scenario to be evaluated; the scenario itself is read where it is played."""

    scenario: str  # id or path of a YAML file
    policies: tuple[str, ...]
    split: str
    weeks: tuple[int, ...]
    seed: int
    plans: Path | None  # folder that keeps solved optima


def evaluate_all(
    jobs: Sequence[Job], workers: int, progress: Callable[[int, int], None]
) -> list[ScenarioResult]:
    """Evaluate scenarios in so many processes; results stand in the order of the jobs.

    Args:
        workers: 1 plays them here, one after the other.
        progress: called with the number of a job and the units of work done since the last call.

    Raises:
        P2PMarketError: the first error of any job; jobs not yet begun are dropped.
    """
    if workers == 1 or len(jobs) == 1:
        return [_play(job, partial(progress, number)) for number, job in enumerate(jobs)]
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager:
        messages = manager.Queue()
        with ProcessPoolExecutor(min(workers, len(jobs)), mp_context=context) as pool:
            running = [pool.submit(_work, job, n, messages) for n, job in enumerate(jobs)]
            try:
                _follow(running, messages, progress)
                return [future.result() for future in running]
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


def _follow(
    running: Sequence[Future[ScenarioResult]], messages: Any, progress: Callable[[int, int], None]
) -> None:
    """Pass messages on until all jobs have ended or one has failed."""
    pending = set(running)
    while pending:
        done, pending = wait(pending, timeout=0.1)
        while True:
            try:
                progress(*messages.get_nowait())
            except queue.Empty:
                break
        if any(future.exception() is not None for future in done):
            return


def _play(job: Job, progress: Callable[[int], None]) -> ScenarioResult:
    return evaluate(
        load_scenario(job.scenario),
        job.policies,
        job.split,
        job.weeks,
        job.seed,
        plans=job.plans,
        progress=progress,
    )


def _work(job: Job, number: int, messages: Any) -> ScenarioResult:
    """What a process does; small steps are told together."""
    waiting = 0

    def tell(units: int) -> None:
        nonlocal waiting
        waiting += units
        if waiting >= REPORT_EVERY:
            messages.put((number, waiting))
            waiting = 0

    result = _play(job, tell)
    messages.put((number, waiting))
    return result
