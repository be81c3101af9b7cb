"""A run cut into parts that are played side by side; who plays what changes no byte."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from functools import partial

from p2p_market.evaluation.benchmark import OPTIMUM, ScenarioResult
from p2p_market.evaluation.cluster import on_cluster
from p2p_market.evaluation.interruption import ask_again
from p2p_market.evaluation.part_store import PartStore
from p2p_market.evaluation.parts import (
    Answer,
    Job,
    Part,
    Playing,
    Task,
    Tell,
    parts_of,
    play_part,
    put_together,
    work,
)
from p2p_market.evaluation.processes import in_processes
from p2p_market.registry import PLANNING


def evaluate_each(
    jobs: Sequence[Job],
    workers: int,
    tell: Tell,
    store: PartStore | None = None,
    ray: str | None = None,
) -> Generator[tuple[int, ScenarioResult], None, None]:
    """Evaluate scenarios part by part; give a job's number and result as soon as it is finished.

    Args:
        workers: parts played at the same time; 1 plays them here, one after the other.
        tell: hears about progress.
        store: keeps finished parts, so that an interrupted run goes on.
        ray: address of a Ray cluster that plays the parts instead of processes; then 0 workers
            mean as many as it has room for.

    Raises:
        P2PMarketError: the first error of any part; parts not yet begun are dropped.
        Interruption: if this process was asked to end.
    """
    tasks = sorted(_tasks(jobs, store), key=_order)
    answers: list[dict[Part, Answer]] = [{} for _ in jobs]
    if ray is not None:
        playing = on_cluster(tasks, ray, workers, tell)
    elif workers == 1:
        playing = _here(tasks, tell)
    else:
        playing = in_processes(tasks, workers, tell, work)
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
                yield task.number, put_together(jobs[task.number], ordered)


def evaluate_all(
    jobs: Sequence[Job],
    workers: int,
    tell: Tell,
    store: PartStore | None = None,
    ray: str | None = None,
) -> list[ScenarioResult]:
    """The same at once; results stand in the order of the jobs."""
    with closing(evaluate_each(jobs, workers, tell, store, ray)) as playing:
        results = dict(playing)
    return [results[number] for number in range(len(jobs))]


def _tasks(jobs: Sequence[Job], store: PartStore | None) -> Iterator[Task]:
    for number, job in enumerate(jobs):
        known = store.find(job) if store is not None else {}
        for part in parts_of(job):
            yield Task(number, part, known.get(part))


def _order(task: Task) -> tuple[int, bool, bool, bool]:
    """Job after job; policies first, since they may fail, and of them the longest."""
    policy = task.part.policy
    return task.number, policy == OPTIMUM, task.known is not None, policy not in PLANNING


def _here(tasks: Sequence[Task], tell: Tell) -> Playing:
    for task in tasks:
        yield task, play_part(task.part, task.known, partial(tell, task.number))
