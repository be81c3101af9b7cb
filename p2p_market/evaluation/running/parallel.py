"""A run cut into parts that are played side by side; their distribution changes no byte."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from functools import partial

from p2p_market.errors import P2PMarketError
from p2p_market.evaluation.benchmark import ScenarioResult
from p2p_market.evaluation.running.cluster import on_cluster
from p2p_market.evaluation.running.interruption import ask_again
from p2p_market.evaluation.running.part_store import PartStore
from p2p_market.evaluation.running.parts import (
    Answer,
    Job,
    Part,
    Playing,
    Task,
    Tell,
    asked_here,
    died,
    parts_of,
    play_part,
    put_together,
    work,
)
from p2p_market.evaluation.running.processes import DeadProcessError, in_processes
from p2p_market.registry import baselines, scenario_of
from p2p_market.track import OPTIMUM


def evaluate_each(
    jobs: Sequence[Job],
    workers: int,
    tell: Tell,
    store: PartStore | None = None,
    ray: str | None = None,
    apart: bool = False,
) -> Generator[tuple[int, ScenarioResult | P2PMarketError], None, None]:
    """Evaluate scenarios part by part; give a job's number and result as soon as it is finished.

    A policy that fails is a result; an error tells why a scenario has no scale.

    Args:
        workers: parts played at the same time; 1 plays them one after the other, in this process.
        tell: called with the progress.
        store: keeps finished parts, so that an interrupted run goes on.
        ray: address of a Ray cluster that plays the parts instead of processes; then 0 workers
            mean as many as it has room for.
        apart: a single worker is a process of its own too, so that a policy that ends its process
            does not end this one.

    Raises:
        P2PMarketError: the first error of any part; parts not yet begun are dropped.
        Interruption: if this process was asked to end.
    """
    tasks = sorted(_tasks(jobs, store), key=_order)
    answers: list[dict[Part, Answer]] = [{} for _ in jobs]
    if ray is not None:
        playing = on_cluster(tasks, ray, workers, tell)
    elif workers == 1 and not apart:
        playing = _here(tasks, tell)
    else:
        playing = _side_by_side(tasks, workers, tell)
    with closing(playing):
        for task, answer in playing:
            if store is not None:
                store.keep(task.part, answer)
            ask_again()
            own = answers[task.number]
            own[task.part] = answer
            parts = parts_of(jobs[task.number])
            if len(own) == len(parts):
                ordered = [own.pop(part) for part in parts]
                yield task.number, _put_together(jobs[task.number], ordered)


def _put_together(job: Job, answers: Sequence[Answer]) -> ScenarioResult | P2PMarketError:
    try:
        return put_together(job, answers)
    except P2PMarketError as error:
        return error


def evaluate_all(
    jobs: Sequence[Job],
    workers: int,
    tell: Tell,
    store: PartStore | None = None,
    ray: str | None = None,
) -> list[ScenarioResult]:
    """The same at once; results are in the order of the jobs.

    Raises:
        P2PMarketError: as `evaluate_each`, or if a scenario has no scale.
    """
    results: dict[int, ScenarioResult] = {}
    with closing(evaluate_each(jobs, workers, tell, store, ray)) as playing:
        for number, result in playing:
            if isinstance(result, P2PMarketError):
                raise result
            results[number] = result
    return [results[number] for number in range(len(jobs))]


def _tasks(jobs: Sequence[Job], store: PartStore | None) -> Iterator[Task]:
    for number, job in enumerate(jobs):
        known = store.find(job) if store is not None else {}
        for part in parts_of(job):
            yield Task(number, part, known.get(part))


def _order(task: Task) -> tuple[int, bool, bool, bool]:
    """Order of parts: by job, policies before optima since they may fail, longest first."""
    policy = task.part.policy
    baseline = baselines(scenario_of(task.part.specification)).get(policy)
    slow = baseline is not None and baseline.slow
    return task.number, policy == OPTIMUM, task.known is not None, not slow


def _side_by_side(tasks: Sequence[Task], workers: int, tell: Tell) -> Playing:
    """Play in processes; a policy that ends its process has failed, and the others go on."""
    todo = list(tasks)
    while todo:
        asked = tuple(todo)
        try:
            with closing(in_processes(asked, workers, tell, work)) as playing:
                for task, answer in playing:
                    todo = [one for one in todo if one is not task]
                    yield task, asked_here(task.part, answer)
        except DeadProcessError as error:
            if error.place is None or error.code is None:
                raise
            task = asked[error.place]
            answer = died(task.part, error.code)
            todo = [one for one in todo if one is not task]
            yield task, answer


def _here(tasks: Sequence[Task], tell: Tell) -> Playing:
    for task in tasks:
        yield task, play_part(task.part, task.known, partial(tell, task.number))
